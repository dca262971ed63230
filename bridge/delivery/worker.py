"""Claim lanes and let their heads fly: one worker per partner and node, never waiting for another partner.

Before the claim commits nothing happened; what happens after it is told in flight.py.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bridge.delivery.breaker import Breaker, BreakerState
from bridge.delivery.flight import Field, Flight
from bridge.delivery.port import LastLook, Looker, Partner, Settled
from bridge.delivery.retry import RetryPolicy
from bridge.domain.journey import DeliveryState
from bridge.errors import BridgeError, Unavailable
from bridge.events import Event, Trace, emit, failed_at, traced
from bridge.store import claims, hold
from bridge.store.claims import Claimed, LostLease
from bridge.store.unit import Store, Tx

Catch = list[tuple[Claimed, LastLook]]
SET_MS = 1_000  # the database's clock and ours are so far apart since the last look: somebody set the one
UNOPENED = "sealed-value-altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How one partner is worked. The lease is more than twice the longest attempt."""

    concurrency: int = 16
    lease: timedelta = timedelta(seconds=90)
    idle: timedelta = timedelta(milliseconds=500)
    policy: RetryPolicy = field(default_factory=RetryPolicy)


def running_ms() -> int:
    """Milliseconds on a clock that nobody sets."""
    return time.monotonic_ns() // 1_000_000


class _Airborne(NamedTuple):
    """An attempt in flight: when it began, on the worker's clock, and its lane with the epoch it holds."""

    began: int
    lane: tuple[int, int]


class Worker:
    """Sends to one partner until stopped.

    `beat` is when it last turned, for health, on `clock`: milliseconds on a clock that nobody sets.
    """

    def __init__(
        self,
        store: Store,
        partner: Partner,
        breaker: Breaker,
        *,
        node: str,
        terms: Terms,
        open_body: Any,
        last_look: Looker,
        on_settled: Settled,
        clock: Callable[[], int] = running_ms,
    ) -> None:
        self.name = partner.name
        self.breaker = breaker
        self.beat = clock()
        self.wake = asyncio.Event()
        self._store = store
        self._terms = terms
        self._open_body = open_body
        self._last_look = last_look
        self._clock = clock
        self._field = Field(
            store=store,
            partner=partner,
            breaker=breaker,
            node=node,
            policy=terms.policy,
            on_settled=on_settled,
        )
        self._flights: dict[asyncio.Task[None], _Airborne] = {}
        self._apart: int | None = None  # the database's clock less ours at the last claim

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: claim and send; then let what is in flight finish."""
        while not stop.is_set():
            self.beat = self._clock()
            try:
                claimed = await self._launched()
            except Unavailable as error:
                emit(Event.STORE_UNAVAILABLE, worker=self.name, reason=str(error))
                await self._rest(stop, timedelta(seconds=1))
                continue
            except Exception as error:  # noqa: BLE001 - one partner's trouble must not end the doors
                emit(Event.WORKER_FAILED, worker=self.name, error=failed_at(error))
                await self._rest(stop, timedelta(seconds=1))
                continue
            if not claimed or not self._free():
                await self._rest(stop, self._terms.idle)
        if self._flights:
            await asyncio.wait(self._flights)

    async def drain(self) -> int:
        """Send what is due now and wait for it; how many attempts were made (tests and one-off commands)."""
        made = 0
        while claimed := await self._launched():
            made += claimed
            await asyncio.gather(*self._flights)
        return made

    @property
    def longest(self) -> timedelta:
        """More than any one attempt may take."""
        return self._terms.lease

    @property
    def oldest_flight(self) -> int | None:
        """When the oldest attempt in flight began, in milliseconds."""
        return min((each.began for each in self._flights.values()), default=None)

    def _free(self) -> int:
        return self._terms.concurrency - len(self._flights)

    async def _launched(self) -> int:
        """Claim what may be claimed now and send it off; how many."""
        until = asyncio.get_running_loop().time() + self._terms.lease.total_seconds() / 2
        claimed = await self._claim()
        for each, look in claimed:
            self._launch(each, look, until)
        return len(claimed)

    async def _claim(self) -> Catch:
        limit = self.breaker.allowance(self._free())
        if limit <= 0 or (self.breaker.state is BreakerState.HALF_OPEN and self._flights):
            return []
        lease_ms = int(self._terms.lease.total_seconds() * 1000)

        def work(tx: Tx) -> tuple[Catch, int]:
            apart = tx.now - self._clock()
            if hold.is_held(tx):
                return [], apart
            leap = 0 if self._apart is None else apart - self._apart
            if abs(leap) > SET_MS:
                lanes = [each.lane for each in self._flights.values()]
                claims.clock_was_set(tx, self.name, leap=leap, flying=lanes, lease_ms=lease_ms)
            claimed = claims.claim(tx, self.name, limit=limit, lease_ms=lease_ms)
            looks = self._last_look(tx, claimed) if claimed else {}
            claims.note_known(tx, _known(claimed, looks))
            return [(each, looks.get(each.row.id, LastLook())) for each in claimed], apart

        catch, self._apart = await self._store.run(work)
        return catch

    def _launch(self, claimed: Claimed, look: LastLook, until: float) -> None:
        row = claimed.row
        ids = Trace(request_id=row.request_id, correlation_id=row.correlation_id, traceparent=row.traceparent)
        with traced(ids):
            task = asyncio.get_running_loop().create_task(self._fly(claimed, look, until))
        self._flights[task] = _Airborne(self._clock(), (row.lane_id, claimed.epoch))
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flights.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:  # the lease runs out and the next claim looks first
            emit(Event.WORKER_FAILED, worker=self.name, error=failed_at(error))
        self.wake.set()

    async def _rest(self, stop: asyncio.Event, longest: timedelta) -> None:
        self.wake.clear()
        stopping = asyncio.ensure_future(stop.wait())
        waking = asyncio.ensure_future(self.wake.wait())
        try:
            await asyncio.wait(
                {stopping, waking}, timeout=longest.total_seconds(), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopping.cancel()
            waking.cancel()

    async def _fly(self, claimed: Claimed, look: LastLook, until: float) -> None:
        try:
            flight = self._flight(claimed, look, until, self._open_body)
        except BridgeError as error:  # altered or sealed with a lost key: a person's, and no other lane's
            emit(Event.WORKER_FAILED, worker=self.name, error=failed_at(error))
            unopened = self._flight(claimed, look, until, lambda _sealed, bound_to: b"")  # noqa: ARG005
            with suppress(LostLease, Unavailable):  # the lease runs out and the next claim meets it again
                await unopened.park("unopened", UNOPENED)
            return
        await flight.fly()

    def _flight(self, claimed: Claimed, look: LastLook, until: float, open_body: Any) -> Flight:
        delivery = claimed.opened(open_body)
        return Flight(
            field=self._field,
            delivery=delivery,
            look=look,
            until=until,
            first=claimed.row.first_sent_at is None,
            age=datetime.fromtimestamp(claimed.at / 1000, UTC) - delivery.trying_since,
            started=time.monotonic(),
        )


def _known(claimed: Sequence[Claimed], looks: Mapping[str, LastLook]) -> dict[str, int]:
    """How old the knowledge is on which each leaves; what may have left keeps that of then."""
    leaving = {each.row.id for each in claimed if each.state is DeliveryState.SENDING or not each.row.frozen}
    return {row: look.known_at for row, look in looks.items() if row in leaving and look.known_at is not None}
