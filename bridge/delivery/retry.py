"""What to do after a failed attempt: one table from failure class to decision, and the budget.

The class was decided where the failure happened (partners/http.py); nothing here reads a status or a text.
Budgets are by age and priority, not by count: an urgent referral that cannot leave is a person's work soon.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.domain.delivery import Delivery, Effect
from bridge.domain.journey import DeliveryState, DeliveryStep
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Delays grow from `first` to `longest` with full jitter; after the budget a person is asked."""

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=10)
    look_after: timedelta = timedelta(seconds=1)
    budget: dict[str, timedelta] = field(
        default_factory=lambda: {
            "stat": timedelta(hours=1),
            "asap": timedelta(hours=4),
            "urgent": timedelta(hours=4),
            "": timedelta(hours=72),
            "routine": timedelta(hours=72),
        }
    )

    def budget_of(self, priority: str) -> timedelta:
        """How long a delivery of that priority is tried before it is parked."""
        return self.budget.get(priority, self.budget[""])


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of the delivery table and how long to wait before the next attempt."""

    step: DeliveryStep
    delay: timedelta = timedelta()


AGAIN, LOOK, PERSON = DeliveryStep.POSTPONE, DeliveryStep.DOUBT, DeliveryStep.PARK

# Failure class → what follows. The worker's breaker counts them separately.
TABLE: dict[type[DeliveryError], DeliveryStep] = {
    Refused: PERSON,
    Doubtful: PERSON,
    NotThePartner: AGAIN,
    Unauthorised: AGAIN,
    Throttled: AGAIN,
    Transient: AGAIN,
    Ambiguous: LOOK,
}


def decide(
    error: DeliveryError,
    delivery: Delivery,
    *,
    age: timedelta,
    effect: Effect,
    policy: RetryPolicy,
    chance: Callable[[], float] = random.random,
) -> Decision:
    """The next step. A delivery that may have arrived stays in doubt until a look settles it.

    At a partner that cannot de-duplicate, an ambiguous failure that a look does not settle is parked: there
    is never an automatic second send (promise 4).
    """
    step = TABLE[type(error)]
    looking = delivery.state is DeliveryState.IN_DOUBT
    if step is PERSON or age >= policy.budget_of(delivery.priority):
        return Decision(PERSON)
    if step is LOOK:
        if looking and effect is Effect.AT_MOST_ONE:
            return Decision(PERSON)
        return Decision(LOOK, _grown(policy.look_after, policy, delivery.attempts, chance))
    delay = (
        error.after if error.after is not None else _grown(policy.first, policy, delivery.attempts, chance)
    )
    return Decision(LOOK if looking else AGAIN, min(delay, policy.longest * 6))


def _grown(start: timedelta, policy: RetryPolicy, attempts: int, chance: Callable[[], float]) -> timedelta:
    """Exponential with full jitter, never below a tenth of a second."""
    ceiling = min(start * (1 << min(max(attempts - 1, 0), 20)), policy.longest)
    return max(timedelta(milliseconds=100), ceiling * chance())
