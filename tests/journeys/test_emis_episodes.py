"""What extracts, events and outcomes together do to one episode, and what a later extract mends."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from bridge.domain import systems
from bridge.pipeline.context import Context
from bridge.simulators.emis import Plan
from bridge.simulators.emis_coding import SOCIAL
from bridge.simulators.loopback import running
from bridge.simulators.prescribing import PrescribingService
from bridge.simulators.telling import Bridge as Told
from bridge.simulators.telling import tell
from bridge.store import views
from bridge.store.tables import held
from tests.journeys.conftest import SERVICE_KEY, Ground
from tests.journeys.surgery import Surgery, surgeries
from tests.journeys.test_json_event import a_person, an_event
from tests.sources.emis_site import deleted, half, observation, patient

NUMBER = "9990000018"
TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
def simulated() -> PrescribingService:
    """A service that says nothing by itself."""
    return PrescribingService()


@pytest.fixture
async def ground(tmp_path: Path, simulated: PrescribingService) -> AsyncIterator[Ground]:
    """A service that can be driven, and the person of the extract in the GP record."""
    standing = Ground(tmp_path, service=simulated.server)
    standing.record.store.put(
        {
            "resourceType": "Patient",
            "identifier": [{"system": systems.NHS_NUMBER, "value": NUMBER}],
            "name": [{"use": "official", "family": "Testperson", "given": ["Bea"]}],
            "birthDate": "1948-05-17",
        }
    )
    async with running(simulated.app) as service, running(standing.record.app) as record:
        standing.urls = {"service": service, "record": record}
        yield standing


@pytest.fixture
async def surgery(ground: Ground) -> AsyncIterator[Callable[..., Surgery]]:
    """Makes practices; their bridges are closed at the end."""
    async with surgeries(ground, Plan(seed=1)) as make:
        yield make


async def states(practice: Surgery) -> list[tuple[str, str, str]]:
    """What every event says and became, in order."""
    return [(e["kind"], e["state"], e["code"]) for e in await practice.events()]


# One episode


def the_same_by_event(**changes: Any) -> dict[str, Any]:
    """The practice's own message about the person of the extract."""
    person = a_person(nhs_number=NUMBER, family="Testperson", given=["Bea"], birth_date="1948-05-17")
    return an_event(practice={"ods_code": "ZZ9901", "name": "Mockford Surgery"}, patient=person) | changes


async def test_record_bare_code_and_event_of_one_episode_are_one_referral(
    surgery: Callable[..., Surgery],
) -> None:
    """Three shapes of what happened once in the consulting room."""
    practice = await surgery().open()
    await practice.extract(patient(), observation("coded"), observation("recorded"), half("recorded"))
    answer = await practice.tell(the_same_by_event())

    assert answer.json()["events"][0]["state"] == "attached"
    assert Counter(state for _, state, _ in await states(practice)) == Counter(applied=1, attached=2)
    assert practice.statuses() == Counter(active=1)
    assert len(await practice.referrals()) == 1


async def test_an_episode_that_came_by_event_is_joined_by_the_extract(
    surgery: Callable[..., Surgery],
) -> None:
    """The faster way first; the extract of the night adds nothing but its key."""
    practice = await surgery().open()
    await practice.tell(the_same_by_event())
    await practice.extract(patient(), observation(), half())

    assert practice.statuses() == Counter(active=1)
    assert [state for _, state, _ in await states(practice)] == ["applied", "attached"]


async def test_a_shape_that_is_deleted_leaves_the_episode_to_the_others(
    surgery: Callable[..., Surgery],
) -> None:
    """Only when none is left the referral is taken back."""
    practice = await surgery().open()
    await practice.extract(patient(), observation("one"), observation("two"))
    await practice.extract(deleted("one"), day=3)
    one_left = practice.statuses()
    await practice.extract(deleted("two"), day=4)

    assert one_left == Counter(active=1)
    assert practice.statuses() == Counter(revoked=1)


# Closed, and what comes back of it


async def closed(practice: Surgery, service: PrescribingService) -> httpx.Response:
    """The service closes the case and tells the bridge, which files the closure."""
    (task,) = service.referrals()
    for step in (service.accept, service.attend, service.complete):
        await step(task["id"])
    answer = await tell(
        Told(fhir=f"{practice.url}/fhir", api_key=SERVICE_KEY, tries=1), service.referrals()[0]
    )
    await practice.send()
    return answer


def our_closure() -> tuple[str, dict[str, str]]:
    """The closure code in the record, as the extract shows it."""
    return observation("closure", code="closed", EffectiveDate=TODAY, EnteredDate=TODAY)


