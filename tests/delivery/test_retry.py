"""What follows each failure: one row of the table, one case."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.retry import TABLE, RetryPolicy, decide
from bridge.domain.delivery import Delivery, Effect, Kind, Leg
from bridge.domain.journey import DELIVERY_MOVES, DeliveryState, DeliveryStep
from bridge.errors import (
    Ambiguous,
    DeliveryError,
    Doubtful,
    NotThePartner,
    Refused,
    Throttled,
    Transient,
    Unauthorised,
)

POLICY = RetryPolicy()
THEN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DELIVERY = Delivery(
    id="d", referral_id="r", lane_id=1, partner="sp", leg=Leg.FORWARD, kind=Kind.CREATE,
    state=DeliveryState.SENDING, seq=1, attempts=1, created_at=THEN, first_sent_at=THEN, trying_since=THEN,
    priority="routine", request_id="q", correlation_id="c", body=b"{}", frozen=True, replaces=False,
    epoch=1, patient="p",
)  # fmt: skip
IN_DOUBT = replace(DELIVERY, state=DeliveryState.IN_DOUBT)
YOUNG = timedelta(minutes=1)
AGAIN, LOOK, PERSON = DeliveryStep.POSTPONE, DeliveryStep.DOUBT, DeliveryStep.PARK

CASES: list[tuple[DeliveryError, Delivery, Effect, DeliveryStep]] = [
    (Refused(), DELIVERY, Effect.EXACTLY_ONE, PERSON),
    (Doubtful(), DELIVERY, Effect.EXACTLY_ONE, PERSON),
    (NotThePartner(), DELIVERY, Effect.EXACTLY_ONE, AGAIN),
    (Unauthorised(), DELIVERY, Effect.EXACTLY_ONE, AGAIN),
    (Throttled(), DELIVERY, Effect.EXACTLY_ONE, AGAIN),
    (Transient(), DELIVERY, Effect.EXACTLY_ONE, AGAIN),
    (Ambiguous(), DELIVERY, Effect.EXACTLY_ONE, LOOK),
    (Ambiguous(), DELIVERY, Effect.AT_MOST_ONE, LOOK),
    (Ambiguous(), IN_DOUBT, Effect.EXACTLY_ONE, LOOK),
    (Ambiguous(), IN_DOUBT, Effect.AT_MOST_ONE, PERSON),
    (Transient(), IN_DOUBT, Effect.EXACTLY_ONE, LOOK),
    (Refused(), IN_DOUBT, Effect.EXACTLY_ONE, PERSON),
]


@pytest.mark.parametrize(("error", "delivery", "effect", "step"), CASES)
def test_each_failure_has_its_next_step(
    error: DeliveryError, delivery: Delivery, effect: Effect, step: DeliveryStep
) -> None:
    """The table of docs/reference/delivery.md."""
    assert decide(error, delivery, age=YOUNG, effect=effect, policy=POLICY).step is step


def test_every_failure_class_is_in_the_table() -> None:
    """A new class cannot be forgotten."""
    assert set(TABLE) == set(DeliveryError.__subclasses__())


@pytest.mark.parametrize(
    ("priority", "hours"), [("routine", 72), ("", 72), ("urgent", 4), ("asap", 4), ("stat", 1)]
)
def test_after_its_budget_a_person_is_asked(priority: str, hours: int) -> None:
    """The more urgent, the sooner."""
    delivery = replace(DELIVERY, priority=priority)
    just_before, just_after = timedelta(hours=hours, seconds=-1), timedelta(hours=hours)

    steps = [
        decide(Transient(), delivery, age=age, effect=Effect.EXACTLY_ONE, policy=POLICY).step
        for age in (just_before, just_after)
    ]
    assert steps == [AGAIN, PERSON]


def test_a_partner_that_says_when_is_believed() -> None:
    """Retry-After and RateLimit are obeyed, not guessed at."""
    error = Throttled(after=timedelta(seconds=44))

    assert decide(error, DELIVERY, age=YOUNG, effect=Effect.EXACTLY_ONE, policy=POLICY).delay.seconds == 44


@given(attempts=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_delays_grow_and_never_leave_their_bounds(attempts: int, chance: float) -> None:
    """Exponential with full jitter, a tenth of a second at least, `longest` at most."""
    delivery = replace(DELIVERY, attempts=attempts)
    decision = decide(
        Transient(), delivery, age=YOUNG, effect=Effect.EXACTLY_ONE, policy=POLICY, chance=lambda: chance
    )

    ceiling = min(POLICY.first * 2 ** min(attempts - 1, 20), POLICY.longest)
    assert timedelta(milliseconds=100) <= decision.delay <= max(ceiling, timedelta(milliseconds=100))


@given(
    error=st.sampled_from([kind() for kind in TABLE]),
    state=st.sampled_from([DeliveryState.SENDING, DeliveryState.IN_DOUBT]),
    effect=st.sampled_from(list(Effect)),
    hours=st.integers(0, 1000),
)
def test_every_decision_is_a_legal_move(
    error: DeliveryError, state: DeliveryState, effect: Effect, hours: int
) -> None:
    """The policy and the state table agree."""
    delivery = replace(DELIVERY, state=state)
    decision = decide(error, delivery, age=timedelta(hours=hours), effect=effect, policy=POLICY)

    assert decision.step in DELIVERY_MOVES[state]
