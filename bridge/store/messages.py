"""What arrived: messages with their sealed bytes, the requests they came in, the events they held."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from bridge.domain.journey import EVENT_MOVES, EventState, EventStep, move
from bridge.domain.referral import ReferralEvent
from bridge.store import documents
from bridge.store.tables import body, event, message, request
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What arrived at a door. `content` is None for a bulk file, which is not kept whole.

    `arrived` is when, in milliseconds, of a message that was kept before; 0 for one that comes just now.
    """

    id: str
    source: str
    door: str
    caller: str
    media_type: str
    content: bytes | None
    size: int
    practice: str = ""
    mapping: str = ""
    request_id: str = ""
    correlation_id: str = ""
    traceparent: str = ""
    arrived: int = 0


def put_body(tx: Tx, body_id: str, kind: str, plain: bytes) -> str:
    """Keep bytes sealed; `kind` is message, answer or delivery."""
    sealed = tx.seal("body.sealed", body_id, plain)
    tx.run(_PUT_BODY, {"id": body_id, "kind": kind, "at": tx.now, "sealed": sealed})
    return body_id


def replace_body(tx: Tx, body_id: str, plain: bytes) -> None:
    """New bytes in the same place (a delivery that is not frozen yet)."""
    tx.run(_REPLACE_BODY, {"row": body_id, "sealed": tx.seal("body.sealed", body_id, plain)})


def get_body(tx: Tx, body_id: str | None) -> bytes | None:
    """The bytes, or None once purged."""
    if body_id is None:
        return None
    sealed = tx.run(_GET_BODY, {"row": body_id}).scalar_one_or_none()
    return None if sealed is None else tx.open("body.sealed", body_id, sealed)


def forget_body(tx: Tx, message_id: str) -> None:
    """Keep that a message came, and not what it said."""
    tx.run(delete(body).where(body.c.id == message_id))
    tx.run(update(message).where(message.c.id == message_id).values(body_id=None))


_PUT_BODY = insert(body)
_REPLACE_BODY = update(body).where(body.c.id == bindparam("row")).values(sealed=bindparam("sealed"))
_GET_BODY = select(body.c.sealed).where(body.c.id == bindparam("row"))
_KEEP = insert(message)


def keep(tx: Tx, kept: Message) -> None:
    """Keep a message and its bytes."""
    if kept.content is not None:
        put_body(tx, kept.id, "message", kept.content)
    tx.run(
        _KEEP,
        {
            "id": kept.id,
            "source": kept.source,
            "door": kept.door,
            "caller": kept.caller,
            "practice": kept.practice,
            "media_type": kept.media_type,
            "received_at": tx.now,
            "size": kept.size,
            "body_id": None if kept.content is None else kept.id,
            "mapping": kept.mapping,
            "request_id": kept.request_id,
            "correlation_id": kept.correlation_id,
            "traceparent": kept.traceparent,
        },
    )


def is_kept(tx: Tx, message_id: str) -> bool:
    """Whether there is a message of that id."""
    return tx.run(select(message.c.id).where(message.c.id == message_id)).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request id that was used before; `status` is None while it is still being processed."""

    correlation_id: str
    message_id: str | None
    status: int | None
    answer: bytes | None


def seen_request(tx: Tx, caller: str, request_id: str) -> Seen | None:
    """What became of this caller's request id, if it was used before."""
    row = tx.run(_SEEN, {"caller": caller, "request": request_id}).first()
    if row is None:
        return None
    return Seen(
        correlation_id=row.correlation_id,
        message_id=row.message_id,
        status=row.status,
        answer=get_body(tx, row.answer_id),
    )


_SEEN = select(request).where(
    request.c.caller == bindparam("caller"), request.c.request_id == bindparam("request")
)


