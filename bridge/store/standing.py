"""How things stand, for health and metrics: asked every second, so each statement seeks or ends at a limit.

tests/store/test_standing.py asks EXPLAIN about these very texts on both dialects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import TextClause, text

from bridge.domain.journey import DeliveryState, ReferralState
from bridge.store import flow, hold, pressure
from bridge.store.hold import Hold
from bridge.store.purging import UNRESOLVED
from bridge.store.unit import Tx

MOST_QUEUED = 100_000  # deliveries of a partner and state that are counted
MOST = 10_000  # events, referrals and cancels that are counted

DEPTH = text(
    "SELECT count(*) FROM (SELECT state FROM delivery WHERE state = :state AND partner = :partner "
    "LIMIT :most) AS found"
)
PARKED_SINCE = text("SELECT min(created_at) FROM delivery WHERE state = 'parked' AND partner = :partner")
URGENT_SINCE = text(
    "SELECT min(created_at) FROM delivery WHERE partner = :partner "
    "AND priority IN ('stat','asap','urgent') AND state <> 'parked'"
)
CANCELS = text(
    "SELECT count(*) AS n, min(created_at) AS since FROM (SELECT created_at FROM delivery "
    "WHERE partner = :partner AND kind = 'cancel' AND state = 'parked' ORDER BY created_at LIMIT :most) "
    "AS found"
)
# The literal list lets both dialects use the partial index `event_unsettled_ix`.
EVENTS = text(
    "SELECT count(*) AS n, min(at) AS since FROM (SELECT at FROM event WHERE state = :state "
    "AND state IN ('kept','waiting','parked') LIMIT :most) AS found"
)
REFERRALS = text(
    "SELECT count(*) AS n, min(updated_at) AS since FROM (SELECT updated_at FROM referral "
    "WHERE state = :state ORDER BY updated_at LIMIT :most) AS found"
)
FEEDS = text("SELECT practice, max(extracted_at) AS extracted_at FROM feed GROUP BY practice")


@dataclass(frozen=True, slots=True)
class Pile:
    """How many, counted up to a limit, and since when the oldest of those counted is there (ms)."""

    n: int
    since: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits for one partner.

    `states` counts its deliveries; `oldest` and `urgent` are when the oldest under way was queued (ms), the
    first without what waits for its practice.
    """

    states: Mapping[str, int]
    oldest: int | None
    urgent: int | None
    parked: Pile
    cancels: Pile


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to look at: names of partners and sources, and the codes of what waits for its practice."""

    partners: Sequence[str]
    sources: Sequence[str]
    held_back: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand at `now` (ms of the database's clock).

    `events` and `referrals` by state, `heard` by source and `feeds` by practice, both in ms.
    """

    now: int
    hold: Hold | None
    queues: Mapping[str, Queue]
    events: Mapping[str, Pile]
    referrals: Mapping[str, Pile]
    heard: Mapping[str, int | None]
    feeds: Mapping[str, int]


def look(tx: Tx, asked: Asked) -> Standing:
    """Look at everything once."""
    return Standing(
        now=tx.now,
        hold=hold.standing(tx),
        queues={name: _queue(tx, name, asked.held_back) for name in asked.partners},
        events={state: _pile(tx, EVENTS, state) for state in UNRESOLVED},
        referrals={state.value: _pile(tx, REFERRALS, state.value) for state in ReferralState},
        heard=flow.heard(tx, asked.sources),
        feeds={row.practice: row.extracted_at for row in tx.run(FEEDS)},
    )


def _queue(tx: Tx, partner: str, held_back: Sequence[str]) -> Queue:
    states = {
        state.value: tx.run(
            DEPTH, {"state": state.value, "partner": partner, "most": MOST_QUEUED}
        ).scalar_one()
        for state in (*pressure.MOVING, DeliveryState.PARKED)
    }
    cancels = tx.run(CANCELS, {"partner": partner, "most": MOST}).one()
    since = tx.run(PARKED_SINCE, {"partner": partner}).scalar_one()
    return Queue(
        states=states,
        oldest=pressure.oldest(tx, [partner], held_back),
        urgent=tx.run(URGENT_SINCE, {"partner": partner}).scalar_one(),
        parked=Pile(states[DeliveryState.PARKED.value], since),
        cancels=Pile(cancels.n, cancels.since),
    )


def _pile(tx: Tx, statement: TextClause, state: str) -> Pile:
    row = tx.run(statement, {"state": state, "most": MOST}).one()
    return Pile(row.n, row.since)
