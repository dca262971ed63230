"""What is past its time, found and dropped in small batches: bodies, requests, attempts, events, messages.

Each `Purge` is a search, which names rows of one batch and where the next begins, and a drop of what was
found, in the same unit. Whatever waits for a person, a partner or another row is not found, however old.
`event_key`, `coded`, `filed` and the row of every referral stay for ever: that nothing is done twice hangs on
them (docs/how-to/retention.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    bindparam,
    delete,
    exists,
    or_,
    select,
    update,
)

from bridge.domain.journey import EventState, ReferralState
from bridge.domain.paring import WITHOUT_PERSON
from bridge.store.tables import attempt, body, delivery, event, message, referral, request, settled
from bridge.store.unit import Tx

UNRESOLVED = (EventState.KEPT.value, EventState.WAITING.value, EventState.PARKED.value)
Place = tuple[int, str]
START: Place = (-1, "")


@dataclass(frozen=True, slots=True)
class Found:
    """One batch: the rows past their time, by id, and where the next batch begins (None: that was all).

    `again`: not all of them were named; after the drop the same place is searched once more.
    """

    ids: Sequence[Any]
    after: Place | None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """One kind of thing. `find(tx, before, after, limit)` reads; `drop(tx, ids)` writes and counts."""

    name: str
    find: Callable[[Tx, int, Place, int], Found]
    drop: Callable[[Tx, Sequence[Any]], int]


def older(at: ColumnElement[int], row_id: ColumnElement[Any]) -> tuple[ColumnElement[bool], ...]:
    """The rows before `before` and behind `at`, `id`, as an index on the time alone can find them."""
    behind = or_(at > bindparam("at"), row_id > bindparam("id"))
    return (at < bindparam("before"), at >= bindparam("at"), behind)


def page(tx: Tx, query: Select[Any], before: int, after: Place, limit: int) -> Sequence[Row[Any]]:
    """The rows of one batch of a query made with `older`; they have `id` and `at`."""
    params = {"before": before, "at": after[0], "id": after[1]}
    return tx.run(query.limit(bindparam("most")), params | {"most": limit}).all()


def next_place(rows: Sequence[Row[Any]], limit: int) -> Place | None:
    """Where the next batch begins."""
    return (rows[-1].at, rows[-1].id) if len(rows) == limit else None


def _ids(name: str = "ids") -> Any:
    return bindparam(name, expanding=True)


# Bodies: of a delivery when it has been settled for so long; of a message when all that came of it has.
BODIES = select(body.c.id, body.c.at, body.c.kind).where(*older(body.c.at, body.c.id)).order_by("at", "id")
_of_settled = select(settled.c.id).where(settled.c.id.in_(_ids()), settled.c.settled_at < bindparam("before"))
_caused = event.join(settled, settled.c.referral_id == event.c.referral_id)
OVER = select(message.c.id).where(
    message.c.id.in_(_ids()),
    ~exists().where(event.c.message_id == message.c.id, event.c.state.in_(UNRESOLVED)),
    ~exists(
        select(delivery.c.id)
        .select_from(event.join(delivery, delivery.c.referral_id == event.c.referral_id))
        .where(event.c.message_id == message.c.id)
    ),
    ~exists(
        select(referral.c.id)
        .select_from(event.join(referral, referral.c.id == event.c.referral_id))
        .where(event.c.message_id == message.c.id, referral.c.state == ReferralState.PARKED.value)
    ),
    ~exists(
        select(settled.c.id)
        .select_from(_caused)
        .where(
            event.c.message_id == message.c.id,
            settled.c.cause.in_((event.c.id, event.c.key_id)),
            settled.c.settled_at >= bindparam("before"),
        )
    ),
)


def _find_bodies(tx: Tx, before: int, after: Place, limit: int) -> Found:
    rows = page(tx, BODIES, before, after, limit)
    ids: list[str] = []
    for kind, over in (("delivery", _of_settled), ("message", OVER)):
        those = [row.id for row in rows if row.kind == kind]
        if those:
            ids += tx.run(over, {"ids": those, "before": before}).scalars()
    return Found(ids, next_place(rows, limit))


# A body has the id of its message or delivery.
_NO_BODY = tuple(
    update(table).where(table.c.id.in_(_ids())).values(body_id=None) for table in (message, settled)
)
_DROP_BODIES = delete(body).where(body.c.id.in_(_ids()))


def _drop_bodies(tx: Tx, ids: Sequence[str]) -> int:
    for statement in _NO_BODY:
        tx.run(statement, {"ids": ids})
    return tx.run(_DROP_BODIES, {"ids": ids}).rowcount


# What a not-sent event said: nobody released it within the time of bodies.
DOCUMENTS = (
    select(event.c.id, event.c.at)
    .where(
        event.c.sealed.is_not(None),
        event.c.state == EventState.NOT_SENT.value,
        *older(event.c.at, event.c.id),
    )
    .order_by("at", "id")
)
_DROP_DOCUMENTS = update(event).where(event.c.id.in_(_ids())).values(sealed=None)


def _find_documents(tx: Tx, before: int, after: Place, limit: int) -> Found:
    rows = page(tx, DOCUMENTS, before, after, limit)
    return Found([row.id for row in rows], next_place(rows, limit))


def _drop_documents(tx: Tx, ids: Sequence[str]) -> int:
    return tx.run(_DROP_DOCUMENTS, {"ids": ids}).rowcount


# Requests, with what was answered.
REQUESTS = (
    select(request.c.request_id.label("id"), request.c.at, request.c.caller, request.c.answer_id)
    .where(*older(request.c.at, request.c.request_id))
    .order_by("at", "id")
)
_DROP_REQUEST = delete(request).where(
    request.c.caller == bindparam("by"), request.c.request_id == bindparam("known_as")
)


def _find_requests(tx: Tx, before: int, after: Place, limit: int) -> Found:
    rows = page(tx, REQUESTS, before, after, limit)
    return Found([(row.caller, row.id, row.answer_id) for row in rows], next_place(rows, limit))


def _drop_requests(tx: Tx, found: Sequence[tuple[str, str, str | None]]) -> int:
    tx.run(_DROP_REQUEST, [{"by": caller, "known_as": known_as} for caller, known_as, _ in found])
    answers = [answer for _, _, answer in found if answer is not None]
    if answers:
        tx.run(_DROP_BODIES, {"ids": answers})
    return len(found)


# Attempts: rows in the order of their serial number, which is that of time; of a settled delivery.
ATTEMPTS = (
    select(attempt.c.id, attempt.c.at, attempt.c.delivery_id)
    .where(attempt.c.id > bindparam("at"))
    .order_by(attempt.c.id)
    .limit(bindparam("most"))
)
_UNSETTLED = select(delivery.c.id).where(delivery.c.id.in_(_ids()))
_DROP_ATTEMPTS = delete(attempt).where(attempt.c.id.in_(_ids()))


def _find_attempts(tx: Tx, before: int, after: Place, limit: int) -> Found:
    rows = tx.run(ATTEMPTS, {"at": after[0], "most": limit}).all()
    old = [row for row in rows if row.at < before]
    waiting = set(tx.run(_UNSETTLED, {"ids": [row.delivery_id for row in old]}).scalars()) if old else set()
    ids = [row.id for row in old if row.delivery_id not in waiting]
    more = len(rows) == limit and len(old) == limit
    return Found(ids, (rows[-1].id, "") if more else None)


def _drop_attempts(tx: Tx, ids: Sequence[int]) -> int:
    return tx.run(_DROP_ATTEMPTS, {"ids": ids}).rowcount


# Events that are over and led to no referral, or to one of which nothing else is left; then their messages.
MESSAGES = (
    select(message.c.id, message.c.received_at.label("at"))
    .where(*older(message.c.received_at, message.c.id))
    .order_by("at", "id")
)
_gone = exists().where(referral.c.id == event.c.referral_id, referral.c.pared == WITHOUT_PERSON)
EVENTS = (
    select(event.c.id)
    .where(
        event.c.message_id.in_(_ids()),
        event.c.state.not_in(UNRESOLVED),
        or_(event.c.referral_id.is_(None), _gone),
    )
    .limit(bindparam("most"))
)
_DROP_EVENTS = delete(event).where(event.c.id.in_(_ids()))
EMPTY = select(message.c.id).where(
    message.c.id.in_(_ids()),
    message.c.body_id.is_(None),
    ~exists().where(event.c.message_id == message.c.id),
)
_DROP_MESSAGES = delete(message).where(message.c.id.in_(_ids()))


def _find_events(tx: Tx, before: int, after: Place, limit: int) -> Found:
    """Events of one batch of messages; a bulk extract has too many for one unit."""
    rows = page(tx, MESSAGES, before, after, limit)
    ids = [row.id for row in rows]
    events = list(tx.run(EVENTS, {"ids": ids, "most": limit}).scalars()) if ids else []
    return Found(events, next_place(rows, limit), again=len(events) == limit)


def _drop_events(tx: Tx, ids: Sequence[str]) -> int:
    return tx.run(_DROP_EVENTS, {"ids": ids}).rowcount


def _find_messages(tx: Tx, before: int, after: Place, limit: int) -> Found:
    rows = page(tx, MESSAGES, before, after, limit)
    ids = [row.id for row in rows]
    return Found(list(tx.run(EMPTY, {"ids": ids}).scalars()) if ids else [], next_place(rows, limit))


def _drop_messages(tx: Tx, ids: Sequence[str]) -> int:
    return tx.run(_DROP_MESSAGES, {"ids": ids}).rowcount


BODIES_PURGE = Purge(name="bodies", find=_find_bodies, drop=_drop_bodies)
DOCUMENTS_PURGE = Purge(name="documents", find=_find_documents, drop=_drop_documents)
REQUESTS_PURGE = Purge(name="requests", find=_find_requests, drop=_drop_requests)
ATTEMPTS_PURGE = Purge(name="attempts", find=_find_attempts, drop=_drop_attempts)
EVENTS_PURGE = Purge(name="events", find=_find_events, drop=_drop_events)
MESSAGES_PURGE = Purge(name="messages", find=_find_messages, drop=_drop_messages)


def give_back(tx: Tx, pages: int) -> int:
    """Hand up to so many free pages of SQLite back to the disk; how many are free still.

    PostgreSQL's autovacuum makes the room usable again and leaves the files as large as they are: 0.
    """
    if tx.dialect != "sqlite":
        return 0
    raw: Any = tx.conn.connection.dbapi_connection
    free = int(raw.execute("PRAGMA freelist_count").fetchone()[0])
    for _ in range(min(pages, free)):
        raw.execute("PRAGMA incremental_vacuum(1)")  # Python takes one step of it, which frees one page
    return int(raw.execute("PRAGMA freelist_count").fetchone()[0])
