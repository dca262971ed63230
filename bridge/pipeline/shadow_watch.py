"""Mappings that are tried, beside live traffic: each message that came is read by them too, soon after.

The door has long answered. What is compared, in a thread, are messages that are kept anyway, and after each
the watch rests four times as long as the look took: it has a fifth of one processor at most and lags behind
when more comes. It counts and logs; `bridge map shadow` names elements and messages.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from bridge.errors import ConfigError, Problem
from bridge.events import Event, emit, failed_at
from bridge.pipeline.context import Context
from bridge.pipeline.rehearsal import Rehearsing
from bridge.pipeline.shadowing import Kept, Place, Shadow, look, sent
from bridge.pipeline.turning import turn
from bridge.sources import Sources
from bridge.store.unit import Store

RESTS = 4  # times as long as a look took


@dataclass(slots=True, kw_only=True)
class ShadowWatch:
    """`read` gives the systems as they would be with the mappings that are tried; it may raise ConfigError.

    `settled_ms`: a message younger than this may be overtaken by one whose commit is still under way.
    """

    store: Store
    context: Context
    sources: Sources
    read: Callable[[], Sources]
    every_s: float = 30
    settled_ms: int = 10_000
    _behind: dict[str, Place] = field(default_factory=dict)
    _began: int = 0
    _told: tuple[Problem, ...] = ()

    async def run(self, stop: asyncio.Event) -> None:
        """Look every so often until `stop`; whatever fails here is logged and touches nothing else."""
        await turn(stop, "shadow", self._turn, every_s=self.every_s)

    async def _turn(self) -> bool:
        await self.turn()
        return False

    async def turn(self) -> dict[str, Shadow]:
        """Compare what came since the last turn, by system; the first turn only takes note of the time."""
        now = await self.store.read(lambda tx: tx.now)
        self._began = self._began or now
        try:
            tried = await asyncio.to_thread(self.read)
        except ConfigError as error:
            self._refused(error.problems)
            return {}
        self._told = ()
        return {name: await self._compared(name, tried, now) for name in tried}

    def _refused(self, problems: tuple[Problem, ...]) -> None:
        """Told once, until they are others."""
        if problems != self._told:
            first = problems[0] if problems else Problem(code="setting-wrong")
            emit(Event.SHADOW_REFUSED, problems=len(problems), code=first.code, at=first.at)
        self._told = problems

    async def _compared(self, name: str, tried: Sources, now: int) -> Shadow:
        found = Shadow()
        behind = self._behind.setdefault(name, (self._began, ""))
        next_ones = partial(sent, name=name, until=now - self.settled_ms)
        while batch := await self.store.read(partial(next_ones, behind=behind)):
            for kept in batch:
                await self._look(found, kept, name, tried)
            behind = self._behind[name] = batch[-1].place
        if found.messages:
            emit(
                Event.SHADOW_LOOKED,
                source=name,
                messages=found.messages,
                changed=len(found.changed),
                gone=found.gone,
            )
        return found

    async def _look(self, found: Shadow, kept: Kept, name: str, tried: Sources) -> None:
        old, new = self.sources.sent_by(kept.caller, name), tried.sent_by(kept.caller, name)
        assumed = Rehearsing(
            arrived=datetime.fromtimestamp(kept.received_at / 1000, UTC),
            rulebook=self.context.rulebook,
            environment=self.context.environment,
            naming=self.context.naming,
        )
        started = time.monotonic()
        try:
            await asyncio.to_thread(look, found, kept, old, new, assumed)
        except Exception as error:  # noqa: BLE001 - the next message may be looked at all the same
            emit(Event.WORKER_FAILED, worker="shadow", error=failed_at(error))
        await asyncio.sleep(RESTS * (time.monotonic() - started))
