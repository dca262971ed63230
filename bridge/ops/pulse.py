"""What health looks at: the parts of one node, and the bounds that say when something is not well."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from bridge.delivery.breaker import Breaker
from bridge.delivery.worker import running_ms
from bridge.ops.silence import Expected
from bridge.store import Store

WEDGED_MS = 120_000


class Beating(Protocol):
    """A worker as health sees it: when it last turned, what it has in flight, its partner's breaker.

    Its times are milliseconds on a clock that nobody sets: `running_ms`.
    """

    name: str
    beat: int
    breaker: Breaker

    @property
    def oldest_flight(self) -> int | None: ...
    @property
    def longest(self) -> timedelta: ...


class Polled(Protocol):
    """A service that is asked: why the last poll failed (""), and since when polls fail (ms)."""

    code: str
    since: int

    def is_failing(self, now: int) -> bool: ...


class Hearts:
    """The loops of a node that are no workers: each says that it turns, until it ends."""

    def __init__(self) -> None:
        self.beats: dict[str, int] = {}

    def beat(self, name: str) -> None:
        """This loop turns."""
        self.beats[name] = running_ms()

    def stop(self, name: str) -> None:
        """This loop has ended, as it should."""
        self.beats.pop(name, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """From where on something is not well."""

    least_free: int  # bytes
    queue: timedelta = timedelta(hours=1)
    urgent: timedelta = timedelta(minutes=15)
    expiry: timedelta = timedelta(days=30)
    clock: timedelta = timedelta(seconds=5)
    slow: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """Something that stops working at a time (ms): a certificate in use, or a caller's key."""

    kind: str  # certificate, key
    of: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What runs here, as whoever deployed it calls it."""

    version: str
    revision: str = ""
    release_id: str = ""
    commit_id: str = ""


def now_ms() -> int:
    """This machine's clock."""
    return time.time_ns() // 1_000_000


def free_bytes(folder: Path) -> int:
    """Free disk where a folder is."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """One node as health sees it.

    `folders` are where data is kept, `feed_limit` how old a practice's feed may be (None: nobody's), `full`
    the code of what closes the doors, `alert_routes` since when (ms) a way to tell people fails,
    `ring_in_place` whether the next start finds the keys in use. A database that does not answer within
    `patience_s` does not answer.
    """

    store: Store
    node: str
    release: Release
    bounds: Bounds
    workers: Sequence[Beating]
    hearts: Hearts
    folders: Mapping[str, Path]
    partners: Sequence[str]
    held_back: Sequence[str]
    mappings: Callable[[], Mapping[str, str]]
    schemes: Callable[[], Mapping[str, str]]
    feed_limit: Callable[[str], timedelta | None]
    full: Callable[[], str]
    expected: Sequence[Expected] = ()
    expiries: Sequence[Expiry] = ()
    polls: Mapping[str, Polled] = field(default_factory=dict)
    alert_routes: Callable[[], Mapping[str, int | None]] = dict
    ring_in_place: Callable[[], bool] = lambda: True
    patience_s: float = 2.0
    fresh_s: float = 1.0
    now: Callable[[], int] = field(default=now_ms)
    running: Callable[[], int] = field(default=running_ms)
    free: Callable[[Path], int] = field(default=free_bytes)

    def wedged(self) -> list[str]:
        """Workers that have not turned for two minutes, or hold an attempt that should be long over."""
        now = self.running()
        found = [w.name for w in self.workers if now - w.beat > WEDGED_MS or _is_stuck(w, now)]
        return found + [name for name, beat in self.hearts.beats.items() if now - beat > WEDGED_MS]


def _is_stuck(worker: Beating, now: int) -> bool:
    began = worker.oldest_flight
    return began is not None and now - began > max(WEDGED_MS, worker.longest / timedelta(milliseconds=1))
