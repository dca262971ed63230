"""The clock of a request sorts as text, whatever its offset and digits."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.fhir.requests import sortable
from tests.fhir.requesting import ARRIVED


@given(st.lists(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2026, 3, 1)), min_size=2),
       st.integers(-12, 12))  # fmt: skip
def test_clocks_sort_as_text_as_they_do_in_time(moments: list[datetime], hours: int) -> None:
    """Whatever the offset and however many digits the fraction has."""
    offset = timedelta(hours=hours)
    aware = [m.replace(tzinfo=UTC) for m in moments]
    sign, wall = "-" if hours < 0 else "+", abs(hours)
    written = [f"{(m + offset).replace(tzinfo=None).isoformat()}{sign}{wall:02}:00" for m in aware]

    by_text = sorted(range(len(aware)), key=lambda n: (sortable(written[n], ARRIVED), n))

    assert by_text == sorted(range(len(aware)), key=lambda n: (aware[n], n))


def test_more_digits_sort_after_their_own_beginning() -> None:
    """BaRS writes seven."""
    clocks = [
        "10:00:00Z",
        "10:00:00.1Z",
        "10:00:00.1234567Z",
        "10:00:00.12345678Z",
        "10:00:00.2Z",
        "10:00:01Z",
    ]

    told = [sortable(f"2026-03-01T{c}", ARRIVED) for c in clocks]

    assert told == sorted(told)
    assert sortable("2026-03-01T10:00:00.100Z", ARRIVED) == sortable("2026-03-01T10:00:00.1Z", ARRIVED)
    assert sortable("", ARRIVED) == "2026-03-02T09:30:00"


def test_a_clock_that_runs_ahead_counts_as_arrival() -> None:
    """Else the year 2050 once said would make the cancellation of tomorrow an older word."""
    ahead = sortable("2050-01-01T00:00:00Z", ARRIVED)

    assert ahead == sortable("", ARRIVED)
    assert ahead < sortable("2026-03-02T09:31:00Z", ARRIVED)


def test_an_hour_ahead_is_a_wrong_zone_and_keeps_its_order() -> None:
    """A sender that writes summer time as Z does so in every message."""
    assert sortable("2026-03-02T10:30:00Z", ARRIVED) == "2026-03-02T10:30:00"
