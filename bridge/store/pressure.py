"""How much waits to be sent, and since when: what the doors' limits are about.

Asked every second or two, so that each statement is bounded: a count that stops at the limit, and for each
partner and state the oldest rows by the index `delivery_state_ix`.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, func, select

from bridge.domain.journey import DeliveryState
from bridge.store.tables import delivery
from bridge.store.unit import Tx

MOVING = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.IN_DOUBT)
OLDEST = 1000  # rows of a partner and state that are looked at

_SOME = select(delivery.c.id).limit(bindparam("most")).subquery()
DEPTH = select(func.count()).select_from(_SOME)
_OLDEST = (
    select(delivery.c.created_at, delivery.c.code)
    .where(delivery.c.partner == bindparam("partner"), delivery.c.state == bindparam("state"))
    .order_by(delivery.c.created_at)
    .limit(OLDEST)
    .subquery()
)
SINCE = select(func.min(_OLDEST.c.created_at)).where(
    _OLDEST.c.code.not_in(bindparam("held_back", expanding=True))
)


def depth(tx: Tx, most: int) -> int:
    """How many deliveries are not settled; counting ends at `most`."""
    return int(tx.run(DEPTH, {"most": most}).scalar_one())


def oldest(tx: Tx, partners: Iterable[str], held_back: Sequence[str]) -> int | None:
    """When the oldest delivery that is under way was queued, in milliseconds.

    Parked ones wait for a person, and those with a code of `held_back` for their practice: neither says that
    a partner is behind.
    """
    times = (
        tx.run(SINCE, {"partner": partner, "state": state.value, "held_back": list(held_back)}).scalar_one()
        for partner in partners
        for state in MOVING
    )
    return min((at for at in times if at is not None), default=None)
