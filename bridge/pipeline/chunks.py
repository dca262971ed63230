"""What one chunk of an extract does: rows are held, what they say is applied, people's facts are renewed.

All of it is one unit. One entry or person that fails for a fault of ours is undone alone and left to a
person; the rest of the chunk, and the extract, go on.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

from bridge.domain.journey import EventState
from bridge.errors import BridgeError
from bridge.events import Event, emit, failed_at
from bridge.pipeline import accept, ending, keeping
from bridge.pipeline.context import Context, local_index
from bridge.pipeline.keeping import Done
from bridge.pipeline.verdict import Became
from bridge.sources import Reading, Source, emis
from bridge.store import feeds, people
from bridge.store.feeds import Batch
from bridge.store.messages import EventRow, Message
from bridge.store.people import Person
from bridge.store.unit import Tx

T = TypeVar("T")
LEFT_OUT = frozenset({EventState.NOT_SENT, EventState.PARKED})  # states that need a reason in the counts


def take(
    tx: Tx,
    ctx: Context,
    source: Source,
    codes: emis.Context,
    message: Message,
    chunk: emis.Chunk,
    batch: Batch,
    told: list[Became],
) -> Batch:
    """Take one chunk of the message's extract and move the resume point behind it.

    `told` is what became of its events, for the caller to tell of once all this is durable.
    """
    told.clear()
    taken = emis.take(tx, chunk, source.mapping, codes)
    counts = Counter(batch.counts)
    counts.update(taken.counts)
    for reading in _readings(chunk, taken):
        counts["events"] += 1
        became = _settle(tx, ctx, message, counts["events"], reading)
        told.append(became)
        counts[f"event.{became.state.value}"] += 1
        if became.state in LEFT_OUT:
            counts[f"{became.state.value}.{became.code}"] += 1
    for facts in taken.people:
        if not _know(tx, ctx, message, facts, counts["events"] + 1):
            counts["events"] += 1
            counts[f"event.{EventState.PARKED.value}"] += 1
    moved = replace(batch, table=chunk.table, row=chunk.row, counts=dict(counts))
    feeds.put_batch(tx, moved)
    return moved


def _readings(chunk: emis.Chunk, taken: emis.Taken) -> Iterator[Reading]:
    """What the rows say; a row that could not be read is a parked event of its own, and the rest goes on."""
    yield from taken.readings
    for problem in (*chunk.problems, *taken.problems):
        yield Reading(position=problem.at, problems=(problem,))


def _settle(tx: Tx, ctx: Context, message: Message, n: int, reading: Reading) -> Became:
    return _apart(
        tx,
        lambda: accept.settle(tx, ctx, message, n, reading, bulk=True),
        lambda: keeping.note(tx, accept.failed(ctx, message, n, reading)),
    )


def _know(tx: Tx, ctx: Context, message: Message, facts: emis.PersonFacts, n: int) -> bool:
    """Remember what is known of a person and act on it; False when that was left to somebody."""
    return _apart(
        tx,
        lambda: _person(tx, ctx, message.id, facts),
        lambda: _person_failed(tx, ctx, message, facts, n),
    )


def _apart(tx: Tx, work: Callable[[], T], otherwise: Callable[[], T]) -> T:
    """Do the one, and the other when that fails; what the store refuses fails the whole chunk."""
    try:
        with tx.conn.begin_nested():
            return work()
    except (BridgeError, InterfaceError, OperationalError):
        raise
    except Exception as error:  # noqa: BLE001 - one entry must not stop all the others
        emit(Event.WORKER_FAILED, worker="folder", error=failed_at(error))
        return otherwise()


def _person(tx: Tx, ctx: Context, cause: str, facts: emis.PersonFacts) -> bool:
    """A death, a deduction or a new confidentiality takes open referrals back.

    A death or a confidentiality also takes back what came under another key of the same NHS number: somebody
    who has left may have come back under a new key, a death is one.
    """
    local = local_index(tx, facts.practice, facts.local_key)
    nhs = tx.sealer.index("nhs", facts.nhs_number.digits) if facts.nhs_number else ""
    if facts.withheld:
        before = people.person_of(tx, local)
        people.forget_person(tx, local)
        nhs = before.nhs if before else ""
        ending.withdraw(
            tx, ctx, local, cause=cause, code="patient-confidential", nhs=nhs, practice=facts.practice
        )
        return True
    known = Person(
        local=local,
        nhs=nhs,
        practice=facts.practice,
        registered=facts.registered,
        deceased=facts.deceased,
        known_at=int(facts.known_at.timestamp() * 1000),
    )
    people.put_person(tx, known)
    if facts.deceased:
        ending.withdraw(
            tx, ctx, local, cause=cause, code="patient-deceased", nhs=nhs, practice=facts.practice
        )
    elif not facts.registered:
        ending.withdraw(tx, ctx, local, cause=cause, code="patient-not-registered")
    return True


def _person_failed(tx: Tx, ctx: Context, message: Message, facts: emis.PersonFacts, n: int) -> bool:
    row = EventRow(
        id=ctx.new_id(),
        message_id=message.id,
        n=n,
        position="",
        kind="person",
        state=EventState.PARKED,
        source=message.source,
        code="withdrawal-failed",
        practice=facts.practice,
        patient=tx.sealer.index("nhs", facts.nhs_number.digits) if facts.nhs_number else "",
    )
    keeping.note(tx, Done(row=row))
    return False
