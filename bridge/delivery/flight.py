"""One attempt of one claimed delivery, whatever happens in it, and what is written of it afterwards.

Crash anywhere: after the claim the lease runs out and the next claim finds the delivery in doubt and looks
before it sends; after the partner answered but before the settle commits, the same look finds what arrived.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bridge.delivery import outbox
from bridge.delivery.breaker import Breaker
from bridge.delivery.port import LastLook, Partner, Settled
from bridge.delivery.retry import RetryPolicy, decide
from bridge.domain.delivery import Delivery, Effect, Kind, Receipt
from bridge.domain.journey import DeliveryState, DeliveryStep
from bridge.errors import Ambiguous, DeliveryError, Doubtful, Refused, Unavailable
from bridge.events import Event, emit, failed_at
from bridge.store import claims
from bridge.store.claims import LostLease, Try
from bridge.store.unit import Store, Tx


class _NotToGo(Exception):
    """The look found nothing, and the last look says that it must not be sent, or not now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What the flights of one worker share."""

    store: Store
    partner: Partner
    breaker: Breaker
    node: str
    policy: RetryPolicy
    on_settled: Settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """A claimed delivery under way until `until`, on the loop's clock: half its lease.

    `first`: no earlier attempt of it can have left. `age`: how long it had been tried when it was claimed.
    """

    field: Field
    delivery: Delivery
    look: LastLook
    until: float
    first: bool
    age: timedelta
    started: float

    async def fly(self) -> None:
        """The attempt; a lease that is lost, or a store that is away, leaves the rest to the next claim."""
        partner = self.field.partner.name
        try:
            if self.delivery.state is DeliveryState.SENDING and self._forbidden:
                await self._turn_back()
            else:
                await self._attempt()
        except LostLease:
            emit(Event.LEASE_LOST, delivery=self.delivery.id, partner=partner)
        except Unavailable as error:
            emit(Event.STORE_UNAVAILABLE, worker=partner, reason=str(error))

    async def park(self, result: str, code: str, status: int | None = None) -> None:
        """A person must look, unless what waits behind takes its place."""
        tried = self._tried(result, code, status)

        def work(tx: Tx) -> bool:
            self._note_unsent(tx, tried)
            parked = outbox.park(tx, self.delivery, tried)
            if parked:
                self.field.on_settled(tx, self.delivery, DeliveryState.PARKED, Receipt())
            return parked

        if not await self.field.store.run(work):
            self._ended(DeliveryState.SUPERSEDED, tried)
            return
        emit(
            Event.CANCEL_PARKED if self.delivery.kind is Kind.CANCEL else Event.DELIVERY_PARKED,
            delivery=self.delivery.id,
            partner=self.field.partner.name,
            kind=self.delivery.kind.value,
            code=code,
        )

    @property
    def _forbidden(self) -> bool:
        return bool(self.look.withhold or self.look.park) or self.look.wait is not None

    async def _attempt(self) -> None:
        try:
            receipt = await self._in_time()
        except _NotToGo:
            await self._turn_back()
        except DeliveryError as error:
            await self._failed(error)
        except (LostLease, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours must not lose or repeat a referral
            emit(Event.WORKER_FAILED, worker=self.field.partner.name, error=failed_at(error))
            await self._failed(Ambiguous(code="internal"))
        else:
            self._succeeded()
            await self._settle(DeliveryStep.ACCEPT, DeliveryState.DELIVERED, receipt, self._tried("accepted"))

    async def _in_time(self) -> Receipt:
        """A process that was frozen past its lease must not send: somebody else may be further on."""
        if asyncio.get_running_loop().time() >= self.until:
            raise LostLease
        try:
            async with asyncio.timeout_at(self.until):
                return await self._exchange()
        except TimeoutError:
            raise Ambiguous(code="partner-late") from None

    async def _exchange(self) -> Receipt:
        partner, delivery = self.field.partner, self.delivery
        if delivery.state is DeliveryState.IN_DOUBT:
            found = await partner.look(delivery)
            if found is not None:
                return found
            if partner.effect is Effect.AT_MOST_ONE:
                raise Doubtful(code="may-have-arrived")
            if self._forbidden:
                raise _NotToGo
        if not delivery.frozen:
            frozen = await partner.prepare(delivery)
            await self.field.store.run(lambda tx: claims.freeze(tx, self.delivery, frozen))
            delivery = replace(delivery, body=frozen, frozen=True)
        return await partner.send(delivery)

    def _succeeded(self) -> None:
        if self.field.breaker.succeeded():
            emit(Event.BREAKER_CLOSED, partner=self.field.partner.name)

    async def _turn_back(self) -> None:
        """What the last look forbids is withheld, parked or held; it has not left by this attempt."""
        if self.look.withhold:
            tried = self._tried("withheld", self.look.withhold)
            await self._settle(DeliveryStep.WITHHOLD, DeliveryState.WITHHELD, Receipt(), tried)
        elif self.look.park:
            await self.park("held", self.look.park)
        elif self.look.wait is not None:
            await self._postpone(self._again(), self.look.wait, self._tried("held", self.look.code))

    async def _failed(self, error: DeliveryError) -> None:
        breaker, policy = self.field.breaker, self.field.policy
        if breaker.failed(error, self.delivery.lane_id):
            emit(
                Event.BREAKER_OPENED,
                partner=self.field.partner.name,
                code=error.code,
                rest_s=round(breaker.rest / 1000),
            )
        age = self.age + timedelta(seconds=time.monotonic() - self.started)
        decision = decide(error, self.delivery, age=age, effect=self.field.partner.effect, policy=policy)
        spent = age >= policy.budget_of(self.delivery.priority)
        result = type(error).__name__.lower()
        if decision.step is not DeliveryStep.PARK:
            await self._postpone(decision.step, decision.delay, self._tried(result, error.code, error.status))
        elif isinstance(error, Refused) and breaker.refusing and not spent:
            await self._postpone(self._again(), policy.longest, self._tried(result, error.code, error.status))
        else:
            await self.park(result, error.code, error.status)

    def _again(self) -> DeliveryStep:
        """Later; what may have arrived stays in doubt, so that it is looked up before it is sent."""
        doubtful = self.delivery.state is DeliveryState.IN_DOUBT
        return DeliveryStep.DOUBT if doubtful else DeliveryStep.POSTPONE

    async def _postpone(self, step: DeliveryStep, delay: timedelta, tried: Try) -> None:
        delay_ms = int(delay.total_seconds() * 1000)

        def work(tx: Tx) -> None:
            self._note_unsent(tx, tried)
            claims.postpone(tx, self.delivery, step, delay_ms=delay_ms, tried=tried)

        await self.field.store.run(work)
        named = {"delivery": self.delivery.id, "partner": self.field.partner.name, "code": tried.code}
        if step is DeliveryStep.DOUBT:
            emit(Event.DELIVERY_IN_DOUBT, **named)
        else:
            emit(Event.DELIVERY_POSTPONED, **named, delay_s=delay_ms / 1000)

    async def _settle(self, step: DeliveryStep, state: DeliveryState, receipt: Receipt, tried: Try) -> None:
        def work(tx: Tx) -> None:
            self._note_unsent(tx, tried)
            claims.settle(tx, self.delivery, step, receipt, tried)
            self.field.on_settled(tx, self.delivery, state, receipt)

        await self.field.store.run(work)
        self._ended(state, tried)

    def _note_unsent(self, tx: Tx, tried: Try) -> None:
        if self.first and tried.result in ("held", "withheld"):
            claims.never_left(tx, self.delivery)

    def _ended(self, state: DeliveryState, tried: Try) -> None:
        emit(
            Event.DELIVERY_SETTLED,
            delivery=self.delivery.id,
            partner=self.field.partner.name,
            kind=self.delivery.kind.value,
            state=state.value,
            took_ms=tried.took_ms,
            age_s=round((datetime.now(UTC) - self.delivery.created_at).total_seconds(), 3),
        )

    def _tried(self, result: str, code: str = "", status: int | None = None) -> Try:
        took = int((time.monotonic() - self.started) * 1000)
        return Try(took_ms=took, result=result, status=status, code=code, node=self.field.node)
