"""`POST /fhir/$process-message`: the door of the NHS Booking and Referral Standard (BaRS).

In the standard's order: who calls, headers, has this request been here, version, workflow, what is known of
it. The row that remembers a request and its answer is written in the commit of its effects, so a repeat is
told from a new message whatever happened in between. `use-context` is not read, as receivers must not.
"""

import re
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from fastapi import Request, Response

from bridge.domain.journey import ReferralState
from bridge.errors import BridgeError, Conflict, Forbidden, Problem, Unreadable
from bridge.events import Event, emit, failed_at
from bridge.fhir import inbound
from bridge.fhir.answers import message_receipt
from bridge.fhir.bars import Workflow, request_entry, workflow_of
from bridge.fhir.references import Message as Resources
from bridge.fhir.trees import Json, text
from bridge.fhir.writing import to_json
from bridge.intake import bars_answers
from bridge.intake.desk import Desk
from bridge.intake.fhir_formats import FHIR_JSON
from bridge.intake.fhir_sources import SHIPPED, source_for, versions_of
from bridge.intake.http import received
from bridge.intake.risk_notice import with_notice
from bridge.pipeline import keeping, known, outcomes
from bridge.pipeline.accept import accept
from bridge.pipeline.report import LIMIT, PUSHED, answered_by, report
from bridge.pipeline.verdict import Terms, Verdict
from bridge.security.caller import Caller, Role
from bridge.sources import Source
from bridge.store import messages
from bridge.store.messages import Message, Seen
from bridge.store.unit import Tx
from bridge.wire.bars import BarsHeaders, read_headers

# What a response may hold beside what we can record (an Appointment, a Condition): it waits for a person.
_LEFT_TO_PEOPLE = frozenset({"fhir-outcome-unknown"})
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# A referral the service has ended is not the GP's to cancel any more; the GP is told so.
_ENDED_BY_SERVICE = frozenset({ReferralState.REJECTED, ReferralState.COMPLETED})


class _Meanwhile(Conflict):
    """Another node has just processed this very request."""


