"""The one place where errors become HTTP answers with an OperationOutcome; routes raise."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.errors import (
    BridgeError,
    Busy,
    Conflict,
    Forbidden,
    IntakeError,
    NotFound,
    Problem,
    Unacceptable,
    Unauthenticated,
    Unavailable,
    Unreadable,
)
from bridge.events import Event, emit, failed_at, traced
from bridge.fhir.answers import operation_outcome
from bridge.intake.desk import Encoded, TooLarge, trace_of, tracing
from bridge.intake.fhir_formats import FHIR_JSON, InXml
from bridge.security.rates import TooOften

RETRY_AFTER_S = 5

# Error → HTTP status and the problem to name when the error has none of its own.
ANSWERS: dict[type[BridgeError], tuple[int, str]] = {
    Unauthenticated: (401, "credential-missing"),
    Forbidden: (403, "caller-not-allowed"),
    NotFound: (404, "not-found"),
    Conflict: (409, "version-conflict"),
    TooLarge: (413, "body-too-large"),
    Encoded: (415, "body-encoded"),
    Unreadable: (400, "unreadable"),
    Unacceptable: (422, "unacceptable"),
    IntakeError: (400, "unreadable"),
    Busy: (429, "too-much-waiting"),
    Unavailable: (503, "unavailable"),
    TooOften: (429, "caller-too-often"),
    BridgeError: (500, "internal"),
}
_STATUSES = {404: "not-found", 405: "method-not-allowed", 406: "not-acceptable", 415: "media-type"}


def status_of(error: BridgeError) -> tuple[int, str]:
    """The HTTP status and default problem code of an error."""
    return next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)


def fhir(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A FHIR JSON answer."""
    return Response(orjson.dumps(content), status, dict(headers or {}), FHIR_JSON)


def refusal(status: int, problems: tuple[Problem, ...], headers: Mapping[str, str] | None = None) -> Response:
    """An OperationOutcome that names places and rules, never values."""
    return fhir(operation_outcome(problems), status, headers)


def install(app: FastAPI) -> None:
    """Answer every error in one form, FHIR as it was asked for, all with the tracing ids they came with."""

    @app.exception_handler(BridgeError)
    async def bridge_error(_request: Request, error: BridgeError) -> Response:
        status, code = status_of(error)
        after = error.after if isinstance(error, TooOften) else RETRY_AFTER_S
        headers = {"Retry-After": str(after)} if status in (429, 503) else {}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return refusal(status, error.problems or (Problem(code=code),), headers)

    @app.exception_handler(HTTPException)
    async def http_error(_request: Request, error: HTTPException) -> Response:
        code = _STATUSES.get(error.status_code, "unreadable")
        return refusal(error.status_code, (Problem(code=code),), error.headers)

    @app.exception_handler(RequestValidationError)
    async def wrong_parameters(_request: Request, error: RequestValidationError) -> Response:
        # Parameters are named by us; what stands inside a body is named by the sender.
        places = (".".join(map(str, e["loc"][: 1 if e["loc"][0] == "body" else 2])) for e in error.errors())
        return refusal(400, tuple(Problem(code="parameter-wrong", at=place) for place in places))

    app.add_middleware(Tracing)
    app.add_middleware(InXml)


class Tracing:
    """ASGI: every line logged for a request and every answer to it carry its tracing ids.

    The last belt as well: what nobody caught is a 500, never a stack trace, never a value.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its ids."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        answer = _Traced(send, tracing(request))
        with traced(trace_of(request)):
            try:
                await self._app(scope, receive, answer)
            except Exception as error:
                emit(Event.WORKER_FAILED, worker="http", error=failed_at(error))
                if answer.begun:
                    raise
                await refusal(500, (Problem(code="internal"),))(scope, receive, answer)


class _Traced:
    """Sends an answer with the ids that its request came with; by default nobody stores it."""

    def __init__(self, send: Send, ids: Mapping[str, str]) -> None:
        self._send = send
        self._ids = ids
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(raw=message["headers"])
            headers.update(self._ids)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)
