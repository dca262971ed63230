"""Errors as the NHS Booking and Referral Standard wants them: its status, its code and its issue type.

BaRS Core, Error-Handling. What a message says wrongly is 400; what is right and cannot be done is 422; 422 is
also its answer to a version and to a size it does not take.
"""

from collections.abc import Iterable, Mapping

import orjson
from fastapi import Response

from bridge.domain.journey import EventState
from bridge.domain.referral import Coding
from bridge.errors import BridgeError, Problem
from bridge.errors.catalogue import CATALOGUE
from bridge.fhir.answers import operation_outcome
from bridge.intake.answers import RETRY_AFTER_S, status_of
from bridge.intake.fhir_formats import FHIR_JSON
from bridge.pipeline.verdict import Became
from bridge.wire import bars_errors
from bridge.wire.bars_errors import BarsError

_STATUSES = {
    "already-closed": 409,
    "bars-request-id-reused": 409,
    "bars-request-repeated": 409,
    "bars-request-under-way": 425,
    "bars-version-not-supported": 422,
    "body-too-large": 422,
    "json-too-large": 422,
    "not-found": 404,
    "nothing-to-cancel": 404,
    "older-version": 409,
    "practice-not-yours": 403,
    "xml-too-large": 422,
}
_STANDARD = {413: 422, 415: 400}  # what other doors answer, in the words of this one
_BY_STATUS = {e.status: e for e in bars_errors.ERRORS.values() if e.code.startswith("REC_")}
_USUAL = {
    400: "invalid",
    401: "security",
    403: "forbidden",
    404: "not-found",
    406: "processing",
    409: "conflict",
    422: "processing",
    425: "duplicate",
    429: "throttled",
    500: "exception",
    503: "transient",
}
_TOO_COSTLY = frozenset({"body-too-large", "json-too-large", "xml-too-large"})
_REPEATED = "bars-request-repeated"  # the one conflict that a sender takes for success


def body_of(status: int, problems: Iterable[Problem]) -> bytes:
    """The OperationOutcome of a refusal."""
    error = _BY_STATUS[status]
    code = Coding(system=bars_errors.SYSTEM, code=error.code, display=error.display)
    told = [operation_outcome((p,), code=code, issue=_issue(error, p.code)) for p in problems]
    issues = [issue for outcome in told for issue in outcome["issue"]]
    return orjson.dumps({**told[0], "issue": issues})


def _issue(error: BarsError, code: str) -> str:
    """The issue type: the table's, else the catalogue's where it may stand with that error."""
    if code in bars_errors.ANSWERS:
        return bars_errors.ANSWERS[code].issue
    if code in _TOO_COSTLY:
        return "too-costly"
    if error.status == 409:
        return "duplicate" if code == _REPEATED else "conflict"
    said = CATALOGUE[code].fhir if code in CATALOGUE else ""
    return said if said in error.issues else _USUAL[error.status]


def status_for(code: str, default: int) -> int:
    """The BaRS status of a problem code."""
    found = bars_errors.ANSWERS.get(code)
    return found.error.status if found else _STATUSES.get(code, _STANDARD.get(default, default))


def failure_of(became: Became) -> tuple[int, tuple[Problem, ...]] | None:
    """Status and problems of an event that BaRS calls a failure; None when it went well."""
    stale = became.state is EventState.STALE
    if not (became.failed or stale):
        return None
    problems = became.problems or (Problem(code=became.code, at=became.position),)
    usual = 409 if became.conflict else 400 if became.problems else 422
    return status_for(problems[0].code, usual), problems


def refusal(status: int, problems: tuple[Problem, ...], headers: Mapping[str, str] | None = None) -> Response:
    """A refusal with the BaRS code of its status."""
    again = {"Retry-After": str(RETRY_AFTER_S)} if status in (425, 429, 503) else {}
    return Response(body_of(status, problems), status, {**again, **(headers or {})}, FHIR_JSON)


def of_problems(problems: tuple[Problem, ...], usual: int = 400) -> Response:
    """A refusal of a request that was not kept; what has another status than the first waits its turn."""
    status = status_for(problems[0].code, usual)
    return refusal(status, tuple(p for p in problems if status_for(p.code, usual) == status))


def of_error(error: BridgeError) -> Response:
    """An error of ours that ended a request."""
    status, code = status_of(error)
    return of_problems(error.problems or (Problem(code=code),), status)
