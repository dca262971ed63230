"""What became of an event as a FHIR server says it: a status, where it is, and an outcome in words."""

from collections.abc import Iterable
from http import HTTPStatus

from bridge.domain.journey import EventState
from bridge.errors import Problem
from bridge.fhir.answers import EntryAnswer, operation_outcome, success
from bridge.fhir.trees import Json
from bridge.intake.http import refused_status
from bridge.pipeline.outcomes import KIND
from bridge.pipeline.verdict import Became

_LATER = frozenset({EventState.PARKED, EventState.KEPT, EventState.WAITING})
_SYNTAX = frozenset(
    {
        "fhir-bundle-type",
        "fhir-condition",
        "fhir-id-differs",
        "fhir-message-elsewhere",
        "fhir-not-a-resource",
        "fhir-type-differs",
    }
)
_WORDS = {
    EventState.KEPT: "It is kept safely and will be worked on soon.",
    EventState.DUPLICATE: "The same was said before; nothing was done twice.",
}


def status_of(became: Became, *, created: bool = True) -> int:
    """The HTTP status: 201 for something new, 200 for no news, 202 for a person's work, 4xx for a failure.

    `created` is False where the request was an update.
    """
    if became.conflict:
        return HTTPStatus.CONFLICT
    if became.failed:
        wrong_request = became.code in _SYNTAX
        return 400 if wrong_request else refused_status([became.code], became.problems)
    if became.state in _LATER:
        return HTTPStatus.ACCEPTED
    is_new = became.opened or (became.kind == KIND and became.state is EventState.APPLIED)
    return HTTPStatus.CREATED if is_new and created else HTTPStatus.OK


def problems_of(became: Became) -> tuple[Problem, ...]:
    """Why it failed."""
    return became.problems or (Problem(code=became.code, at=became.position),)


def outcome_of(became: Became) -> Json:
    """An OperationOutcome of what was done, what is odd about it, or why nothing was done."""
    if became.failed:
        return operation_outcome(problems_of(became))
    warned = operation_outcome(became.warnings, severity="warning")
    return {**warned, "issue": [*_told(became)["issue"], *warned["issue"]]}


def _told(became: Became) -> Json:
    if not became.code or became.state is EventState.DUPLICATE:
        return success(_WORDS.get(became.state, "It was understood and done."))
    severity = "warning" if became.state is EventState.PARKED else "information"
    return operation_outcome((Problem(code=became.code, at=became.position),), severity=severity)


def place_of(became: Became, kind: str) -> str:
    """Where the resource of that type is, relative to our FHIR base; "" where there is none.

    A referral is known by its own id, an outcome by our id of this version of it.
    """
    if became.failed or not became.key_id:
        return ""
    identity = became.key_id if became.kind == KIND else became.referral_id or became.key_id
    return f"{kind}/{identity}"


def entry_of(became: Became, kind: str, *, created: bool) -> EntryAnswer:
    """The answer to one entry of a transaction or batch, which held a resource of that type."""
    status = HTTPStatus(status_of(became, created=created))
    words = f"{status.value} {status.phrase}"
    return EntryAnswer(status=words, location=place_of(became, kind), outcome=outcome_of(became))


def failures_of(events: Iterable[Became]) -> tuple[int, tuple[Problem, ...]]:
    """One status and all problems of the events that failed by themselves."""
    failed = [e for e in events if e.failed and e.code != "transaction-refused"]
    statuses = [status_of(e) for e in failed]
    problems = tuple(p for e in failed for p in problems_of(e))
    return max(statuses, key=_weight), problems


def _weight(status: int) -> tuple[bool, int]:
    """A conflict is told before anything else, another's practice before what can be mended."""
    return status == HTTPStatus.CONFLICT, -abs(status - HTTPStatus.FORBIDDEN)
