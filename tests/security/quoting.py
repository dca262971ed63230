"""A partner that repeats what it was sent in every place of its answers; an ear for all that is logged."""

import json
import logging
import traceback
from collections.abc import Iterator
from itertools import cycle

from fastapi import FastAPI, Request, Response

from tests.security.canaries import MARK

STATUSES = (400, 401, 403, 404, 409, 410, 412, 422, 429, 500, 503)


def quoting_partner() -> FastAPI:
    """Says no in eleven ways, each time with the request in text, codes, keys, headers and web pages."""
    app = FastAPI(openapi_url=None)
    bad_days = cycle(STATUSES)

    async def answer(request: Request) -> Response:
        status, heard = next(bad_days), (await request.body()).decode()
        canary = heard[heard.find(MARK) :][:13] if MARK in heard else MARK
        headers = {"Location": f"Patient/{canary}", "ETag": f'W/"{canary}"', "X-Quoted": canary}
        if status in (404, 500):
            return Response(f"<html>{heard}</html>", status, headers, "text/html")
        outcome = {
            "resourceType": "OperationOutcome",
            canary: canary,
            "issue": [
                {
                    "severity": "error",
                    "code": "processing" if status != 429 else canary,
                    "diagnostics": heard,
                    "details": {"text": heard, "coding": [{"system": canary, "code": canary}]},
                    "expression": [f"Patient.name[0].where(family='{canary}')", canary],
                }
            ],
        }
        return Response(json.dumps(outcome), status, headers, "application/fhir+json")

    app.add_route("/fhir", answer, methods=["GET", "POST", "PUT"])
    app.add_route("/fhir/{path:path}", answer, methods=["GET", "POST", "PUT"])
    return app


class Ear(logging.Handler):
    """Hears every record before anything is masked."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep all that a formatter could show of it."""
        self.heard.append(f"{record.name} {record.getMessage()} {record.__dict__.get('fields')}")
        if record.exc_info and record.exc_info[1]:
            self.heard.append("".join(traceback.format_exception(record.exc_info[1])))


def told(error: BaseException) -> Iterator[str]:
    """All that an exception can show: its text, its repr, and the trace a program would print."""
    yield str(error)
    yield repr(error)
    yield "".join(traceback.format_exception(error))
