"""The error codes of the NHS Booking and Referral Standard, as data.

Sources: BaRS Core, Error-Handling/Failure-Scenarios-1.1.x; NHSDigital/booking-and-referral-fhir-api,
specification/examples1.4.0/OperationOutcome. Codes that begin with REC_ are ours to send; the others come
from the NHS proxy or the sender's side and are met when we are the sender.
"""

from dataclasses import dataclass

SYSTEM = "https://fhir.nhs.uk/Codesystem/http-error-codes"  # with a small s, as the proxy writes it


@dataclass(frozen=True, slots=True)
class BarsError:
    """HTTP status, BaRS code and the FHIR issue types it may stand with."""

    status: int
    code: str
    issues: frozenset[str]

    @property
    def display(self) -> str:
        """The display the standard gives the code."""
        return f"{self.status} - {self.code}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A BaRS error with the one issue type that fits the case."""

    error: BarsError
    issue: str


def _error(status: int, code: str, *issues: str) -> BarsError:
    return BarsError(status, code, frozenset(issues))


ERRORS: dict[str, BarsError] = {
    error.code: error
    for error in (
        _error(
            400, "REC_BAD_REQUEST", "required", "value", "invalid", "structure", "invariant", "not-supported"
        ),
        _error(401, "REC_UNAUTHORIZED", "security", "forbidden"),
        _error(403, "REC_FORBIDDEN", "forbidden", "security"),
        _error(404, "REC_NOT_FOUND", "not-found"),
        _error(406, "REC_NOT_ACCEPTABLE", "processing"),
        _error(408, "REC_TIMEOUT", "timeout"),
        _error(409, "REC_CONFLICT", "duplicate", "conflict"),
        _error(422, "REC_UNPROCESSABLE_ENTITY", "not-supported", "too-costly", "processing"),
        _error(425, "REC_TOO_EARLY", "duplicate"),
        _error(429, "REC_TOO_MANY_REQUESTS", "throttled"),
        _error(500, "REC_SERVER_ERROR", "exception", "no-store", "transient", "too-costly"),
        _error(501, "REC_NOT_IMPLEMENTED", "not-supported"),
        _error(503, "REC_SERVICE_UNAVAILABLE", "transient"),
        _error(400, "SEND_BAD_REQUEST", "required", "value", "invalid"),
        _error(401, "SEND_UNAUTHORIZED", "login", "expired", "security", "unknown"),
        _error(403, "SEND_FORBIDDEN", "forbidden"),
        _error(405, "SEND_METHOD_NOT_ALLOWED", "not-supported"),
        _error(406, "SEND_NOT_ACCEPTABLE", "processing"),
        _error(429, "SEND_TOO_MANY_REQUESTS", "throttled"),
        _error(400, "PROXY_BAD_REQUEST", "structure", "invalid", "required"),
        _error(404, "PROXY_NOT_FOUND", "not-found", "multiple-matches"),
        _error(500, "PROXY_SERVER_ERROR", "exception", "no-store", "transient", "too-costly"),
        _error(503, "PROXY_UNAVAILABLE", "transient"),
    )
}


def _answer(code: str, issue: str) -> Answer:
    return Answer(ERRORS[code], issue)


ANSWERS: dict[str, Answer] = {
    "bars-header-missing": _answer("REC_BAD_REQUEST", "required"),
    "bars-header-not-uuid": _answer("REC_BAD_REQUEST", "invalid"),
    "bars-header-not-base64": _answer("REC_BAD_REQUEST", "structure"),
    "bars-header-content": _answer("REC_BAD_REQUEST", "structure"),
    "bars-header-too-long": _answer("REC_BAD_REQUEST", "structure"),
    "bars-not-acceptable": _answer("REC_NOT_ACCEPTABLE", "processing"),
}
"""Problem codes of `bridge.wire.bars` and what a receiver answers to each."""