async def test_a_closure_is_filed_and_the_same_record_again_is_no_new_referral(
    surgery: Callable[..., Surgery], simulated: PrescribingService
) -> None:
    """Neither the entry sent again nor the closure that we filed."""
    practice = await surgery().open()
    await practice.extract(patient(), observation(), half())
    answer = await closed(practice, simulated)
    await practice.extract(patient(), observation(), half(), our_closure(), day=3)
    await practice.extract(observation(AssociatedText="Edited afterwards"), day=4)

    assert answer.status_code == 200, answer.text
    assert [o["code"]["coding"][0]["code"] for o in practice.ground.record.resources("Observation")] == [
        SOCIAL["closed"].concept
    ]
    assert [row["state"] for row in await practice.referrals()] == ["completed"]
    assert (await states(practice))[-1][1:] == ("not-sent", "already-closed")
    assert len(practice.at_service()) == 1


async def test_our_own_closure_is_an_echo_even_where_it_would_refer(
    surgery: Callable[..., Surgery], simulated: PrescribingService
) -> None:
    """A practice may have made the code a trigger; what we filed ourselves is still no event."""
    practice = await surgery(triggers=f'"{SOCIAL["closed"].concept}"').open()
    await practice.extract(patient(), observation(), half())
    await closed(practice, simulated)
    await practice.extract(our_closure(), day=3)

    assert (await states(practice))[-1] == ("referred", "own-echo", "own-echo")
    assert len(await practice.referrals()) == 1


async def test_a_new_entry_soon_after_a_closure_waits_for_a_person(
    surgery: Callable[..., Surgery], simulated: PrescribingService
) -> None:
    """It may be the same episode again."""
    practice = await surgery().open()
    await practice.extract(patient(), observation(), half())
    await closed(practice, simulated)
    again = observation("again", EffectiveDate=TODAY, EnteredDate=TODAY)
    await practice.extract(again, day=3)

    assert (await states(practice))[-1] == ("referred", "parked", "closed-recently")


# People


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"DateOfDeath": "2026-03-02"}, "patient-deceased"),
        ({"Deleted": "true"}, "patient-not-registered"),
        ({"DateOfDeactivation": "2026-03-02"}, "patient-not-registered"),
        ({"IsConfidential": "true"}, "patient-confidential"),
        ({"SpineSensitive": "true"}, "patient-confidential"),
        ({"DummyType": "true"}, "patient-confidential"),
    ],
)
async def test_news_of_the_patient_takes_an_open_referral_back(
    surgery: Callable[..., Surgery], changes: dict[str, str], code: str
) -> None:
    """Died, left, or not to be spoken of any more: the service hears of it with the next extract."""
    practice = await surgery().open()
    await practice.extract(patient(), observation(), half())
    await practice.extract(patient(**changes), day=3)
    (referral,) = await practice.referrals()

    assert (referral["state"], referral["code"]) == ("withdrawn", code)
    assert practice.statuses() == Counter(revoked=1)


@pytest.mark.parametrize("flag", ["IsConfidential", "SpineSensitive", "DummyType"])
async def test_nothing_older_is_left_of_a_patient_who_may_not_be_kept(
    surgery: Callable[..., Surgery], flag: str
) -> None:
    """The row for the last look goes, and what was held of their entries."""
    practice = await surgery().open()
    await practice.extract(patient(), observation(), half(), patient("Cy", NhsNumber="9990000026"))
    await practice.extract(patient(**{flag: "true"}), patient("Cy", **{flag: "true"}), day=3)
    known = await practice.known()

    assert await practice.people() == []
    assert (known.entries, known.waiting, known.halves) == ({}, {}, {})


@pytest.mark.parametrize("changes", [{"DateOfDeath": "2026-03-02"}, {"IsConfidential": "true"}])
async def test_a_death_reaches_a_referral_that_came_by_event(
    surgery: Callable[..., Surgery], changes: dict[str, str]
) -> None:
    """The event said no key of the practice's own; the NHS number and the practice are the same."""
    practice = await surgery().open()
    await practice.extract(patient())
    await practice.tell(the_same_by_event())
    await practice.extract(patient(**changes), day=3)

    assert practice.statuses() == Counter(revoked=1)


async def test_a_registration_that_ends_leaves_a_referral_under_another_key_alone(
    surgery: Callable[..., Surgery],
) -> None:
    """Somebody who came back has a new key under the same NHS number; the old one ends later."""
    practice = await surgery().open()
    await practice.extract(patient("New key"), observation(of="New key"))
    await practice.extract(patient("Old key", Deleted="true"), day=3)

    assert practice.statuses() == Counter(active=1)


