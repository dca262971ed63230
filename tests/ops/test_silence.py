"""When a source that works by a calendar has been silent for too long."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import datetimes, integers

from bridge.domain.dates import LONDON
from bridge.ops.silence import Expected

FRIDAY, MONDAY = datetime(2026, 2, 27, 17, tzinfo=LONDON), datetime(2026, 3, 2, 9, tzinfo=LONDON)
DAILY = Expected(source="emis", every=timedelta(hours=26))


def test_a_weekend_is_no_silence() -> None:
    """Friday evening to Monday morning is sixteen hours of work."""
    assert not DAILY.is_overdue(FRIDAY, MONDAY)
    assert Expected(source="emis", every=timedelta(hours=26), working_days=False).is_overdue(FRIDAY, MONDAY)


def test_a_working_day_without_a_word_is_too_long() -> None:
    """Tuesday evening after Friday's extract."""
    assert DAILY.is_overdue(FRIDAY, MONDAY + timedelta(days=1))


def test_a_holiday_counts_as_a_weekend() -> None:
    """Good Friday and Easter Monday: from Thursday to Tuesday nobody works."""
    thursday = datetime(2026, 4, 2, 18, tzinfo=LONDON)
    tuesday = datetime(2026, 4, 7, 12, tzinfo=LONDON)
    easter = frozenset({date(2026, 4, 3), date(2026, 4, 6)})

    assert DAILY.is_overdue(thursday, tuesday)
    assert not Expected(source="emis", every=timedelta(hours=26), holidays=easter).is_overdue(
        thursday, tuesday
    )


@pytest.mark.parametrize("hours", [25, 27])
def test_the_hour_that_spring_takes_is_not_counted(hours: int) -> None:
    """29 March 2026 is a Sunday; across it only the clock on the wall jumps."""
    before = datetime(2026, 3, 27, 23, tzinfo=LONDON)
    every = Expected(source="emis", every=timedelta(hours=26))

    assert every.is_overdue(before, datetime(2026, 3, 30, 0, tzinfo=LONDON) + timedelta(hours=hours)) is (
        hours == 27
    )


@given(
    last=datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    hours=integers(0, 2000),
    every=integers(1, 500),
)
def test_working_hours_are_never_more_than_hours(last: datetime, hours: int, every: int) -> None:
    """Whoever is late by the working calendar is late by any."""
    start = last.replace(tzinfo=LONDON)
    end = start + timedelta(hours=hours)
    working = Expected(source="s", every=timedelta(hours=every))
    any_day = Expected(source="s", every=timedelta(hours=every), working_days=False)

    assert not working.is_overdue(start, end) or any_day.is_overdue(start, end)
