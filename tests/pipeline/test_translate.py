"""What one event does to a referral, on both databases."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.journey import EventState, ReferralState
from bridge.domain.referral import EventKind
from bridge.pipeline import mend
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing
from bridge.store import Store, referrals
from bridge.store.audit import Hand
from tests.conftest import a_patient, a_referral
from tests.pipeline.desk import a_context, an_event, tell

KEYLESS = a_patient(1, nhs_number=None)


async def state_of(store: Store, n: int = 1) -> ReferralState | None:
    """Where the referral of key n stands."""
    found = await store.read(lambda tx: referrals.get(tx, str(a_referral(n).key.id)))
    return found.state if found else None


@pytest.fixture
def hand(ring: KeyRing) -> Hand:
    """Somebody who mends."""
    return Hand(actor="test", why="because", node="node", chain=AuditChain(ring))


def elsewhere(n: int = 1) -> dict[str, Any]:
    """The same key, from another practice."""
    practice = replace(a_referral(n).practice, ods=type(a_referral(n).practice.ods)("B99999"))
    return {"practice": practice, "author": practice}


async def test_nobody_reaches_anothers_referral_by_its_key(store: Store) -> None:
    """A system that names its own practice and another's key would take that person back."""
    await tell(store, an_event(), allowed=frozenset({"A99999"}))
    became = await tell(
        store, an_event(clock="02", patient=a_patient(2), **elsewhere()), allowed=frozenset({"B99999"})
    )

    assert (became.state, became.code) == (EventState.REFUSED, "practice-not-yours")
    assert await state_of(store) is ReferralState.OPEN


async def test_what_waits_for_a_person_is_not_parked_twice(store: Store) -> None:
    """A sender that retries fills no list."""
    first = await tell(store, an_event(patient=KEYLESS))
    again = await tell(store, an_event(patient=KEYLESS))

    assert (first.state, again.state, again.code) == (EventState.PARKED, EventState.DUPLICATE, "repeated")
    assert not again.failed


async def test_what_was_not_sent_says_so_again(store: Store) -> None:
    """The same answer for the same message, not a success."""
    dead = a_patient(1, deceased=True)
    await tell(store, an_event(patient=dead))
    again = await tell(store, an_event(patient=dead))

    assert (again.code, again.failed) == ("repeated-not-sent", True)


async def test_a_cancellation_closes_what_waits_for_a_person(store: Store, hand: Hand) -> None:
    """Nobody can release it afterwards, and it never leaves."""
    parked = await tell(store, an_event(patient=KEYLESS))
    ended = await tell(store, an_event(clock="02", kind=EventKind.CANCELLED))

    assert (ended.state, ended.code) == (EventState.APPLIED, "cancelled")
    with pytest.raises(mend.Unacceptable):
        await store.run(lambda tx: mend.release(tx, a_context(), hand, parked.event_id))
    assert await state_of(store) is None


async def test_a_cancellation_by_message_counts_though_the_code_stands_in_the_record(store: Store) -> None:
    """Nobody takes a coded entry out of a record to cancel: an extract that still shows it says nothing."""
    await tell(store, an_event(n=1))
    attached = await tell(store, an_event(n=2, patient=a_patient(1)), door="folder", content=None)
    ended = await tell(store, an_event(n=1, clock="02", kind=EventKind.CANCELLED))

    assert attached.state is EventState.ATTACHED
    assert ended.state is EventState.APPLIED
    assert await state_of(store) is ReferralState.CANCELLED


async def test_a_second_message_keeps_a_referral_whose_double_is_cancelled(store: Store) -> None:
    """The surgery referred twice by mistake and takes one of them back."""
    await tell(store, an_event(n=1))
    await tell(store, an_event(n=2, patient=a_patient(1)))
    ended = await tell(store, an_event(n=2, clock="02", kind=EventKind.CANCELLED))

    assert (ended.state, ended.code) == (EventState.ATTACHED, "another-shape-remains")
    assert await state_of(store) is ReferralState.OPEN


async def test_an_entry_that_leaves_an_extract_does_not_cancel_what_a_message_asks(store: Store) -> None:
    """The message still stands."""
    await tell(store, an_event(n=1))
    await tell(store, an_event(n=2, patient=a_patient(1)), door="folder", content=None)
    gone = await tell(
        store, an_event(n=2, clock="02", kind=EventKind.ENTERED_IN_ERROR), door="folder", content=None
    )

    assert gone.code == "another-shape-remains"
    assert await state_of(store) is ReferralState.OPEN
