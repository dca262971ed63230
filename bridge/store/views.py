"""What people and systems ask: the story of a message, of a referral, what is parked, how much waits.

Nothing here opens a sealed column: these answers hold no patient data.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import select

from bridge.domain.journey import DeliveryState, EventState, ReferralState
from bridge.store.tables import (
    UNSETTLED_EVENT,
    attempt,
    delivery,
    event,
    letter,
    message,
    outcome,
    referral,
    settled,
)
from bridge.store.unit import Tx

Row = Mapping[Any, Any]

_EVENT = (
    event.c.id,
    event.c.n,
    event.c.position,
    event.c.kind,
    event.c.state,
    event.c.code,
    event.c.problems,
    event.c.mapping,
    event.c.referral_id,
    event.c.at,
)
_DELIVERY = (
    "id",
    "referral_id",
    "partner",
    "leg",
    "kind",
    "state",
    "code",
    "attempts",
    "created_at",
    "first_sent_at",
    "version",
    "released",
    "known_at",
    "label",
    "cause",
)


def message_story(tx: Tx, message_id: str) -> dict[str, Any] | None:
    """A message and what became of each thing it said."""
    columns = [c for c in message.c if c.name != "body_id"]
    found = tx.run(select(*columns).where(message.c.id == message_id)).mappings().first()
    if found is None:
        return None
    rows = tx.run(select(*_EVENT).where(event.c.message_id == message_id).order_by(event.c.n).limit(1000))
    return {**_plain(found), "events": [_event(row) for row in rows.mappings()]}


def _plain(row: Row) -> dict[str, Any]:
    """A row under plain text keys, as a JSON writer wants them."""
    return {str(name): value for name, value in row.items()}


def _event(row: Row) -> dict[str, Any]:
    return {**_plain(row), "problems": orjson.loads(row["problems"] or "[]")}


def referral_story(tx: Tx, referral_id: str) -> dict[str, Any] | None:
    """A referral: where it stands, its events, deliveries, outcomes and letters; no patient data."""
    hidden = ("sealed", "patient", "local", "service_patient")
    columns = [c for c in referral.c if c.name not in hidden]
    found = tx.run(select(*columns).where(referral.c.id == referral_id)).mappings().first()
    if found is None:
        return None
    events = tx.run(select(*_EVENT).where(event.c.referral_id == referral_id).order_by(event.c.at))
    told = tx.run(
        select(outcome.c.id, outcome.c.kind, outcome.c.status, outcome.c.state, outcome.c.at)
        .where(outcome.c.referral_id == referral_id)
        .order_by(outcome.c.at)
    )
    return {
        **_plain(found),
        "events": [_event(row) for row in events.mappings()],
        "deliveries": _deliveries(tx, referral_id),
        "outcomes": [_plain(row) for row in told.mappings()],
        "letters": _letters(tx, referral_id),
    }


def _letters(tx: Tx, referral_id: str) -> list[dict[str, Any]]:
    """Its letters to the practice, without a word of what they say."""
    columns = ("id", "kind", "version", "route", "state", "code", "replaces", "made_at", "moved_at")
    query = select(*(letter.c[name] for name in columns)).where(letter.c.referral_id == referral_id)
    return [_plain(row) for row in tx.run(query.order_by(letter.c.made_at)).mappings()]


def _deliveries(tx: Tx, referral_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for table in (settled, delivery):
        columns = [table.c[name] for name in _DELIVERY]
        if table is settled:
            columns += [settled.c.settled_at, settled.c.reference, settled.c.level]
        query = select(*columns).where(table.c.referral_id == referral_id)
        rows += [_plain(row) for row in tx.run(query).mappings()]
    for row in rows:
        tries = tx.run(
            select(attempt.c.at, attempt.c.took_ms, attempt.c.result, attempt.c.status, attempt.c.code)
            .where(attempt.c.delivery_id == row["id"])
            .order_by(attempt.c.at)
        )
        row["tries"] = [_plain(t) for t in tries.mappings()]
    return sorted(rows, key=lambda row: row["created_at"])


def referral_list(tx: Tx, *, practice: str = "", state: str = "", limit: int = 50) -> list[dict[str, Any]]:
    """Referrals, newest first."""
    columns = ("id", "source", "practice", "service", "state", "code", "shadow", "task_status", "opened_at")
    query = select(*(referral.c[name] for name in (*columns, "updated_at"))).order_by(
        referral.c.opened_at.desc()
    )
    if practice:
        query = query.where(referral.c.practice == practice)
    if state:
        query = query.where(referral.c.state == state)
    return [_plain(row) for row in tx.run(query.limit(limit)).mappings()]


def parked(tx: Tx, *, limit: int = 200) -> list[dict[str, Any]]:
    """All that waits for a person: events, referrals and deliveries, oldest first."""
    events = select(
        event.c.id, event.c.code, event.c.at, event.c.practice, event.c.referral_id, event.c.position
    ).where(UNSETTLED_EVENT, event.c.state == EventState.PARKED.value)
    found = [{**_plain(row), "what": "event"} for row in tx.run(events.limit(limit)).mappings()]
    referrals = select(
        referral.c.id, referral.c.code, referral.c.updated_at.label("at"), referral.c.practice
    ).where(referral.c.state == ReferralState.PARKED.value)
    found += [
        {**_plain(row), "what": "referral", "referral_id": row["id"], "position": ""}
        for row in tx.run(referrals.limit(limit)).mappings()
    ]
    deliveries = select(
        delivery.c.id,
        delivery.c.code,
        delivery.c.created_at.label("at"),
        referral.c.practice,
        delivery.c.referral_id,
        delivery.c.kind.label("position"),
    ).join(referral, referral.c.id == delivery.c.referral_id)
    found += [
        {**_plain(row), "what": "delivery"}
        for row in tx.run(
            deliveries.where(delivery.c.state == DeliveryState.PARKED.value).limit(limit)
        ).mappings()
    ]
    return sorted(found, key=lambda row: row["at"])[:limit]
