"""Objections and agreements: an objection stops what has not left, takes back what has, and stands."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bridge.domain.delivery import Kind
from bridge.domain.journey import EventState, ReferralState
from bridge.domain.referral import Consent, EventKind, ReferralEvent, ReferralKey
from bridge.pipeline import forward
from bridge.store import claims, referrals, stances
from bridge.store.keys import BULK_DOOR
from bridge.store.tables import delivery
from bridge.store.unit import Store, Tx
from tests.conftest import NOW, a_patient, a_referral, nhs_number
from tests.pipeline.desk import a_context, an_event, tell


def a_word(
    kind: EventKind = EventKind.OBJECTED, n: int = 1, hours: int = 0, record: str = "S1", **patient: Any
) -> ReferralEvent:
    """A practice's entry that its patient n objects or agrees, recorded so many hours after NOW."""
    key = ReferralKey(source="test", owner="A99999", record=record)
    said = replace(
        a_referral(n),
        key=key,
        patient=a_patient(n, **patient),
        recorded_at=NOW + timedelta(hours=hours),
    )
    return replace(
        an_event(n), kind=kind, key=key, referral=said, clock=f"{hours:02}", content=f"{kind}{hours}"
    )


async def state(store: Store, n: int = 1) -> tuple[ReferralState, str] | None:
    """Where referral n stands, and why."""
    found = await store.read(lambda tx: referrals.get(tx, str(a_referral(n).key.id)))
    return (found.state, found.code) if found else None


async def kinds(store: Store) -> list[str]:
    """The deliveries that wait, oldest first."""
    query = select(delivery.c.kind).where(delivery.c.state == "queued").order_by(delivery.c.seq)
    return await store.read(lambda tx: list(tx.run(query).scalars()))


async def send_first(store: Store) -> None:
    """Begin to send what waits first, so that it may have left."""
    sent = await store.run(lambda tx: claims.claim(tx, "prescribing", limit=1, lease_ms=60_000))
    assert [each.row.kind for each in sent] == ["create"]


async def test_an_objection_stops_what_has_not_left(store: Store) -> None:
    """Nothing was sent, so nothing has to be taken back."""
    await tell(store, an_event())
    became = await tell(store, a_word())

    assert (became.state, became.code) == (EventState.APPLIED, "person-objected")
    assert await state(store) == (ReferralState.WITHDRAWN, "person-objected")
    assert await kinds(store) == []


async def test_an_objection_takes_back_what_may_have_left(store: Store) -> None:
    """The service is told, whatever became of the first delivery."""
    await tell(store, an_event())
    await send_first(store)
    await tell(store, a_word())

    assert await kinds(store) == [Kind.CANCEL.value]


async def test_an_objection_stands_until_a_newer_agreement(store: Store) -> None:
    """What comes while it stands is listed for the practice and not sent."""
    await tell(store, a_word())
    stopped = await tell(store, an_event())
    await tell(store, a_word(EventKind.AGREED, hours=1, record="S2"))
    again = await tell(store, an_event(clock="02", note="told anew"))

    assert (stopped.state, stopped.code) == (EventState.NOT_SENT, "person-objected")
    assert again.state is EventState.APPLIED


async def test_an_older_agreement_does_not_end_an_objection(store: Store) -> None:
    """Extracts tell entries in any order; when they were recorded counts."""
    await tell(store, a_word(hours=2))
    await tell(store, a_word(EventKind.AGREED, hours=1, record="S2"))

    assert (await tell(store, an_event())).code == "person-objected"


async def test_an_objection_taken_out_of_the_record_no_longer_stands(store: Store) -> None:
    """It was entered by mistake; the practice corrected it."""
    await tell(store, a_word())
    gone = replace(a_word(hours=1), kind=EventKind.CANCELLED, referral=None, content="gone")
    became = await tell(store, gone)

    assert became.state is EventState.APPLIED
    assert (await tell(store, an_event())).state is EventState.APPLIED


async def test_an_entry_recoded_from_an_objection_to_a_referral_refers(store: Store) -> None:
    """The same entry cannot object and refer."""
    await tell(store, replace(a_word(), key=a_referral().key))

    assert (await tell(store, an_event(clock="01"))).state is EventState.APPLIED


@pytest.mark.parametrize("known", [{"local_key": ""}, {"nhs_number": None, "nhs_number_status": ""}])
async def test_a_person_is_known_by_number_or_by_key(store: Store, known: dict[str, Any]) -> None:
    """An entry may lack either."""
    await tell(store, a_word(**known))

    assert (await tell(store, an_event())).code == "person-objected"


async def test_one_practice_does_not_speak_for_anothers_referral(store: Store) -> None:
    """Who may not send for a practice may not stop its referrals either."""
    elsewhere = replace(a_referral().practice, ods=type(a_referral().practice.ods)("B99999"))
    await tell(store, an_event())
    word = a_word()
    assert word.referral is not None
    await tell(store, replace(word, referral=replace(word.referral, practice=elsewhere)))

    assert await state(store) == (ReferralState.OPEN, "")


async def test_a_stranger_s_objection_touches_nobody(store: Store) -> None:
    """A referral that says no key of the practice is found by its number alone."""
    await tell(store, an_event(patient=a_patient(local_key="")))
    await tell(store, a_word(n=7))

    assert await state(store) == (ReferralState.OPEN, "")


