"""Accept: keep a message, apply what it says and queue what follows, in one commit; then the door answers.

A failure of ours while reading keeps the message with its event in state kept: a worker translates it
later and the sender is told it is safe. A message the sender must mend is kept as refused, with a receipt.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from bridge.domain.journey import EventState, EventStep
from bridge.errors import BridgeError, IntakeError, Problem
from bridge.events import Event, emit, failed_at
from bridge.pipeline import translate
from bridge.pipeline.context import Context
from bridge.pipeline.translate import Applied, Origin
from bridge.sources import Source
from bridge.sources.reading import Reading
from bridge.store import feeds, messages
from bridge.store.messages import EventRow, Message
from bridge.store.unit import Store, Tx

RETRY_MS = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """One event of a message and what became of it."""

    event_id: str
    position: str
    kind: str
    state: EventState
    code: str
    referral_id: str | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to a message: what became of each thing it said."""

    message_id: str
    events: tuple[Became, ...]

    @property
    def refused(self) -> bool:
        """Nothing of it could be used and the sender must mend it."""
        return bool(self.events) and all(e.state is EventState.REFUSED for e in self.events)

    @property
    def conflict(self) -> bool:
        """Same key and version as before, other content."""
        return any(e.code == "version-conflict" for e in self.events)

    @property
    def duplicate(self) -> bool:
        """Everything it says was said before."""
        return bool(self.events) and all(e.state is EventState.DUPLICATE for e in self.events)


def read(source: Source, message: Message, ctx: Context) -> tuple[Reading, ...]:
    """Read a message into readings; what cannot be read at all is one reading with its problems."""
    try:
        found = tuple(source.read(message.content or b"", arrived=ctx.now()))
    except IntakeError as error:
        return (Reading(problems=error.problems or (Problem(code="unreadable"),)),)
    return found or (Reading(problems=(Problem(code="no-event"),)),)


async def accept(
    store: Store, ctx: Context, source: Source, message: Message, *, allowed: frozenset[str] | None = None
) -> Verdict:
    """Keep, translate and queue in one commit. Raises Unavailable when nothing could be kept.

    `allowed` are the practices the sender speaks for; None for a door that is bound by where it stands.
    """
    try:
        readings = read(source, message, ctx)
    except Exception as error:  # noqa: BLE001 - a fault of ours is never the sender's loss
        emit(Event.WORKER_FAILED, worker="translate", error=failed_at(error))
        return await store.run(lambda tx: keep_for_later(tx, ctx, message))
    try:
        return await store.run(lambda tx: _keep(tx, ctx, message, readings, allowed))
    except BridgeError:
        raise
    except Exception as error:  # noqa: BLE001 - the same, while applying what was read
        emit(Event.WORKER_FAILED, worker="translate", error=failed_at(error))
        return await store.run(lambda tx: keep_for_later(tx, ctx, message))


def _keep(
    tx: Tx, ctx: Context, message: Message, readings: Iterable[Reading], allowed: frozenset[str] | None
) -> Verdict:
    messages.keep(tx, message)
    became = tuple(
        settle(tx, ctx, message, n, reading, allowed=allowed) for n, reading in enumerate(readings)
    )
    return Verdict(message_id=message.id, events=became)


def keep_for_later(tx: Tx, ctx: Context, message: Message) -> Verdict:
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
    return Verdict(message_id=message.id, events=(became,))


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
    event_id = ctx.new_id()
    event = reading.event
    if event is None:
        state = EventState.PARKED if bulk else EventState.REFUSED
        applied = Applied(state=state, code=reading.problems[0].code, practice=message.practice)
    else:
        origin = Origin(
            event_id=event_id,
            mapping=reading.mapping or message.mapping,
            correlation_id=message.correlation_id or message.id,
            allowed=allowed,
        )
        applied = translate.apply(tx, ctx, origin, event)
        if applied.practice and event.extracted_at is not None:
            feeds.heard(tx, message.source, applied.practice, int(event.extracted_at.timestamp() * 1000))
    noted = (*reading.problems, *reading.warnings)
    messages.add_event(
        tx,
        EventRow(
            id=event_id,
            message_id=message.id,
            n=n,
            position=reading.position,
            kind=event.kind.value if event else "unreadable",
            state=applied.state,
            source=message.source,
            code=applied.code,
            problems=problems_json(noted),
            practice=applied.practice,
            patient=applied.patient,
            key_id=str(event.key.id) if event else "",
            referral_id=applied.referral_id,
            clock=event.clock if event else "",
            event=event,
        ),
    )
    return Became(
        event_id=event_id,
        position=reading.position,
        kind=event.kind.value if event else "unreadable",
        state=applied.state,
        code=applied.code,
        referral_id=applied.referral_id,
        problems=reading.problems,
        warnings=reading.warnings,
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
