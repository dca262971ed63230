"""Scripted trouble: what real servers do on bad days, for the next N requests or by percentage."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from random import Random
from typing import Any, Literal

from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive, Scope, Send

FHIR_JSON = "application/fhir+json"

_CODES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    408: "timeout",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    422: "processing",
    429: "throttled",
    503: "transient",
}


class Trouble(StrEnum):
    """What goes wrong."""

    STATUS = "status"  # `status` with an OperationOutcome that fits it
    EMPTY = "empty"  # `status` without a body
    INFRASTRUCTURE = "infrastructure"  # `status` whose outcome speaks of a database that is away
    HTML = "html"  # `status` with a web page
    ERROR_OUTCOME = "error-outcome"  # 200 with an OperationOutcome of severity error
    FAILED_ENTRY = "failed-entry"  # 200 transaction-response, nothing stored, one entry says `status`
    LOST_REPLY = "lost-reply"  # stored, then the connection is cut before the answer
    CUT = "cut"  # the connection is cut, nothing stored
    HALF = "half"  # stored, half of the answer sent, then cut
    HANG = "hang"  # nothing stored, no answer until the caller gives up or `seconds` are over, then cut
    HANG_STORED = "hang-stored"  # the same, but stored
    SLOW = "slow"  # stored and answered after `seconds`


STORES = frozenset({Trouble.LOST_REPLY, Trouble.HALF, Trouble.HANG_STORED, Trouble.SLOW})


class Step(BaseModel):
    """One line of a script.

    It applies to requests whose method and path fit (`path` is a part of the path, "" any), `times` of them
    (0: without end), each with a chance of `percent` drawn from `seed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trouble: Trouble
    times: int = Field(default=1, ge=0)
    percent: int = Field(default=100, ge=0, le=100)
    seed: int = 0
    method: str = ""
    path: str = ""
    whole_path: bool = False  # `path` is all of it: "" is the base itself, where transactions go
    status: int = Field(default=500, ge=200, le=599)
    wait: Literal["", "seconds", "date", "ratelimit"] = ""  # how the answer says when to come back
    seconds: float = Field(default=1.0, ge=0, le=600)
    code: str = ""  # FHIR issue code of a `status` answer; "" the one that fits
    text: str = ""  # its diagnostics, which at real servers may quote what they were sent


class Script:
    """Steps still to play, in order."""

    def __init__(self) -> None:
        self._live: list[tuple[Step, Random, list[int]]] = []

    def extend(self, *steps: Step) -> None:
        """Add steps behind those still to play."""
        self._live.extend((s, Random(s.seed), [s.times or -1]) for s in steps)

    def clear(self) -> None:
        """Forget all steps: the server is well again."""
        self._live.clear()

    def next(self, method: str, path: str) -> Step | None:
        """The step this request meets, if any."""
        for step, dice, left in self._live:
            fits = path == step.path if step.whole_path else step.path in path
            if not left[0] or step.method not in {"", method} or not fits:
                continue
            if dice.randrange(100) < step.percent:
                left[0] -= 1
                return step
        return None


def outcome(code: str, text: str, severity: str = "error") -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": text}],
    }


def troubled(step: Step, stored: Response | None, now: Callable[[], datetime]) -> Response:
    """The answer to a request that met `step`; `stored` is what it earned, None when not carried out."""
    if step.trouble not in _BODIES:
        return _BrokenLine(step, stored)
    status = 200 if step.trouble in _ALWAYS_200 else step.status
    body, media = _BODIES[step.trouble](step)
    return Response(body, status, _wait(step, now), media)


def _status(step: Step) -> tuple[str, str | None]:
    code = step.code or _CODES.get(step.status, "exception")
    return _fhir(outcome(code, step.text or f"scripted answer {step.status}"))


def _infrastructure(step: Step) -> tuple[str, str | None]:
    code = "transient" if step.status == 503 else "exception"
    return _fhir(outcome(code, "connect ECONNREFUSED 127.0.0.1:5432"))


def _failed_entry(step: Step) -> tuple[str, str | None]:
    why = outcome(_CODES.get(step.status, "exception"), "entry not carried out")
    entries = [{"response": {"status": str(step.status), "outcome": why}}]
    return _fhir({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})


def _fhir(body: dict[str, Any]) -> tuple[str, str | None]:
    return json.dumps(body), FHIR_JSON


_BODIES: dict[Trouble, Callable[[Step], tuple[str, str | None]]] = {
    Trouble.STATUS: _status,
    Trouble.EMPTY: lambda _: ("", None),
    Trouble.INFRASTRUCTURE: _infrastructure,
    Trouble.HTML: lambda _: ("<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>", "text/html"),
    Trouble.ERROR_OUTCOME: lambda _: _fhir(outcome("processing", "not carried out")),
    Trouble.FAILED_ENTRY: _failed_entry,
}
_ALWAYS_200 = frozenset({Trouble.ERROR_OUTCOME, Trouble.FAILED_ENTRY})


def _wait(step: Step, now: Callable[[], datetime]) -> dict[str, str]:
    whole = int(step.seconds)
    match step.wait:
        case "seconds":
            return {"Retry-After": str(whole)}
        case "date":
            return {"Retry-After": format_datetime(now() + timedelta(seconds=whole), usegmt=True)}
        case "ratelimit":
            return {"RateLimit": f'"requests";r=0;t={whole}'}
        case _:
            return {}


class _BrokenLine(Response):
    """Plays a step that needs the connection itself, found in `scope["state"]["transport"]`."""

    def __init__(self, step: Step, stored: Response | None) -> None:
        super().__init__()
        self._step, self._stored = step, stored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        match self._step.trouble:
            case Trouble.SLOW if self._stored is not None:
                await asyncio.sleep(self._step.seconds)
                await self._stored(scope, receive, send)
                return
            case Trouble.HANG | Trouble.HANG_STORED:
                await asyncio.wait({asyncio.ensure_future(_gone(receive))}, timeout=self._step.seconds)
            case Trouble.HALF if self._stored is not None:
                await _half(self._stored, send)
            case _:
                pass
        transport.close()  # what was written leaves, then the line ends
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _half(whole: Response, send: Send) -> None:
    body = bytes(whole.body)
    await send({"type": "http.response.start", "status": whole.status_code, "headers": whole.raw_headers})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
