"""What the page for people asks: every answer is a page of bounded size, found by an index; no patient data.

Counts stop at a limit, so that a look costs the same beside a million rows as beside ten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import TextClause, bindparam, select, text, tuple_

from bridge.store.tables import delivery, event, message, referral, settled
from bridge.store.unit import Tx

MOST = 1_000  # of one reason that are counted


class Place(NamedTuple):
    """Behind which row a page begins, in the order of the page."""

    at: int
    id: str


OLDEST, NEWEST_OF_ALL = Place(-1, ""), Place(1 << 62, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """What waits for a person for one reason: how many, and since when (ms). `more`: there are more still."""

    code: str
    n: int
    since: int
    more: bool


# What is parked, by reason: the same questions of each of three tables, by the index `<table>_parked_ix`.
KINDS = {"event": "at", "referral": "updated_at", "delivery": "created_at"}
_PARKED = "state = 'parked' AND code >= ''"


def _of_each(statement: str) -> dict[str, TextClause]:
    return {kind: text(statement.format(kind=kind, at=at, parked=_PARKED)) for kind, at in KINDS.items()}


NEXT_CODE = _of_each("SELECT code FROM {kind} WHERE {parked} AND code > :code ORDER BY code LIMIT 1")
COUNT_CODE = _of_each(
    "SELECT count(*) AS n, min(since) AS since FROM (SELECT {at} AS since FROM {kind} "
    "WHERE {parked} AND code = :code ORDER BY {at}, id LIMIT :most) AS found"
)
PAGE = _of_each(
    "SELECT id, {at} AS at FROM {kind} "
    "WHERE {parked} AND code = :code AND ({at}, id) > (:at, :id) ORDER BY {at}, id LIMIT :most"
)


def parked_codes(tx: Tx) -> set[str]:
    """Every reason for which something is parked, and the empty one."""
    return {code for kind in KINDS for code in _codes(tx, kind)}


def parked_piles(tx: Tx) -> list[Pile]:
    """Everything that is parked, by reason; what has waited longest comes first."""
    found: dict[str, Pile] = {}
    for kind in KINDS:
        for code in _codes(tx, kind):
            row = tx.run(COUNT_CODE[kind], {"code": code, "most": MOST + 1}).one()
            if row.n:
                pile = Pile(code=code, n=min(row.n, MOST), since=row.since, more=row.n > MOST)
                found[code] = _both(found[code], pile) if code in found else pile
    return sorted(found.values(), key=lambda pile: pile.since)


def _codes(tx: Tx, kind: str) -> Iterator[str]:
    """Every reason of a kind, one seek each; what is parked without one is looked for as well."""
    code: str | None = ""
    while code is not None:
        yield code
        code = tx.run(NEXT_CODE[kind], {"code": code}).scalar_one_or_none()


def _both(one: Pile, other: Pile) -> Pile:
    return Pile(
        code=one.code,
        n=one.n + other.n,
        since=min(one.since, other.since),
        more=one.more or other.more,
    )


def parked_page(tx: Tx, code: str, after: Place, limit: int) -> list[dict[str, Any]]:
    """What is parked for one reason, oldest first: `kind`, `id`, `at`, and what tells one from another."""
    places: list[tuple[int, str, str]] = []
    for kind in KINDS:
        rows = tx.run(PAGE[kind], {"code": code, "at": after.at, "id": after.id, "most": limit})
        places += [(row.at, row.id, kind) for row in rows]
    chosen = sorted(places)[:limit]
    about = {
        row["id"]: row for kind in KINDS for row in _about(tx, kind, [i for _, i, k in chosen if k == kind])
    }
    return [{"kind": kind, "at": at, **about[item]} for at, item, kind in chosen if item in about]


_OF_EVENTS = select(
    event.c.id, event.c.practice, event.c.referral_id, event.c.position, event.c.kind.label("what")
).add_columns(event.c.source)
_OF_REFERRALS = select(
    referral.c.id, referral.c.practice, referral.c.id.label("referral_id"), referral.c.source
)
_OF_DELIVERIES = select(
    delivery.c.id, referral.c.practice, delivery.c.referral_id, delivery.c.kind.label("what")
).add_columns(delivery.c.partner)
_ABOUT = {
    "event": _OF_EVENTS.where(event.c.id.in_(bindparam("ids", expanding=True))),
    "referral": _OF_REFERRALS.where(referral.c.id.in_(bindparam("ids", expanding=True))),
    "delivery": _OF_DELIVERIES.join(referral, referral.c.id == delivery.c.referral_id).where(
        delivery.c.id.in_(bindparam("ids", expanding=True))
    ),
}


def _about(tx: Tx, kind: str, ids: list[str]) -> list[dict[str, Any]]:
    return [_plain(row) for row in tx.run(_ABOUT[kind], {"ids": ids}).mappings()] if ids else []


_REFERRALS = select(
    *(
        referral.c[name]
        for name in ("id", "source", "practice", "service", "state", "code", "shadow", "task_status")
    ),
    referral.c.opened_at,
    referral.c.updated_at,
)
BY_STATE = (
    _REFERRALS.add_columns(referral.c.updated_at.label("at"))
    .where(
        referral.c.state == bindparam("of"),
        tuple_(referral.c.updated_at, referral.c.id) < tuple_(bindparam("at"), bindparam("id")),
    )
    .order_by(referral.c.updated_at.desc(), referral.c.id.desc())
    .limit(bindparam("most"))
)
BY_PRACTICE = (
    _REFERRALS.add_columns(referral.c.opened_at.label("at"))
    .where(
        referral.c.practice == bindparam("of"),
        tuple_(referral.c.opened_at, referral.c.id) < tuple_(bindparam("at"), bindparam("id")),
    )
    .order_by(referral.c.opened_at.desc(), referral.c.id.desc())
    .limit(bindparam("most"))
)


STANDING = (
    _REFERRALS.add_columns(referral.c.updated_at.label("at"))
    .where(
        referral.c.practice == bindparam("practice"),
        referral.c.state == bindparam("of"),
        tuple_(referral.c.updated_at, referral.c.id) < tuple_(bindparam("at"), bindparam("id")),
    )
    .order_by(referral.c.updated_at.desc(), referral.c.id.desc())
    .limit(bindparam("most"))
)
_PLACE = select(referral.c.opened_at, referral.c.updated_at).where(referral.c.id == bindparam("row"))


def place_of(tx: Tx, referral_id: str, *, opened: bool) -> Place:
    """Where a referral stands in a list by its opening, or by its last change; of none before all."""
    row = tx.run(_PLACE, {"row": referral_id}).first()
    if row is None:
        return OLDEST
    return Place(row.opened_at if opened else row.updated_at, referral_id)


def referrals_in(tx: Tx, state: str, before: Place, limit: int) -> list[dict[str, Any]]:
    """Referrals in a state, what changed last first."""
    return _rows(tx, BY_STATE, state, before, limit)


def referrals_of(tx: Tx, practice: str, before: Place, limit: int) -> list[dict[str, Any]]:
    """Referrals of a practice, the newest first."""
    return _rows(tx, BY_PRACTICE, practice, before, limit)


def referrals_standing(tx: Tx, practice: str, state: str, before: Place, limit: int) -> list[dict[str, Any]]:
    """Referrals of a practice in a state, what changed last first."""
    return _rows(tx, STANDING, state, before, limit, practice=practice)


def _rows(tx: Tx, query: Any, of: str, before: Place, limit: int, **further: str) -> list[dict[str, Any]]:
    found = tx.run(query, {"of": of, "at": before.at, "id": before.id, "most": limit, **further})
    return [_plain(row) for row in found.mappings()]


# Single things

_EVENT = select(
    *(event.c[n] for n in ("id", "message_id", "position", "kind", "state", "code", "problems", "source")),
    *(event.c[n] for n in ("practice", "referral_id", "at", "until")),
    event.c.key_id,
    event.c.sealed.is_not(None).label("told"),
).where(event.c.id == bindparam("row"))


def event_of(tx: Tx, event_id: str) -> dict[str, Any] | None:
    """One event; `told` says whether what it told is still kept."""
    row = tx.run(_EVENT, {"row": event_id}).mappings().first()
    return None if row is None else {**_plain(row), "problems": orjson.loads(row["problems"] or "[]")}


_NAMED = (
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
)
_DELIVERIES = tuple(
    select(*(table.c[name] for name in _NAMED), referral.c.practice, referral.c.service)
    .join(referral, referral.c.id == table.c.referral_id)
    .where(table.c.id == bindparam("row"))
    for table in (delivery, settled)
)


def delivery_of(tx: Tx, delivery_id: str) -> dict[str, Any] | None:
    """One delivery, settled or not."""
    for query in _DELIVERIES:
        row = tx.run(query, {"row": delivery_id}).mappings().first()
        if row is not None:
            return _plain(row)
    return None


_PLACES = tuple(
    (kind, select(table.c.id).where(table.c.id == bindparam("row")))
    for kind, table in (
        ("referrals", referral),
        ("events", event),
        ("deliveries", delivery),
        ("deliveries", settled),
        ("messages", message),
    )
)


def kind_of(tx: Tx, item: str) -> str:
    """Of what kind an id of ours is: referrals, events, deliveries, messages; "" for none."""
    return next((kind for kind, query in _PLACES if tx.run(query, {"row": item}).first()), "")


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
