"""Looking people up: who is found, who is not surely found, and how PDS is not asked more than it allows."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

import httpx
import pytest
import respx

from bridge.domain.letter import Person
from bridge.errors import Doubtful, Throttled
from bridge.partners.http import FhirClient
from bridge.partners.pds import Pds
from bridge.security.tls import outbound_context
from bridge.simulators.loopback import running
from bridge.simulators.pds import BASE
from bridge.simulators.pds import Pds as SimulatedPds
from bridge.simulators.people import people


@dataclass
class Looking:
    """PDS, simulated, and what asks it; `rests` are the pauses it took."""

    pds: Pds
    simulated: SimulatedPds
    rests: list[float] = field(default_factory=list)

    @property
    def person(self) -> Person:
        """Somebody whom it holds."""
        held = next(iter(self.simulated.people.values()))
        name = held["name"][0]
        return Person(
            given=tuple(name["given"]),
            family=name["family"],
            birth_date=held["birthDate"],
            nhs_number=held["id"],
            gender=held["gender"],
        )

    def held(self) -> dict[str, Any]:
        """That person as held."""
        return self.simulated.people[self.person.nhs_number]


@pytest.fixture
async def looking() -> AsyncIterator[Looking]:
    """A PDS of three people that never says it was asked too often."""
    simulated = SimulatedPds(islice(people(7, today=date(2026, 3, 2)), 3), per_second=1000)
    async with running(simulated.app) as url, a_client(f"{url}{BASE}") as client:
        found = Looking(Pds(client, per_second=1000), simulated)
        yield found


def a_client(url: str) -> FhirClient:
    return FhirClient(url, tls=outbound_context(), deadline=timedelta(seconds=20))


async def test_a_person_is_traced_by_number(looking: Looking) -> None:
    """Number, surname and date of birth agree, and there is a practice."""
    assert await looking.pds.trace(looking.person) == looking.person.nhs_number


async def test_a_person_without_a_number_is_found_by_one_exact_match(looking: Looking) -> None:
    """Only a single unique match is ever shown to an application."""
    assert await looking.pds.trace(replace(looking.person, nhs_number="")) == looking.person.nhs_number


def _other(looking: Looking) -> str:
    return list(looking.simulated.people)[1]


def superseded(looking: Looking) -> Person:
    looking.simulated.moved[looking.person.nhs_number] = _other(looking)
    return looking.person


def twins(looking: Looking) -> Person:
    other = looking.simulated.people[_other(looking)]
    other.update({name: looking.held()[name] for name in ("name", "gender", "birthDate")})
    return replace(looking.person, nhs_number="")


def unregistered(looking: Looking) -> Person:
    del looking.held()["generalPractitioner"]
    return looking.person


def unknown(looking: Looking) -> Person:
    person = looking.person
    looking.simulated.people.clear()
    return person


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (superseded, "pds-number-superseded"),
        (twins, "pds-several-persons"),
        (unregistered, "pds-not-registered"),
        (unknown, "pds-person-not-found"),
        (lambda looking: replace(looking.person, family="Somebodyelse"), "pds-person-differs"),
        (lambda looking: replace(looking.person, birth_date="1901-01-01"), "pds-person-differs"),
        (lambda looking: replace(looking.person, nhs_number="", gender=""), "pds-person-not-found"),
        (lambda looking: replace(looking.person, nhs_number="", family="Nobody"), "pds-person-not-found"),
    ],
)
async def test_who_is_not_surely_found_is_a_persons_to_decide(
    looking: Looking, changed: Callable[[Looking], Person], code: str
) -> None:
    """Wrong patient is worse than no patient; too many matches are told with 200."""
    person = changed(looking)

    with pytest.raises(Doubtful) as caught:
        await looking.pds.trace(person)
    assert caught.value.code == code


async def test_a_restricted_person_may_have_no_practice_shown(looking: Looking) -> None:
    """MESH routes by number, date of birth and surname; where they live and are registered stays hidden."""
    held = looking.held()
    del held["generalPractitioner"]
    system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
    held["meta"] = {"security": [{"system": system, "code": "R"}]}

    assert await looking.pds.trace(looking.person) == looking.person.nhs_number


async def test_a_slow_back_end_is_waited_for_as_long_as_it_asks(looking: Looking) -> None:
    """503 with Retry-After: whoever sends waits."""
    looking.simulated.slow = 2  # a read is tried once more at once where the line broke, never after a 503

    with pytest.raises(Throttled) as caught:
        await looking.pds.trace(looking.person)
    assert caught.value.after == timedelta(seconds=5)


async def test_five_requests_a_second_and_not_one_more() -> None:
    """The sixth waits its turn; the clock is the test's."""
    now, rests = [100.0], list[float]()

    async def rest(seconds: float) -> None:
        rests.append(round(seconds, 3))
        now[0] += seconds

    with respx.mock(assert_all_called=False) as mocked:
        mocked.get(url__startswith="https://pds.test/").mock(
            return_value=httpx.Response(200, json={"resourceType": "Patient", "id": "9990000018"})
        )
        async with a_client("https://pds.test/R4") as client:
            pds = Pds(client, per_second=5, clock=lambda: now[0], rest=rest)
            for _ in range(6):
                await pds.read("9990000018")

    assert rests == [0.2] * 5
    assert now[0] == pytest.approx(101.0)
