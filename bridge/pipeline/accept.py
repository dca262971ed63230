"""Accept: keep a message, apply what it says and queue what follows, in one commit; then the door answers.

A failure of ours while reading keeps the message with its event in state kept: a worker translates it
later and the sender is told it is safe. A message the sender must mend is kept as refused, with a receipt.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

import orjson

from bridge.domain.journey import EventState, EventStep
from bridge.errors import BridgeError, IntakeError, Problem
from bridge.events import Event, emit, failed_at
from bridge.pipeline import translate
from bridge.pipeline.applied import Applied, Origin
from bridge.pipeline.context import Context
from bridge.pipeline.verdict import UNBOUND, Also, Became, Terms, Verdict, nothing_more
from bridge.sources import Source
from bridge.sources.reading import Reading
from bridge.store import feeds, messages, referrals
from bridge.store.messages import EventRow, Message
from bridge.store.unit import Store, Tx


def read(source: Source, message: Message, ctx: Context) -> tuple[Reading, ...]:
    """Read a message into readings; what cannot be read at all is one reading with its problems."""
    try:
        found = tuple(source.read(message.content or b"", arrived=ctx.now()))
    except IntakeError as error:
        return (Reading(problems=error.problems or (Problem(code="unreadable"),)),)
    return found or (Reading(problems=(Problem(code="no-event"),)),)


async def accept(
    store: Store, ctx: Context, source: Source, message: Message, terms: Terms = UNBOUND
) -> Verdict:
    """Keep, translate and queue in one commit. Raises Unavailable when nothing could be kept."""
    try:
        readings = read(source, message, ctx)
        return await store.run(lambda tx: _keep(tx, ctx, message, readings, terms))
    except BridgeError:
        raise
    except _Undone as undone:
        steps = undone.steps
        return await store.run(lambda tx: _keep_refused(tx, message, steps, terms))
    except Exception as error:  # noqa: BLE001 - a fault of ours is never the sender's loss
        emit(Event.WORKER_FAILED, worker="translate", error=failed_at(error))
        return await store.run(lambda tx: keep_for_later(tx, ctx, message, terms.also))


async def refuse(
    store: Store, ctx: Context, message: Message, problems: tuple[Problem, ...], also: Also
) -> Verdict:
    """Keep a message that the sender must mend, with what is wrong with it."""
    step = (ctx.new_id(), Reading(problems=problems), _unreadable(message, problems, EventState.REFUSED))
    return await store.run(lambda tx: _noted(tx, message, [step], also))


_Step: TypeAlias = tuple[str, Reading, Applied]  # the id of the event, what was read, what became of it


class _Undone(Exception):
    """One event failed and the sender wants all of them or none: the unit is rolled back."""

    def __init__(self, steps: list[_Step]) -> None:
        self.steps = steps
        super().__init__()


def _keep(tx: Tx, ctx: Context, message: Message, readings: Iterable[Reading], terms: Terms) -> Verdict:
    messages.keep(tx, message)
    steps = [_step(tx, ctx, message, reading, terms) for reading in readings]
    if terms.whole and any(_became(step).failed for step in steps):
        raise _Undone(steps)
    return _noted(tx, message, steps, terms.also, kept=True)


def _keep_refused(tx: Tx, message: Message, steps: list[_Step], terms: Terms) -> Verdict:
    """The same message after the unit was rolled back: what failed says why, and the rest was not done."""
    undone = [step if _became(step).failed else (step[0], step[1], _not_done(step[2])) for step in steps]
    return _noted(tx, message, undone, terms.also)


def _not_done(applied: Applied) -> Applied:
    return replace(
        applied, state=EventState.REFUSED, code="transaction-refused", referral_id=None, opened=False
    )


def _noted(tx: Tx, message: Message, steps: list[_Step], also: Also, *, kept: bool = False) -> Verdict:
    if not kept:
        messages.keep(tx, message)
    became = tuple(_note(tx, message, n, step) for n, step in enumerate(steps))
    verdict = Verdict(message_id=message.id, events=became)
    also(tx, verdict)
    return verdict


def keep_for_later(tx: Tx, ctx: Context, message: Message, also: Also = nothing_more) -> Verdict:
    """Keep the message untranslated; the translator takes it from here."""
    messages.keep(tx, message)
    event_id = ctx.new_id()
    row = EventRow(
        id=event_id,
        message_id=message.id,
        n=0,
        position="",
        kind="message",
        state=EventState.KEPT,
        source=message.source,
        practice=message.practice,
        until=tx.now,
    )
    messages.add_event(tx, row)
    became = Became(
        event_id=event_id, position="", kind="message", state=EventState.KEPT, code="", referral_id=None
    )
    verdict = Verdict(message_id=message.id, events=(became,))
    also(tx, verdict)
    return verdict


def settle(
    tx: Tx,
    ctx: Context,
    message: Message,
    n: int,
    reading: Reading,
    *,
    allowed: frozenset[str] | None = None,
    bulk: bool = False,
) -> Became:
    """Apply one reading of a kept message and record what became of it.

    A bulk door answers per file: what a single-message door refuses is parked there for a person.
    """
    return _note(tx, message, n, _step(tx, ctx, message, reading, Terms(allowed=allowed), bulk=bulk))


def _step(
    tx: Tx, ctx: Context, message: Message, reading: Reading, terms: Terms, *, bulk: bool = False
) -> _Step:
    event, event_id = reading.event, ctx.new_id()
    if event is None:
        state = EventState.PARKED if bulk else EventState.REFUSED
        return event_id, reading, _unreadable(message, reading.problems, state)
    origin = Origin(
        event_id=event_id,
        mapping=reading.mapping or message.mapping,
        correlation_id=message.correlation_id or message.id,
        allowed=terms.allowed,
        only_new=reading.position in terms.only_new,
        asked=message.door != referrals.BULK_DOOR,
    )
    applied = translate.apply(tx, ctx, origin, event)
    if applied.practice and event.extracted_at is not None:
        feeds.heard(tx, message.source, applied.practice, int(event.extracted_at.timestamp() * 1000))
    return event_id, reading, applied


def _unreadable(message: Message, problems: tuple[Problem, ...], state: EventState) -> Applied:
    return Applied(state=state, code=problems[0].code, practice=message.practice)


def _note(tx: Tx, message: Message, n: int, step: _Step) -> Became:
    """Record what became of one event of a kept message."""
    event_id, reading, applied = step
    event = reading.event
    became = _became(step)
    messages.add_event(
        tx,
        EventRow(
            id=event_id,
            message_id=message.id,
            n=n,
            position=reading.position,
            kind=became.kind,
            state=applied.state,
            source=message.source,
            code=applied.code,
            problems=problems_json((*reading.problems, *reading.warnings)),
            practice=applied.practice,
            patient=applied.patient,
            key_id=became.key_id,
            referral_id=applied.referral_id,
            clock=event.clock if event else "",
            event=event,
        ),
    )
    return became


def _became(step: _Step) -> Became:
    event_id, reading, applied = step
    return Became(
        event_id=event_id,
        position=reading.position,
        kind=reading.event.kind.value if reading.event else "unreadable",
        state=applied.state,
        code=applied.code,
        referral_id=applied.referral_id,
        problems=reading.problems,
        warnings=reading.warnings,
        key_id=str(reading.event.key.id) if reading.event else "",
        opened=applied.opened,
    )


def problems_json(problems: Iterable[Problem]) -> str:
    """Value-free JSON for the journey; "" for none."""
    listed = list(problems)
    return orjson.dumps(listed).decode() if listed else ""


def reapply(tx: Tx, ctx: Context, event_id: str, *, mapping: str, correlation_id: str) -> Applied:
    """Apply a kept or released event again from its own sealed record; returns what became of it."""
    event = messages.open_event(tx, event_id)
    if event is None:
        return Applied(state=EventState.PARKED, code="event-not-kept")
    origin = Origin(event_id=event_id, mapping=mapping, correlation_id=correlation_id, released=True)
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
