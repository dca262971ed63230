"""What goes wrong around an attempt: frozen processes, last looks that come late, rests, and set clocks."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from bridge.delivery import outbox
from bridge.delivery.breaker import REFUSALS, Breaker
from bridge.delivery.port import LastLook, Looker
from bridge.delivery.worker import Terms, Worker
from bridge.domain.delivery import Effect, Kind
from bridge.domain.journey import DeliveryState as State
from bridge.errors import Ambiguous, Doubtful, Refused, Throttled, Transient
from bridge.security.sealing import Sealer
from bridge.store import Store, claims
from bridge.store.claims import Claimed
from bridge.store.tables import delivery, settled
from bridge.store.unit import Tx
from tests.conftest import Clock
from tests.contracts.test_lanes import an_order
from tests.delivery.test_worker import SOON, Partner, a_worker, queue, states

LEASE_MS = 60_000


async def leave_in_doubt(store: Store, clock: Clock) -> None:
    """Somebody claims what is due and is never heard of again."""
    await store.run(lambda tx: claims.claim(tx, "sp", limit=10, lease_ms=LEASE_MS))
    clock.forward(LEASE_MS / 1000 + 1)


def always(look: LastLook) -> Callable[..., Any]:
    """A last look that says the same of everything."""
    return lambda _tx, claimed: {each.row.id: look for each in claimed}


async def sent_flags(store: Store) -> list[bool]:
    """Of each delivery, settled or not, whether it may have left."""

    def read(tx: Tx) -> list[bool]:
        rows = [tx.run(select(t.c.first_sent_at)).scalars().all() for t in (settled, delivery)]
        return [at is not None for found in rows for at in found]

    return await store.read(read)


async def test_what_may_not_leave_any_more_is_looked_up_and_not_sent(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """It was in doubt, it has not arrived, and meanwhile the person objected."""
    partner = Partner()
    await queue(store)
    await leave_in_doubt(store, clock)
    await a_worker(store, sealer, clock, partner, look=always(LastLook(withhold="consent-refused"))).drain()

    assert (await states(store), partner.sent) == ([State.WITHHELD], [])


async def test_what_arrived_is_settled_whatever_the_last_look_says(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """It is there already: the cancel behind it must find it delivered."""
    partner = Partner()
    partner.stored = await queue(store)
    await leave_in_doubt(store, clock)
    await a_worker(store, sealer, clock, partner, look=always(LastLook(withhold="consent-refused"))).drain()

    assert (await states(store), partner.sent) == ([State.DELIVERED], [])


async def test_what_is_held_while_in_doubt_stays_in_doubt(store: Store, sealer: Sealer, clock: Clock) -> None:
    """Not sent now, and looked up again before it is sent later."""
    partner = Partner()
    await queue(store)
    await leave_in_doubt(store, clock)
    held = always(LastLook(wait=timedelta(minutes=10), code="practice-not-live"))
    await a_worker(store, sealer, clock, partner, look=held).drain()

    assert (await states(store), partner.sent) == ([State.IN_DOUBT], [])


async def test_what_was_held_back_has_not_left(store: Store, sealer: Sealer, clock: Clock) -> None:
    """A newer version takes its place, and a cancel closes it without a word to the partner."""
    await queue(store)
    held = always(LastLook(wait=timedelta(minutes=10), code="practice-not-live"))
    await a_worker(store, sealer, clock, Partner(), look=held).drain()

    assert (await states(store), await sent_flags(store)) == ([State.QUEUED], [False])


async def test_time_that_a_delivery_was_held_is_not_time_it_was_tried(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """After a week on hold the first failure is the first, not the last."""
    partner = Partner()
    partner.script = [Transient()]
    await queue(store)
    held = always(LastLook(wait=timedelta(minutes=10), code="practice-not-live"))
    await a_worker(store, sealer, clock, partner, look=held).drain()
    clock.forward(7 * 24 * 3600)
    await a_worker(store, sealer, clock, partner).drain()

    assert await states(store) == [State.QUEUED]


async def test_a_hold_makes_no_wait_after_a_failure_longer(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """Each look at a hold is no attempt: the first failure is tried again at the first pace."""
    partner = Partner()
    partner.script = [Transient()]
    await queue(store)
    held = a_worker(
        store, sealer, clock, partner, look=always(LastLook(wait=timedelta(minutes=10), code="feed-too-old"))
    )
    for _ in range(12):
        await held.drain()
        clock.forward(601)
    worker = a_worker(store, sealer, clock, partner)
    await worker.drain()
    clock.forward(SOON.first.total_seconds())
    await worker.drain()

    assert await states(store) == [State.DELIVERED]


async def test_how_old_the_knowledge_was_stands_on_what_left(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """Of a create too, whose bytes are fixed when it is queued; a retry leaves on newer knowledge."""
    partner = Partner()
    partner.script = [Transient()]
    await queue(store)
    seen = []
    for known_at in (7, 8):
        await a_worker(store, sealer, clock, partner, look=always(LastLook(known_at=known_at))).drain()
        clock.forward(60)
        seen.append(await store.read(known_ats))

    assert seen == [[7], [8]]


def known_ats(tx: Tx) -> list[int | None]:
    """Of each delivery, settled or not, how old the last look's knowledge was."""
    rows = [tx.run(select(t.c.known_at)).scalars().all() for t in (settled, delivery)]
    return [at for found in rows for at in found]


