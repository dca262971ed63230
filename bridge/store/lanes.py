"""Deliveries in their lanes: what enqueue, claim, settle, postpone, park and supersede write.

A lane is the order of deliveries of one referral at one partner. Lanes are claimed, not deliveries; the
epoch a claim returns is the fencing token every later write must still hold.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from bridge.domain.delivery import Delivery, Kind, Leg, Receipt
from bridge.domain.journey import DELIVERY_MOVES, DeliveryState, DeliveryStep, move
from bridge.store import messages, queries
from bridge.store.tables import attempt, body, delivery, lane, settled
from bridge.store.unit import Tx

LONGEST_WAIT_MS = 3_600_000  # of a lease and between two attempts


class LostLease(Exception):
    """Another worker holds this lane now; what we learned is dropped and will be looked up again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A delivery to be queued; `body` is None for a shadow that only reports."""

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
        )
        for r in rows
    ]


_WAITING = (
    select(delivery.c.id, delivery.c.seq, delivery.c.kind, delivery.c.state, delivery.c.first_sent_at)
    .where(delivery.c.lane_id == bindparam("lane"))
    .order_by(delivery.c.seq)
)


def ever_sent(tx: Tx, lane_id: int) -> bool:
    """Whether anything of this lane may have reached the partner."""
    for table in (delivery, settled):
        query = select(table.c.id).where(table.c.lane_id == lane_id, table.c.first_sent_at.is_not(None))
        if tx.run(query.limit(1)).first() is not None:
            return True
    return False


def enqueue(tx: Tx, order: Order, lane_id: int) -> None:
    """Put a delivery at the end of its lane; an idle lane is due at once."""
    seq = tx.run(_NEXT_SEQ, {"lane": lane_id}).scalar_one()
    messages.put_body(tx, order.id, "delivery", order.body)
    tx.run(_ENQUEUE, _columns(tx, order, lane_id, int(seq)) | {"state": DeliveryState.QUEUED.value})
    tx.run(queries.WAKE_LANE, {"lane": lane_id, "seq": seq, "due": tx.now})


_ENQUEUE = insert(delivery)
# Settled rows are always below the unsettled ones of a lane; with none left, the clock is.
_NEXT_SEQ = select(func.coalesce(func.max(delivery.c.seq), 0) + 1).where(
    delivery.c.lane_id == bindparam("lane")
)


def record_shadow(tx: Tx, order: Order, lane_id: int) -> None:
    """Keep what would have been sent, as already settled: it can never be claimed."""
    messages.put_body(tx, order.id, "delivery", order.body)
    tx.run(
        insert(settled),
        _columns(tx, order, lane_id, 0) | {"state": DeliveryState.SHADOW.value, "settled_at": tx.now},
    )


def _columns(tx: Tx, order: Order, lane_id: int, seq: int) -> dict[str, Any]:
    return {
        "id": order.id,
        "lane_id": lane_id,
        "referral_id": order.referral_id,
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


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed head with its body still sealed, so that opening does not hold the writer."""

    row: Row[Any]
    epoch: int
    state: DeliveryState
    sealed: bytes
    at: int  # when it was claimed

    def opened(self, open_body: Any) -> Delivery:
        """Open the body; `open_body(sealed, bound_to=…)` is the sealer's."""
        row = self.row
        return Delivery(
            id=row.id,
            referral_id=row.referral_id,
            lane_id=row.lane_id,
            partner=row.partner,
            leg=Leg(row.leg),
            kind=Kind(row.kind),
            state=self.state,
            seq=row.seq,
            attempts=row.attempts + 1,
            created_at=_instant(row.created_at),
            first_sent_at=_instant(row.first_sent_at or self.at),
            trying_since=_instant(row.trying_since or self.at),
            priority=row.priority,
            request_id=row.request_id,
            correlation_id=row.correlation_id,
            body=open_body(self.sealed, bound_to=f"body.sealed:{row.body_id}"),
            frozen=row.frozen,
            replaces=row.replaces,
            epoch=self.epoch,
            patient=row.patient,
        )


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def claim(tx: Tx, partner: str, *, limit: int, lease_ms: int) -> list[Claimed]:
    """Lease up to `limit` due lanes and return their heads, one per patient, in state sending or in-doubt."""
    now = tx.now
    tx.run(queries.EXPIRE, {"partner": partner, "now": now, "latest": now + LONGEST_WAIT_MS})
    tx.run(queries.RECALL, {"partner": partner, "now": now, "latest": now + LONGEST_WAIT_MS})
    free = tx.run(queries.FREE[tx.dialect], {"partner": partner, "now": now, "limit": limit}).all()
    one_each = {row.patient: row.id for row in reversed(free)}
    lanes = [row.id for row in free if one_each[row.patient] == row.id]
    if not lanes:
        return []
    tx.run(queries.LEASE, [{"until": now + lease_ms, "lane": each} for each in lanes])
    heads = tx.run(_HEADS, {"lanes": lanes}).all()
    sending = [r.id for r in heads if r.state == DeliveryState.QUEUED.value]
    doubtful = [r.id for r in heads if r.state == DeliveryState.SENDING.value]
    for ids, state in ((sending, DeliveryState.SENDING), (doubtful, DeliveryState.IN_DOUBT)):
        if ids:
            tx.run(_BEGIN, {"ids": ids, "to": state.value, "at": now})
    return [
        Claimed(r, r.epoch, move(DELIVERY_MOVES, DeliveryState(r.state), DeliveryStep.CLAIM), r.sealed, now)
        for r in heads
    ]


