"""A partner in trouble is left alone for a while, and tried again by one."""

from datetime import timedelta

from bridge.delivery.breaker import FAILURES, LONGEST_REST_MS, REFUSALS, REST_MS, Breaker, BreakerState
from bridge.errors import Doubtful, Refused, Throttled, Transient


class Now:
    """Milliseconds, moved by hand."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def opened() -> tuple[Breaker, Now]:
    """A breaker that has just opened."""
    now = Now()
    breaker = Breaker(now=now, wall=now)
    for lane in range(FAILURES):
        breaker.failed(Transient(), lane)
    return breaker, now


def test_it_opens_after_so_many_failures_running_and_says_so_once() -> None:
    """One alert, not one for each attempt."""
    breaker = Breaker(now=Now(), wall=Now())

    told = [breaker.failed(Transient(), lane) for lane in range(FAILURES + 3)]
    assert told.count(True) == 1
    assert breaker.allowance(16) == 0


def test_a_success_between_failures_starts_the_count_anew() -> None:
    """Only failures running count."""
    breaker = Breaker(now=Now(), wall=Now())
    for lane in range(FAILURES * 3):
        breaker.failed(Transient(), lane)
        breaker.succeeded()

    assert breaker.allowance(16) == 16


def test_after_its_rest_one_probe_goes() -> None:
    """Half open lets one through."""
    breaker, now = opened()
    now.ms += REST_MS

    assert breaker.allowance(16) == 1
    assert breaker.state is BreakerState.HALF_OPEN


def test_the_probe_that_comes_home_closes_it() -> None:
    """Everything goes again."""
    breaker, now = opened()
    now.ms += REST_MS
    breaker.allowance(16)
    breaker.succeeded()

    assert breaker.allowance(16) == 16


def test_probes_that_fail_make_the_rest_longer_up_to_a_bound() -> None:
    """A partner that is down for a day is not asked every five seconds."""
    breaker, now = opened()
    rests = []
    for lane in range(12):
        now.ms = breaker.until
        breaker.allowance(16)
        breaker.failed(Transient(), lane)
        rests.append(breaker.until - now.ms)

    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST_MS


def test_a_throttle_with_a_time_opens_it_for_that_time() -> None:
    """The partner asked everyone to wait, not only this delivery."""
    now = Now()
    breaker = Breaker(now=now, wall=now)
    breaker.failed(Throttled(after=timedelta(seconds=44)), 1)

    assert breaker.until - now.ms == 44_000


def test_the_same_refusal_on_many_lanes_is_the_partners_trouble() -> None:
    """Five lanes refused alike must not become five thousand parked referrals."""
    breaker = Breaker(now=Now(), wall=Now())
    for lane in range(REFUSALS):
        breaker.failed(Refused(code="partner-refused"), lane)

    assert breaker.refusing
    assert breaker.allowance(16) == 0


def test_one_lane_refused_again_and_again_is_its_own_trouble() -> None:
    """A bad referral stops nobody else."""
    breaker = Breaker(now=Now(), wall=Now())
    for _ in range(REFUSALS * 2):
        breaker.failed(Refused(code="partner-refused"), 1)

    assert breaker.allowance(16) == 16


def test_a_doubt_about_one_person_says_nothing_of_the_partner() -> None:
    """Two patients with one number are no outage."""
    breaker = Breaker(now=Now(), wall=Now())
    for lane in range(FAILURES * 2):
        breaker.failed(Doubtful(), lane)

    assert breaker.allowance(16) == 16


def test_all_that_was_in_the_air_fails_as_one() -> None:
    """Sixteen lost to one restart of the partner are one trouble: it is tried again as soon as after five."""
    now = Now()
    breaker = Breaker(now=now, wall=now)
    for lane in range(16):
        breaker.failed(Transient(), lane)

    assert breaker.rest == REST_MS
    now.ms += REST_MS
    breaker.allowance(16)
    breaker.failed(Transient(), 1)
    assert breaker.rest == 2 * REST_MS


def test_what_fails_meanwhile_does_not_shorten_the_wait_a_partner_asked_for() -> None:
    """What was in the air when it asked comes back with other failures."""
    now = Now()
    breaker = Breaker(now=now, wall=now)
    breaker.failed(Throttled(after=timedelta(seconds=60)), 1)
    for lane in range(FAILURES):
        breaker.failed(Transient(), lane)
    breaker.failed(Throttled(after=timedelta(seconds=44)), 1)

    assert breaker.rest == 60_000


def test_what_succeeds_meanwhile_does_not_end_the_wait_a_partner_asked_for() -> None:
    """It left before the partner asked everyone to wait."""
    now = Now()
    breaker = Breaker(now=now, wall=now)
    breaker.failed(Throttled(after=timedelta(seconds=60)), 1)
    breaker.succeeded()

    assert breaker.allowance(16) == 0
    now.ms += 60_000
    assert breaker.allowance(16) == 1
    breaker.succeeded()
    assert breaker.allowance(16) == 16
