"""A circuit breaker and a concurrency limit per partner, in memory on each node.

Closed: everything goes. Open: nothing goes until `rest` has passed. Half open: one probe; its success
closes the breaker, its failure opens it again for longer. What was in the air when it opened makes no rest
longer by failing, nor one that the partner asked for shorter by arriving. The same refusal on `REFUSALS`
lanes running opens it too: one broken rule at the partner must not park five thousand referrals.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.errors import DeliveryError, Doubtful, Refused, Throttled

FAILURES = 5
REFUSALS = 5
REST_MS = 5_000
LONGEST_REST_MS = 300_000
LONGEST_WAIT_MS = 3_600_000  # what a partner may ask for


class BreakerState(StrEnum):
    """What the breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class Breaker:
    """One partner's breaker; `now` and `wall` give milliseconds, `now` those of a clock that nobody sets.

    `since` is when it came to its state, on `wall`, 0 while nothing has been sent yet that could tell.
    """

    now: Callable[[], int]
    wall: Callable[[], int]
    state: BreakerState = BreakerState.CLOSED
    since: int = 0
    _until: int = 0
    _asked: int = 0  # until when the partner asked us to wait
    _failures: int = 0
    _refusal: str = ""
    _refused_lanes: set[int] = field(default_factory=set)
    _rest: int = REST_MS

    def allowance(self, wanted: int) -> int:
        """How many deliveries may be claimed now."""
        if self.state is BreakerState.OPEN and self.rest <= 0:
            self.state = BreakerState.HALF_OPEN
        if self.state is BreakerState.CLOSED:
            return wanted
        return 1 if self.state is BreakerState.HALF_OPEN else 0

    def succeeded(self) -> bool:
        """An attempt was accepted; True when this closes the breaker."""
        self._failures = 0
        self._forget_refusals()
        if self.state is BreakerState.OPEN and self._asked > self.now():
            return False
        closes = self.state is not BreakerState.CLOSED
        if closes or not self.since:
            self.state, self.since, self._rest = BreakerState.CLOSED, self.wall(), REST_MS
        return closes

    def failed(self, error: DeliveryError, lane_id: int) -> bool:
        """An attempt failed; True when this opens the breaker (one alert, not one per attempt)."""
        if isinstance(error, Doubtful):
            return False
        if isinstance(error, Refused):
            return self._refused(error, lane_id)
        self._failures += 1
        if isinstance(error, Throttled) and error.after is not None:
            return self._wait(min(int(error.after.total_seconds() * 1000), LONGEST_WAIT_MS))
        if self._failures >= FAILURES or self.state is BreakerState.HALF_OPEN:
            return self._open(self._rest)
        return False

    @property
    def rest(self) -> int:
        """For how many milliseconds it stays open."""
        return self._until - self.now()

    @property
    def until(self) -> int:
        """When that is over, on `wall`."""
        return self.wall() + self.rest

    @property
    def refusing(self) -> bool:
        """Whether the same refusal was seen on enough lanes to blame the partner, not the message."""
        return len(self._refused_lanes) >= REFUSALS

    def _refused(self, error: Refused, lane_id: int) -> bool:
        if error.code != self._refusal:
            self._forget_refusals()
            self._refusal = error.code
        self._refused_lanes.add(lane_id)
        return self._open(self._rest) if self.refusing else False

    def _forget_refusals(self) -> None:
        self._refusal = ""
        self._refused_lanes.clear()

    def _wait(self, asked: int) -> bool:
        """The partner asks for so long a rest; the longest of several holds."""
        opens = self._open(asked)
        self._asked = max(self._asked, self.now() + asked)
        self._until = max(self._until, self._asked)
        return opens

    def _open(self, rest: int) -> bool:
        if self.state is BreakerState.OPEN:
            return False
        fresh = self.state is BreakerState.CLOSED
        self.state, self._until = BreakerState.OPEN, self.now() + rest
        if fresh:
            self.since = self.wall()
        self._rest = min(self._rest * 2, LONGEST_REST_MS)
        return fresh
