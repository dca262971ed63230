"""A wait is what the partner asks for, between a second and an hour."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.partners.waiting import LONGEST, SHORTEST, asked_wait, http_date

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"retry-after": "0"}, 1),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Mon, 02 Mar 2026 09:30:20 GMT"}, 20),
        ({"Retry-After": "Mon, 02 Mar 2026 09:30:20 -0000"}, 20),
        ({"Retry-After": "Mon, 02 Mar 2026 08:00:00 GMT"}, 1),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3600),
        ({"Retry-After": "soon", "RateLimit-Reset": "9"}, 9),
        ({"RateLimit": '"minute";r=0;t=44, "day";r=5;t=50'}, 50),
        ({"RateLimit": "limit=100, remaining=0, reset=31"}, 31),
        ({"RateLimit": '"start";r=0'}, None),
        ({"RateLimit-Reset": str(int(NOW.timestamp()) + 25)}, 25),
        ({"RateLimit-Reset": "later"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_a_wait_is_read_however_it_is_said(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, a date, or one of the RateLimit drafts."""
    expected = None if seconds is None else timedelta(seconds=seconds)

    assert asked_wait(httpx.Headers(headers), NOW) == expected


@given(st.sampled_from(["Retry-After", "RateLimit", "RateLimit-Reset"]), st.text() | st.integers().map(str))
def test_no_header_makes_a_wait_absurd(name: str, value: str) -> None:
    """Hostile or broken, the wait is none or within bounds."""
    wait = asked_wait({name.lower(): value}, NOW)

    assert wait is None or SHORTEST <= wait <= LONGEST


@pytest.mark.parametrize(
    "value", ["Mon, 02 Mar 2026 09:30:20 +999999999999", "Mon, 99 Mar 2026 09:30:20 GMT", "x"]
)
def test_what_is_no_date_is_none(value: str) -> None:
    """And never an error of ours."""
    assert http_date(value) is None
