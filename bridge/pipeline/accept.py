"""Accept: what a GP system says is read, applied and queued in the commit that keeps its message."""

from dataclasses import replace

from bridge.domain.journey import EventState, EventStep
from bridge.errors import IntakeError, Problem
from bridge.pipeline import keeping, person, translate
from bridge.pipeline.applied import Applied, Origin
from bridge.pipeline.context import Context
from bridge.pipeline.keeping import Done
from bridge.pipeline.verdict import UNBOUND, Became, Terms, Verdict
from bridge.sources import Source
from bridge.sources.reading import Reading
from bridge.sources.unmapped_codes import unmapped_in
from bridge.store import feeds, keys, messages
from bridge.store.messages import EventRow, Message
from bridge.store.replays import CONFLICTS
from bridge.store.unit import Store, Tx


def read(source: Source, message: Message, ctx: Context) -> tuple[Reading, ...]:
    """Read a message into readings; what cannot be read at all is one reading with its problems."""
    try:
        found = tuple(source.read(message.content or b"", arrived=ctx.arrival(message.arrived)))
    except IntakeError as error:
        return (Reading(problems=error.problems or (Problem(code="unreadable"),)),)
    return found or (Reading(problems=(Problem(code="no-event"),)),)


async def accept(
    store: Store, ctx: Context, source: Source, message: Message, terms: Terms = UNBOUND
) -> Verdict:
    """Keep, translate and queue in one commit. Raises Unavailable when nothing could be kept."""
    return await keeping.keep(
        store,
        ctx,
        message,
        read=lambda: read(source, message, ctx),
        apply=lambda tx, n, reading: _apply(tx, ctx, message, n, reading, terms),
        terms=terms,
    )


def settle(
    tx: Tx,
    ctx: Context,
    message: Message,
    n: int,
    reading: Reading,
    *,
    allowed: frozenset[str] | None = None,
    bulk: bool = False,
    replayed: bool = False,
) -> Became:
    """Apply one reading of a kept message and record what became of it.

    A bulk door answers per file: what a single-message door refuses is parked there for a person.
    """
    terms = Terms(allowed=allowed, replayed=replayed)
    return keeping.note(tx, _apply(tx, ctx, message, n, reading, terms, bulk=bulk))


def _apply(
    tx: Tx, ctx: Context, message: Message, n: int, reading: Reading, terms: Terms, *, bulk: bool = False
) -> Done:
    event, event_id = reading.event, ctx.new_id()
    origin = Origin(
        event_id=event_id,
        mapping=reading.mapping or message.mapping,
        correlation_id=message.correlation_id or message.id,
        allowed=terms.allowed,
        only_new=reading.position in terms.only_new,
        asked=message.door != keys.BULK_DOOR,
        replay_of=message.id if terms.replayed else "",
        arrived=message.arrived,
    )
    if reading.person is not None:
        applied, held = person.apply(tx, ctx, origin, reading.person)
        if applied.referral_id is None:
            messages.forget_body(tx, message.id)
        return _done(message, n, event_id, replace(reading, event=held), applied)
    if event is None:
        state = EventState.PARKED if bulk else EventState.REFUSED
        own = origin.may_speak_for(reading.practice)
        practice = message.practice or (reading.practice if own else "")
        applied = Applied(state=state, code=reading.problems[0].code, practice=practice)
    else:
        applied = translate.apply(tx, ctx, origin, event)
        if applied.practice and event.extracted_at is not None:
            feeds.heard(tx, message.source, applied.practice, int(event.extracted_at.timestamp() * 1000))
    key = event.key if event else reading.key
    if key is not None:
        _take_off(tx, str(key.id), applied)
    return _done(message, n, event_id, reading, applied)


def _done(message: Message, n: int, event_id: str, reading: Reading, applied: Applied) -> Done:
    event = reading.event
    key = event.key if event else reading.key
    told = unmapped_in((*reading.problems, *reading.warnings))
    row = EventRow(
        id=event_id,
        message_id=message.id,
        n=n,
        position=reading.position,
        kind=_kind(reading),
        state=applied.state,
        source=message.source,
        code=applied.code,
        practice=applied.practice,
        patient=applied.patient,
        key_id=str(key.id) if key else "",
        referral_id=applied.referral_id,
        clock=event.clock if event else "",
        mapping=reading.mapping or message.mapping,
        unmapped_codes=0 if applied.state in _NO_NEWS else told,
        event=event,
    )
    return Done(
        row=row,
        problems=reading.problems,
        warnings=reading.warnings,
        opened=applied.opened,
        unmapped=len(reading.unmapped),
    )


_NO_NEWS = frozenset({EventState.DUPLICATE, EventState.STALE, EventState.OWN_ECHO})


def failed(ctx: Context, message: Message, n: int, reading: Reading) -> Done:
    """A reading that we failed to apply, left to a person; its event is kept for the release."""
    event = reading.event
    ods = event.referral.practice.ods if event and event.referral else None
    practice = ods.code if ods else reading.practice
    applied = Applied(state=EventState.PARKED, code="entry-failed", practice=practice)
    return _done(message, n, ctx.new_id(), reading, applied)


def _kind(reading: Reading) -> str:
    said = reading.person or reading.event
    return said.kind.value if said else "unreadable"


def _take_off(tx: Tx, key_id: str, applied: Applied) -> None:
    """What a person has not decided on is told anew: only the newest stays with them, if anything does.

    What was parked because of a referral that stands (its patient changed, it came again) stays theirs.
    """
    if applied.state not in TOLD_ANEW or applied.code in CONFLICTS:
        return
    for parked in messages.parked_under(tx, key_id):
        if parked.referral_id is None or applied.state is EventState.PARKED:
            messages.move_event(tx, parked.id, EventStep.DISCARD, code="mended-by-source")


TOLD_ANEW = frozenset(
    {EventState.APPLIED, EventState.ATTACHED, EventState.OWN_ECHO, EventState.NOT_SENT, EventState.PARKED}
)


def reapply(tx: Tx, ctx: Context, event_id: str, *, mapping: str, correlation_id: str) -> Applied:
    """Apply a kept or released event again from its own sealed record; returns what became of it."""
    event = messages.open_event(tx, event_id)
    if event is None:
        messages.move_event(tx, event_id, EventStep.PARK, code="event-not-kept")
        return Applied(state=EventState.PARKED, code="event-not-kept")
    origin = Origin(
        event_id=event_id,
        mapping=mapping,
        correlation_id=correlation_id,
        released=True,
        arrived=messages.arrived(tx, event_id),
    )
    applied = translate.apply(tx, ctx, origin, event)
    messages.move_event(
        tx, event_id, STEPS[applied.state], code=applied.code, referral_id=applied.referral_id
    )
    return applied


STEPS = {
    EventState.APPLIED: EventStep.APPLY,
    EventState.ATTACHED: EventStep.ATTACH,
    EventState.DUPLICATE: EventStep.REPEAT,
    EventState.STALE: EventStep.OVERTAKE,
    EventState.OWN_ECHO: EventStep.ECHO,
    EventState.NOT_SENT: EventStep.DECLINE,
    EventState.WAITING: EventStep.WAIT,
    EventState.REFUSED: EventStep.REFUSE,
    EventState.PARKED: EventStep.PARK,
}
