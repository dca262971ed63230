"""What a person releases after something else was told: never the older over the newer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.domain.delivery import Delivery, Kind, Receipt
from bridge.domain.journey import DeliveryStep, EventState, ReferralState
from bridge.domain.referral import Consent
from bridge.errors import Unacceptable
from bridge.pipeline import mend
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing
from bridge.store import Store, claims, referrals, views
from bridge.store.audit import Hand
from bridge.store.claims import Try
from tests.conftest import NOW, Clock, a_patient, a_referral
from tests.pipeline.desk import a_context, an_event, tell
from tests.pipeline.test_consent import a_word

DAY = "2026-03-01T09:00:00Z"


@pytest.fixture
def hand(ring: KeyRing) -> Hand:
    """Somebody who mends."""
    return Hand(actor="test", why="because", node="node", chain=AuditChain(ring))


async def note_of(store: Store) -> str:
    """What the referral says."""
    stored = await store.read(lambda tx: referrals.get(tx, str(a_referral().key.id)))
    assert stored is not None
    return stored.record.note


async def release(store: Store, hand: Hand, item: str) -> str:
    """Release one item."""
    return await store.run(lambda tx: mend.release(tx, a_context(), hand, item))


async def test_what_was_set_aside_does_not_undo_what_was_told_since(
    store: Store, hand: Hand, clock: Clock
) -> None:
    """Neither version number nor time says which is newer: what came later stands, and the person is told."""
    await tell(store, an_event(clock="v1", note="first"))
    clock.forward(60)
    aside = await tell(store, an_event(clock=DAY, note="aside"))
    clock.forward(60)
    later = await tell(store, an_event(clock="v2", note="later"))
    with pytest.raises(Unacceptable) as refused:
        await release(store, hand, aside.event_id)

    assert (aside.code, later.state) == ("clock-changed-kind", EventState.APPLIED)
    assert [problem.code for problem in refused.value.problems] == ["told-since"]
    assert await note_of(store) == "later"
    assert [row["id"] for row in await store.read(views.parked)] == [aside.event_id]


async def test_what_a_newer_version_has_overtaken_is_stale(store: Store, hand: Hand, clock: Clock) -> None:
    """The source's own clock says so."""
    await tell(store, an_event(clock="02", note="first"))
    clock.forward(60)
    conflict = await tell(store, an_event(clock="02", note="other"))
    clock.forward(60)
    await tell(store, an_event(clock="03", note="later"))

    assert conflict.code == "version-conflict"
    assert await release(store, hand, conflict.event_id) == "stale"
    assert await note_of(store) == "later"


@pytest.mark.parametrize("repeats", [0, 2])
async def test_a_conflict_is_settled_by_the_person_who_releases_it(
    store: Store, hand: Hand, clock: Clock, repeats: int
) -> None:
    """A sender that repeats itself meanwhile says nothing new."""
    await tell(store, an_event(clock="02", note="first"))
    clock.forward(60)
    conflict = await tell(store, an_event(clock="02", note="other"))
    for _ in range(repeats):
        clock.forward(60)
        await tell(store, an_event(clock="02", note="first"))

    assert await release(store, hand, conflict.event_id) == "applied"
    assert await note_of(store) == "other"


async def test_what_waited_for_long_is_as_old_as_it_was_when_it_came(
    store: Store, hand: Hand, clock: Clock
) -> None:
    """The person took three weeks; the scheme looks back two."""
    rules = replace(a_context(history_days=14), environment="live")
    later = replace(rules, now=lambda: NOW + timedelta(days=21))
    waits = await tell(store, an_event(patient=a_patient(nhs_number=None)), rules)
    clock.forward(21 * 86_400)
    became = await store.run(lambda tx: mend.release(tx, later, hand, waits.event_id))

    assert (waits.code, became) == ("nhs-number-missing", "applied")


async def test_a_release_does_not_overrule_an_objection_that_came_since(
    store: Store, hand: Hand, clock: Clock
) -> None:
    """What waited to be reinstated is not sent any more."""
    await tell(store, an_event())
    await tell(store, an_event(clock="02", consent=Consent.WITHDRAWN))
    waits = await tell(store, an_event(clock="03"))
    clock.forward(60)
    await tell(store, a_word())
    became = await release(store, hand, waits.event_id)
    stored = await store.read(lambda tx: referrals.get(tx, str(a_referral().key.id)))

    assert (waits.code, became) == ("reinstated", "not-sent")
    assert stored is not None
    assert stored.state is ReferralState.WITHDRAWN


SAYING_PRIORITY = a_context(disclosure={"direct-care": ["name", "nhs-number", "practice", "priority"]})


async def test_closing_a_referral_that_was_sent_before_takes_it_back_at_the_service(
    store: Store, hand: Hand
) -> None:
    """Its newer version could not go, and the person who closes it means all of it."""
    tried = Try(took_ms=1, result="accepted", status=201, code="", node="n1")
    referral = str(a_referral().key.id)

    async def claimed() -> list[Delivery]:
        heads = await store.run(lambda tx: claims.claim(tx, "prescribing", limit=9, lease_ms=60_000))
        return [head.opened(lambda sealed, bound_to: sealed) for head in heads]  # noqa: ARG005

    await tell(store, an_event(), SAYING_PRIORITY)
    (sent,) = await claimed()
    await store.run(lambda tx: claims.settle(tx, sent, DeliveryStep.ACCEPT, Receipt(), tried))
    await tell(store, an_event(clock="02", priority="soonish"), SAYING_PRIORITY)
    before = await store.read(lambda tx: referrals.get(tx, referral))
    became = await store.run(lambda tx: mend.discard(tx, SAYING_PRIORITY, hand, referral))

    assert before is not None
    assert (before.state, became) == (ReferralState.PARKED, "discarded")
    assert [delivery.kind for delivery in await claimed()] == [Kind.CANCEL]


async def test_closing_a_referral_that_never_left_says_nothing_to_the_service(
    store: Store, hand: Hand
) -> None:
    """There is nothing to take back."""
    referral = str(a_referral().key.id)
    await tell(store, an_event(priority="soonish"), SAYING_PRIORITY)
    became = await store.run(lambda tx: mend.discard(tx, SAYING_PRIORITY, hand, referral))
    heads = await store.run(lambda tx: claims.claim(tx, "prescribing", limit=9, lease_ms=60_000))

    assert (became, heads) == ("discarded", [])
