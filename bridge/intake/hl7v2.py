"""HL7 v2 at the doors: what became of a message is told in an acknowledgement, never in an OperationOutcome.

AA: it is durable, whatever is done with it. AR: it cannot be used as it is; kept, and told where and why.
AE: a failure of ours, nothing was kept; the sender keeps the message and sends it again.
"""

from datetime import datetime
from typing import Final
from uuid import uuid4

from fastapi import Response

from bridge.domain.journey import EventState
from bridge.errors import Problem, Unavailable
from bridge.intake.answers import RETRY_AFTER_S
from bridge.intake.desk import Desk
from bridge.pipeline.verdict import Became, Terms, Verdict
from bridge.sources import Source
from bridge.store.messages import Message
from bridge.wire.hl7v2_ack import Ack, acknowledge

MEDIA_TYPE: Final = "x-application/hl7-v2+er7"
_SPOKEN: Final = frozenset({MEDIA_TYPE, "application/hl7-v2+er7", "application/hl7-v2"})
_LEAD: Final = b"\xef\xbb\xbf\x0b\r\n \t"
# The HTTP statuses of HL7 over HTTP: its senders know no others.
_STATUS: Final = {Ack.ACCEPT: 200, Ack.REJECT: 400, Ack.ERROR: 500}
_PLAIN: Final = frozenset({EventState.APPLIED, EventState.KEPT})  # nothing to tell beside the receipt


def spoken(media_type: str, body: bytes) -> bool:
    """Whether a request speaks HL7 v2, by what it says of itself or by its first bytes."""
    said = media_type.partition(";")[0].strip().lower()
    return said in _SPOKEN or body[:64].lstrip(_LEAD).startswith(b"MSH")


def verdict_of(verdict: Verdict) -> tuple[Ack, tuple[Problem, ...]]:
    """Whether the sender must mend the message, and why."""
    if not (verdict.refused or verdict.conflict):
        return Ack.ACCEPT, ()
    told = tuple(problem for event in verdict.events for problem in event.problems)
    return Ack.REJECT, told or tuple(Problem(code=event.code) for event in verdict.events if event.code)


def acknowledged(body: bytes, verdict: Verdict, *, now: datetime) -> tuple[Ack, bytes]:
    """The acknowledgement of a message that was kept; no bytes when its sender asked for none."""
    code, problems = verdict_of(verdict)
    became = "" if problems else "; ".join(dict.fromkeys(filter(None, map(_became, verdict.events))))
    answer = acknowledge(
        body,
        code,
        problems=problems,
        now=now,
        control_id=_control_id(),
        receipt=verdict.message_id,
        became=became,
    )
    return code, answer


def refused(body: bytes, problem: Problem, *, now: datetime) -> bytes:
    """The answer to bytes that never became a message; they are not kept."""
    return acknowledge(body, Ack.REJECT, problems=(problem,), now=now, control_id=_control_id())


def not_now(body: bytes, *, now: datetime, problems: tuple[Problem, ...] = ()) -> bytes:
    """The answer when nothing could be kept: the sender sends it again."""
    told = problems or (Problem(code="unavailable"),)
    return acknowledge(body, Ack.ERROR, problems=told, now=now, control_id=_control_id())


async def answered(desk: Desk, source: Source, message: Message, terms: Terms) -> Response:
    """Take a message that came over HTTP, and acknowledge it."""
    body, receipt = message.content or b"", message.id
    try:
        code, answer = acknowledged(body, await desk.take(source, message, terms), now=desk.context.now())
    except Unavailable as error:
        code, receipt = Ack.ERROR, ""
        answer = not_now(body, now=desk.context.now(), problems=error.problems)
    return http_answer(code, answer, message.media_type, receipt)


def http_answer(code: Ack, answer: bytes, media_type: str, receipt: str = "") -> Response:
    """An acknowledgement over HTTP, in the sender's own media type where it was text/plain."""
    headers = {"X-Receipt-ID": receipt, "Location": f"/messages/{receipt}"} if receipt else {}
    if code is Ack.ERROR:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    plain = media_type.lower().startswith("text/plain")
    return Response(answer, _STATUS[code], headers, "text/plain" if plain else MEDIA_TYPE)


def _became(event: Became) -> str:
    """`duplicate repeated`, `not-sent practice-off`; "" for what was simply taken."""
    return "" if event.state in _PLAIN else " ".join(filter(None, (event.state.value, event.code)))


def _control_id() -> str:
    """MSH-10 of our own: 20 characters at most (HL7 v2.4)."""
    return uuid4().hex[:20]
