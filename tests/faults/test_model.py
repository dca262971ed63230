"""The real store against a model in plain Python: whatever is asked of the lanes, in whatever order."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from bridge.delivery import outbox
from bridge.domain.delivery import Delivery, Kind, Leg, Receipt
from bridge.domain.journey import DeliveryState as State
from bridge.domain.journey import DeliveryStep as Step
from bridge.security.sealing import Sealer
from bridge.store import Store, claims, lanes, open_store
from bridge.store.claims import Claimed, LostLease, Try
from bridge.store.lanes import Order
from bridge.store.tables import delivery, lane, settled
from bridge.store.unit import Tx, Work
from tests.conftest import Clock
from tests.faults.lane_model import Item, Lane, Lanes, Ticket

LEASE_MS = 60_000
TRIED = Try(took_ms=1, result="tried", status=None, code="", node="n1")
PATIENTS = {"r0": "p0", "r1": "p0", "r2": "p1", "r3": "p2"}  # the first two are one person's
HOUR = 3_600.0
PASSES = (0.5, 59.0, 61.0, HOUR)
JUMPS = (5 * HOUR, 30 * 24 * HOUR, -0.5, -61.0, -5 * HOUR, -30 * 24 * HOUR)
DELAYS = (0, 1_000, 600_000, 4_000_000)
some = st.integers(0, 999)


class Machine(RuleBasedStateMachine):
    """One partner's lanes; every example has a partner of its own in the same store."""

    numbers: ClassVar[Iterator[int]] = count()
    opened: ClassVar[Callable[[], Store]]
    clock: ClassVar[Clock]
    sealer: ClassVar[Sealer]
    alone: ClassVar[bool]  # a process that comes back was the only one

    def __init__(self) -> None:
        super().__init__()
        self.partner = f"sp{next(self.numbers)}"
        self.clock.ms = Clock().ms
        self.loop = asyncio.new_event_loop()
        self.store = type(self).opened()
        self.model = Lanes()
        self.known: set[str] = set()
        self.tickets: list[tuple[Ticket, Delivery]] = []

    def teardown(self) -> None:
        """Whatever happened, all of it is delivered, discarded or superseded in the end, in order."""
        try:
            if sys.exc_info()[0] is None:
                self._everything_ends()
        finally:
            self.loop.run_until_complete(self.store.close())
            self.loop.close()

    # What is asked of it

    @rule(referral=st.sampled_from(sorted(PATIENTS)))
    def newer_version(self, referral: str) -> None:
        """A create as long as the first one has not been accepted, a change from then on."""
        named = (self._id(referral), self.partner, PATIENTS[referral])
        must_create = self._run(lambda tx: outbox.must_create(tx, *named))
        known = self.model.lanes.get(referral)
        assert must_create is (known is None or known.must_create)
        self._enqueue(referral, Kind.CREATE if must_create else Kind.CHANGE)

    @rule(referral=st.sampled_from(sorted(PATIENTS)))
    def cancel(self, referral: str) -> None:
        """Taken back, if it may have left."""
        self._enqueue(referral, Kind.CANCEL)

    @rule(referral=st.sampled_from(sorted(PATIENTS)))
    def file(self, referral: str) -> None:
        """Something that nothing supersedes but a cancel."""
        self._enqueue(referral, Kind.FILE)

    @rule(limit=st.integers(1, 5))
    def claim(self, limit: int) -> None:
        """Heads of free lanes only, one for each person; somebody gets something when there is something."""
        self.model.expire(self.clock.ms)
        free = self.model.free(self.clock.ms)
        claimed = self._claim(limit)

        assert len({each.row.patient for each, _ in claimed}) == len(claimed) <= limit
        assert bool(claimed) is bool(free)
        if limit >= len(free):
            assert {found.patient for _, found in claimed} == {found.patient for found in free}
        for each, found in claimed:
            assert found in free
            self._take(each, found)

    @precondition(lambda self: self.tickets)
    @rule(which=some)
    def freeze(self, which: int) -> None:
        """The bytes that leave are kept, once."""
        ticket, claimed = self.tickets[which % len(self.tickets)]
        plain = uuid4().bytes
        if self.model.holds(ticket) and (ticket.item.frozen or ticket.item not in ticket.lane.items):
            return
        if self._as_holder(ticket, lambda tx: claims.freeze(tx, claimed, plain)):
            ticket.item.body, ticket.item.frozen = plain, True

    @precondition(lambda self: self.tickets)
    @rule(which=some, withheld=st.booleans())
    def settle(self, which: int, withheld: bool) -> None:  # noqa: FBT001 - drawn by name
        """Accepted, or withheld by the last look."""
        ticket, claimed = self._pick(which)
        withheld = withheld and ticket.state is State.SENDING
        step, state = (Step.WITHHOLD, State.WITHHELD) if withheld else (Step.ACCEPT, State.DELIVERED)

        def work(tx: Tx) -> None:
            if withheld and ticket.first:
                claims.never_left(tx, claimed)
            claims.settle(tx, claimed, step, Receipt(), TRIED)

        if self._as_holder(ticket, work):
            self.model.settle(ticket, state, self.clock.ms)

    @precondition(lambda self: self.tickets)
    @rule(which=some, how=st.sampled_from(["again", "held", "doubt"]), delay=st.sampled_from(DELAYS))
    def postpone(self, which: int, how: str, delay: int) -> None:
        """Tried again later, held by the last look, or in doubt."""
        ticket, claimed = self._pick(which)
        doubtful = how == "doubt" or ticket.state is State.IN_DOUBT
        step, state = (Step.DOUBT, State.IN_DOUBT) if doubtful else (Step.POSTPONE, State.QUEUED)
        held = how == "held" and not doubtful

        def work(tx: Tx) -> None:
            if held and ticket.first:
                claims.never_left(tx, claimed)
            claims.postpone(tx, claimed, step, delay_ms=delay, tried=TRIED)

        if self._as_holder(ticket, work):
            due = self.clock.ms + min(delay, 3_600_000)
            self.model.again(ticket, state, self.clock.ms, due, held=held)

    @precondition(lambda self: self.tickets)
    @rule(which=some)
    def park(self, which: int) -> None:
        """Set aside for a person."""
        ticket, claimed = self._pick(which)
        if self._as_holder(ticket, lambda tx: outbox.park(tx, claimed, TRIED)):
            self.model.park(ticket, self.clock.ms)

    @precondition(lambda self: self._parked())
    @rule(which=some, release=st.booleans())
    def mend(self, which: int, release: bool) -> None:  # noqa: FBT001 - drawn by name
        """A person releases or discards."""
        parked = self._parked()
        found, item = parked[which % len(parked)]
        self._step(item, Step.RELEASE if release else Step.DISCARD)
        if release:
            self.model.release(found, item, self.clock.ms)
        else:
            self.model.end_unclaimed(found, item, State.DISCARDED, self.clock.ms)

    @rule(referral=st.sampled_from(sorted(PATIENTS)))
    def prove(self, referral: str) -> None:
        """An outcome for it shows that it arrived, even while somebody looks."""
        found = self.model.lanes.get(referral)
        doubtful = [
            i for i in (found.items if found else ())
            if i.kind is Kind.CREATE and i.sent and i.state in (State.IN_DOUBT, State.PARKED)
        ]  # fmt: skip
        for item in doubtful:
            assert found is not None
            self._step(item, Step.PROVE)
            self.model.end_unclaimed(found, item, State.DELIVERED, self.clock.ms)

    @precondition(lambda self: self._looking())
    @rule()
    def proven_while_looked_at(self) -> None:
        """An outcome is quicker than the look, and something waits behind."""
        which = self._looking()[0]
        referral = self.tickets[which][0].lane.referral
        self.file(referral)
        self.prove(referral)
        self.postpone(which, "doubt", DELAYS[-1])

    @rule(seconds=st.sampled_from(PASSES))
    def time_passes(self, seconds: float) -> None:
        """Nothing else happens."""
        self.clock.forward(seconds)

    @rule(seconds=st.sampled_from(JUMPS))
    def clock_is_set(self, seconds: float) -> None:
        """Somebody sets the clock, and a worker asks."""
        self.clock.forward(seconds)
        self.claim(5)

    @rule(referral=st.sampled_from(sorted(PATIENTS)), kind=st.sampled_from([Kind.CHANGE, Kind.CANCEL]))
    def parked_with_another_behind(self, referral: str, kind: Kind) -> None:
        """What was sent is parked after the next came in."""
        self._enqueue(referral, kind)
        held = [n for n, (t, _) in enumerate(self.tickets) if t.lane.referral == referral]
        if held:
            self.park(held[-1])

    @rule()
    def process_restarts(self) -> None:
        """Killed and started again; workers of the old one are gone, or fenced out if they are not."""
        self.loop.run_until_complete(self.store.close())
        self.store = type(self).opened()
        if self.alone:
            self.model.restart(self.clock.ms)

    # What holds at all times

    @invariant()
    def the_store_is_what_the_model_says(self) -> None:
        """Nothing vanished, nothing ended twice, order and times are right."""
        hot, cold, rows = self._run(self._tables)
        assert Counter([*hot, *cold]) == Counter(self.known)
        assert cold == self.model.settled
        for referral, found in self.model.lanes.items():
            mine = [i for i, (lane_of, _, _) in hot.items() if lane_of == self._id(referral)]
            assert mine == [item.id for item in found.items]
            assert [hot[i][1:] for i in mine] == [(item.state, item.sent) for item in found.items]
            row = rows[self._id(referral)]
            assert (row.due_at, row.lease_until, row.epoch) == (found.due, found.until, found.epoch)
            ready = bool(found.items) and found.items[0].state is not State.PARKED
            assert (row.due_at is not None) is ready
        busy = [found.patient for found in self.model.lanes.values() if found.until is not None]
        assert len(busy) == len(set(busy))

    def _tables(self, tx: Tx) -> tuple[dict[str, Any], dict[str, State], dict[str, Any]]:
        mine = [self._id(referral) for referral in PATIENTS]
        hot = tx.run(select(delivery).where(delivery.c.referral_id.in_(mine)).order_by(delivery.c.seq)).all()
        ended = select(settled.c.id, settled.c.state).where(settled.c.referral_id.in_(mine))
        cold = tx.run(ended).all()
        assert len({row.id for row in cold}) == len(cold)
        leases = tx.run(select(lane).where(lane.c.referral_id.in_(mine))).all()
        return (
            {row.id: (row.referral_id, State(row.state), row.first_sent_at is not None) for row in hot},
            {row.id: State(row.state) for row in cold},
            {row.referral_id: row for row in leases},
        )

    def _everything_ends(self) -> None:
        for found, item in self._parked():
            self._step(item, Step.RELEASE)
            self.model.release(found, item, self.clock.ms)
        longest_lane = max((len(found.items) for found in self.model.lanes.values()), default=0)
        for _ in range(2 * longest_lane + 2):  # two lanes of one person take turns
            self.clock.forward(HOUR)
            self.claim(5)
            while self.tickets:
                self.settle(0, withheld=False)
        self.the_store_is_what_the_model_says()
        assert set(self.model.settled) == self.known

    # The hands of the rules

    def _run(self, work: Work[Any]) -> Any:
        return self.loop.run_until_complete(self.store.run(work))

    def _id(self, referral: str) -> str:
        return f"{self.partner}-{referral}"

    def _enqueue(self, referral: str, kind: Kind) -> None:
        item = Item(str(uuid4()), kind, uuid4().bytes)
        order = Order(
            id=item.id, referral_id=self._id(referral), partner=self.partner, patient=PATIENTS[referral],
            leg=Leg.FORWARD, kind=kind, priority="", request_id=item.id, correlation_id="c", body=item.body,
            frozen=False, cause="", version=1,
        )  # fmt: skip
        queued = self._run(lambda tx: outbox.enqueue(tx, order))
        assert queued is self.model.enqueue(referral, PATIENTS[referral], item, self.clock.ms)
        self.known |= {item.id} if queued else set()

    def _claim(self, limit: int) -> list[tuple[Claimed, Lane]]:
        claimed = self._run(lambda tx: claims.claim(tx, self.partner, limit=limit, lease_ms=LEASE_MS))
        return [(each, self.model.lanes[each.row.referral_id.rpartition("-")[2]]) for each in claimed]

    def _take(self, claimed: Claimed, found: Lane) -> None:
        ticket = self.model.claim(found, self.clock.ms + LEASE_MS)
        opened = claimed.opened(self.sealer.open)
        assert (opened.id, opened.state) == (ticket.item.id, ticket.state)
        assert (opened.body, opened.frozen) == (ticket.item.body, ticket.item.frozen)
        self.tickets.append((ticket, opened))

    def _pick(self, which: int) -> tuple[Ticket, Delivery]:
        return self.tickets.pop(which % len(self.tickets))

    def _looking(self) -> list[int]:
        return [
            n
            for n, (t, _) in enumerate(self.tickets)
            if t.state is State.IN_DOUBT and t.item.kind is Kind.CREATE and self.model.holds(t)
        ]

    def _as_holder(self, ticket: Ticket, work: Work[None]) -> bool:
        """Do it; whether it was done. Only who holds the lane may, and nobody else can."""
        if self.model.holds(ticket):
            self._run(work)
            return True
        with pytest.raises(LostLease):
            self._run(work)
        return False

    def _parked(self) -> list[tuple[Lane, Item]]:
        return [(a, i) for a in self.model.lanes.values() for i in a.items if i.state is State.PARKED]

    def _step(self, item: Item, step: Step) -> None:
        def work(tx: Tx) -> None:
            found = lanes.in_lane(tx, item.id)
            assert found is not None
            lanes.step_unclaimed(tx, *found, step)

        self._run(work)


