"""POST /events/{source}: one message in, an honest answer out; GET: what became of it."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import orjson
from fastapi import APIRouter, Path, Request, Response

from bridge.errors import Forbidden, NotFound, Problem
from bridge.intake import hl7v2
from bridge.intake.answers import refusal
from bridge.intake.desk import Desk, media_type_of, trace_of
from bridge.pipeline.verdict import Terms, Verdict
from bridge.security.caller import Caller, Role
from bridge.store import views
from bridge.store.messages import Message

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Ods = Annotated[str, Path(pattern=r"^[A-Z0-9]{3,12}$")]
Uuid = Annotated[str, Path(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
UNREADABLE = frozenset({"unreadable", "no-event"})


def routes(desk: Desk) -> APIRouter:
    """The plain doors."""
    router = APIRouter()

    @router.post("/events/{source}", status_code=202)
    async def post_event(source: Name, request: Request) -> Response:
        """Take one message of a source in; the answer says what became of each thing it says.

        202 for news, 200 for a repeat, 409 for other content under a version that is known. HL7 v2 is
        answered with an acknowledgement. Location leads to the message's story.
        """
        caller = await desk.caller(request)
        found = desk.sources.get(source)
        if found is None or source not in caller.sources or Role.SYSTEM not in caller.roles:
            raise Forbidden(problems=(Problem(code="source-not-yours"),))
        message = await received(desk, request, caller, source=source, mapping=found.version, door="http")
        terms = Terms(allowed=caller.practices)
        if hl7v2.spoken(message.media_type, message.content or b""):
            return await hl7v2.answered(desk, found, message, terms)
        return answer(message, await desk.take(found, message, terms))

    @router.get("/messages/{message_id}")
    async def get_message(message_id: Uuid, request: Request) -> Response:
        """What became of a message, for its sender and for operators.

        Each of `events` has its `state`, the `code` of the reason, `problems`, and the `referral` it is part
        of. Times are UTC in ISO 8601.
        """
        caller = await desk.caller(request)
        story = await desk.store.read(lambda tx: views.message_story(tx, message_id))
        if story is None or not (story["caller"] == caller.name or Role.OPERATOR in caller.roles):
            raise NotFound
        return _json(story)

    @router.get("/referrals/{referral_id}")
    async def get_referral(referral_id: Uuid, request: Request) -> Response:
        """Where a referral stands, for its practice, its service and operators; no patient data.

        `state` with its `code`; `events`, `deliveries`, each with its `tries`, and `outcomes`. Times are
        UTC in ISO 8601.
        """
        caller = await desk.caller(request)
        story = await desk.store.read(lambda tx: views.referral_story(tx, referral_id))
        if story is None or not may_see(caller, story["practice"], story["service"]):
            raise NotFound
        return _json(story)

    return router


def may_see(caller: Caller, practice: str, service: str) -> bool:
    """Operators see where every referral stands; others those of their practices or service."""
    return Role.OPERATOR in caller.roles or caller.may_read(practice, service)


async def received(
    desk: Desk, request: Request, caller: Caller, *, source: str, mapping: str, door: str
) -> Message:
    """The request as a message to keep."""
    content = await desk.body(request)
    trace = trace_of(request)
    return Message(
        id=str(uuid4()),
        source=source,
        door=door,
        caller=caller.name,
        media_type=media_type_of(request),
        content=content,
        size=len(content),
        mapping=mapping,
        request_id=trace.request_id,
        correlation_id=trace.correlation_id,
        traceparent=trace.traceparent,
    )


def answer(message: Message, verdict: Verdict) -> Response:
    """202 for news, 200 for a repeat, 409 for a conflict, 4xx with an OperationOutcome for a refusal."""
    where = {"Location": f"/messages/{message.id}", "X-Receipt-ID": message.id}
    codes = [event.code for event in verdict.events if event.code]
    if verdict.refused or verdict.conflict:
        problems = tuple(p for e in verdict.events for p in e.problems) or tuple(
            Problem(code=code) for code in codes
        )
        status = 409 if verdict.conflict else refused_status(codes, problems)
        return refusal(status, problems, where)
    body = {
        "message": message.id,
        "events": [
            {
                "position": e.position,
                "kind": e.kind,
                "state": e.state.value,
                "code": e.code,
                "referral": e.referral_id,
                "warnings": [{"code": w.code, "at": w.at, "shape": w.shape} for w in e.warnings],
            }
            for e in verdict.events
        ],
    }
    return Response(orjson.dumps(body), 200 if verdict.duplicate else 202, where, "application/json")


def refused_status(codes: list[str], problems: tuple[Problem, ...]) -> int:
    """403 for another's practice, 400 for what is not readable at all, 422 for what is not usable."""
    if "practice-not-yours" in codes:
        return 403
    syntax = ("json-", "xml-", "hl7-no-msh", "body-")
    return 400 if any(p.code in UNREADABLE or p.code.startswith(syntax) for p in problems) else 422


def _json(story: dict[str, Any]) -> Response:
    return Response(orjson.dumps(_told(story)), 200, {}, "application/json")


def _told(held: Any) -> Any:
    """A story as the other answers speak: instants in ISO 8601, and `referral` for its id."""
    if isinstance(held, list):
        return [_told(each) for each in held]
    if not isinstance(held, dict):
        return held
    return {_RENAMED.get(name, name): _instant(name, each) for name, each in held.items()}


_RENAMED = {"referral_id": "referral"}


def _instant(name: str, held: Any) -> Any:
    if isinstance(held, int) and (name in _INSTANTS or name.endswith("_at")):
        return datetime.fromtimestamp(held / 1000, UTC).isoformat(timespec="milliseconds")
    return _told(held)


_INSTANTS = ("at", "until", "trying_since")
