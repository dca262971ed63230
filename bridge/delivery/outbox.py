"""Queueing a delivery in its lane: what it supersedes, and when a cancel need not leave at all.

| lane before           | change arrives                       | cancel arrives                    |
|-----------------------|--------------------------------------|-----------------------------------|
| nothing ever sent     | replaces the waiting create          | closes what waits, nothing goes   |
| create parked         | a new create takes its place and     | closes it; goes out if it may     |
|                       | updates what it may find there       | have left                         |
| create in doubt, sent | queued behind it                     | queued behind it                  |
| change waiting        | the newer one stays                  | closes it, cancel queued          |
| cancel waiting        | queued behind it                     | the newer one stays               |

The same holds when the head is parked after they came: what waits behind it takes its place.
"""

from dataclasses import replace

from bridge.domain.delivery import Delivery, Kind
from bridge.domain.journey import DeliveryState, DeliveryStep
from bridge.store import claims, lanes
from bridge.store.claims import Try
from bridge.store.lanes import Order, Queued
from bridge.store.unit import Tx


def enqueue(tx: Tx, order: Order, *, shadow: bool = False) -> bool:
    """Queue `order` under the rules above; False when nothing of it can leave.

    That is so when a cancel closed everything before it could leave, and for a `shadow`, which is kept as
    settled. The caller gives a CHANGE the body of a CREATE when `must_create` says so beforehand.
    """
    lane_id = lanes.lane_of(tx, order.referral_id, order.partner, order.patient)
    if shadow:
        lanes.record_shadow(tx, order, lane_id)
        return False
    waiting = lanes.waiting_in(tx, lane_id)
    if order.kind is Kind.CANCEL:
        for queued in waiting:
            if _may_be_closed(queued):
                lanes.step_unclaimed(tx, lane_id, queued, DeliveryStep.SUPERSEDE, code="cancelled")
        if not lanes.ever_sent(tx, lane_id):
            return False
    elif order.kind in (Kind.CREATE, Kind.CHANGE):
        replaced = [q for q in waiting if _may_be_closed(q) and q.kind in (Kind.CREATE, Kind.CHANGE)]
        for queued in replaced:
            lanes.step_unclaimed(tx, lane_id, queued, DeliveryStep.SUPERSEDE, code="newer-version")
        order = replace(order, replaces=order.replaces or any(q.sent or q.replaces for q in replaced))
    lanes.enqueue(tx, order, lane_id)
    return True


def park(tx: Tx, claimed: Delivery, tried: Try) -> bool:
    """Set a claimed delivery aside for a person; False when what waits behind it takes its place at once."""
    claims.park(tx, claimed, tried)
    waiting = lanes.waiting_in(tx, claimed.lane_id)
    parked = [q for q in waiting if q.id == claimed.id]
    for code, closed, closing in _CLOSES:
        if parked and claimed.kind in closed and any(q.kind in closing for q in waiting if q not in parked):
            lanes.step_unclaimed(tx, claimed.lane_id, parked[0], DeliveryStep.SUPERSEDE, code=code)
            return False
    return bool(parked)


_VERSIONS = frozenset({Kind.CREATE, Kind.CHANGE})
_CLOSES = (
    ("cancelled", _VERSIONS | {Kind.FILE}, frozenset({Kind.CANCEL})),
    ("newer-version", _VERSIONS, _VERSIONS),
)


def must_create(tx: Tx, referral_id: str, partner: str, patient: str) -> bool:
    """Whether the next version must go as a create: the first create still waits or was parked unaccepted."""
    lane_id = lanes.lane_of(tx, referral_id, partner, patient)
    waiting = lanes.waiting_in(tx, lane_id)
    if any(q.kind is Kind.CREATE and _may_be_closed(q) for q in waiting):
        return True
    return not waiting and not lanes.ever_sent(tx, lane_id)


def _may_be_closed(queued: Queued) -> bool:
    """Waiting for its first attempt, or parked: nobody is sending it and no look is owed before it goes.

    A parked delivery that may have left stays possible to close, because what follows it looks first.
    """
    if queued.state is DeliveryState.PARKED:
        return True
    return queued.state is DeliveryState.QUEUED and not queued.sent
