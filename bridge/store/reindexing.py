"""Blind indexes made anew under another key: what was indexed has to be known in the clear for that.

What is known goes through a table of old and new that lives for one transaction; the columns are then changed
by the database itself. An index whose value nobody holds any more stays under the old key and is counted.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    Column,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    update,
)

from bridge.errors import ConfigError
from bridge.store import dialect, documents, held, messages, stances
from bridge.store.tables import event, filed, lane, outcome, person, referral, stance
from bridge.store.tables import held as held_table
from bridge.store.unit import Sealer, Tx

INDEXED = (
    referral.c.patient,
    referral.c.local,
    event.c.patient,
    lane.c.patient,
    filed.c.patient,
    person.c.local,
    person.c.nhs,
    stance.c.nhs,
    stance.c.local,
)
_HEX = 32  # characters of an index; where nothing was known of a person, a UUID of 36 stands in its column
_STEP = 500

_rekey = Table(
    "rekey",
    MetaData(),
    Column("old", String(64), primary_key=True),
    Column("new", String(64), nullable=False),
    prefixes=["TEMPORARY"],
)
_NEW = select(_rekey.c.new)
_OLD = select(_rekey.c.old)

_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bridge' "
    "AND datname = current_database() AND pid <> pg_backend_pid()"
)

Value = tuple[str, str]  # the label of an index, and what it was made of


def begin(tx: Tx) -> None:
    """Make the table of old and new, gone with the connection; ConfigError while another node is there."""
    if tx.dialect == "postgresql" and tx.run(_OTHERS).scalar_one():
        raise ConfigError("Another node is connected to the database; stop every node first.")
    _rekey.drop(tx.conn, checkfirst=True)
    _rekey.create(tx.conn)


def learn(tx: Tx, values: Iterable[Value], old: Sealer, new: Sealer) -> None:
    """Note what each of these values was indexed as and will be."""
    statement = dialect.insert_or_ignore(tx, _rekey)
    for batch in _batches(values):
        rows = [{"old": old.index(*value), "new": new.index(*value)} for value in batch]
        tx.run(statement, rows)


def _batches(values: Iterable[Value]) -> Iterator[list[Value]]:
    batch: list[Value] = []
    for value in values:
        batch.append(value)
        if len(batch) == _STEP:
            yield batch
            batch = []
    if batch:
        yield batch


def known_people(tx: Tx) -> Iterator[Value]:
    """Everyone whom a referral, a kept event or a stance on sharing names."""
    for row in tx.run(select(referral.c.id, referral.c.practice, referral.c.sealed)).yield_per(_STEP):
        record = documents.referral.validate_json(tx.open("referral.sealed", row.id, row.sealed))
        yield from values_of(row.practice, record.patient.local_key, record.patient.nhs_number)
    kept = select(event.c.id, event.c.practice).where(event.c.sealed.is_not(None))
    for row in tx.run(kept).yield_per(_STEP):
        said = messages.open_event(tx, row.id)
        if said is not None and said.referral is not None:
            patient = said.referral.patient
            yield from values_of(row.practice, patient.local_key, patient.nhs_number)
    yield from stances.indexed(tx)


def values_of(practice: str, local_key: str, number: Any) -> Iterator[Value]:
    """What one person is found by."""
    if local_key:
        yield "local", f"{practice}|{local_key}"
    if number is not None:
        yield "nhs", number.digits


def change(tx: Tx) -> int:
    """Put the new indexes in the place of the old ones; how many could not be made anew."""
    left = 0
    for column in INDEXED:
        table = column.table
        new = select(_rekey.c.new).where(_rekey.c.old == column).scalar_subquery()
        tx.run(update(table).where(column.in_(_OLD)).values({column.name: new}))
        stuck = select(func.count()).where(func.length(column) == _HEX, column.not_in(_NEW))
        left += tx.run(stuck).scalar_one()
    return left


def change_outcomes(tx: Tx, new: Sealer) -> None:
    """The business identifiers of what services said."""
    after = ""
    while rows := tx.run(_OUTCOMES, {"after": after}).all():
        after = rows[-1].id
        for row in rows:
            said = documents.outcome.validate_json(tx.open("outcome.sealed", row.id, row.sealed))
            tx.run(_SET_OUTCOME, {"row": row.id, "index": new.index("outcome", said.identifier)})


_OUTCOMES = (
    select(outcome.c.id, outcome.c.sealed)
    .where(outcome.c.id > bindparam("after"))
    .order_by(outcome.c.id)
    .limit(_STEP)
)
_SET_OUTCOME = update(outcome).where(outcome.c.id == bindparam("row")).values(identifier=bindparam("index"))


def change_held(tx: Tx, new: Sealer) -> None:
    """Held rows are found by the index of their own key, which is also what they are sealed for."""
    key = held_table.c.kind, held_table.c.owner, held_table.c.key
    query = select(held_table).order_by(*key).limit(_STEP)
    after: tuple[str, ...] = ()
    while rows := tx.run(query.where(tuple_(*key) > tuple_(*map(literal, after))) if after else query).all():
        after = tuple(rows[-1])[:3]
        for row in rows:
            _change_held(tx, new, row)


def _change_held(tx: Tx, new: Sealer, row: Any) -> None:
    kept = held.opened(tx, row.kind, row.owner, row)
    if new.index(f"held.{row.kind}", kept.key) == row.key:
        return  # moved ahead of us
    moved = held.sealed(Tx(tx.conn, new, lambda _conn: tx.now), kept)
    tx.run(_DROP, {"a": row.kind, "b": row.owner, "c": row.key})
    tx.run(insert(held_table), moved)


_DROP = delete(held_table).where(
    held_table.c.kind == bindparam("a"),
    held_table.c.owner == bindparam("b"),
    held_table.c.key == bindparam("c"),
)
