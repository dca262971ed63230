"""After a backup was put back: what of it may have gone on without us, and what is missing behind its end.

Deliveries are read whole, as a worker would have them, without a claim: nobody claims under the hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, func, select, update

from bridge.domain.delivery import Delivery, Kind, Receipt
from bridge.domain.journey import DELIVERY_MOVES, DeliveryState, DeliveryStep, move
from bridge.store import lanes, queries
from bridge.store.claims import Claimed, whole
from bridge.store.lanes import Queued
from bridge.store.tables import batch, delivery, feed, message, poll, settled
from bridge.store.unit import Tx

RESTORED = "restored"  # why a delivery is parked
RECENT_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """A delivery of the backup that may have gone on since. `settled`: it was over by then."""

    id: str
    partner: str
    kind: Kind
    state: DeliveryState
    settled: bool
    claimed: Claimed

    def opened(self, open_body: Any) -> Delivery:
        """The delivery as the partner needs it; `open_body(sealed, bound_to=…)` is the sealer's."""
        return self.claimed.opened(open_body)


def _behind(table: Any) -> Select[Any]:
    behind = whole(table).where(table.c.id > bindparam("after"))
    return behind.order_by(table.c.id).limit(bindparam("most"))


_UNSETTLED = _behind(delivery)
_LATEST = _behind(settled).where(
    settled.c.settled_at.between(bindparam("since"), bindparam("until")),
    settled.c.state == DeliveryState.DELIVERED.value,
)


def unsettled(tx: Tx, after: str, limit: int) -> list[Unsure]:
    """Deliveries that were on their way, by id, behind `after`."""
    return [_unsure(tx, row, settled=False) for row in tx.run(_UNSETTLED, {"after": after, "most": limit})]


def latest(tx: Tx, newest: int, after: str, limit: int) -> list[Unsure]:
    """Deliveries that were delivered in the last hour before the end of the backup."""
    params = {"after": after, "most": limit, "since": newest - RECENT_MS, "until": newest}
    return [_unsure(tx, row, settled=True) for row in tx.run(_LATEST, params)]


def _unsure(tx: Tx, row: Any, *, settled: bool) -> Unsure:
    state = DeliveryState(row.state)
    claimed = Claimed(row, row.epoch, DeliveryState.IN_DOUBT, row.sealed, tx.now)
    return Unsure(
        id=row.id, partner=row.partner, kind=Kind(row.kind), state=state, settled=settled, claimed=claimed
    )


_ARRIVED = {
    DeliveryState.QUEUED: (DeliveryStep.CLAIM, DeliveryStep.ACCEPT),
    DeliveryState.SENDING: (DeliveryStep.ACCEPT,),
    DeliveryState.IN_DOUBT: (DeliveryStep.ACCEPT,),
    DeliveryState.PARKED: (DeliveryStep.PROVE,),
}


def arrived(tx: Tx, delivery_id: str, receipt: Receipt) -> bool:
    """The partner has it: settle it, as sent since; False when it is settled already."""
    found = lanes.in_lane(tx, delivery_id)
    if found is None:
        return False
    lane_id, queued = found
    state = queued.state
    for step in _ARRIVED[state]:
        state = move(DELIVERY_MOVES, state, step)
    sent_at = func.coalesce(delivery.c.first_sent_at, tx.now)
    tx.run(update(delivery).where(delivery.c.id == delivery_id).values(first_sent_at=sent_at))
    lanes.retire(tx, delivery_id, state, receipt, RESTORED)
    _wake(tx, lane_id, queued)
    return True


def park(tx: Tx, delivery_id: str) -> bool:
    """A person decides: a newer one may have gone out since; False when it is settled or parked already."""
    found = lanes.in_lane(tx, delivery_id)
    if found is None or found[1].state is DeliveryState.PARKED:
        return False
    lane_id, queued = found
    state = move(DELIVERY_MOVES, queued.state, DeliveryStep.PARK)
    sent_at = func.coalesce(delivery.c.first_sent_at, tx.now)
    values = {"state": state.value, "code": RESTORED, "first_sent_at": sent_at}
    tx.run(update(delivery).where(delivery.c.id == delivery_id).values(values))
    _wake(tx, lane_id, queued)
    return True


def _wake(tx: Tx, lane_id: int, queued: Queued) -> None:
    tx.run(queries.WAKE_LANE, {"lane": lane_id, "seq": queued.seq, "due": tx.now})


def unparked(tx: Tx, limit: int) -> Sequence[str]:
    """Deliveries that are neither settled nor parked."""
    return tx.run(_UNPARKED, {"most": limit}).scalars().all()


_UNPARKED = (
    select(delivery.c.id).where(delivery.c.state != DeliveryState.PARKED.value).limit(bindparam("most"))
)


def newest(tx: Tx) -> int:
    """The last time anything was kept or settled, in milliseconds; 0 for an empty database."""
    times = (tx.run(select(func.max(column))).scalar_one() for column in _ENDS)
    return max((at for at in times if at is not None), default=0)


_ENDS = (message.c.received_at, settled.c.settled_at)


def ends(tx: Tx) -> dict[str, list[dict[str, Any]]]:
    """Up to when what each sender told is held: behind that, everything has to be told again."""
    return {name: [dict(row) for row in tx.run(query).mappings()] for name, query in _SENDERS.items()}


_SENDERS = {
    "senders": select(message.c.source, message.c.caller, func.max(message.c.received_at).label("at"))
    .group_by(message.c.source, message.c.caller)
    .order_by(message.c.source, message.c.caller),
    "feeds": select(feed.c.source, feed.c.practice, feed.c.extracted_at.label("at")).order_by(
        feed.c.source, feed.c.practice
    ),
    "extracts": select(batch.c.source, func.max(batch.c.extracted_at).label("at"))
    .where(batch.c.state == "done")
    .group_by(batch.c.source)
    .order_by(batch.c.source),
    "polls": select(poll.c.partner, poll.c.resource, poll.c.since).order_by(poll.c.partner, poll.c.resource),
}
