"""Claim, send, settle: whatever the partner does, on a real store."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from bridge.delivery import outbox
from bridge.delivery.breaker import REFUSALS, Breaker
from bridge.delivery.retry import RetryPolicy
from bridge.delivery.worker import LastLook, Terms, Worker
from bridge.domain.delivery import Delivery, Effect, Kind, Leg, Receipt
from bridge.domain.journey import DeliveryState
from bridge.errors import Ambiguous, DeliveryError, Refused, Transient
from bridge.security.sealing import Sealer
from bridge.store import Store
from bridge.store.claims import Claimed
from bridge.store.lanes import Order
from bridge.store.tables import delivery, settled
from bridge.store.unit import Tx
from tests.conftest import Clock

SOON = RetryPolicy(first=timedelta(seconds=1), look_after=timedelta(seconds=1))


class Partner:
    """A partner that does what it is told; it remembers what it stored and what it was sent."""

    effect = Effect.EXACTLY_ONE
    longest_attempt = timedelta(seconds=10)

    def __init__(self, name: str = "sp") -> None:
        self.name = name
        self.stored: list[str] = []
        self.sent: list[tuple[str, bytes]] = []
        self.script: list[DeliveryError | None] = []
        self.stores_before_failing = False
        self.gate: asyncio.Event | None = None

    async def prepare(self, delivery: Delivery) -> bytes:
        return delivery.body + b" prepared"

    async def send(self, delivery: Delivery) -> Receipt:
        self.sent.append((delivery.request_id, delivery.body))
        if self.gate is not None:
            await self.gate.wait()
        error = self.script.pop(0) if self.script else None
        if error is None or self.stores_before_failing:
            self.stored.append(delivery.referral_id)
        if error is not None:
            raise error
        return Receipt(reference="ServiceRequest/1")

    async def look(self, delivery: Delivery) -> Receipt | None:
        return Receipt(reference="ServiceRequest/1") if delivery.referral_id in self.stored else None


def go(_tx: Tx, _claimed: Sequence[Claimed]) -> dict[str, LastLook]:
    """A last look that finds nothing against anything."""
    return {}


def a_worker(
    store: Store,
    sealer: Sealer,
    clock: Clock,
    partner: Partner,
    *,
    look: Callable[..., Any] = go,
    open_body: Any = None,
) -> Worker:
    """A worker on that store."""
    return Worker(
        store,
        partner,
        Breaker(now=clock, wall=clock),
        node="n1",
        terms=Terms(policy=SOON, idle=timedelta(milliseconds=20)),
        open_body=open_body or sealer.open,
        last_look=look,
        on_settled=lambda *_: None,
        clock=clock,
    )


async def queue(store: Store, how_many: int = 1, *, partner: str = "sp", **changes: Any) -> list[str]:
    """Queue creates for as many people; their referral ids."""
    ids = [str(uuid4()) for _ in range(how_many)]
    for referral in ids:
        order = Order(
            id=str(uuid4()), referral_id=referral, partner=partner, patient=referral, leg=Leg.FORWARD,
            kind=Kind.CREATE, priority="", request_id=str(uuid4()), correlation_id="c", body=b"{}",
            frozen=True, cause="", version=1,
        )  # fmt: skip
        await store.run(partial(outbox.enqueue, order=replace(order, **changes)))
    return ids


async def states(store: Store) -> list[str]:
    """Where each delivery stands, settled or not."""

    def read(tx: Tx) -> list[str]:
        ordered = [select(t.c.state).order_by(t.c.lane_id, t.c.seq) for t in (settled, delivery)]
        rows = [tx.run(query).scalars().all() for query in ordered]
        return [str(state) for found in rows for state in found]

    return await store.read(read)


async def test_a_delivery_is_sent_once_and_settled(store: Store, sealer: Sealer, clock: Clock) -> None:
    """The ordinary way."""
    partner = Partner()
    await queue(store)
    await a_worker(store, sealer, clock, partner).drain()

    assert await states(store) == [DeliveryState.DELIVERED]
    assert len(partner.sent) == 1


async def test_a_lost_answer_is_looked_up_and_never_sent_again(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """It arrived; the look shows it."""
    partner = Partner()
    partner.script, partner.stores_before_failing = [Ambiguous()], True
    await queue(store)
    worker = a_worker(store, sealer, clock, partner)
    await worker.drain()
    clock.forward(5)
    await worker.drain()

    assert await states(store) == [DeliveryState.DELIVERED]
    assert len(partner.sent) == 1


async def test_a_lost_request_is_sent_again_byte_for_byte(store: Store, sealer: Sealer, clock: Clock) -> None:
    """It did not arrive; the same bytes go under the same request id."""
    partner = Partner()
    partner.script = [Ambiguous()]
    await queue(store, frozen=False)
    worker = a_worker(store, sealer, clock, partner)
    await worker.drain()
    clock.forward(5)
    await worker.drain()

    assert await states(store) == [DeliveryState.DELIVERED]
    assert partner.sent[0] == partner.sent[1]
    assert partner.sent[0][1] == b"{} prepared"


async def test_a_partner_that_cannot_tell_twice_from_once_is_never_sent_twice(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """At most one: what a look does not find is a person's."""
    partner = Partner()
    partner.effect, partner.script = Effect.AT_MOST_ONE, [Ambiguous()]
    await queue(store)
    worker = a_worker(store, sealer, clock, partner)
    await worker.drain()
    clock.forward(5)
    await worker.drain()

    assert await states(store) == [DeliveryState.PARKED]
    assert len(partner.sent) == 1