async def test_the_last_look_sees_an_objection(store: Store) -> None:
    """Also one that reached the store by another way than the referral's own withdrawal."""
    await tell(store, an_event())
    said = stances.Stance(id="s", kind="objected", said_at=1, number=nhs_number(10).digits)

    def look(tx: Tx) -> list[str]:
        stances.put(tx, said)
        found = claims.claim(tx, "prescribing", limit=1, lease_ms=60_000)
        return [seen.withhold for seen in forward.last_look(a_context())(tx, found).values()]

    assert await store.run(look) == ["person-objected"]


async def test_consent_withdrawn_in_a_changed_referral_takes_it_back(store: Store) -> None:
    """What one referral says of itself: given, then withdrawn."""
    await tell(store, an_event(consent=Consent.GIVEN))
    await send_first(store)
    await tell(store, an_event(clock="02", consent=Consent.WITHDRAWN))

    assert await state(store) == (ReferralState.WITHDRAWN, "consent-refused")
    assert await kinds(store) == [Kind.CANCEL.value]


async def test_a_stance_shows_nobody(store: Store) -> None:
    """The table holds blind indexes and sealed bytes."""
    await tell(store, a_word())

    def raw(tx: Tx) -> str:
        return repr(tx.conn.exec_driver_sql("SELECT * FROM stance").all())

    assert nhs_number(10).digits not in await store.read(raw)


async def test_consent_withdrawn_by_another_shape_of_the_episode_takes_it_back(store: Store) -> None:
    """Two messages tell of one episode; a no in either of them is a no."""
    await tell(store, an_event(consent=Consent.GIVEN))
    await send_first(store)
    other = ReferralKey(source="test", owner="A99999", record="again")
    joined = await tell(store, a_shape(other))
    became = await tell(store, a_shape(other, clock="02", consent=Consent.WITHDRAWN))

    assert joined.state is EventState.ATTACHED
    assert (became.state, became.code) == (EventState.APPLIED, "consent-refused")
    assert await state(store) == (ReferralState.WITHDRAWN, "consent-refused")
    assert await kinds(store) == [Kind.CANCEL.value]


def a_shape(key: ReferralKey, clock: str = "01", **record: Any) -> ReferralEvent:
    """The same referral under another key."""
    return replace(an_event(key=key, clock=clock, **record), content=f"{clock}{sorted(record)}")


ANOTHER = ReferralKey(source="test", owner="A99999", record="again")


@pytest.mark.parametrize(
    ("said", "became", "stands"),
    [
        ({"consent": Consent.REFUSED}, (EventState.APPLIED, "consent-refused"), ReferralState.WITHDRAWN),
        (
            {"patient": a_patient(deceased=True)},
            (EventState.APPLIED, "patient-deceased"),
            ReferralState.WITHDRAWN,
        ),
        (
            {"consent": Consent.REFUSED, "patient": a_patient(family="Other", birth_date="1960-01-01")},
            (EventState.PARKED, "identity-differs"),
            ReferralState.OPEN,
        ),
        (
            {"consent": Consent.REFUSED, "recorded_at": NOW - timedelta(days=3)},
            (EventState.NOT_SENT, "consent-refused"),
            ReferralState.OPEN,
        ),
    ],
    ids=["refused", "died", "another person?", "said before"],
)
async def test_a_new_message_that_says_no_ends_the_open_episode(
    store: Store, said: dict[str, Any], became: tuple[EventState, str], stands: ReferralState
) -> None:
    """It would have joined it; so its no counts for it, unless it is in doubt or was said before."""
    await tell(store, an_event())
    told = await tell(store, a_shape(ANOTHER, **said))
    found = await state(store)

    assert (told.state, told.code) == became
    assert found is not None
    assert found[0] is stands


async def test_another_practice_s_no_leaves_a_referral_alone(store: Store) -> None:
    """Each speaks for its own."""
    elsewhere = replace(a_referral().practice, ods=type(a_referral().practice.ods)("B99999"))
    author = replace(a_referral().author, ods=elsewhere.ods)
    await tell(store, an_event())
    told = await tell(store, a_shape(ANOTHER, consent=Consent.REFUSED, practice=elsewhere, author=author))

    assert told.state is EventState.NOT_SENT
    assert await state(store) == (ReferralState.OPEN, "")


async def test_what_a_bulk_extract_shows_ends_nothing_by_a_new_row(store: Store) -> None:
    """Its brake counts what would end before anything does."""
    await tell(store, an_event())
    told = await tell(store, a_shape(ANOTHER, consent=Consent.REFUSED), door=BULK_DOOR)

    assert told.state is EventState.NOT_SENT
    assert await state(store) == (ReferralState.OPEN, "")


async def test_while_the_person_says_no_nothing_reinstates_it(store: Store) -> None:
    """A further change is listed; only one without the no waits for a person to send it again."""
    await tell(store, an_event(consent=Consent.GIVEN))
    await tell(store, an_event(clock="02", consent=Consent.WITHDRAWN))
    still = await tell(store, an_event(clock="03", consent=Consent.WITHDRAWN, note="more"))
    again = await tell(store, an_event(clock="04", consent=Consent.GIVEN))

    assert (still.state, still.code) == (EventState.NOT_SENT, "consent-refused")
    assert (again.state, again.code) == (EventState.PARKED, "reinstated")
    assert await state(store) == (ReferralState.WITHDRAWN, "consent-refused")
