"""What people and systems ask: the story of a message, of a referral, what is parked, how much waits.

Nothing here opens a sealed column: these answers hold no patient data.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import select

from bridge.domain.journey import ReferralState
from bridge.store import pages
from bridge.store.pages import NEWEST_OF_ALL, OLDEST
from bridge.store.tables import (
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


def referral_list(
    tx: Tx, *, practice: str = "", state: str = "", limit: int = 50, after: str = ""
) -> list[dict[str, Any]]:
    """Referrals, behind the one named: of a practice the newest first, else what changed last first."""
    opened = bool(practice and not state)
    before = pages.place_of(tx, after, opened=opened) if after else NEWEST_OF_ALL
    if opened:
        return pages.referrals_of(tx, practice, before, limit)
    if practice:
        return pages.referrals_standing(tx, practice, state, before, limit)
    states = [state] if state else [each.value for each in ReferralState]
    found = [row for each in states for row in pages.referrals_in(tx, each, before, limit)]
    return sorted(found, key=lambda row: (row["at"], row["id"]), reverse=True)[:limit]


def parked(tx: Tx, *, limit: int = 200, code: str | None = None) -> list[dict[str, Any]]:
    """What waits for a person, for one reason or any: events, referrals and deliveries, oldest first."""
    codes = pages.parked_codes(tx) if code is None else [code]
    found = [
        {"id": row["id"], "what": row["kind"], "code": each, "at": row["at"], "practice": row["practice"]}
        | {"referral_id": row["referral_id"], "position": row.get("position") or row.get("what", "")}
        for each in codes
        for row in pages.parked_page(tx, each, OLDEST, limit)
    ]
    return sorted(found, key=lambda row: (row["at"], row["id"]))[:limit]
