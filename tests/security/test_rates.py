"""One caller that sends too much is told when to come again, and no other caller notices."""

import pytest

from bridge.security.rates import Rates, TooOften


class Clock:
    """A clock a test moves, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refused(rates: Rates, caller: str = "emis") -> int:
    """In how many seconds the caller may come again; 0 when it may now."""
    try:
        rates.take(caller)
    except TooOften as error:
        return error.after
    return 0


def test_a_burst_passes_and_what_follows_waits_for_the_rate(clock: Clock) -> None:
    """Three at once, then one for each half second."""
    rates = Rates(per_second=2, burst=3, now=clock)

    assert [refused(rates) for _ in range(5)] == [0, 0, 0, 1, 1]
    clock.now += 0.5
    assert [refused(rates) for _ in range(2)] == [0, 1]


def test_a_refused_request_does_not_make_the_wait_longer(clock: Clock) -> None:
    """Whoever asks too early is let in at the same time as whoever waits."""
    rates = Rates(per_second=0.1, burst=1, now=clock)
    assert refused(rates) == 0
    clock.now += 5
    assert refused(rates) == 5
    clock.now += 5
    assert refused(rates) == 0


def test_nobody_pays_for_another(clock: Clock) -> None:
    """Each caller has a bucket of its own."""
    rates = Rates(per_second=1, burst=1, now=clock)

    assert [refused(rates, who) for who in ("emis", "emis", "tpp")] == [0, 1, 0]


def test_a_long_rest_fills_the_bucket_and_no_more(clock: Clock) -> None:
    """A night without requests is no licence for a thousand at once."""
    rates = Rates(per_second=1, burst=2, now=clock)
    refused(rates)
    clock.now += 36_000

    assert [refused(rates) for _ in range(3)] == [0, 0, 1]


def test_zero_is_no_limit(clock: Clock) -> None:
    """For a site that is guarded elsewhere."""
    rates = Rates(per_second=0, burst=1, now=clock)

    assert [refused(rates) for _ in range(100)] == [0] * 100


def test_a_look_counts_nothing_and_sees_an_empty_bucket(clock: Clock) -> None:
    """Somebody who only looks never waits longer for it."""
    rates = Rates(per_second=1, burst=2, now=clock)
    for _ in range(5):
        rates.look("emis")
    rates.take("emis")
    rates.take("emis")

    with pytest.raises(TooOften):
        rates.look("emis")
    rates.look("other")