def answer_request(
    tx: Tx,
    *,
    caller: str,
    request_id: str,
    correlation_id: str,
    message_id: str | None,
    status: int,
    answer: bytes,
    answer_id: str,
) -> None:
    """Remember what we answered, so that the same request gets the same answer."""
    tx.run(
        insert(request),
        {
            "caller": caller,
            "request_id": request_id,
            "correlation_id": correlation_id,
            "message_id": message_id,
            "at": tx.now,
            "status": status,
            "answer_id": put_body(tx, answer_id, "answer", answer) if answer else None,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One thing a message said and what became of it. `problems` is value-free JSON."""

    id: str
    message_id: str
    n: int
    position: str
    kind: str
    state: EventState
    source: str
    code: str = ""
    problems: str = ""
    practice: str = ""
    patient: str = ""
    key_id: str = ""
    referral_id: str | None = None
    clock: str = ""
    mapping: str = ""
    until: int | None = None
    unmapped_codes: int = 0
    event: ReferralEvent | None = None  # kept sealed while it may still be needed


_ADD_EVENT = insert(event)
_NEEDED = frozenset({EventState.KEPT, EventState.WAITING, EventState.PARKED, EventState.NOT_SENT})


def add_event(tx: Tx, row: EventRow) -> None:
    """Record an event of a message in its first state."""
    tx.run(
        _ADD_EVENT,
        {
            "id": row.id,
            "message_id": row.message_id,
            "n": row.n,
            "position": row.position[:80],
            "kind": row.kind,
            "state": row.state.value,
            "code": row.code,
            "problems": row.problems,
            "source": row.source,
            "practice": row.practice,
            "patient": row.patient,
            "key_id": row.key_id,
            "referral_id": row.referral_id,
            "clock": row.clock,
            "mapping": row.mapping,
            "unmapped_codes": row.unmapped_codes,
            "at": tx.now,
            "until": row.until,
            "attempts": 0,
            "sealed": _sealed_event(tx, row.id, row.event) if row.state in _NEEDED else None,
        },
    )


def _sealed_event(tx: Tx, event_id: str, said: ReferralEvent | None) -> bytes | None:
    return (
        None if said is None else tx.seal("event.sealed", event_id, documents.referral_event.dump_json(said))
    )


def move_event(tx: Tx, event_id: str, step: EventStep, **columns: Any) -> EventState:
    """Take one step of the event table, or IllegalMove. Settled events drop their document."""
    state = EventState(tx.run(select(event.c.state).where(event.c.id == event_id)).scalar_one())
    after = move(EVENT_MOVES, state, step)
    if after not in _NEEDED:
        columns["sealed"] = None
    tx.run(update(event).where(event.c.id == event_id).values(state=after.value, **columns))
    return after


class Parked(NamedTuple):
    """An event that waits for a person: since when (ms), and the referral it is about, if one stands."""

    id: str
    at: int
    referral_id: str | None


def parked_under(tx: Tx, key_id: str) -> list[Parked]:
    """The events of a source key that wait for a person, newest first."""
    return [Parked._make(row) for row in tx.run(_PARKED_UNDER, {"key": key_id})]


_PARKED_UNDER = (
    select(event.c.id, event.c.at, event.c.referral_id)
    .where(event.c.key_id == bindparam("key"), event.c.state == EventState.PARKED.value)
    .order_by(event.c.at.desc())
)


def not_sent_of(tx: Tx, practice: str, patient: str, code: str) -> list[ReferralEvent]:
    """What a practice told of a person and was not sent for that reason, while it is kept."""
    asked = {"practice": practice, "patient": patient, "code": code}
    found = (open_event(tx, each) for each in tx.run(_NOT_SENT_OF, asked).scalars().all())
    return [said for said in found if said is not None]


_NOT_SENT_OF = select(event.c.id).where(
    event.c.practice == bindparam("practice"),
    event.c.state == EventState.NOT_SENT.value,
    event.c.code == bindparam("code"),
    event.c.patient == bindparam("patient"),
    event.c.sealed.is_not(None),
)


def standing(tx: Tx, event_id: str) -> tuple[EventState, int] | None:
    """Where an event stands and when it was told, in ms; None when it is not kept any more."""
    row = tx.run(select(event.c.state, event.c.at).where(event.c.id == event_id)).first()
    return None if row is None else (EventState(row.state), int(row.at))


def arrived(tx: Tx, event_id: str) -> int:
    """When the message of an event came, in milliseconds."""
    query = select(message.c.received_at).join(event, event.c.message_id == message.c.id)
    return int(tx.run(query.where(event.c.id == event_id)).scalar_one())


def open_event(tx: Tx, event_id: str) -> ReferralEvent | None:
    """The canonical event, while it is kept."""
    sealed = tx.run(select(event.c.sealed).where(event.c.id == event_id)).scalar_one_or_none()
    if sealed is None:
        return None
    return documents.referral_event.validate_json(tx.open("event.sealed", event_id, sealed))
