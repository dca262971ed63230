"""Two units that touch one referral at once: neither undoes what the other has just done."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from bridge.domain.journey import ReferralState, ReferralStep
from bridge.domain.referral import EventKind
from bridge.pipeline import consent, ending, mend
from bridge.pipeline.context import local_index
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing
from bridge.store import Store, referrals
from bridge.store.audit import Hand
from bridge.store.stances import Stance
from bridge.store.unit import Tx
from tests.conftest import a_patient, a_referral
from tests.pipeline.desk import a_context, an_event, tell

ID = str(a_referral().key.id)
LONG_ENOUGH = 1.0  # seconds for the second unit to get through, were nothing to keep it away


@pytest.fixture
def hand(ring: KeyRing) -> Hand:
    """Somebody who mends."""
    return Hand(actor="test", why="because", node="node", chain=AuditChain(ring))


async def beside(
    store: Store, step: ReferralStep, second: Callable[[Tx], object], *, written: bool
) -> ReferralState:
    """Take a step in a unit that is still open while `second` begins; where the referral stands then.

    `written`: it has written when the second begins, and not only read.
    """
    held, done = threading.Event(), threading.Event()

    def first(tx: Tx) -> None:
        stored = referrals.hold(tx, ID)
        assert stored is not None
        if written:
            referrals.step(tx, stored, step)
        held.set()
        done.wait(LONG_ENOUGH)
        if not written:
            referrals.step(tx, stored, step)

    async def after() -> None:
        await asyncio.to_thread(held.wait)
        try:
            await store.run(second)
        except mend.Unacceptable:
            pass  # it came too late, and says so
        finally:
            done.set()

    await asyncio.gather(store.run(first), after())
    found = await store.read(lambda tx: referrals.get(tx, ID))
    assert found is not None
    return found.state


async def test_an_objection_beside_a_change_takes_the_referral_back(store: Store) -> None:
    """The change has read the referral as open and would write that again."""
    await tell(store, an_event())
    number = a_patient().nhs_number
    assert number is not None
    said = Stance(id="s1", kind=EventKind.OBJECTED.value, said_at=1, number=number.digits)
    state = await beside(
        store,
        ReferralStep.CHANGE,
        lambda tx: consent.stand(tx, a_context(), said, cause="test"),
        written=False,
    )

    assert state is ReferralState.WITHDRAWN


async def test_a_death_beside_an_ending_does_not_end_it_twice(store: Store) -> None:
    """The service has closed it meanwhile."""
    await tell(store, an_event())

    def died(tx: Tx) -> None:
        ending.withdraw(
            tx, a_context(), local_index(tx, "A99999", "P1"), cause="test", code="patient-deceased"
        )

    assert await beside(store, ReferralStep.COMPLETE, died, written=True) is ReferralState.COMPLETED


async def test_a_release_beside_a_cancellation_sends_nothing(store: Store, hand: Hand) -> None:
    """The person at the page has not seen that the practice takes it back."""
    await tell(store, an_event())

    def parked(tx: Tx) -> None:
        stored = referrals.get(tx, ID)
        assert stored is not None
        referrals.step(tx, stored, ReferralStep.PARK, code="person-merged")

    await store.run(parked)
    state = await beside(
        store, ReferralStep.CANCEL, lambda tx: mend.release(tx, a_context(), hand, ID), written=True
    )

    assert state is ReferralState.CANCELLED
