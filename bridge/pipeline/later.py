"""Translate what was kept untranslated: after a fault of ours, or when a door was told to keep first.

Each kept message is translated in a unit of its own. One that fails again waits longer; after the last try
it is parked for a person, and no other message waits for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from sqlalchemy import delete, select, update

from bridge.domain.journey import EventState, EventStep
from bridge.errors import Unavailable
from bridge.events import Event, emit, failed_at
from bridge.pipeline import accept, mailbox, report
from bridge.pipeline.context import Context
from bridge.pipeline.outcomes import NotYet
from bridge.pipeline.telling import tell_codes
from bridge.pipeline.verdict import Became
from bridge.sources import Sources
from bridge.store import messages
from bridge.store.messages import Message
from bridge.store.tables import UNSETTLED_EVENT, event, message
from bridge.store.unit import Store, Tx

BATCH = 100
TRIES = 5
FIRST_WAIT_MS = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """What translating later needs. `allowed` gives the practices a caller speaks for; None for no bound."""

    store: Store
    context: Context
    sources: Sources
    allowed: Callable[[str], frozenset[str] | None]


async def translate_kept(translator: Translator) -> int:
    """Translate what is due; how many messages were taken. Raises Unavailable when the store is away."""
    due = await translator.store.read(_due)
    for event_id, message_id in due:
        try:
            await _translate(translator, event_id, message_id)
        except NotYet:
            await translator.store.run(partial(_again, event_id=event_id))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one message must not stop the others
            emit(Event.WORKER_FAILED, worker="translate", error=failed_at(error))
            await translator.store.run(partial(_again, event_id=event_id))
    return len(due)


def _due(tx: Tx) -> list[tuple[str, str]]:
    query = (
        select(event.c.id, event.c.message_id)
        .where(
            UNSETTLED_EVENT,
            event.c.state == EventState.KEPT.value,
            event.c.kind == "message",
            event.c.until <= tx.now,
        )
        .order_by(event.c.until)
        .limit(BATCH)
    )
    return [(row.id, row.message_id) for row in tx.run(query)]


async def _translate(translator: Translator, event_id: str, message_id: str) -> None:
    kept = await translator.store.read(lambda tx: kept_message(tx, message_id))
    apply = telling(translator, kept)

    def work(tx: Tx) -> list[Became]:
        gone = tx.run(delete(event).where(event.c.id == event_id, event.c.state == EventState.KEPT.value))
        return apply(tx, 0) if gone.rowcount else []  # else another node has translated it meanwhile

    tell_codes(kept.source, await translator.store.run(work))


Telling: TypeAlias = Callable[[Tx, int], list[Became]]


def telling(translator: Translator, kept: Message, *, replayed: bool = False) -> Telling:
    """Read a kept message; what is given back applies it in a unit, its events numbered from there."""
    if kept.door in report.DOORS:
        return _reports(translator, kept)
    if kept.door == mailbox.DOOR:
        return lambda tx, first: mailbox.heard(tx, translator.context, kept, first)
    return _readings(translator, kept, replayed=replayed)


def _readings(translator: Translator, kept: Message, *, replayed: bool) -> Telling:
    """What a GP system sent."""
    ctx = translator.context
    readings = accept.read(translator.sources.sent_by(kept.caller, kept.source), kept, ctx)
    allowed = translator.allowed(kept.caller)

    def apply(tx: Tx, first: int) -> list[Became]:
        return [
            accept.settle(tx, ctx, kept, n, reading, allowed=allowed, bulk=True, replayed=replayed)
            for n, reading in enumerate(readings, first)
        ]

    return apply


def _reports(translator: Translator, kept: Message) -> Telling:
    """What a service reported."""
    ctx = translator.context
    reports = report.read(kept, ctx)

    def apply(tx: Tx, first: int) -> list[Became]:
        recorded = ((n, said, report.recorded(tx, ctx, kept, said)) for n, said in enumerate(reports, first))
        return [report.settle(tx, ctx, kept, n, said, became) for n, said, became in recorded]

    return apply


def kept_message(tx: Tx, message_id: str) -> Message:
    """A message with its bytes, which are None once purged."""
    row = tx.run(select(message).where(message.c.id == message_id)).one()
    return Message(
        id=row.id,
        source=row.source,
        door=row.door,
        caller=row.caller,
        practice=row.practice,
        media_type=row.media_type,
        content=messages.get_body(tx, row.body_id),
        size=row.size,
        mapping=row.mapping,
        request_id=row.request_id,
        correlation_id=row.correlation_id,
        arrived=row.received_at,
    )


def _again(tx: Tx, event_id: str) -> None:
    tries = tx.run(select(event.c.attempts).where(event.c.id == event_id)).scalar_one_or_none()
    if tries is None:
        return
    if tries + 1 >= TRIES:
        messages.move_event(tx, event_id, EventStep.PARK, code="translation-failed", attempts=tries + 1)
        return
    wait = FIRST_WAIT_MS * 2**tries
    tx.run(update(event).where(event.c.id == event_id).values(attempts=tries + 1, until=tx.now + wait))