async def test_a_refusal_parks_one_and_the_others_go_on(store: Store, sealer: Sealer, clock: Clock) -> None:
    """One bad message never stops a channel."""
    partner = Partner()
    partner.script = [None, Refused(code="partner-refused"), None]
    await queue(store, 3)
    await a_worker(store, sealer, clock, partner).drain()

    assert sorted(await states(store)) == ["delivered", "delivered", "parked"]


async def test_the_same_refusal_of_many_rests_the_partner_and_parks_few(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """A rule broken at the partner must not park everybody."""
    partner = Partner()
    partner.script = [Refused(code="partner-refused")] * 100
    await queue(store, 60)
    worker = a_worker(store, sealer, clock, partner)
    await worker.drain()

    found = await states(store)
    assert found.count("parked") <= REFUSALS
    assert found.count("queued") >= 60 - REFUSALS


async def test_what_the_last_look_forbids_never_leaves(store: Store, sealer: Sealer, clock: Clock) -> None:
    """Consent, death, deduction: judged when it leaves, not when it was queued."""

    def forbid(_tx: Tx, claimed: Sequence[Claimed]) -> dict[str, LastLook]:
        return {each.row.id: LastLook(withhold="patient-deceased") for each in claimed}

    partner = Partner()
    await queue(store)
    await a_worker(store, sealer, clock, partner, look=forbid).drain()

    assert partner.sent == []
    assert await states(store) == [DeliveryState.WITHHELD]


async def test_what_the_last_look_holds_waits(store: Store, sealer: Sealer, clock: Clock) -> None:
    """A practice that is not live any more keeps its referrals here."""

    def hold(_tx: Tx, claimed: Sequence[Claimed]) -> dict[str, LastLook]:
        wait = LastLook(wait=timedelta(minutes=10), code="practice-not-live")
        return {each.row.id: wait for each in claimed}

    partner = Partner()
    await queue(store)
    await a_worker(store, sealer, clock, partner, look=hold).drain()

    assert partner.sent == []
    assert await states(store) == [DeliveryState.QUEUED]


async def test_a_slow_partner_never_starves_a_fast_one(store: Store, sealer: Sealer, clock: Clock) -> None:
    """Each partner has its own worker and its own limit."""
    slow, fast = Partner("slow"), Partner("fast")
    slow.gate = asyncio.Event()
    await queue(store, 40, partner="slow")
    await queue(store, 10, partner="fast")
    stop = asyncio.Event()
    workers = [a_worker(store, sealer, clock, partner) for partner in (slow, fast)]
    running = [asyncio.create_task(worker.run(stop)) for worker in workers]
    async with asyncio.timeout(20):
        while len(fast.stored) < 10:
            await asyncio.sleep(0.01)

    assert slow.stored == []
    slow.gate.set()
    stop.set()
    await asyncio.gather(*running)


async def test_a_fault_of_ours_is_treated_as_if_it_may_have_left(
    store: Store, sealer: Sealer, clock: Clock
) -> None:
    """An exception nobody thought of neither loses nor doubles a referral."""

    class Broken(Partner):
        async def send(self, delivery: Delivery) -> Receipt:
            await super().send(delivery)
            raise KeyError("nobody thought of this")

    partner = Broken()
    await queue(store)
    worker = a_worker(store, sealer, clock, partner)
    await worker.drain()
    clock.forward(5)
    await worker.drain()

    assert await states(store) == [DeliveryState.DELIVERED]
    assert len(partner.sent) == 1


async def test_a_body_that_cannot_be_opened_is_a_persons(store: Store, sealer: Sealer, clock: Clock) -> None:
    """Altered, or sealed with a lost key: parked, and the next lane goes on."""
    partner = Partner()
    await queue(store)

    def altered(sealed: bytes, bound_to: str) -> bytes:
        return sealer.open(sealed[:-1] + b"x", bound_to=bound_to)

    await a_worker(store, sealer, clock, partner, open_body=altered).drain()

    assert await states(store) == [DeliveryState.PARKED]
    assert partner.sent == []


async def test_retries_go_on_where_they_stopped(store: Store, sealer: Sealer, clock: Clock) -> None:
    """Transient failures wait and come back by themselves."""
    partner = Partner()
    partner.script = [Transient(), Transient(), None]
    await queue(store)
    worker = a_worker(store, sealer, clock, partner)
    for _ in range(3):
        await worker.drain()
        clock.forward(60)

    assert await states(store) == [DeliveryState.DELIVERED]
    assert len({request for request, _ in partner.sent}) == 1
