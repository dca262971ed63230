"""How often one caller may come: a bucket of tokens each, filled at a steady rate (a token bucket).

Kept in memory, for each node by itself: it guards this process, not a contract.
"""

import time
from collections.abc import Callable

from bridge.errors import BridgeError, Problem


class TooOften(BridgeError):
    """This caller sends more than it may; `after` is in how many whole seconds it may come again."""

    def __init__(self, after: int) -> None:
        self.after = after
        super().__init__(problems=(Problem(code="caller-too-often"),))


class Rates:
    """One bucket of `burst` requests for each caller, filled by `per_second`; 0 is no limit.

    Of more than `most` callers those are forgotten that have not come for longest: who nobody knows yet may
    call itself anything.
    """

    __slots__ = ("_buckets", "_burst", "_most", "_now", "_per_second")

    def __init__(
        self,
        *,
        per_second: float = 0,
        burst: int = 1,
        most: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._most = most
        self._burst = burst
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}

    def look(self, caller: str) -> None:
        """TooOften when the bucket of this caller is empty; nothing is counted."""
        left, since = self._buckets.get(caller, (float(self._burst), 0.0))
        left = left + (self._now() - since) * self._per_second if caller in self._buckets else left
        if self._per_second and left < 1:
            raise TooOften(max(1, round((1 - left) / self._per_second)))

    def take(self, caller: str) -> None:
        """Count one request of this caller; TooOften when its bucket is empty."""
        if not self._per_second:
            return
        now = self._now()
        left, since = self._buckets.pop(caller, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._per_second)
        self._buckets[caller] = (max(left - 1, 0.0) if left >= 1 else left, now)
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        if left < 1:
            raise TooOften(max(1, round((1 - left) / self._per_second)))
