"""Deliveries in their lanes: what enqueue, claim, settle, postpone, park and supersede write.

A lane is the order of deliveries of one referral at one partner. Lanes are claimed (store/claims.py), not
deliveries.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from bridge.domain.delivery import Kind, Leg, Receipt
from bridge.domain.journey import DELIVERY_MOVES, DeliveryState, DeliveryStep, move
from bridge.store import messages, queries
from bridge.store.tables import delivery, lane, referral, settled
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A delivery to be queued."""

    id: str
    referral_id: str
    partner: str
    patient: str
    leg: Leg
    kind: Kind
    priority: str
    request_id: str
    correlation_id: str
    body: bytes
    frozen: bool
    cause: str
    version: int
    released: str = ""
    replaces: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """An unsettled delivery as others in its lane see it."""

    id: str
    seq: int
    kind: Kind
    state: DeliveryState
    sent: bool  # at least one attempt began: it may have left
    replaces: bool  # an earlier create of the lane may have left


def lane_of(tx: Tx, referral_id: str, partner: str, patient: str) -> int:
    """The lane's id, made when there is none."""
    found = tx.run(_LANE, {"referral": referral_id, "partner": partner}).scalar_one_or_none()
    if found is not None:
        return int(found)
    row = {"referral_id": referral_id, "partner": partner, "patient": patient, "epoch": 0}
    return int(tx.run(_ADD_LANE, row).scalar_one())


# The row lock keeps claims away on PostgreSQL; SQLite has one writer and compiles it to nothing.
_ADD_LANE = insert(lane).returning(lane.c.id)
_LANE = (
    select(lane.c.id)
    .where(lane.c.referral_id == bindparam("referral"), lane.c.partner == bindparam("partner"))
    .with_for_update()
)


def waiting_in(tx: Tx, lane_id: int) -> list[Queued]:
    """The lane's unsettled deliveries, head first."""
    rows = tx.run(_WAITING, {"lane": lane_id}).all()
    return [
        Queued(
            id=r.id,
            seq=r.seq,
            kind=Kind(r.kind),
            state=DeliveryState(r.state),
            sent=r.first_sent_at is not None,
            replaces=r.replaces,
        )
        for r in rows
    ]


_WAITING = (
    select(
        delivery.c.id,
        delivery.c.seq,
        delivery.c.kind,
        delivery.c.state,
        delivery.c.first_sent_at,
        delivery.c.replaces,
    )
    .where(delivery.c.lane_id == bindparam("lane"))
    .order_by(delivery.c.seq)
)


def ever_sent(tx: Tx, lane_id: int) -> bool:
    """Whether anything of this lane may have reached the partner."""
    return any(tx.run(query, {"lane": lane_id}).first() is not None for query in EVER_SENT)


# Settled rows are found by their referral: an index on their lane would be one more to keep.
_of_lane = select(lane.c.referral_id).where(lane.c.id == bindparam("lane")).scalar_subquery()
EVER_SENT = tuple(
    select(table.c.id)
    .where(
        table.c.referral_id == _of_lane,
        table.c.lane_id == bindparam("lane"),
        table.c.first_sent_at.is_not(None),
    )
    .limit(1)
    for table in (delivery, settled)
)


def enqueue(tx: Tx, order: Order, lane_id: int) -> None:
    """Put a delivery at the end of its lane; an idle lane is due at once."""
    seq = tx.run(_NEXT_SEQ, {"lane": lane_id}).scalar_one()
    messages.put_body(tx, order.id, "delivery", order.body)
    tx.run(_ENQUEUE, _columns(tx, order, lane_id, int(seq)) | {"state": DeliveryState.QUEUED.value})
    tx.run(queries.WAKE_LANE, {"lane": lane_id, "seq": seq, "due": tx.now})


# The practice's list is read by practice: a delivery has that of its referral from the beginning.
_PRACTICE = func.coalesce(
    select(referral.c.practice).where(referral.c.id == bindparam("of_referral")).scalar_subquery(), ""
)
_ENQUEUE = insert(delivery).values(practice=_PRACTICE)
_SHADOW = insert(settled).values(practice=_PRACTICE)
# Settled rows are always below the unsettled ones of a lane; with none left, the clock is.
_NEXT_SEQ = select(func.coalesce(func.max(delivery.c.seq), 0) + 1).where(
    delivery.c.lane_id == bindparam("lane")
)


