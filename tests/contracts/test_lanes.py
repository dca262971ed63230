"""Lanes, on both dialects: who may send what, in which order, and who may still say how it ended."""

from typing import Any
from uuid import uuid4

import pytest

from bridge.delivery import outbox
from bridge.domain.delivery import Kind, Leg, Receipt
from bridge.domain.journey import DeliveryState, DeliveryStep
from bridge.store import Store, claims, lanes
from bridge.store.claims import Claimed, LostLease, Try
from bridge.store.lanes import Order
from bridge.store.unit import Tx

TRIED = Try(took_ms=1, result="accepted", status=200, code="", node="n1")


def an_order(referral: str = "r1", patient: str = "p1", kind: Kind = Kind.CREATE, **changes: Any) -> Order:
    values: dict[str, Any] = {
        "id": str(uuid4()),
        "referral_id": referral,
        "partner": "sp",
        "patient": patient,
        "leg": Leg.FORWARD,
        "kind": kind,
        "priority": "",
        "request_id": str(uuid4()),
        "correlation_id": "c",
        "body": b"{}",
        "frozen": True,
        "cause": "",
        "version": 1,
    }
    return Order(**(values | changes))


async def queue(store: Store, *orders: Order) -> None:
    for order in orders:
        await store.run(lambda tx, order=order: outbox.enqueue(tx, order))


async def claim(store: Store, limit: int = 10) -> list[Claimed]:
    return await store.run(lambda tx: claims.claim(tx, "sp", limit=limit, lease_ms=60_000))


def opened(store: Store, claimed: Claimed) -> Any:
    return claimed.opened(lambda sealed, bound_to: sealed)  # noqa: ARG005


async def accept(store: Store, claimed: Claimed) -> None:
    delivery = opened(store, claimed)
    await store.run(lambda tx: claims.settle(tx, delivery, DeliveryStep.ACCEPT, Receipt(), TRIED))


async def test_the_second_of_a_lane_waits_for_the_first(store: Store) -> None:
    """Order holds within a lane."""
    await queue(store, an_order(), an_order(kind=Kind.FILE))
    first = await claim(store)

    assert [c.row.kind for c in first] == ["create"]
    assert await claim(store) == []
    await accept(store, first[0])
    assert [c.row.kind for c in await claim(store)] == ["file"]


async def test_two_referrals_of_one_person_are_never_in_flight_together(store: Store) -> None:
    """At most one in flight per partner and patient."""
    await queue(store, an_order("r1", "p1"), an_order("r2", "p1"), an_order("r3", "p2"))
    first = await claim(store)

    assert {c.row.referral_id for c in first} == {"r1", "r3"}
    assert await claim(store) == []
    await accept(store, next(c for c in first if c.row.referral_id == "r1"))
    assert [c.row.referral_id for c in await claim(store)] == ["r2"]


async def test_a_lease_that_ran_out_leaves_the_delivery_in_doubt(store: Store, clock: Any) -> None:
    """Whoever had it may have sent it: the next one looks first."""
    await queue(store, an_order())
    await claim(store)
    clock.forward(61)
    again = await claim(store)

    assert [c.state for c in again] == [DeliveryState.IN_DOUBT]


async def test_what_was_on_its_way_when_its_worker_went_comes_first(store: Store, clock: Any) -> None:
    """Nobody knows whether it arrived; what has never left can wait that little longer."""
    await queue(store, an_order("r1"))
    await claim(store)
    clock.forward(1)
    await queue(store, an_order("r2", "p2"))
    clock.forward(61)

    assert [c.row.referral_id for c in await claim(store, limit=1)] == ["r1"]


async def test_what_goes_down_with_its_worker_twice_comes_last(store: Store, clock: Any) -> None:
    """It may be what kills them, and then the others would never be sent."""
    await queue(store, an_order("r1"))
    for _ in range(2):
        await claim(store)
        clock.forward(61)
    await queue(store, an_order("r2", "p2"))
    clock.forward(1)

    assert [c.row.referral_id for c in await claim(store, limit=1)] == ["r2"]


async def test_a_worker_whose_lease_ran_out_may_not_settle(store: Store, clock: Any) -> None:
    """The epoch fences out a node that froze and came back."""
    await queue(store, an_order())
    late = (await claim(store))[0]
    clock.forward(61)
    await claim(store)

    with pytest.raises(LostLease):
        await accept(store, late)


async def test_a_parked_head_holds_its_lane_and_no_other(store: Store) -> None:
    """One bad message never stops a channel."""
    await queue(store, an_order("r1"), an_order("r1", kind=Kind.FILE), an_order("r2", "p2"))
    first = await claim(store, limit=1)
    delivery = opened(store, first[0])
    await store.run(lambda tx: claims.park(tx, delivery, TRIED))

    assert [c.row.referral_id for c in await claim(store)] == ["r2"]
    lane_id, queued = await store.run(lambda tx: lanes.in_lane(tx, delivery.id)) or (0, None)
    assert queued is not None
    await store.run(lambda tx: lanes.step_unclaimed(tx, lane_id, queued, DeliveryStep.RELEASE))
    assert [c.row.kind for c in await claim(store)] == ["create"]