# Mended by the source


async def test_a_corrected_number_brings_the_referral_and_clears_the_list(
    surgery: Callable[..., Surgery],
) -> None:
    """The practice mends the patient's row; the entry itself is not sent again."""
    practice = await surgery().open()
    await practice.extract(patient(NhsNumber="9990000019"), observation(), half())
    before = (await states(practice), practice.statuses())
    await practice.extract(patient(), day=3)

    assert before == ([("unreadable", "parked", "nhs-number-check-digit")], Counter())
    assert await states(practice) == [
        ("unreadable", "discarded", "mended-by-source"),
        ("referred", "applied", ""),
    ]
    assert practice.statuses() == Counter(active=1)
    assert await practice.bridge.store.read(views.parked) == []


async def test_a_number_that_was_missing_brings_the_referral_too(surgery: Callable[..., Surgery]) -> None:
    """What the scheme held back for a person is told anew once the record says more."""
    practice = await surgery().open()
    await practice.extract(patient(NhsNumber=""), observation(), half())
    await practice.extract(patient(NhsNumber=""), day=3)
    twice = await states(practice)
    await practice.extract(patient(), day=4)

    assert twice == [("referred", "parked", "nhs-number-missing")]
    assert await states(practice) == [
        ("referred", "discarded", "mended-by-source"),
        ("referred", "applied", ""),
    ]
    assert practice.statuses() == Counter(active=1)


async def test_another_fault_takes_the_place_of_the_first(surgery: Callable[..., Surgery]) -> None:
    """One entry waits once, for the newest reason."""
    practice = await surgery().open()
    await practice.extract(patient(NhsNumber="9990000019"), observation(), half())
    await practice.extract(patient(NhsNumber=""), day=3)

    assert [(state, code) for _, state, code in await states(practice)] == [
        ("discarded", "mended-by-source"),
        ("parked", "nhs-number-missing"),
    ]


async def test_a_delete_clears_what_waited(surgery: Callable[..., Surgery]) -> None:
    """Nobody has to decide about what the practice has taken out again."""
    practice = await surgery().open()
    await practice.extract(patient(NhsNumber=""), observation(), half())
    await practice.extract(deleted(), day=3)

    assert await practice.bridge.store.read(views.parked) == []
    assert practice.statuses() == Counter()


# Left waiting, and our own faults


async def test_what_waited_too_long_is_listed_after_the_next_extract(
    surgery: Callable[..., Surgery],
) -> None:
    """A half whose entry never came shows on the practice's list, once."""
    practice = await surgery().open()
    await practice.extract(patient(), half("alone"))
    await practice.bridge.store.run(
        lambda tx: tx.run(update(held).where(held.c.kind == "emis.half").values(until=tx.now - 1)).rowcount
    )
    await practice.extract(patient("Cy", NhsNumber="9990000026"), day=3)

    (listed,) = await practice.events()
    assert (listed["kind"], listed["state"], listed["code"]) == ("waited", "not-sent", "emis-half-alone")
    assert listed["practice"] == "ZZ9901"


class Unlucky:
    """Gives ids, and fails the n-th time it is asked: a fault of ours in the middle of a chunk."""

    def __init__(self, context: Context, fails_at: int) -> None:
        self._new_id = context.new_id
        self._left = fails_at

    def __call__(self) -> str:
        """A new id."""
        self._left -= 1
        if self._left == 0:
            raise RuntimeError
        return self._new_id()


async def test_a_fault_of_ours_parks_one_entry_and_the_rest_goes_on(
    surgery: Callable[..., Surgery], caplog: pytest.LogCaptureFixture
) -> None:
    """Kept as it was read, so that a release after the fix forwards it; the feed does not stand still."""
    practice = await surgery().open()
    cy = (patient("Cy", NhsNumber="9990000026"), observation("first", of="Cy"))
    practice.write(*cy, patient(), observation())
    importer = practice.watch.importer()
    context = replace(importer.context, new_id=Unlucky(importer.context, 3))
    unlucky = replace(importer, context=context)
    await replace(practice.watch, importer=lambda: unlucky).import_next()
    await practice.send()
    (parked,) = await practice.bridge.store.read(views.parked)
    before = practice.statuses()
    caplog.clear()
    await practice.release(parked["id"])
    await practice.send()

    assert (parked["code"], parked["practice"]) == ("entry-failed", "ZZ9901")
    assert before == Counter(active=1)
    assert practice.statuses() == Counter(active=2)