def explore(opened: Callable[[], Store], clock: Clock, sealer: Sealer, *, alone: bool, examples: int) -> None:
    """Run the machine over stores that `opened` opens."""
    machine = type("Machine", (Machine,), {
        "opened": staticmethod(opened), "clock": clock, "sealer": sealer, "alone": alone
    })  # fmt: skip
    quick = settings(max_examples=examples, stateful_step_count=50, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=quick)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: nothing here cuts the power, so nothing needs a disk."""
    shared = Path("/dev/shm")  # noqa: S108 - the folder inside it is our own
    with TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def on_sqlite(folder: Path, clock: Clock, sealer: Sealer, examples: int) -> None:
    """Explore a SQLite store."""
    url = f"sqlite:{folder / 'bridge.sqlite'}"
    opened = partial(open_store, url, sealer, clock=clock)
    explore(opened, clock, sealer, alone=True, examples=examples)


def on_postgres(url: str, clock: Clock, sealer: Sealer, examples: int) -> None:
    """Explore a PostgreSQL store, where other nodes live on when one restarts."""
    opened = partial(open_store, url, sealer, clock=clock, connections=2)
    explore(opened, clock, sealer, alone=False, examples=examples)


@pytest.mark.timeout(600)  # it takes seconds, and minutes to tell a failure in few words
def test_lanes_do_what_the_model_says(memory: Path, clock: Clock, sealer: Sealer) -> None:
    """Order, one in flight, fencing, cancel rules, nothing vanishes, nothing starves."""
    on_sqlite(memory, clock, sealer, examples=40)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_lanes_do_what_the_model_says_for_long(memory: Path, clock: Clock, sealer: Sealer) -> None:
    """The same, thousands of times."""
    on_sqlite(memory, clock, sealer, examples=4000)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(3600)
def test_lanes_on_postgresql_do_what_the_model_says(postgres_url: str, clock: Clock, sealer: Sealer) -> None:
    """The other dialect."""
    on_postgres(postgres_url, clock, sealer, examples=1000)
