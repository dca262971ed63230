"""What every door is given: the store, the rules, the sources, who may call."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from fastapi import Request
from starlette.requests import ClientDisconnect

from bridge.domain.referral import BRIDGE
from bridge.errors import (
    Busy,
    Forbidden,
    Problem,
    Unacceptable,
    Unauthenticated,
    Unavailable,
    Unreadable,
)
from bridge.events import Trace
from bridge.fhir.risks import Risk
from bridge.pipeline import risks
from bridge.pipeline.accept import accept
from bridge.pipeline.context import Context
from bridge.pipeline.keeping import keep_only
from bridge.pipeline.verdict import Terms, Verdict
from bridge.security.caller import Caller, Role
from bridge.security.callers import Callers, RequestFacts
from bridge.security.rates import Rates
from bridge.sources import Source, Sources
from bridge.store import Store, audit
from bridge.store.audit import Hand
from bridge.store.messages import Message
from bridge.wire import traceparent

REQUEST_ID = "X-Request-ID"
CORRELATION_ID = "X-Correlation-ID"
WAITING = frozenset({"too-much-waiting", "waiting-too-long"})  # limits that sending alone brings down
# What a message may be called in the store, which holds its media type in the clear.
MEDIA_TYPES = frozenset(
    {
        "application/fhir+json",
        "application/fhir+xml",
        "application/hl7-v2",
        "application/hl7-v2+er7",
        "application/json",
        "application/octet-stream",
        "application/xml",
        "text/csv",
        "text/plain",
        "text/xml",
        "x-application/hl7-v2+er7",
    }
)


class TooLarge(Unacceptable):
    """The body is larger than this bridge takes."""


class Encoded(Unreadable):
    """The body is compressed; unpacking what a stranger sends could fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The doors' common ground. `full` gives the code of a limit that is passed, or "".

    What people and systems are shown is signed on `chain` as of this `node`.
    """

    store: Store
    context: Context
    sources: Sources
    callers: Callers
    chain: audit.Chain
    node: str
    largest_body: int
    later: bool = False  # keep and answer first, translate afterwards
    wake: Callable[[], None] = field(default=lambda: None)
    full: Callable[[], str] = field(default=lambda: "")
    rates: Rates = field(default_factory=Rates)
    strangers: Rates = field(default_factory=Rates)  # by address: those whom nobody knew

    async def caller(self, request: Request) -> Caller:
        """Who is calling; Unauthenticated, Forbidden, or TooOften for one that sends more than it may.

        An address from which too many unknown callers came waits before it is even looked at.
        """
        facts = RequestFacts.from_scope(request.scope)
        self.strangers.look(facts.peer)
        try:
            caller = await self._identified(facts)
        except Unauthenticated:
            self.strangers.take(facts.peer)
            raise
        self.rates.take(caller.name)
        return caller

    async def _identified(self, facts: RequestFacts) -> Caller:
        if self.callers.may_fetch(facts):
            return await asyncio.to_thread(self.callers.identify, facts)
        return self.callers.identify(facts)

    async def operator(self, request: Request) -> None:
        """Only operators see how everything is; Unauthenticated or Forbidden for anybody else."""
        if Role.OPERATOR not in (await self.caller(request)).roles:
            raise Forbidden(problems=(Problem(code="caller-not-allowed"),))

    def hand(self, caller: Caller, why: str) -> Hand:
        """The hand of a caller, to sign what it is shown or does."""
        return Hand(actor=caller.name, why=why, node=self.node, chain=self.chain)

    def ready(self) -> None:
        """Busy when more than enough waits already, Unavailable when nothing can be taken at all."""
        code = self.full()
        if code:
            raise (Busy if code in WAITING else Unavailable)(problems=(Problem(code=code),))

    async def body(self, request: Request) -> bytes:
        """The whole body, refused as soon as it is too large, or at once when the bridge is full."""
        self.ready()
        if request.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise Encoded(problems=(Problem(code="body-encoded", at="Content-Encoding"),))
        if int(request.headers.get("content-length") or 0) > self.largest_body:
            raise TooLarge(problems=(Problem(code="body-too-large"),))
        chunks, size = [], 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self.largest_body:
                    raise TooLarge(problems=(Problem(code="body-too-large"),))
                chunks.append(chunk)
        except ClientDisconnect:
            raise Unreadable(problems=(Problem(code="body-cut"),)) from None
        return b"".join(chunks)

    async def hear(self, message: Message, found: Iterable[Risk] | None = None) -> int:
        """Keep the risks that a service's message speaks of, before anything else; how many. Unavailable."""
        return await risks.raise_first(self.store, self.context, message, found)

    async def take(self, source: Source, message: Message, terms: Terms) -> Verdict:
        """Keep a message, and translate it now or later as the site says; Unavailable when it is not kept."""
        if self.later:
            verdict = await keep_only(self.store, self.context, message)
        else:
            verdict = await accept(self.store, self.context, source, message, terms)
        self.wake()
        return verdict


def tracing(request: Request) -> dict[str, str]:
    """The two ids of the request, where they are fit to be kept and sent back (64 printable characters)."""
    found = {name: request.headers.get(name, "") for name in (REQUEST_ID, CORRELATION_ID)}
    return {k: v for k, v in found.items() if 0 < len(v) <= 64 and v.isascii() and v.isprintable()}


def trace_of(request: Request) -> Trace:
    """What the store and the log keep of the request's tracing; a traceparent that is not one is dropped."""
    said = tracing(request)
    return Trace(
        request_id=kept_id(said.get(REQUEST_ID, "")),
        correlation_id=kept_id(said.get(CORRELATION_ID, "")),
        traceparent=traceparent.accepted(request.headers.get(traceparent.HEADER, "")),
    )


def kept_id(said: str) -> str:
    """A sender's own id as the store keeps it, in the clear: a UUID stays, other text may say anything.

    Of that the UUID derived from it is kept, the same for the same text.
    """
    try:
        return str(UUID(said)) if said else ""
    except ValueError:
        return str(uuid5(BRIDGE, said))


def media_type_of(request: Request) -> str:
    """The media type without parameters; "" for one that no door speaks."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return said if said in MEDIA_TYPES else ""
