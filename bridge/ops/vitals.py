"""Takes the pulse: once a second at most however many ask, and never longer than a tenth of the time.

A look that the database does not answer ends after `Pulse.patience_s`; who asks meanwhile waits for the same.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from bridge.errors import Unavailable
from bridge.ops import judging
from bridge.ops.checks import Check, Status, by_urgency, worst
from bridge.ops.judging import Look, Touch
from bridge.ops.pulse import Pulse
from bridge.store import facts, hold, standing
from bridge.store.standing import Asked
from bridge.store.unit import Tx

T = TypeVar("T")
SHARE = 9  # a look is followed by at least so many times its own length without one


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How everything was at `at` (ms). `whole`: also what only the database knows.

    `counts` are events that are not settled and referrals, by state, each up to 10,000.
    """

    at: int
    status: Status
    checks: tuple[Check, ...]
    whole: bool
    counts: Mapping[str, int] = field(default_factory=dict)


class Vitals:
    """How a node is."""

    def __init__(self, pulse: Pulse) -> None:
        self.pulse = pulse
        self._touched = _Fresh(self._touch, pulse.fresh_s)
        self._reported = _Fresh(self._report, pulse.fresh_s)

    async def not_ready(self) -> str:
        """The code of why nothing can be kept right now; "" when it can. A partner's outage is no reason."""
        if any(self._is_full(name) for name in self.pulse.folders):
            return "disk-nearly-full"
        return judging.not_ready(await self._touched.get())

    async def report(self) -> Report:
        """How everything is."""
        return await self._reported.get()

    def _is_full(self, name: str) -> bool:
        return self.pulse.free(self.pulse.folders[name]) < self.pulse.bounds.least_free

    async def _touch(self) -> Touch:
        """A durable write of one small row."""
        pulse = self.pulse
        before, started = pulse.now(), time.monotonic()
        try:
            async with asyncio.timeout(pulse.patience_s):
                at, held = await pulse.store.run(partial(_write, node=pulse.node))
        except (Unavailable, TimeoutError) as error:
            return Touch(failed=_why(error), took_ms=_since(started))
        took = _since(started)
        return Touch(took_ms=took, offset_ms=_offset(before, at, pulse.now()), held=held)

    async def _report(self) -> Report:
        touch, look = await self._touched.get(), await self._look()
        checks = by_urgency(judging.judged(self.pulse, touch, look))
        status = worst(check.status for check in checks)
        return Report(
            at=self.pulse.now(),
            status=status,
            checks=checks,
            whole=look.standing is not None,
            counts=judging.counts(look),
        )

    async def _look(self) -> Look:
        pulse = self.pulse
        asked = Asked(
            partners=pulse.partners,
            sources=[expected.source for expected in pulse.expected],
            held_back=pulse.held_back,
        )
        started = time.monotonic()
        try:
            async with asyncio.timeout(pulse.patience_s):
                found = await pulse.store.read(lambda tx: standing.look(tx, asked))
        except (Unavailable, TimeoutError) as error:
            return Look(failed=_why(error), took_ms=_since(started))
        return Look(standing=found, took_ms=_since(started))


def _write(tx: Tx, node: str) -> tuple[int, bool]:
    facts.put(tx, f"pulse {node}"[:40], {"at": tx.now})
    return tx.now, hold.is_held(tx)


def _offset(before: int, at: int, after: int) -> float:
    """How far the clocks are apart at least; how long the question took is not their fault."""
    return max(0.0, abs(at - (before + after) / 2) - (after - before) / 2)


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, Unavailable) else "the database does not answer"


class _Fresh(Generic[T]):
    """What one look found, for a while."""

    def __init__(self, look: Callable[[], Awaitable[T]], for_s: float) -> None:
        self._look = look
        self._for_s = for_s
        self._task: asyncio.Task[T] | None = None
        self._until = 0.0

    async def get(self) -> T:
        """What was found last, or what is found now."""
        if self._task is None or (self._task.done() and time.monotonic() >= self._until):
            self._task = asyncio.create_task(self._timed())
        return await asyncio.shield(self._task)

    async def _timed(self) -> T:
        started = time.monotonic()
        try:
            return await self._look()
        finally:
            now = time.monotonic()
            self._until = now + (max(self._for_s, SHARE * (now - started)) if self._for_s else 0)