async def test_a_partner_that_refuses_all_is_never_a_reason_to_send_twice(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """Where twice is twice, a delivery in doubt goes to a person, whatever else the partner refuses."""
    partner = Partner()
    partner.effect = Effect.AT_MOST_ONE
    worker = a_worker(store, sealer, clock, partner)
    for lane_id in range(REFUSALS):
        worker.breaker.failed(Refused(code="partner-refused"), lane_id)
    clock.forward(10)
    await queue(store)
    await leave_in_doubt(store, clock)
    await worker.drain()

    assert (await states(store), partner.sent) == ([State.PARKED], [])


async def test_a_refusal_of_all_keeps_a_doubt_a_doubt(store: Store, sealer: Sealer, clock: Clock) -> None:
    """The look itself is refused: what may have arrived is looked up again, never taken for unsent."""

    class RefusesTheLook(Partner):
        async def look(self, delivery: Any) -> None:
            raise Refused(code="partner-refused")

    worker = a_worker(store, sealer, clock, RefusesTheLook())
    for lane_id in range(1000, 1000 + REFUSALS):
        worker.breaker.failed(Refused(code="partner-refused"), lane_id)
    clock.forward(10)
    await queue(store)
    await leave_in_doubt(store, clock)
    await worker.drain()

    assert await states(store) == [State.IN_DOUBT]


@pytest.mark.parametrize("kind", [Kind.CANCEL, Kind.CHANGE])
async def test_what_waits_behind_a_head_that_is_parked_takes_its_place(
    store: Store, sealer: Sealer, clock: Clock, kind: Kind
) -> None:
    """The cancel is delivered, and the corrected version too, though they came before the refusal."""
    partner = Partner()
    partner.gate = asyncio.Event()
    partner.script = [Refused(code="partner-refused")]
    await store.run(partial(outbox.enqueue, order=an_order("r1")))
    sending = asyncio.create_task(a_worker(store, sealer, clock, partner).drain())
    while not partner.sent:
        await asyncio.sleep(0.01)
    await store.run(partial(outbox.enqueue, order=an_order("r1", kind=kind)))
    partner.gate.set()
    await sending

    assert await states(store) == [State.SUPERSEDED, State.DELIVERED]


async def test_a_process_that_was_frozen_past_its_lease_sends_nothing(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """Somebody else may be a version further: what it would send now is old."""

    def frozen(_tx: Tx, _claimed: Sequence[Claimed]) -> dict[str, LastLook]:
        time.sleep(1.6)
        return {}

    partner = Partner()
    worker = quick_worker(store, sealer, clock, partner, lease=timedelta(seconds=3), look=frozen)
    await queue(store)
    await worker.drain()

    assert (partner.sent, await states(store)) == ([], [State.SENDING])


async def test_an_attempt_ends_before_half_its_lease(store: Store, sealer: Sealer, clock: Clock) -> None:
    """However long a partner takes, the next to claim the lane does not meet it."""
    partner = Partner()
    partner.gate = asyncio.Event()
    worker = quick_worker(store, sealer, clock, partner, lease=timedelta(seconds=1))
    await queue(store)
    async with asyncio.timeout(5):
        await worker.drain()

    assert await states(store) == [State.IN_DOUBT]


def quick_worker(
    store: Store,
    sealer: Sealer,
    clock: Clock,
    partner: Partner,
    *,
    lease: timedelta,
    look: Looker = lambda _tx, _claimed: {},
    steady: Clock | None = None,
) -> Worker:
    """A worker with a lease of its own, and where it is given with a clock that nobody sets."""
    return Worker(
        store,
        partner,
        Breaker(now=clock, wall=clock),
        node="n1",
        terms=Terms(policy=SOON, lease=lease),
        open_body=sealer.open,
        last_look=look,
        on_settled=lambda *_: None,
        clock=steady or clock,
    )


async def test_a_clock_that_was_set_back_does_not_keep_a_partner_out(clock: Clock) -> None:
    """A rest ends within the hour whatever the clock does."""
    steady = Clock()
    breaker = Breaker(now=steady, wall=clock)
    breaker.failed(Throttled(after=timedelta(minutes=5)), 1)
    clock.forward(-50 * 60)
    steady.forward(5 * 60)

    assert breaker.allowance(10) == 1


async def test_a_clock_that_is_set_back_makes_no_wait_longer(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """What was to be tried again in a second is, though the clock is fifty minutes behind now."""
    partner, steady = Partner(), Clock()
    partner.script = [Transient()]
    worker = quick_worker(store, sealer, clock, partner, lease=timedelta(seconds=60), steady=steady)
    await queue(store)
    await worker.drain()
    clock.forward(-50 * 60)
    await worker.drain()
    clock.forward(5)
    steady.forward(5)
    await worker.drain()

    assert await states(store) == [State.DELIVERED]


async def test_a_clock_that_is_set_forward_takes_no_lane_from_its_flight(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """Its lease is over by the clock, and it is still on its way: nobody looks or sends beside it."""
    partner, steady = Partner(), Clock()
    partner.effect, partner.gate = Effect.AT_MOST_ONE, asyncio.Event()
    worker = quick_worker(store, sealer, clock, partner, lease=timedelta(seconds=60), steady=steady)
    await queue(store)
    sending = asyncio.create_task(worker.drain())
    while not partner.sent:
        await asyncio.sleep(0.01)
    clock.forward(3 * 3600)
    claimed = await worker._launched()
    partner.gate.set()
    await sending

    assert (claimed, await states(store), len(partner.sent)) == (0, [State.DELIVERED], 1)


async def test_a_fault_in_the_last_look_does_not_end_the_worker(
    store: Store, sealer: Sealer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """One partner's trouble is told and tried again; doors and other partners go on."""
    failing = [True]

    def look(_tx: Tx, _claimed: Sequence[Claimed]) -> dict[str, LastLook]:
        if failing.pop() if failing else False:
            raise LookupError("on purpose")
        return {}

    partner, stop = Partner(), asyncio.Event()
    await queue(store)
    worker = a_worker(store, sealer, clock, partner, look=look)
    running = asyncio.create_task(worker.run(stop))
    with caplog.at_level(logging.ERROR):
        async with asyncio.timeout(10):
            while not partner.sent:
                await asyncio.sleep(0.02)
    stop.set()
    await running

    assert "worker_failed" in [record.__dict__.get("event") for record in caplog.records]


async def test_a_doubt_about_one_person_is_a_persons_while_others_are_refused(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """Two Patients with one number: that the partner also refuses others changes nothing of it."""
    partner = Partner()
    partner.script = [Doubtful(code="partner-several-persons")]
    worker = a_worker(store, sealer, clock, partner)
    for lane_id in range(REFUSALS):
        worker.breaker.failed(Refused(code="partner-refused"), lane_id)
    clock.forward(10)
    await queue(store)
    await worker.drain()

    assert await states(store) == [State.PARKED]


async def test_an_answer_lost_for_good_ends_with_a_person_and_not_in_a_circle(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """Ambiguous for longer than the budget."""
    partner = Partner()
    partner.script = [Ambiguous() for _ in range(50)]
    worker = a_worker(store, sealer, clock, partner)
    await queue(store)
    for _ in range(40):
        await worker.drain()
        clock.forward(3600 * 4)

    assert await states(store) == [State.PARKED]


async def test_what_a_partner_refuses_for_longer_than_its_budget_is_a_persons(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """That it refuses all alike is no reason to try an urgent referral for ever."""
    partner = Partner()
    partner.script = [Refused(code="partner-refused") for _ in range(200)]
    worker = a_worker(store, sealer, clock, partner)
    for lane_id in range(1000, 1000 + REFUSALS):
        worker.breaker.failed(Refused(code="partner-refused"), lane_id)
    clock.forward(10)
    await queue(store, priority="urgent")
    for _ in range(8):
        await worker.drain()
        clock.forward(3600)

    assert await states(store) == [State.PARKED]
