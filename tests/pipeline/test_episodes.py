"""Which of several tellings of one episode speaks for it, on both databases."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bridge.domain.identifiers import OdsCode
from bridge.domain.journey import EventState, ReferralState
from bridge.domain.person import NewsKind, PersonNews
from bridge.domain.referral import EventKind, ReferralEvent, Shape
from bridge.errors import Unacceptable
from bridge.pipeline import accept, mend
from bridge.pipeline.context import Context
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing
from bridge.sources.reading import Reading
from bridge.store import Store, messages, referrals
from bridge.store.audit import Hand
from bridge.store.referrals import Stored
from bridge.store.tables import delivery, event
from bridge.store.unit import Tx
from tests.conftest import a_patient, a_referral
from tests.pipeline.desk import PRACTICES, a_context, a_message, an_event, tell

PERSON = a_patient(1)


@pytest.fixture
def hand(ring: KeyRing) -> Hand:
    """Somebody who mends."""
    return Hand(actor="test", why="because", node="node", chain=AuditChain(ring))


async def stored(store: Store, n: int = 1) -> Stored | None:
    """The referral of key n."""
    return await store.read(lambda tx: referrals.get(tx, str(a_referral(n).key.id)))


async def queued(store: Store) -> list[str]:
    """The kinds of all deliveries that wait."""
    return list(await store.read(lambda tx: list(tx.run(select(delivery.c.kind)).scalars())))


def in_mode(mode: str) -> Context:
    """The rules with every practice in that mode."""
    practices = [{"ods": ods, "mode": mode, "live_from": "2020-01-01"} for ods in PRACTICES]
    return a_context(practices=practices)


async def test_what_was_computed_in_shadow_keeps_no_later_referral_from_the_service(store: Store) -> None:
    """It was never sent and nobody at a service will ever close it."""
    await tell(store, an_event(n=1), in_mode("shadow"))
    became = await tell(store, an_event(n=2, patient=PERSON), in_mode("live"))

    assert (became.state, became.code) == (EventState.APPLIED, "")
    assert await queued(store) == ["create"]


async def test_a_referral_of_the_live_days_is_joined_in_shadow_too(store: Store) -> None:
    """The practice went back for a while: the service has it."""
    await tell(store, an_event(n=1), in_mode("live"))
    became = await tell(store, an_event(n=2, patient=PERSON), in_mode("shadow"))

    assert became.state is EventState.ATTACHED


async def test_the_fuller_telling_goes_on_speaking_for_the_episode(store: Store) -> None:
    """What its sender changes later reaches the service."""
    await tell(store, an_event(n=1, shape=Shape.CODE), door="folder", content=None)
    await tell(store, an_event(n=2, patient=PERSON, note="first"))
    became = await tell(store, an_event(n=2, clock="02", patient=PERSON, note="second"))
    held = await stored(store)

    assert became.state is EventState.APPLIED
    assert held is not None
    assert held.record.note == "second"


async def test_a_bare_code_told_again_does_not_undo_the_fuller_telling(store: Store) -> None:
    """An address that is new in the extract is no reason to forget why the person was referred."""
    await tell(store, an_event(n=1, shape=Shape.CODE), door="folder", content=None)
    await tell(store, an_event(n=2, patient=PERSON, note="first"))
    moved = replace(PERSON, prefix="Dr")
    await tell(store, an_event(n=1, clock="02", shape=Shape.CODE, patient=moved), door="folder", content=None)
    held = await stored(store)

    assert held is not None
    assert held.record.note == "first"


async def news(store: Store, **said: Any) -> None:
    """The practice tells of the person anew, by message."""
    patient = replace(PERSON, **said)
    told = PersonNews(
        kind=NewsKind.CHANGED,
        source="test",
        practice=OdsCode("A99999"),
        patient=patient,
        clock="05",
        said=frozenset(said),
        numbers=(PERSON.nhs_number,) if PERSON.nhs_number else (),
    )
    kept = a_message()

    def work(tx: Tx) -> None:
        messages.keep(tx, kept)
        accept.settle(tx, a_context(), kept, 0, Reading(person=told))

    await store.run(work)


async def test_news_of_the_person_does_not_want_again_what_was_cancelled(store: Store) -> None:
    """Of two tellings one is cancelled; new details come; then the other is cancelled as well."""
    await tell(store, an_event(n=1))
    await tell(store, an_event(n=2, patient=PERSON))
    await tell(store, an_event(n=1, clock="02", kind=EventKind.CANCELLED))
    await news(store, prefix="Dr")
    became = await tell(store, an_event(n=2, clock="02", kind=EventKind.CANCELLED))
    held = await stored(store)

    assert became.code == "cancelled"
    assert held is not None
    assert held.state is ReferralState.CANCELLED


async def test_news_of_the_person_by_message_makes_no_message_of_an_entry(store: Store) -> None:
    """A cancellation by message counts though the entry stands in the record, also after new details."""
    await tell(store, an_event(n=1), door="folder", content=None)
    await tell(store, an_event(n=2, patient=PERSON))
    await news(store, prefix="Dr")
    became = await tell(store, an_event(n=2, clock="02", kind=EventKind.CANCELLED))
    held = await stored(store)

    assert became.code == "cancelled"
    assert held is not None
    assert held.state is ReferralState.CANCELLED


async def test_what_is_left_of_an_episode_speaks_for_it(store: Store) -> None:
    """Of two messages the first is taken back: what the second changes reaches the service from then on."""
    await tell(store, an_event(n=1, note="first"))
    await tell(store, an_event(n=2, patient=PERSON, note="second"))
    beside = await tell(store, an_event(n=2, clock="02", patient=PERSON, note="beside"))
    await tell(store, an_event(n=1, clock="02", kind=EventKind.CANCELLED))
    became = await tell(store, an_event(n=2, clock="03", patient=PERSON, note="third"))
    held = await stored(store)

    assert (beside.state, became.state) == (EventState.ATTACHED, EventState.APPLIED)
    assert held is not None
    assert (held.record.note, str(held.record.key.id)) == ("third", held.id)


async def test_what_is_wanted_again_under_another_key_keeps_its_name(store: Store, hand: Hand) -> None:
    """The service knows the referral by its first key."""
    await tell(store, an_event(n=1), door="folder", content=None)
    await tell(store, an_event(n=2, patient=PERSON))
    await tell(store, an_event(n=2, clock="02", kind=EventKind.CANCELLED))
    again = await tell(store, an_event(n=2, clock="03", patient=PERSON))
    await store.run(lambda tx: mend.release(tx, a_context(), hand, again.event_id))
    held = await stored(store)

    assert again.code == "reinstated"
    assert held is not None
    assert (held.state, str(held.record.key.id)) == (ReferralState.OPEN, held.id)


def a_decline(day: int, n: int = 2) -> ReferralEvent:
    """The person declined on that day of the month; the referral is recorded on the first."""
    recorded = a_referral().recorded_at
    assert recorded is not None
    event = an_event(n=n, patient=PERSON, recorded_at=recorded.replace(day=day))
    return replace(event, kind=EventKind.DECLINED)


BULK: dict[str, Any] = {"door": "folder", "content": None}


async def test_a_decline_that_is_read_before_the_referral_it_follows_counts(store: Store) -> None:
    """The rows of an extract come in no order."""
    await tell(store, a_decline(2), **BULK)
    became = await tell(store, an_event(n=1, shape=Shape.CODE), **BULK)

    assert (became.state, became.code) == (EventState.NOT_SENT, "declined")
    assert await queued(store) == []


async def test_a_decline_before_the_referral_says_nothing_of_it(store: Store) -> None:
    """The person thought again."""
    event = an_event(n=1, shape=Shape.CODE)
    assert event.referral is not None
    recorded = event.referral.recorded_at
    assert recorded is not None
    await tell(store, a_decline(1), **BULK)
    became = await tell(
        store, an_event(n=1, shape=Shape.CODE, recorded_at=recorded + timedelta(minutes=1)), **BULK
    )

    assert became.state is EventState.APPLIED


async def test_another_row_of_what_was_declined_opens_nothing(store: Store) -> None:
    """The bare code, the decline, then the record of the same consultation."""
    await tell(store, an_event(n=1, shape=Shape.CODE), **BULK)
    await tell(store, a_decline(2), **BULK)
    became = await tell(store, an_event(n=3, shape=Shape.RECORD, patient=PERSON), **BULK)

    assert (became.state, became.code) == (EventState.NOT_SENT, "declined")


async def test_what_waits_for_a_person_is_not_released_over_a_decline(store: Store, hand: Hand) -> None:
    """Whoever releases it need not know what the practice has written since."""
    parked = await tell(store, an_event(n=1, patient=replace(PERSON, nhs_number_status="03")))
    await tell(store, a_decline(2), **BULK)
    await store.run(lambda tx: mend.release(tx, a_context(), hand, parked.event_id))

    assert (parked.state, await stored(store)) == (EventState.PARKED, None)


async def test_a_message_of_the_day_of_a_decline_is_believed(store: Store) -> None:
    """It may know its day and no time: the person may have thought again."""
    await tell(store, a_decline(1), **BULK)
    became = await tell(store, an_event(n=1))

    assert became.state is EventState.APPLIED


async def test_a_number_that_is_missing_makes_no_other_person(store: Store) -> None:
    """By the practice's own key, name and birth it is the same: the referral stands, and somebody looks."""
    await tell(store, an_event(n=1, patient=PERSON))
    without = replace(PERSON, nhs_number=None)
    became = await tell(store, an_event(n=1, clock="02", patient=without))
    held = await stored(store)
    again = await tell(store, an_event(n=1, clock="03", patient=PERSON, note="with the number"))

    assert (became.state, became.code) == (EventState.PARKED, "nhs-number-came-or-went")
    assert held is not None
    assert held.state is ReferralState.OPEN
    assert (again.state, again.code) == (EventState.APPLIED, "")
    assert await queued(store) == ["create"]


async def test_a_key_that_names_somebody_else_without_a_number_has_moved(store: Store) -> None:
    """Another name under the same key of the practice: nobody can say that it is the same person."""
    await tell(store, an_event(n=1, patient=PERSON))
    somebody = replace(PERSON, nhs_number=None, family="Otherwise")
    became = await tell(store, an_event(n=1, clock="02", patient=somebody))

    assert (became.state, became.code) == (EventState.PARKED, "key-moved-patient")


async def test_what_is_wanted_again_opens_no_second_beside_another(store: Store, hand: Hand) -> None:
    """Whoever releases it is told why not, and what is open goes on."""
    await tell(store, an_event(n=1))
    await tell(store, an_event(n=1, clock="02", kind=EventKind.CANCELLED))
    await tell(store, an_event(n=2, patient=PERSON))
    again = await tell(store, an_event(n=1, clock="03"))
    query = select(event.c.id).where(event.c.code == "reinstated")
    parked = await store.read(lambda tx: tx.run(query).scalar_one())
    with pytest.raises(Unacceptable) as refused:
        await store.run(lambda tx: mend.release(tx, a_context(), hand, parked))

    assert again.state is EventState.PARKED
    assert [problem.code for problem in refused.value.problems] == ["another-is-open"]
