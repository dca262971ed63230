"""Tell of what became of a message once it is durable: in the log, and so to whatever counts the log."""

from collections.abc import Iterable

from bridge.domain.journey import EventState
from bridge.events import Event, emit
from bridge.pipeline.outcomes import KIND
from bridge.pipeline.verdict import Became, Verdict
from bridge.store.messages import Message


def tell(message: Message, verdict: Verdict, *, took_ms: float) -> None:
    """A message was kept, with what became of it, in `took_ms`."""
    about = {"message": message.id, "caller": message.caller}
    emit(
        Event.MESSAGE_KEPT,
        source=message.source,
        door=message.door,
        events=len(verdict.events),
        unmapped=sum(each.unmapped for each in verdict.events),
        took_ms=took_ms,
        **about,
    )
    tell_codes(message.source, verdict.events)
    for each in verdict.events:
        _tell_of(message, each)
    if verdict.refused or verdict.conflict:
        failed = next(e for e in verdict.events if e.state is EventState.REFUSED or e.conflict)
        code = failed.problems[0].code if failed.problems else failed.code
        event = Event.OUTCOME_REFUSED if failed.kind == KIND else Event.MESSAGE_REFUSED
        emit(event, source=message.source, door=message.door, code=code, **about)


def tell_codes(source: str, told: Iterable[Became]) -> None:
    """Which of these events had codes that mean nothing here, for the count of each practice."""
    for each in told:
        if each.unmapped_codes:
            emit(
                Event.CODES_UNMAPPED,
                event=each.event_id,
                source=source,
                practice=each.practice,
                codes=each.unmapped_codes,
            )


def _tell_of(message: Message, each: Became) -> None:
    if each.state is EventState.PARKED:
        emit(Event.EVENT_PARKED, event=each.event_id, source=message.source, code=each.code)
    elif each.kind == KIND and each.state is EventState.APPLIED:
        emit(Event.OUTCOME_RECORDED, referral=each.referral_id, source=message.source)
    if each.opened:
        emit(Event.REFERRAL_OPENED, referral=each.referral_id, source=message.source)