def record_shadow(tx: Tx, order: Order, lane_id: int) -> None:
    """Keep what would have been sent, as already settled: it can never be claimed."""
    messages.put_body(tx, order.id, "delivery", order.body)
    tx.run(
        _SHADOW,
        _columns(tx, order, lane_id, 0) | {"state": DeliveryState.SHADOW.value, "settled_at": tx.now},
    )


def _columns(tx: Tx, order: Order, lane_id: int, seq: int) -> dict[str, Any]:
    return {
        "id": order.id,
        "lane_id": lane_id,
        "referral_id": order.referral_id,
        "of_referral": order.referral_id,
        "partner": order.partner,
        "leg": order.leg.value,
        "kind": order.kind.value,
        "seq": seq,
        "priority": order.priority,
        "request_id": order.request_id,
        "correlation_id": order.correlation_id,
        "body_id": order.id,
        "frozen": order.frozen,
        "replaces": order.replaces,
        "created_at": tx.now,
        "cause": order.cause,
        "version": order.version,
        "label": order.label,
        "released": order.released,
    }


_SHARED = [c.name for c in delivery.c]
_RETIRE = insert(settled).from_select(
    [*_SHARED, "settled_at", "reference", "level"],
    select(
        *(
            {
                "state": bindparam("to", type_=delivery.c.state.type),
                "code": bindparam("why", type_=delivery.c.code.type),
            }.get(name, delivery.c[name])
            for name in _SHARED
        ),
        bindparam("now", type_=settled.c.settled_at.type),
        bindparam("reference", type_=settled.c.reference.type),
        bindparam("level", type_=settled.c.level.type),
    ).where(delivery.c.id == bindparam("row")),
)
_FORGET = delete(delivery).where(delivery.c.id == bindparam("row"))


def retire(tx: Tx, delivery_id: str, state: DeliveryState, receipt: Receipt, code: str) -> None:
    """Move a delivery that is over out of the hot table."""
    tx.run(
        _RETIRE,
        {
            "row": delivery_id,
            "to": state.value,
            "why": code,
            "now": tx.now,
            "reference": receipt.reference,
            "level": receipt.level,
        },
    )
    tx.run(_FORGET, {"row": delivery_id})


def step_unclaimed(tx: Tx, lane_id: int, queued: Queued, step: DeliveryStep, *, code: str = "") -> None:
    """Supersede, discard, release or prove a delivery that nobody is sending."""
    state = move(DELIVERY_MOVES, queued.state, step)
    if state is DeliveryState.QUEUED:
        again = {"state": state.value, "code": code, "trying_since": None}
        tx.run(update(delivery).where(delivery.c.id == queued.id).values(again))
    else:
        retire(tx, queued.id, state, Receipt(level="" if step is not DeliveryStep.PROVE else "proven"), code)
    tx.run(queries.WAKE_LANE, {"lane": lane_id, "seq": queued.seq, "due": tx.now})


def park_unclaimed(tx: Tx, lane_id: int, queued: Queued, *, code: str) -> None:
    """Set a queued delivery that nobody is sending aside for a person."""
    state = move(DELIVERY_MOVES, queued.state, DeliveryStep.PARK)
    tx.run(update(delivery).where(delivery.c.id == queued.id).values(state=state.value, code=code))
    tx.run(queries.WAKE_LANE, {"lane": lane_id, "seq": queued.seq, "due": tx.now})


def in_lane(tx: Tx, delivery_id: str) -> tuple[int, Queued] | None:
    """An unsettled delivery and its lane, by id."""
    query = select(lane.c.id).join(delivery, delivery.c.lane_id == lane.c.id)
    lane_id = tx.run(query.where(delivery.c.id == delivery_id).with_for_update(of=lane)).scalar_one_or_none()
    if lane_id is None:
        return None
    return lane_id, next(q for q in waiting_in(tx, lane_id) if q.id == delivery_id)
