"""Back-pressure: what waits, since when, and free disk are looked at every second or two, never per request.

A door asks `Gauge.full` for the code of a limit that is passed. 429 says that the sender is too early and 503
that nobody could be served now; either way the sender keeps what it has and comes again.
"""

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import Problem, Unavailable
from bridge.events import Event, emit
from bridge.pipeline.turning import turn
from bridge.store import Store, hold, pressure
from bridge.store.unit import Tx

HELD = Problem(code="held")
DISK = Problem(code="disk-nearly-full")
DEPTH = Problem(code="too-much-waiting")
AGE = Problem(code="waiting-too-long")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits; 0 is none. `held_back`: codes of deliveries that wait for their practice, not a partner."""

    most_unsettled: int
    oldest_ms: int
    least_free: int  # bytes
    every_s: float
    partners: Sequence[str]
    held_back: Sequence[str]


class Gauge:
    """What the doors ask. Before the first look nothing is full."""

    def __init__(self, store: Store, data: Path, bounds: Bounds) -> None:
        self._store = store
        self._data = data
        self._bounds = bounds
        self._code = ""

    def full(self) -> str:
        """The code of the limit that is passed, or ""."""
        return self._code

    async def look(self) -> None:
        """Look once; a store that cannot be read changes nothing, the doors will find out themselves."""
        with suppress(Unavailable):
            passed = await self._store.read(self._passed)
            code = passed.code if passed else ""
            if code != self._code:
                emit(Event.INTAKE_CLOSED if code else Event.INTAKE_OPENED, code=code or self._code)
            self._code = code

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop`: look, rest, look again."""
        await turn(stop, "limits", self._turn, every_s=self._bounds.every_s)

    async def _turn(self) -> bool:
        await self.look()
        return False

    def _passed(self, tx: Tx) -> Problem | None:
        bounds = self._bounds
        if hold.is_held(tx):
            return HELD
        if shutil.disk_usage(self._data).free < bounds.least_free:
            return DISK
        most = bounds.most_unsettled
        if most and pressure.depth(tx, most) >= most:
            return DEPTH
        since = pressure.oldest(tx, bounds.partners, bounds.held_back) if bounds.oldest_ms else None
        return AGE if since is not None and tx.now - since > bounds.oldest_ms else None
