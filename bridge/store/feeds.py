"""How fresh what we know of a practice is, and where bulk extracts and polls have got to."""

from dataclasses import dataclass

import orjson
from sqlalchemy import select, update

from bridge.store import dialect
from bridge.store.tables import batch, feed, poll
from bridge.store.unit import Tx


def heard(tx: Tx, source: str, practice: str, extracted_at: int) -> None:
    """A source told us something of a practice; an older feed never overwrites a newer one."""
    tx.run(
        dialect.upsert(tx, feed, "extracted_at", "received_at", newer="extracted_at"),
        {"source": source, "practice": practice, "extracted_at": extracted_at, "received_at": tx.now},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One bulk extract and how far it was read: the resume point is (table, row).

    `series` is whose extracts follow each other, such as those of one sharing agreement.
    """

    id: str
    source: str
    message_id: str
    extracted_at: int
    state: str  # reading, done, refused, parked, released
    counts: dict[str, int]
    series: str = ""
    table: str = ""
    row: int = 0
    started_at: int = 0
    finished_at: int | None = None


def put_batch(tx: Tx, known: Batch) -> None:
    """Record how far an extract was read, in the commit of its effects."""
    values = {
        "id": known.id,
        "source": known.source,
        "series": known.series,
        "message_id": known.message_id,
        "extracted_at": known.extracted_at,
        "state": known.state,
        "table": known.table,
        "row": known.row,
        "counts": orjson.dumps(known.counts).decode(),
        "started_at": known.started_at or tx.now,
        "finished_at": None if known.state == "reading" else tx.now,
    }
    tx.run(dialect.upsert(tx, batch, "message_id", "state", "table", "row", "counts", "finished_at"), values)


def get_batch(tx: Tx, batch_id: str) -> Batch | None:
    """One extract by id."""
    row = tx.run(select(batch).where(batch.c.id == batch_id)).first()
    return None if row is None else _batch(row)


def newest_batch(tx: Tx, source: str, series: str) -> Batch | None:
    """The newest extract of a series that was read to its end."""
    query = select(batch).where(batch.c.source == source, batch.c.series == series, batch.c.state == "done")
    row = tx.run(query.order_by(batch.c.extracted_at.desc()).limit(1)).first()
    return None if row is None else _batch(row)


def release_batch(tx: Tx, message_id: str) -> None:
    """A person has looked at a parked extract and lets it through; it is read when it is met next."""
    tx.run(update(batch).where(batch.c.message_id == message_id).values(state="released"))


def released_batches(tx: Tx, source: str) -> list[str]:
    """The extracts that were let through and not read yet."""
    query = select(batch.c.id).where(batch.c.source == source, batch.c.state == "released")
    return list(tx.run(query).scalars())


def _batch(row: object) -> Batch:
    columns = {name: getattr(row, name) for name in Batch.__dataclass_fields__}
    return Batch(**{**columns, "counts": orjson.loads(columns["counts"])})


def polled_to(tx: Tx, partner: str, resource: str) -> str:
    """The watermark of a poll; "" before the first."""
    query = select(poll.c.since).where(poll.c.partner == partner, poll.c.resource == resource)
    return tx.run(query).scalar_one_or_none() or ""


def set_polled_to(tx: Tx, partner: str, resource: str, since: str) -> None:
    """Move the watermark, in the commit of what was found."""
    tx.run(dialect.upsert(tx, poll, "since"), {"partner": partner, "resource": resource, "since": since})
