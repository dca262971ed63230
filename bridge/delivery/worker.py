"""Claim lanes and let their heads fly: one worker per partner and node, never waiting for another partner.

Before the claim commits nothing happened; what happens after it is told in flight.py.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.delivery.breaker import Breaker, BreakerState
from bridge.delivery.flight import Field, Flight
from bridge.delivery.port import LastLook, Looker, Partner, Settled
from bridge.delivery.retry import RetryPolicy
from bridge.errors import BridgeError, Unavailable
from bridge.events import Event, Trace, emit, failed_at, traced
from bridge.store import claims, hold
from bridge.store.claims import Claimed, LostLease
from bridge.store.unit import Store, Tx

Catch = list[tuple[Claimed, LastLook]]
UNOPENED = "sealed-value-altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How one partner is worked. The lease is more than twice the longest attempt."""

    concurrency: int = 16
    lease: timedelta = timedelta(seconds=90)
    idle: timedelta = timedelta(milliseconds=500)
    policy: RetryPolicy = field(default_factory=RetryPolicy)


class Worker:
    """Sends to one partner until stopped. `beat` is when it last turned, for health."""

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
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
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
        self._flights: dict[asyncio.Task[None], int] = {}  # each with when it began

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
        return min(self._flights.values(), default=None)

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

        def work(tx: Tx) -> Catch:
            if hold.is_held(tx):
                return []
            claimed = claims.claim(tx, self.name, limit=limit, lease_ms=lease_ms)
            looks = self._last_look(tx, claimed) if claimed else {}
            return [(each, looks.get(each.row.id, LastLook())) for each in claimed]

        return await self._store.run(work)

    def _launch(self, claimed: Claimed, look: LastLook, until: float) -> None:
        row = claimed.row
        ids = Trace(request_id=row.request_id, correlation_id=row.correlation_id, traceparent=row.traceparent)
        with traced(ids):
            task = asyncio.get_running_loop().create_task(self._fly(claimed, look, until))
        self._flights[task] = self._clock()
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
