"""Source rows kept for later: people, staff, organisations, referral halves waiting for the other half.

Only mapped columns, sealed. A row is found by a blind index of its own key, or of a second key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, select

from bridge.store import dialect
from bridge.store.tables import held
from bridge.store.unit import Tx

Fields = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One held row. `clock` orders versions as text; `until` is milliseconds or None (for ever)."""

    kind: str
    owner: str
    key: str
    fields: Fields
    clock: str
    also: str = ""
    until: int | None = None


def put(tx: Tx, rows: Iterable[Row]) -> None:
    """Keep rows, replacing older versions; a row older than the one held is ignored."""
    values = [sealed(tx, row) for row in rows]
    if not values:
        return
    tx.run(dialect.upsert(tx, held, "also", "clock", "until", "sealed", newer="clock"), values)


def sealed(tx: Tx, row: Row) -> dict[str, object]:
    """A held row as columns, sealed and indexed with the keys of this transaction."""
    key = tx.sealer.index(f"held.{row.kind}", row.key)
    return {
        "kind": row.kind,
        "owner": row.owner,
        "key": key,
        "also": tx.sealer.index(f"held.{row.kind}.also", row.also) if row.also else "",
        "clock": row.clock,
        "until": row.until,
        "sealed": tx.seal(
            "held.sealed", f"{row.kind}/{row.owner}/{key}", orjson.dumps([row.key, row.fields, row.also])
        ),
    }


_GET = select(held.c.key, held.c.sealed, held.c.clock, held.c.until).where(
    held.c.kind == bindparam("kind"), held.c.owner == bindparam("owner"), held.c.key == bindparam("key")
)
_GET_ALSO = select(held.c.key, held.c.sealed, held.c.clock, held.c.until).where(
    held.c.kind == bindparam("kind"), held.c.owner == bindparam("owner"), held.c.also == bindparam("also")
)


def get(tx: Tx, kind: str, owner: str, key: str) -> Row | None:
    """The row of that key, opened."""
    index = tx.sealer.index(f"held.{kind}", key)
    found = tx.run(_GET, {"kind": kind, "owner": owner, "key": index}).first()
    return None if found is None else opened(tx, kind, owner, found)


def by_second_key(tx: Tx, kind: str, owner: str, also: str) -> list[Row]:
    """Every row held under that second key, opened."""
    index = tx.sealer.index(f"held.{kind}.also", also)
    rows = tx.run(_GET_ALSO, {"kind": kind, "owner": owner, "also": index}).all()
    return [opened(tx, kind, owner, row) for row in rows]


def overdue(tx: Tx, kind: str, limit: int = 500) -> Iterator[Row]:
    """Rows whose `until` has passed, oldest first."""
    query = (
        select(held.c.owner, held.c.key, held.c.sealed, held.c.clock, held.c.until)
        .where(held.c.kind == kind, held.c.until <= tx.now)
        .order_by(held.c.until)
        .limit(limit)
    )
    for row in tx.run(query).all():
        yield opened(tx, kind, row.owner, row)


def drop(tx: Tx, kind: str, owner: str, key: str) -> bool:
    """Forget one row; False when there was none."""
    index = tx.sealer.index(f"held.{kind}", key)
    gone = tx.run(delete(held).where(held.c.kind == kind, held.c.owner == owner, held.c.key == index))
    return gone.rowcount > 0


def opened(tx: Tx, kind: str, owner: str, row: Any) -> Row:
    """A row of the table as the held row it is."""
    key, fields, also = orjson.loads(tx.open("held.sealed", f"{kind}/{owner}/{row.key}", row.sealed))
    return Row(kind=kind, owner=owner, key=key, fields=fields, also=also, clock=row.clock, until=row.until)
