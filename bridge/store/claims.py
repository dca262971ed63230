"""What a worker writes of a lane it holds: claim, freeze, settle, postpone, park.

The epoch a claim returns is the fencing token every later write must still hold, or LostLease.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, ScalarSelect, Select, Table, bindparam, func, insert, select, update

from bridge.domain.delivery import Delivery, Kind, Leg, Receipt
from bridge.domain.journey import DELIVERY_MOVES, DeliveryState, DeliveryStep, move
from bridge.store import messages, queries
from bridge.store.lanes import retire
from bridge.store.tables import attempt, body, delivery, event, lane, message, outcome
from bridge.store.unit import Tx

LONGEST_WAIT_MS = 3_600_000  # of a lease and between two attempts


class LostLease(Exception):
    """Another worker holds this lane now; what we learned is dropped and will be looked up again."""


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
            traceparent=row.traceparent,
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
    doubtful = [r.id for r in heads if r.state != DeliveryState.QUEUED.value]
    for ids, state in ((sending, DeliveryState.SENDING), (doubtful, DeliveryState.IN_DOUBT)):
        if ids:
            tx.run(_BEGIN, {"ids": ids, "to": state.value, "at": now})
    return [
        Claimed(r, r.epoch, move(DELIVERY_MOVES, DeliveryState(r.state), DeliveryStep.CLAIM), r.sealed, now)
        for r in heads
    ]


def clock_was_set(
    tx: Tx, partner: str, *, leap: int, flying: Sequence[tuple[int, int]], lease_ms: int
) -> None:
    """The database's clock went on by `leap` milliseconds too many (back: negative).

    Back: what waits goes on waiting as long as it was to, or shorter when several nodes notice. The lanes in
    `flying`, each with the epoch it is held under, are leased anew: nobody takes over what is on its way.
    """
    now = tx.now
    if leap < 0:
        tx.run(queries.SHIFT, {"partner": partner, "now": now, "back": -leap})
        tx.run(queries.CLAMP, {"partner": partner, "until": now + lease_ms})
    for lane_id, epoch in flying:
        tx.run(queries.RENEW, {"lane": lane_id, "epoch": epoch, "until": now + lease_ms})


def whole(sent: Table) -> Select[Any]:
    """Deliveries (or settled ones) with all that a `Claimed` is opened from."""

    def told_by(cause: Table) -> ScalarSelect[str]:
        """The traceparent of the message that held the event or the outcome a delivery comes of."""
        query = select(message.c.traceparent).join(cause, cause.c.message_id == message.c.id)
        return query.where(cause.c.id == sent.c.cause).scalar_subquery()

    columns = (
        *(c for c in sent.c if c.name not in ("released", "label")),
        lane.c.epoch,
        lane.c.patient,
        body.c.sealed,
        func.coalesce(told_by(event), told_by(outcome), "").label("traceparent"),
    )
    return select(*columns).join(lane, lane.c.id == sent.c.lane_id).join(body, body.c.id == sent.c.body_id)


_first = delivery.alias("first")
_HEADS = whole(delivery).where(
    delivery.c.lane_id.in_(bindparam("lanes", expanding=True)),
    delivery.c.seq
    == select(func.min(_first.c.seq)).where(_first.c.lane_id == delivery.c.lane_id).scalar_subquery(),
    delivery.c.state != DeliveryState.PARKED.value,
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


def note_known(tx: Tx, known: Mapping[str, int]) -> None:
    """Of deliveries just claimed, by id: how old the knowledge is on which they leave (ms)."""
    if known:
        tx.run(_KNOWN, [{"row": row, "known": at} for row, at in known.items()])


_KNOWN = update(delivery).where(delivery.c.id == bindparam("row")).values(known_at=bindparam("known"))


def freeze(tx: Tx, claimed: Delivery, plain: bytes) -> None:
    """The bytes that will leave: kept before they do, and never changed again."""
    _hold(tx, claimed)
    messages.replace_body(tx, claimed.id, plain)
    tx.run(update(delivery).where(delivery.c.id == claimed.id).values(frozen=True))


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
    retire(tx, claimed.id, state, receipt, tried.code)
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
    untried = {"attempts": 0, "first_sent_at": None, "trying_since": None}
    tx.run(update(delivery).where(delivery.c.id == claimed.id).values(untried))


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