async def test_a_cancel_before_anything_left_closes_both(store: Store) -> None:
    """Nothing goes out for a referral that was never sent."""
    await queue(store, an_order())
    sent = await store.run(lambda tx: outbox.enqueue(tx, an_order(kind=Kind.CANCEL)))

    assert sent is False
    assert await claim(store) == []


async def test_a_cancel_during_the_first_send_goes_out_after_it(store: Store) -> None:
    """Once it may have left, the cancel is delivered."""
    await queue(store, an_order())
    first = (await claim(store))[0]
    await queue(store, an_order(kind=Kind.CANCEL))
    await accept(store, first)

    assert [c.row.kind for c in await claim(store)] == ["cancel"]


async def test_a_newer_version_takes_the_place_of_the_waiting_one(store: Store) -> None:
    """Only the newest version of a referral that has not left is sent."""
    await queue(store, an_order(version=1), an_order(version=2))
    claimed = await claim(store)

    assert [(c.row.version, c.row.replaces) for c in claimed] == [(2, False)]


async def test_a_newer_version_over_a_parked_one_that_may_have_left_says_so(store: Store) -> None:
    """The create updates what it may find there."""
    await queue(store, an_order(version=1))
    delivery = opened(store, (await claim(store))[0])
    await store.run(lambda tx: claims.park(tx, delivery, TRIED))
    await queue(store, an_order(version=2))
    claimed = await claim(store)

    assert [(c.row.version, c.row.replaces) for c in claimed] == [(2, True)]


async def test_a_version_over_one_that_never_left_still_knows_of_the_first(store: Store) -> None:
    """The first may be there; a version that took its place unsent must not let the next forget that."""
    await queue(store, an_order(version=1))
    delivery = opened(store, (await claim(store))[0])
    await store.run(lambda tx: claims.park(tx, delivery, TRIED))
    await queue(store, an_order(version=2), an_order(version=3))
    claimed = await claim(store)

    assert [(c.row.version, c.row.replaces) for c in claimed] == [(3, True)]


async def test_postponed_means_not_before_its_time(store: Store, clock: Any) -> None:
    """A retry waits for its delay."""
    await queue(store, an_order())
    delivery = opened(store, (await claim(store))[0])
    await store.run(
        lambda tx: claims.postpone(tx, delivery, DeliveryStep.POSTPONE, delay_ms=5_000, tried=TRIED)
    )

    assert await claim(store) == []
    clock.forward(5)
    assert [c.state for c in await claim(store)] == [DeliveryState.SENDING]


async def test_every_claim_counts_as_an_attempt_also_a_look(store: Store, clock: Any) -> None:
    """Waits grow with the attempts: a service that is away is not asked over and over at the first pace."""
    await queue(store, an_order())
    counted = []
    for _ in range(4):
        delivery = opened(store, (await claim(store))[0])
        counted.append(delivery.attempts)
        await store.run(
            lambda tx, held=delivery: claims.postpone(
                tx, held, DeliveryStep.DOUBT, delay_ms=1_000, tried=TRIED
            )
        )
        clock.forward(1)

    assert counted == [1, 2, 3, 4]


@pytest.mark.parametrize("leap", [10_000, -10_000])
async def test_a_lane_that_has_nothing_left_is_not_taken_up_again(
    store: Store, clock: Any, leap: int
) -> None:
    """Proven while it was on its way, then the clock was set and its worker went: the next one goes."""
    await queue(store, an_order("r1"))
    [first] = await claim(store)
    lane_id, queued = await store.run(lambda tx: lanes.in_lane(tx, first.row.id)) or (0, None)
    assert queued is not None
    await store.run(lambda tx: lanes.step_unclaimed(tx, lane_id, queued, DeliveryStep.PROVE))
    flying = [(lane_id, first.epoch)]
    await store.run(lambda tx: claims.clock_was_set(tx, "sp", leap=leap, flying=flying, lease_ms=50_000))
    clock.forward(61)
    assert await claim(store) == []
    await queue(store, an_order("r2"))

    assert [c.row.referral_id for c in await claim(store)] == ["r2"]


async def test_a_unit_that_fails_leaves_nothing_and_its_neighbours_stand(store: Store) -> None:
    """Many units share a commit; a failing one is rolled back alone."""

    def failing(tx: Tx) -> None:
        outbox.enqueue(tx, an_order("bad", "p9"))
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError):
        await store.run(failing)
    await queue(store, an_order("good", "p8"))

    assert [c.row.referral_id for c in await claim(store)] == ["good"]