_first = delivery.alias("first")
_HEADS = (
    select(
        *(c for c in delivery.c if c.name not in ("released", "label")),
        lane.c.epoch,
        lane.c.patient,
        body.c.sealed,
    )
    .join(lane, lane.c.id == delivery.c.lane_id)
    .join(body, body.c.id == delivery.c.body_id)
    .where(
        delivery.c.lane_id.in_(bindparam("lanes", expanding=True)),
        delivery.c.seq
        == select(func.min(_first.c.seq)).where(_first.c.lane_id == delivery.c.lane_id).scalar_subquery(),
        delivery.c.state != DeliveryState.PARKED.value,
    )
)
_BEGIN = (
    update(delivery)
    .where(delivery.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=bindparam("to"),
        attempts=delivery.c.attempts + 1,
        first_sent_at=func.coalesce(delivery.c.first_sent_at, bindparam("at")),
        trying_since=func.coalesce(delivery.c.trying_since, bindparam("at")),
    )
)


def freeze(tx: Tx, claimed: Delivery, plain: bytes, *, known_at: int | None) -> None:
    """The bytes that will leave: kept before they do, and never changed again."""
    _hold(tx, claimed)
    messages.replace_body(tx, claimed.id, plain)
    tx.run(update(delivery).where(delivery.c.id == claimed.id).values(frozen=True, known_at=known_at))


def _hold(tx: Tx, claimed: Delivery) -> None:
    if tx.run(queries.HOLD[tx.dialect], {"lane": claimed.lane_id, "epoch": claimed.epoch}).first() is None:
        raise LostLease


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt, for the record: no patient data, ever."""

    took_ms: int
    result: str
    status: int | None
    code: str
    node: str


def settle(tx: Tx, claimed: Delivery, step: DeliveryStep, receipt: Receipt, tried: Try) -> None:
    """The claimed delivery is over: move it out of the hot table and wake what is behind it."""
    _hold(tx, claimed)
    state = move(DELIVERY_MOVES, claimed.state, step)
    _record(tx, claimed, tried)
    _retire(tx, claimed.id, state, receipt, tried.code)
    _release(tx, claimed, due=tx.now)


def postpone(tx: Tx, claimed: Delivery, step: DeliveryStep, *, delay_ms: int, tried: Try) -> None:
    """Not over: queued again or in doubt, due after `delay_ms` but within the longest wait."""
    _hold(tx, claimed)
    state = move(DELIVERY_MOVES, claimed.state, step)
    _record(tx, claimed, tried)
    there = tx.run(_SET_STATE, {"row": claimed.id, "to": state.value, "why": tried.code}).rowcount
    # Proven by an outcome meanwhile: what is behind it has nothing to wait for.
    _release(tx, claimed, due=tx.now + min(delay_ms, LONGEST_WAIT_MS) if there else tx.now)


def never_left(tx: Tx, claimed: Delivery) -> None:
    """This first claim ended before anything was sent: the delivery is as if it had never been tried."""
    _hold(tx, claimed)
    tx.run(update(delivery).where(delivery.c.id == claimed.id).values(first_sent_at=None, trying_since=None))


def park(tx: Tx, claimed: Delivery, tried: Try) -> None:
    """A person must look; the lane stands still until released, discarded or superseded."""
    _hold(tx, claimed)
    state = move(DELIVERY_MOVES, claimed.state, DeliveryStep.PARK)
    _record(tx, claimed, tried)
    tx.run(_SET_STATE, {"row": claimed.id, "to": state.value, "why": tried.code})
    _release(tx, claimed, due=tx.now)


_SET_STATE = (
    update(delivery)
    .where(delivery.c.id == bindparam("row"))
    .values(state=bindparam("to"), code=bindparam("why"))
)
_RECORD = insert(attempt)


def _record(tx: Tx, claimed: Delivery, tried: Try) -> None:
    tx.run(
        _RECORD,
        {
            "delivery_id": claimed.id,
            "at": tx.now,
            "took_ms": tried.took_ms,
            "result": tried.result,
            "status": tried.status,
            "code": tried.code,
            "node": tried.node,
        },
    )


def _release(tx: Tx, claimed: Delivery, *, due: int) -> None:
    tx.run(queries.SETTLE_LANE, {"lane": claimed.lane_id, "due": due})


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


def _retire(tx: Tx, delivery_id: str, state: DeliveryState, receipt: Receipt, code: str) -> None:
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
        _retire(tx, queued.id, state, Receipt(level="" if step is not DeliveryStep.PROVE else "proven"), code)
    tx.run(queries.WAKE_LANE, {"lane": lane_id, "seq": queued.seq, "due": tx.now})


def in_lane(tx: Tx, delivery_id: str) -> tuple[int, Queued] | None:
    """An unsettled delivery and its lane, by id."""
    query = select(lane.c.id).join(delivery, delivery.c.lane_id == lane.c.id)
    lane_id = tx.run(query.where(delivery.c.id == delivery_id).with_for_update(of=lane)).scalar_one_or_none()
    if lane_id is None:
        return None
    return lane_id, next(q for q in waiting_in(tx, lane_id) if q.id == delivery_id)