class BarsDoor:
    """Answers BaRS messages. It remembers which requests are under way in this process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._under_way: set[tuple[str, str]] = set()

    async def process_message(self, request: Request) -> Response:
        """One message in, the answer that the standard wants out, whatever happens."""
        try:
            return await self._processed(request)
        except BridgeError as error:
            return bars_answers.of_error(error)
        except Exception as error:  # noqa: BLE001 - even a fault of ours is told in the standard's words
            emit(Event.WORKER_FAILED, worker="bars", error=failed_at(error))
            return bars_answers.of_problems((Problem(code="internal"),), 500)

    async def _processed(self, request: Request) -> Response:
        caller = await self._desk.caller(request)
        headers = read_headers(request.headers)
        if headers.problems:
            return bars_answers.of_problems(headers.problems)
        key = caller.name, str(headers.request_id)
        if key in self._under_way:
            return bars_answers.of_problems((Problem(code="bars-request-under-way"),))
        self._under_way.add(key)
        try:
            return await self._once(caller, headers, request)
        finally:
            self._under_way.discard(key)

    async def _once(self, caller: Caller, headers: BarsHeaders, request: Request) -> Response:
        raw = await received(self._desk, request, caller, source="", mapping="", door="bars")
        message = replace(raw, request_id=str(headers.request_id), correlation_id=str(headers.correlation_id))
        answered = await self._again(message)
        if answered is not None:
            return answered
        raised = await self._desk.hear(replace(message, source=caller.service)) if caller.service else 0
        exchange = await self._exchange(caller, message)
        try:
            verdict = await exchange.carried_out()
        except _Meanwhile:
            return await self._again(message) or bars_answers.of_problems(
                (Problem(code="bars-request-under-way"),)
            )
        self._desk.wake()
        status, body = exchange.answer(verdict)
        return with_notice(Response(body, status, {"X-Receipt-ID": message.id}, FHIR_JSON), raised)

    async def _again(self, message: Message) -> Response | None:
        """The answer to a request id that was used before; None when it is new."""

        def look(tx: Tx) -> tuple[Seen, bytes | None] | None:
            seen = messages.seen_request(tx, message.caller, message.request_id)
            return None if seen is None else (seen, messages.get_body(tx, seen.message_id))

        found = await self._desk.store.read(look)
        if found is None:
            return None
        seen, first = found
        emit(Event.REQUEST_REPEATED, message=seen.message_id, caller=message.caller)
        receipt = {"X-Receipt-ID": seen.message_id or ""}
        if seen.answer and seen.status is not None:
            return Response(seen.answer, seen.status, receipt, FHIR_JSON)
        same = first is None or first == message.content
        code = "bars-request-repeated" if same else "bars-request-id-reused"
        return bars_answers.refusal(409, (Problem(code=code),), receipt)

    async def _exchange(self, caller: Caller, message: Message) -> "_Exchange":
        """Who says what: the message under the source that reads it, and its workflow."""
        desk = self._desk
        source = None if Role.SYSTEM not in caller.roles else source_for(desk, caller, messages=True)
        if source is None and Role.SERVICE not in caller.roles:
            raise Forbidden(problems=(Problem(code="caller-not-allowed"),))
        reads = source or desk.sources[SHIPPED[True]]
        resource, workflow = _read(message, versions_of(reads))
        if workflow is Workflow.RESPONSE and not caller.service:
            raise Forbidden(problems=(Problem(code="caller-not-allowed"),))
        if workflow in (Workflow.NEW, Workflow.CANCEL) and source is None:
            raise Forbidden(problems=(Problem(code="caller-not-allowed"),))
        if source is None or workflow is Workflow.RESPONSE:
            message = replace(message, source=caller.service, door=PUSHED)
        else:
            message = replace(message, source=source.name, mapping=source.version)
        return _Exchange(
            desk=desk, caller=caller, message=message, source=reads, resource=resource, workflow=workflow
        )


def _read(message: Message, versions: frozenset[str]) -> tuple[Json, Workflow | tuple[Problem, ...]]:
    """The message and its workflow, or the problems that refuse it."""
    try:
        resource = inbound.read(message.content or b"", limit=LIMIT)
    except Unreadable as error:
        return {}, error.problems
    workflow = workflow_of(Resources.of(resource), versions)
    return resource, (workflow,) if isinstance(workflow, Problem) else workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """One message that was not here before."""

    desk: Desk
    caller: Caller
    message: Message
    source: Source
    resource: Json
    workflow: Workflow | tuple[Problem, ...]

    async def carried_out(self) -> Verdict:
        """Keep it, apply it, and remember the request with its answer, in one commit."""
        desk, ctx = self.desk, self.desk.context
        also = self._remember
        if not isinstance(self.workflow, Workflow):
            return await keeping.refuse(desk.store, ctx, self.message, self.workflow, also)
        problem = await desk.store.read(self._unfit)
        if problem is not None:
            return await keeping.refuse(desk.store, ctx, self.message, (problem,), also)
        if self.workflow is Workflow.RESPONSE:
            terms = Terms(whole=True, also=also)
            return await report(desk.store, ctx, self.message, terms, parks=_LEFT_TO_PEOPLE)
        terms = Terms(allowed=self.caller.practices, also=also)
        return await accept(desk.store, ctx, self.source, self.message, terms)

    def _unfit(self, tx: Tx) -> Problem | None:
        """What is known of a referral that stands against answering or cancelling it."""
        if self.workflow is Workflow.RESPONSE:
            ours = f"{self.desk.context.naming.referral}|{answered_by(self.resource)}"
            found = outcomes.named(tx, self.desk.context, self.caller.service, ours)
            at = "MessageHeader.response.identifier"
            return None if found else Problem(code="not-found", at=at)
        if self.workflow is Workflow.CANCEL:
            held = known.by_id(tx, (self.source.name,), self.identity)
            if held is None or held.practice not in self.caller.practices:
                return Problem(code="not-found", at="ServiceRequest.id")
            if held.state in _ENDED_BY_SERVICE:
                return Problem(code="already-closed", at="ServiceRequest.status")
        return None

    @property
    def identity(self) -> str:
        """The id the ServiceRequest has from us: that of the first Bundle, or of what a response answers."""
        entry = request_entry(Resources.of(self.resource))
        named = {
            Workflow.NEW: text(self.resource, "id"),
            Workflow.CANCEL: text(entry.resource, "id") if entry else "",
            Workflow.RESPONSE: answered_by(self.resource),
        }
        return named[self.workflow].lower() if isinstance(self.workflow, Workflow) else ""

    def _remember(self, tx: Tx, verdict: Verdict) -> None:
        message = self.message
        tx.lock(f"request|{message.caller}|{message.request_id}")
        if messages.seen_request(tx, message.caller, message.request_id) is not None:
            raise _Meanwhile
        status, body = self._failure(verdict) or (200, b"")
        messages.answer_request(
            tx,
            caller=message.caller,
            request_id=message.request_id,
            correlation_id=message.correlation_id,
            message_id=message.id,
            status=status,
            answer=body,
            answer_id=str(uuid5(UUID(message.id), "answer")),
        )

    def answer(self, verdict: Verdict) -> tuple[int, bytes]:
        """Status and body: the refusal, or the message as it came with our ids."""
        return self._failure(verdict) or (200, self._receipt())

    def _failure(self, verdict: Verdict) -> tuple[int, bytes] | None:
        own = (e for e in verdict.events if e.code != "transaction-refused")
        failed = [failure for event in own if (failure := bars_answers.failure_of(event))]
        if not failed:
            return None
        status = failed[0][0]
        return status, bars_answers.body_of(status, [p for s, ps in failed if s == status for p in ps])

    def _receipt(self) -> bytes:
        identity = self.identity if _UUID.fullmatch(self.identity) else self.message.id
        now = self.desk.context.now()
        return to_json(message_receipt(self.resource, identity=identity, updated=now))
