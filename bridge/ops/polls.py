"""Whether services that have to be asked can be asked: since when a poll fails, for health."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bridge.ops.pulse import now_ms

MS = timedelta(milliseconds=1)
TURNS = 3  # polls that fail, one after the other, before anybody needs to look


@dataclass(slots=True, kw_only=True)
class Poll:
    """One service, asked every so often. `code` says why the last poll failed, `since` (ms) the first."""

    every: timedelta
    code: str = ""
    since: int = 0

    def is_failing(self, now: int) -> bool:
        """Whether it has failed for so long that it is no hiccup."""
        return bool(self.code) and now - self.since >= (TURNS - 1) * self.every / MS


@dataclass(frozen=True, slots=True)
class Polls:
    """The services this node asks, by name."""

    known: dict[str, Poll] = field(default_factory=dict)

    def hears_of(self, service: str, every: timedelta) -> Callable[[str], None]:
        """What is to be called after each poll of a service."""
        self.known[service] = Poll(every=every)
        return partial(self.told, service)

    def told(self, service: str, code: str, now: Callable[[], int] = now_ms) -> None:
        """A poll failed with `code`, or was answered ("")."""
        poll = self.known[service]
        if not poll.code:
            poll.since = now()
        poll.code = code
