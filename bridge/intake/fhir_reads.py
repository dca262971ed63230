"""Reading a ServiceRequest back, by its id or by a business identifier, and what this server can do.

What is not the caller's is answered as what is not there. A search is never answered more widely than it was
asked: a parameter we do not know is refused, where FHIR would let us pass over it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from bridge.errors import NotFound, Problem, Unreadable
from bridge.fhir.answers import searchset
from bridge.fhir.capabilities import Capability, capability_statement
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.trees import Json
from bridge.intake.answers import fhir
from bridge.intake.desk import Desk
from bridge.intake.fhir_formats import FORMATS, takes_fhir
from bridge.intake.fhir_sources import sources_of
from bridge.pipeline import known, shelf
from bridge.pipeline.known import Known
from bridge.security.caller import Caller
from bridge.store.unit import Tx

_IDENTIFIER = frozenset({"identifier", "ServiceRequest.identifier"})  # the second as BaRS spells it
_PROCESS_MESSAGE = "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"

CAPABILITIES = (
    Capability(interactions=("transaction", "batch"), operations=(("process-message", _PROCESS_MESSAGE),)),
    Capability(
        resource="ServiceRequest",
        interactions=("read", "create", "search-type"),
        searches=(("identifier", "token"),),
        conditional_create=True,
        documentation="A condition and a search name one identifier as system|value.",
    ),
    Capability(
        resource="Task",
        interactions=("read", "create", "update", "search-type"),
        searches=(("owner", "reference"), ("_lastUpdated", "date")),
        documentation="Work of the calling service to collect, and its reports on its own referrals.",
    ),
    Capability(
        resource="QuestionnaireResponse",
        interactions=("create", "update"),
        documentation="Reports of a service on its own referrals.",
    ),
    Capability(
        resource="Patient",
        interactions=("read",),
        documentation="Whom a referral of the calling service is about, as far as it was released.",
    ),
    Capability(
        resource="Observation",
        interactions=("create", "update"),
        documentation="Reports of a service on its own referrals.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Answers reads; each that shows content is audited in the unit that finds it."""

    desk: Desk

    async def read(self, request: Request, identity: str) -> Response:
        """One ServiceRequest, by our id or the one its BaRS sender was given; NotFound."""
        caller = await self.desk.caller(request)
        check_accept(request)
        bars = sources_of(self.desk, messages=True).keys()
        found = await self.desk.store.run(
            lambda tx: self._shown(tx, caller, [known.by_id(tx, bars, identity.lower())])
        )
        if not found:
            raise NotFound
        version = found[0]["meta"]["versionId"]
        return fhir(found[0], 200, {"ETag": f'W/"{version}"'})

    async def search(self, request: Request, *, by_form: bool = False) -> Response:
        """A searchset of what carries the identifier; `by_form`: the body has parameters too."""
        caller = await self.desk.caller(request)
        check_accept(request)
        form = _form_of(await self.desk.body(request)) if by_form else []
        tokens = _tokens([*request.query_params.multi_items(), *form])
        bars = sources_of(self.desk, messages=True).keys()
        sources = sources_of(self.desk, messages=False).keys()
        context = self.desk.context

        def work(tx: Tx) -> list[Json]:
            found = (known.by_identifier(tx, context, sources, bars, token) for token in tokens)
            return self._shown(tx, caller, found)

        resources = await self.desk.store.run(work)
        base = f"{request.base_url}fhir"
        understood = urlencode([("identifier", ",".join(tokens))])
        return fhir(searchset(resources, base=base, self_url=f"{base}/ServiceRequest?{understood}"), 200)

    def _shown(self, tx: Tx, caller: Caller, found: Iterable[Known | None]) -> list[Json]:
        shown = {k.referral_id: k for k in found if k and caller.may_read(k.practice, k.service)}
        hand = self.desk.hand(caller, "ServiceRequest, by FHIR")
        for referral_id in shown:
            hand.sign(tx, "read", referral_id)
        return [self._resource(tx, caller, k) for k in shown.values()]

    def _resource(self, tx: Tx, caller: Caller, shown: Known) -> Json:
        """A service without a server reads all that it was released; others what a cancel needs."""
        context = self.desk.context
        scheme = context.rulebook.by_name(shown.scheme)
        if scheme is not None and not scheme.service.endpoint and not caller.may_read(shown.practice, ""):
            found = shelf.one(tx, context, caller.service, shown.referral_id)
            if found is not None:
                return found.request
        return shown.resource(context, self._released(caller, shown))

    def _released(self, caller: Caller, shown: Known) -> frozenset[str]:
        """A practice sees its own; a service what the scheme tells it."""
        if caller.may_read(shown.practice, ""):
            return ALL_FIELDS
        scheme = self.desk.context.rulebook.by_name(shown.scheme)
        return scheme.released() if scheme else frozenset()


def _tokens(asked: list[tuple[str, str]]) -> list[str]:
    """The identifiers asked for; Unreadable when anything else is asked, or nothing."""
    unknown = [n for n, (name, _) in enumerate(asked) if name not in _IDENTIFIER and name[:1] != "_"]
    if unknown:
        raise Unreadable(
            problems=tuple(Problem(code="parameter-wrong", at=f"parameter {n + 1}") for n in unknown)
        )
    values = [value for name, value in asked if name in _IDENTIFIER]
    tokens = values[0].split(",") if len(values) == 1 else []
    if not tokens or not all("|" in t and all(t.split("|", 1)) for t in tokens):
        raise Unreadable(
            problems=(Problem(code="parameter-wrong", at="identifier", rule="one, as system|value"),)
        )
    return tokens


def _form_of(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise Unreadable(problems=(Problem(code="unreadable"),)) from None


def check_accept(request: Request) -> None:
    """406 where the caller takes neither FHIR JSON nor FHIR XML."""
    if not takes_fhir(request.headers.get("accept", "*/*")):
        raise HTTPException(406)


def metadata(request: Request, version: str, date: str) -> Response:
    """The CapabilityStatement: what the routes of this server answer, and nothing else."""
    statement = capability_statement(
        CAPABILITIES,
        base=f"{request.base_url}fhir",
        software="Referral bridge",
        version=version,
        date=date,
        formats=FORMATS,
    )
    return fhir(statement)
