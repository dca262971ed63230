"""Under which keys the sealed columns are, and sealing them anew under the current one, some rows at a time.

Every sealed value names its key behind the version byte (bridge.security.sealing), so the database can count
and choose by it without opening anything. A value that does not open is left as it is and counted: what was
damaged is a person's matter and must not stop a rotation.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, literal, select, tuple_, update

from bridge.errors import BridgeError
from bridge.store.tables import body, event, event_key, held, letter, outcome, referral, stance
from bridge.store.unit import Tx

KEY_AT, KEY_BYTES = 2, 4  # of the key id in a sealed value; SQL counts from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One sealed column, and the columns that name its row both in the table and in what it is bound to."""

    table: Table
    column: str = "sealed"
    row: tuple[str, ...] = ("id",)

    @property
    def place(self) -> str:
        """`table.column`, as its values are bound to."""
        return f"{self.table.name}.{self.column}"

    @property
    def keys(self) -> list[ColumnElement[Any]]:
        """The columns of the row's key."""
        return [self.table.c[name] for name in self.row]


SEALED = (
    Sealed(table=body),
    Sealed(table=event),
    Sealed(table=event_key, column="content"),
    Sealed(table=referral),
    Sealed(table=referral, column="service_patient"),
    Sealed(table=stance),
    Sealed(table=outcome),
    Sealed(table=letter),
    Sealed(table=held, row=("kind", "owner", "key")),
)
PLACES = tuple(each.place for each in SEALED)


def rows_by_key(tx: Tx) -> dict[str, int]:
    """How many values each key seals, by its id."""
    found: Counter[str] = Counter()
    for each in SEALED:
        column = each.table.c[each.column]
        key = func.substr(column, KEY_AT, KEY_BYTES)
        query = select(key.label("key"), func.count().label("n")).where(column.is_not(None))
        found.update({bytes(row.key).hex(): row.n for row in tx.run(query.group_by(key))})
    return dict(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """How far it got: the next place and row (both empty when all is done), and what this step did."""

    place: str
    after: tuple[str, ...]
    done: int
    damaged: int = 0


def reseal(tx: Tx, current: str, *, place: str, after: tuple[str, ...], limit: int) -> Resealed:
    """Seal up to `limit` values of a place anew that are under another key than `current`, in key order.

    Begin with PLACES[0] and () and go on with what comes back until its place is "".
    """
    each = SEALED[PLACES.index(place)]
    column = each.table.c[each.column]
    query = select(*each.keys, column.label("sealed")).where(
        func.substr(column, KEY_AT, KEY_BYTES) != literal(bytes.fromhex(current))
    )
    if after:
        query = query.where(tuple_(*each.keys) > tuple_(*map(literal, after)))
    rows = tx.run(query.order_by(*each.keys).limit(limit)).all()
    opened = sum(_again(tx, each, row) for row in rows)
    if len(rows) == limit:
        last = tuple(rows[-1])[:-1]
        return Resealed(place=place, after=last, done=opened, damaged=len(rows) - opened)
    following = PLACES.index(place) + 1
    upcoming = PLACES[following] if following < len(PLACES) else ""
    return Resealed(place=upcoming, after=(), done=opened, damaged=len(rows) - opened)


def _again(tx: Tx, each: Sealed, row: Any) -> bool:
    """Seal one value anew unless it changed meanwhile; False when it does not open."""
    *keys, old = row
    bound = "/".join(map(str, keys))
    try:
        plain = tx.open(each.place, bound, old)
    except BridgeError:
        return False
    same = and_(*(column == value for column, value in zip(each.keys, keys, strict=True)))
    unchanged = each.table.c[each.column] == old
    new = tx.seal(each.place, bound, plain)
    tx.run(update(each.table).where(same, unchanged).values({each.column: new}))
    return True
