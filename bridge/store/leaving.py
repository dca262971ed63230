"""A practice leaves: what is still under way, and every row of its people, some referrals at a time."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, exists, func, or_, select, tuple_

from bridge.domain.journey import LIVING
from bridge.store.purging import UNRESOLVED
from bridge.store.tables import (
    attempt,
    body,
    coded,
    delivery,
    event,
    event_key,
    feed,
    filed,
    held,
    lane,
    letter,
    message,
    outcome,
    person,
    referral,
    request,
    risk,
    settled,
    stance,
)
from bridge.store.unit import Tx

RowId = tuple[str, str, str]
_STEP = 1000  # ids in one statement


def under_way(tx: Tx, practice: str) -> dict[str, int]:
    """What must end first: open referrals, deliveries, and events that are not decided."""
    open_ = select(func.count()).where(referral.c.practice == practice, referral.c.state.in_(LIVING))
    due = (
        select(func.count())
        .select_from(delivery.join(referral, referral.c.id == delivery.c.referral_id))
        .where(referral.c.practice == practice)
    )
    undecided = select(func.count()).where(event.c.practice == practice, event.c.state.in_(UNRESOLVED))
    return {
        "referrals": tx.run(open_).scalar_one(),
        "deliveries": tx.run(due).scalar_one(),
        "events": tx.run(undecided).scalar_one(),
    }


def referrals_of(tx: Tx, practice: str, after: str, limit: int) -> list[str]:
    """Some referrals of the practice, by id, behind one."""
    query = select(referral.c.id).where(referral.c.practice == practice, referral.c.id > after)
    return list(tx.run(query.order_by(referral.c.id).limit(limit)).scalars())


def events_of(tx: Tx, referrals: Sequence[str]) -> list[str]:
    """The events of these referrals."""
    return list(tx.run(select(event.c.id).where(event.c.referral_id.in_(referrals))).scalars())


def indexes_of(tx: Tx, referrals: Sequence[str]) -> frozenset[str]:
    """The blind indexes of whom these referrals are about."""
    rows = tx.run(select(referral.c.patient, referral.c.local).where(referral.c.id.in_(referrals)))
    return frozenset(index for row in rows for index in row if index)


def events_alone(tx: Tx, practice: str, after: str, limit: int) -> list[str]:
    """Some events of the practice that no referral came of, by id, behind one."""
    query = select(event.c.id).where(
        event.c.practice == practice, event.c.referral_id.is_(None), event.c.id > after
    )
    return list(tx.run(query.order_by(event.c.id).limit(limit)).scalars())


def rows_held(tx: Tx, owners: Collection[str], after: RowId, limit: int) -> list[RowId]:
    """Some source rows of these owners as (kind, owner, key), behind one."""
    place = (held.c.kind, held.c.owner, held.c.key)
    query = select(*place).where(held.c.owner.in_(owners), tuple_(*place) > after)
    return [(row.kind, row.owner, row.key) for row in tx.run(query.order_by(*place).limit(limit))]


def drop_referrals(tx: Tx, ids: Sequence[str]) -> dict[str, int]:
    """Every row of these referrals; how many of each table."""
    bodies = tx.run(select(settled.c.body_id).where(settled.c.referral_id.in_(ids))).scalars().all()
    told = tx.run(select(outcome.c.message_id).where(outcome.c.referral_id.in_(ids))).scalars().all()
    said = tx.run(select(event.c.message_id).where(event.c.referral_id.in_(ids))).scalars().all()
    sent = select(settled.c.id).where(settled.c.referral_id.in_(ids))
    gone = {
        "attempt": _drop(tx, attempt, attempt.c.delivery_id.in_(sent)),
        "body": _drop(tx, body, body.c.id.in_([each for each in bodies if each])),
    }
    for table in (settled, lane, filed, coded, outcome, letter, risk, event_key, event):
        gone[table.name] = _drop(tx, table, table.c.referral_id.in_(ids))
    gone["referral"] = _drop(tx, referral, referral.c.id.in_(ids))
    for name, n in drop_messages(tx, {*told, *said}).items():
        gone[name] = gone.get(name, 0) + n
    return gone


def drop_rest(tx: Tx, practice: str, owners: Collection[str]) -> dict[str, int]:
    """What no referral came of: events, people, stances, feeds, and the source rows of its `owners`."""
    theirs = event.c.practice == practice
    keys = select(event.c.key_id).where(theirs)
    said = tx.run(select(event.c.message_id).where(theirs)).scalars().all()
    gone = {
        "event_key": _drop(tx, event_key, event_key.c.id.in_(keys)),
        "event": _drop(tx, event, theirs),
        "person": _drop(tx, person, person.c.practice == practice),
        "stance": _drop(tx, stance, stance.c.practice == practice),
        "feed": _drop(tx, feed, feed.c.practice == practice),
        "held": _drop(tx, held, held.c.owner.in_(owners)),
    }
    messages = sorted(set(said))
    for start in range(0, len(messages), _STEP):
        for name, n in drop_messages(tx, messages[start : start + _STEP]).items():
            gone[name] = gone.get(name, 0) + n
    return gone


def drop_messages(tx: Tx, ids: Collection[str]) -> dict[str, int]:
    """The messages among these that nothing else is known from, with their bytes and answers."""
    said = exists().where(event.c.message_id == message.c.id)
    left = or_(said, exists().where(outcome.c.message_id == message.c.id))
    empty = list(tx.run(select(message.c.id).where(message.c.id.in_(ids), ~left)).scalars())
    answers = tx.run(select(request.c.answer_id).where(request.c.message_id.in_(empty))).scalars().all()
    gone = {
        "request": _drop(tx, request, request.c.message_id.in_(empty)),
        "body": _drop(tx, body, body.c.id.in_([*empty, *(each for each in answers if each)])),
    }
    gone["message"] = _drop(tx, message, message.c.id.in_(empty))
    return gone


def owners_held(tx: Tx) -> list[str]:
    """Whose source rows are held, as the source names organisations."""
    return list(tx.run(select(held.c.owner).where(held.c.owner != "").distinct()).scalars())


def _drop(tx: Tx, table: Table, which: ColumnElement[Any]) -> int:
    return tx.run(delete(table).where(which)).rowcount
