"""Synthetic patients are well formed, unlike anyone alive, and the same on every run."""

import re
from datetime import date
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.identifiers import NhsNumber
from bridge.simulators.people import nhs_numbers, people, some_people

TODAY = date(2026, 3, 1)


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), today=st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_everyone_has_a_test_number_and_the_asked_age(seed: int, today: date) -> None:
    """A right check digit, the range 999, and an age within the bounds on any day of any year."""
    for person in islice(people(seed, today=today, ages=(18, 19)), 5):
        assert NhsNumber.parse(person.nhs_number).is_test
        had_birthday = (today.month, today.day) >= (person.birth_date.month, person.birth_date.day)
        assert 18 <= today.year - person.birth_date.year - (not had_birthday) <= 19


def test_no_number_comes_twice() -> None:
    """A seed gives different people."""
    numbers = list(islice(nhs_numbers(3), 100_000))

    assert len(set(numbers)) == len(numbers)


def test_the_same_seed_gives_the_same_people() -> None:
    """A failing test can be run again."""
    assert some_people(5, 20, today=TODAY) == some_people(5, 20, today=TODAY)
    assert some_people(5, 20, today=TODAY) != some_people(6, 20, today=TODAY)


def test_nobody_can_be_reached() -> None:
    """No real postcode, telephone or mail address."""
    for person in some_people(1, 200, today=TODAY):
        assert re.fullmatch(r"ZZ99 \d[A-Y]{2}", person.postcode)
        assert re.fullmatch(r"01632 960\d{3}", person.home_phone)
        assert re.fullmatch(r"07700 900\d{3}", person.mobile)
        assert person.email.endswith("@example.org")
