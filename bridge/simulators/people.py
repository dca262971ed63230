"""Synthetic patients, the same for the same seed: nobody here exists, and nothing here can reach anyone.

NHS numbers begin 999, a range never issued. Postcodes are of area ZZ99, which has no streets; telephone
numbers are of the ranges Ofcom keeps free for drama; mail addresses are of example.org.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from random import Random
from typing import Any

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"

_FAMILIES = (
    "Ashdown", "Bramwell", "Carver-Lyle", "Dunmore", "Eastley", "Fairholm", "Garrick", "Hollis", "Iverson",
    "Jessop", "Kettleby", "Lacey", "Marwood", "Nettleton", "O'Shaughan", "Penhallow", "Quarmby", "Rushworth",
    "Sandiford", "Thackley", "Umpleby", "Verity", "Whitcombe", "Yardley",
)  # fmt: skip
_WOMEN = (
    "Agnes", "Beatrix", "Chidinma", "Delyth", "Edith", "Farzana", "Gwen", "Hana", "Iris", "Joyce", "Kamala",
    "Lowri", "Maeve", "Noreen", "Olwen", "Priya",
)  # fmt: skip
_MEN = (
    "Alun", "Bertram", "Cedric", "Dafydd", "Emeka", "Frank", "Gareth", "Harun", "Idris", "Joseph", "Kiran",
    "Leonard", "Mehmet", "Neville", "Owain", "Piotr",
)  # fmt: skip
_STREETS = ("Alder Row", "Bakehouse Lane", "Cinder Path", "Dovecote Close", "Mill View", "Orchard Bank")
_TOWNS = ("Little Sampling", "Mockford", "Pretence-on-Sea", "Upper Fixture")
# Real pseudo-postcodes such as ZZ99 3VZ (no fixed abode) all end in Z: ours never do.
_INWARD = "ABDEFGHJLNPQRSTUWXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One synthetic patient. `sex` is M or F."""

    nhs_number: str
    family: str
    given: str
    prefix: str
    sex: str
    birth_date: date
    house: str
    street: str
    town: str
    postcode: str
    home_phone: str
    mobile: str
    email: str

    def fhir(self) -> dict[str, Any]:
        """The person as a FHIR R4 Patient without id."""
        return {
            "resourceType": "Patient",
            "identifier": [{"system": NHS_NUMBER, "value": self.nhs_number}],
            "active": True,
            "name": [
                {"use": "official", "family": self.family, "given": [self.given], "prefix": [self.prefix]}
            ],
            "telecom": [
                {"system": "phone", "value": self.home_phone, "use": "home"},
                {"system": "phone", "value": self.mobile, "use": "mobile"},
            ],
            "gender": "male" if self.sex == "M" else "female",
            "birthDate": self.birth_date.isoformat(),
            "address": [
                {
                    "use": "home",
                    "line": [f"{self.house} {self.street}"],
                    "city": self.town,
                    "postalCode": self.postcode,
                }
            ],
        }


def people(seed: int, *, today: date, ages: tuple[int, int] = (18, 96), skip: int = 0) -> Iterator[Person]:
    """Patients behind the first `skip`, as old as `ages` says on `today`, ends included; no number twice."""
    for number in islice(nhs_numbers(seed), skip, None):
        yield _person(number, Random(f"{seed}/{number}"), today, ages)


def some_people(seed: int, how_many: int, *, today: date) -> list[Person]:
    """The first `how_many` adults of a seed."""
    return list(islice(people(seed, today=today), how_many))


def nhs_numbers(seed: int) -> Iterator[str]:
    """About 900,000 different NHS numbers of the range 999, rightly checked, in an order of the seed."""
    start = Random(seed).randrange(1_000_000)
    for n in range(1_000_000):
        first = f"999{(start + n * 7919) % 1_000_000:06d}"  # 7919 is prime: every number comes once
        digit = check_digit(first)
        if digit is not None:
            yield f"{first}{digit}"


def check_digit(first_nine: str) -> int | None:
    """Modulus 11 over nine digits (NHS Data Dictionary, NHS NUMBER); None where no digit fits."""
    weighted = sum(int(d) * w for d, w in zip(first_nine, range(10, 1, -1), strict=True))
    digit = (11 - weighted % 11) % 11
    return None if digit == 10 else digit


def _person(number: str, dice: Random, today: date, ages: tuple[int, int]) -> Person:
    sex = dice.choice("FM")
    given, family = dice.choice(_WOMEN if sex == "F" else _MEN), dice.choice(_FAMILIES)
    # Whole years back from today and some days more, so that the age is right whatever the calendar does.
    age = dice.randint(*ages)
    born = _years_before(today, age) - timedelta(days=dice.randrange(365))
    return Person(
        nhs_number=number,
        family=family,
        given=given,
        prefix=dice.choice(("Mrs", "Ms", "Miss")) if sex == "F" else "Mr",
        sex=sex,
        birth_date=born,
        house=str(dice.randint(1, 140)),
        street=dice.choice(_STREETS),
        town=dice.choice(_TOWNS),
        postcode=f"ZZ99 {dice.randint(1, 9)}{dice.choice(_INWARD)}{dice.choice(_INWARD)}",
        home_phone=f"01632 960{dice.randrange(1000):03d}",
        mobile=f"07700 900{dice.randrange(1000):03d}",
        email=f"{given}.{number[-5:]}@example.org".lower(),
    )


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)
