"""POST /events/outcomes: what a service without a FHIR server reports, as JSON or CSV."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from bridge.errors import Forbidden, Problem
from bridge.errors.catalogue import CATALOGUE
from bridge.intake.answers import refusal
from bridge.intake.desk import Desk
from bridge.intake.http import received, refused_status
from bridge.intake.risk_notice import with_notice
from bridge.pipeline.report import EVENTS, report
from bridge.pipeline.verdict import Became, Verdict
from bridge.security.caller import Role
from bridge.sources import outcome_event
from bridge.store.messages import Message

CSV = "text/csv"


def routes(desk: Desk) -> APIRouter:
    """The outcome door."""
    router = APIRouter()

    @router.post("/events/outcomes", status_code=202)
    async def post_outcomes(request: Request) -> Response:
        """Take in what a service reports, as JSON events or as CSV rows; each is answered for itself.

        202 when something of it is new, 200 when all was said before, 422 when none of it can be used.
        """
        caller = await desk.caller(request)
        if Role.SERVICE not in caller.roles:
            raise Forbidden(problems=(Problem(code="caller-not-allowed"),))
        message = await received(desk, request, caller, source=caller.service, mapping="", door=EVENTS)
        found = outcome_event.risks_of(message.content or b"", is_csv=message.media_type == CSV)
        raised = await desk.hear(message, found)
        verdict = await report(desk.store, desk.context, message)
        desk.wake()
        return with_notice(_answer(message, verdict), raised)

    return router


def _answer(message: Message, verdict: Verdict) -> Response:
    where = {"Location": f"/messages/{message.id}", "X-Receipt-ID": message.id}
    if verdict.refused:
        problems = tuple(p for event in verdict.events for p in _problems(event))
        return refusal(refused_status([p.code for p in problems], problems), problems, where)
    body = {"message": message.id, "events": [told(event) for event in verdict.events]}
    return Response(orjson.dumps(body), 200 if verdict.duplicate else 202, where, "application/json")


def told(event: Became) -> dict[str, Any]:
    """What became of one event, why, and what the sender can do."""
    shown = (*_problems(event), *event.warnings) if event.code or event.warnings else ()
    return {
        "position": event.position,
        "state": event.state.value,
        "code": event.code,
        "referral": event.referral_id,
        "outcome": event.key_id,
        "problems": [_worded(problem) for problem in shown],
    }


def _problems(event: Became) -> tuple[Problem, ...]:
    own = (Problem(code=event.code, at=event.position),) if event.code else ()
    return event.problems or own


def _worded(problem: Problem) -> dict[str, str]:
    entry = CATALOGUE[problem.code]
    place = {"code": problem.code, "at": problem.at, "shape": problem.shape}
    return place | {"meaning": entry.meaning, "next_step": entry.next_step}
