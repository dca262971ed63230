"""Claim lanes, send their heads, settle: one worker per partner and node, never waiting for another partner.

Crash anywhere: before the claim commits nothing happened; after it the lease runs out and the next claim
finds the delivery in doubt and looks before it sends; after the partner answered but before the settle
commits, the same look finds what arrived.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.delivery.breaker import Breaker, BreakerState
from bridge.delivery.port import Partner
from bridge.delivery.retry import RetryPolicy, decide
from bridge.domain.delivery import Delivery, Effect, Kind, Receipt
from bridge.domain.journey import DeliveryState, DeliveryStep
from bridge.errors import Ambiguous, BridgeError, DeliveryError, Doubtful, Unavailable
from bridge.events import Event, Trace, emit, failed_at, traced
from bridge.store import claims, hold
from bridge.store.claims import Claimed, LostLease, Try
from bridge.store.unit import Store, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLook:
    """What is known at send time: send, withhold for good, or hold for `wait`; and how old that is."""

    withhold: str = ""  # a problem code: never send
    wait: timedelta | None = None  # try again later
    code: str = ""
    known_at: int | None = None


Looker = Callable[[Tx, Sequence[Claimed]], dict[str, LastLook]]
Settled = Callable[[Tx, Delivery, DeliveryState, Receipt], None]


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
        self.partner = partner
        self.breaker: Breaker | None = breaker  # health reads it
        self._breaker = breaker
        self.beat = clock()
        self.wake = asyncio.Event()
        self._store = store
        self._node = node
        self._terms = terms
        self._open_body = open_body
        self._last_look = last_look
        self._on_settled = on_settled
        self._clock = clock
        self._flights: dict[asyncio.Task[None], int] = {}  # each with when it began

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: claim and send; then let what is in flight finish."""
        while not stop.is_set():
            self.beat = self._clock()
            try:
                claimed = await self._claim()
            except Unavailable as error:
                emit(Event.STORE_UNAVAILABLE, worker=self.partner.name, reason=str(error))
                await self._rest(stop, timedelta(seconds=1))
                continue
            for each, look in claimed:
                self._launch(each, look)
            if not claimed or not self._free():
                await self._rest(stop, self._terms.idle)
        if self._flights:
            await asyncio.wait(self._flights)

    async def drain(self) -> int:
        """Send what is due now and wait for it; how many attempts were made (tests and one-off commands)."""
        made = 0
        while claimed := await self._claim():
            for each, look in claimed:
                self._launch(each, look)
            made += len(claimed)
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

    async def _claim(self) -> list[tuple[Claimed, LastLook]]:
        limit = self._breaker.allowance(self._free())
        if limit <= 0 or (self._breaker.state is BreakerState.HALF_OPEN and self._flights):
            return []
        lease_ms = int(self._terms.lease.total_seconds() * 1000)

        def work(tx: Tx) -> list[tuple[Claimed, LastLook]]:
            if hold.is_held(tx):
                return []
            claimed = claims.claim(tx, self.partner.name, limit=limit, lease_ms=lease_ms)
            looks = self._last_look(tx, claimed) if claimed else {}
            return [(each, looks.get(each.row.id, LastLook())) for each in claimed]

        return await self._store.run(work)

    def _launch(self, claimed: Claimed, look: LastLook) -> None:
        row = claimed.row
        ids = Trace(request_id=row.request_id, correlation_id=row.correlation_id, traceparent=row.traceparent)
        with traced(ids):
            task = asyncio.get_running_loop().create_task(self._fly(claimed, look))
        self._flights[task] = self._clock()
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flights.pop(task, None)
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

    async def _fly(self, claimed: Claimed, look: LastLook) -> None:
        """One attempt, whatever happens in it."""
        started = time.monotonic()
        try:
            delivery = claimed.opened(self._open_body)
        except BridgeError as error:  # altered or sealed with a lost key: a person's, and no other lane's
            await self._park_unopened(claimed, failed_at(error), started)
            return
        try:
            if look.withhold and delivery.state is DeliveryState.SENDING:
                await self._settle(
                    delivery,
                    DeliveryStep.WITHHOLD,
                    Receipt(),
                    _tried(self._node, started, "withheld", look.withhold),
                )
            elif look.wait is not None and delivery.state is DeliveryState.SENDING:
                tried = _tried(self._node, started, "held", look.code)
                await self._postpone(delivery, DeliveryStep.POSTPONE, look.wait, tried)
            else:
                await self._attempt(delivery, look, started)
        except LostLease:
            emit(Event.LEASE_LOST, delivery=delivery.id, partner=self.partner.name)
        except Unavailable as error:  # the lease runs out and the next claim looks first
            emit(Event.STORE_UNAVAILABLE, worker=self.partner.name, reason=str(error))

    async def _park_unopened(self, claimed: Claimed, error: str, started: float) -> None:
        emit(Event.WORKER_FAILED, worker=self.partner.name, error=error)
        delivery = claimed.opened(lambda _sealed, bound_to: b"")  # noqa: ARG005 - the sealer's signature
        tried = _tried(self._node, started, "unopened", "sealed-value-altered")
        try:
            await self._store.run(lambda tx: self._park(tx, delivery, tried))
        except (LostLease, Unavailable):
            return  # the lease runs out and the next claim meets it again

    async def _attempt(self, delivery: Delivery, look: LastLook, started: float) -> None:
        try:
            receipt = await self._exchange(delivery, look)
        except DeliveryError as error:
            await self._failed(delivery, error, started)
        except (LostLease, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours must not lose or repeat a referral
            emit(Event.WORKER_FAILED, worker=self.partner.name, error=failed_at(error))
            await self._failed(delivery, Ambiguous(code="internal"), started)
        else:
            self._succeeded()
            await self._settle(
                delivery, DeliveryStep.ACCEPT, receipt, _tried(self._node, started, "accepted", "")
            )

    async def _exchange(self, delivery: Delivery, look: LastLook) -> Receipt:
        if delivery.state is DeliveryState.IN_DOUBT:
            found = await self.partner.look(delivery)
            if found is not None:
                return found
            if self.partner.effect is Effect.AT_MOST_ONE:
                raise Doubtful(code="may-have-arrived")
        if not delivery.frozen:
            frozen = await self.partner.prepare(delivery)
            held = delivery
            await self._store.run(lambda tx: claims.freeze(tx, held, frozen, known_at=look.known_at))
            delivery = replace(delivery, body=frozen, frozen=True)
        return await self.partner.send(delivery)

    def _succeeded(self) -> None:
        if self._breaker.state is not BreakerState.CLOSED:
            emit(Event.BREAKER_CLOSED, partner=self.partner.name)
        self._breaker.succeeded()

    async def _failed(self, delivery: Delivery, error: DeliveryError, started: float) -> None:
        if self._breaker.failed(error, delivery.lane_id):
            rest = (self._breaker.until - self._clock()) / 1000
            emit(Event.BREAKER_OPENED, partner=self.partner.name, code=error.code, rest_s=round(rest))
        decision = decide(
            error,
            delivery,
            age=datetime.fromtimestamp(self._clock() / 1000, UTC) - delivery.trying_since,
            effect=self.partner.effect,
            policy=self._terms.policy,
        )
        tried = _tried(self._node, started, type(error).__name__.lower(), error.code, error.status)
        if decision.step is DeliveryStep.PARK and self._breaker.refusing:
            await self._postpone(delivery, DeliveryStep.POSTPONE, self._terms.policy.longest, tried)
        elif decision.step is DeliveryStep.PARK:
            await self._store.run(lambda tx: self._park(tx, delivery, tried))
            emit(
                Event.CANCEL_PARKED if delivery.kind is Kind.CANCEL else Event.DELIVERY_PARKED,
                delivery=delivery.id,
                partner=self.partner.name,
                kind=delivery.kind.value,
                code=error.code,
            )
        else:
            await self._postpone(delivery, decision.step, decision.delay, tried)

    def _park(self, tx: Tx, delivery: Delivery, tried: Try) -> None:
        claims.park(tx, delivery, tried)
        self._on_settled(tx, delivery, DeliveryState.PARKED, Receipt())

    async def _postpone(self, delivery: Delivery, step: DeliveryStep, delay: timedelta, tried: Try) -> None:
        delay_ms = int(delay.total_seconds() * 1000)
        await self._store.run(lambda tx: claims.postpone(tx, delivery, step, delay_ms=delay_ms, tried=tried))
        if step is DeliveryStep.DOUBT:
            emit(Event.DELIVERY_IN_DOUBT, delivery=delivery.id, partner=self.partner.name, code=tried.code)
        else:
            emit(
                Event.DELIVERY_POSTPONED,
                delivery=delivery.id,
                partner=self.partner.name,
                code=tried.code,
                delay_s=delay_ms / 1000,
            )

    async def _settle(self, delivery: Delivery, step: DeliveryStep, receipt: Receipt, tried: Try) -> None:
        state = {DeliveryStep.ACCEPT: DeliveryState.DELIVERED}.get(step, DeliveryState.WITHHELD)

        def work(tx: Tx) -> None:
            claims.settle(tx, delivery, step, receipt, tried)
            self._on_settled(tx, delivery, state, receipt)

        await self._store.run(work)
        emit(
            Event.DELIVERY_SETTLED,
            delivery=delivery.id,
            partner=self.partner.name,
            kind=delivery.kind.value,
            state=state.value,
            took_ms=tried.took_ms,
            age_s=round((datetime.now(UTC) - delivery.created_at).total_seconds(), 3),
        )


def _tried(node: str, started: float, result: str, code: str, status: int | None = None) -> Try:
    took = int((time.monotonic() - started) * 1000)
    return Try(took_ms=took, result=result, status=status, code=code, node=node)
