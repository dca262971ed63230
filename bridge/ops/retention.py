"""Retention: once a day one node purges what is past its time, in small batches with rests between them.

After each batch the purge rests for as long as the batch took, so that it never has more than half of the
writer and intake goes on between two batches. Killed anywhere, the next run finds what is left.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bridge.errors import Unavailable
from bridge.events import Event, emit, failed_at
from bridge.pipeline.context import Context
from bridge.pipeline.importing import list_lapsed
from bridge.sources.emis_shelf import KINDS
from bridge.store import Store, facts, held, hold, paring, purging
from bridge.store.purging import Found, Place, Purge
from bridge.store.unit import Tx

T = TypeVar("T")
DAY_MS = 86_400_000
LEASE_MS = 600_000
BATCH = 100  # rows of one unit
PAGES = 200  # of SQLite's file that one unit gives back
TURN = "purge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long each kind of thing stays, in days."""

    bodies: int
    requests: int
    records: int
    attempts: int
    journey: int

    def plan(self) -> tuple[tuple[Purge, int], ...]:
        """Each purge with its period, in an order in which one makes room for the next."""
        return (
            (purging.BODIES_PURGE, self.bodies),
            (purging.DOCUMENTS_PURGE, self.bodies),
            (purging.REQUESTS_PURGE, self.requests),
            (purging.ATTEMPTS_PURGE, self.attempts),
            (paring.RECORDS_PURGE, self.records),
            (paring.JOURNEYS_PURGE, self.journey),
            (purging.EVENTS_PURGE, self.journey),
            (purging.MESSAGES_PURGE, self.journey),
        )


class LostTurn(Exception):
    """Another node purges now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purger:
    """What purging needs. `lapsing`: the source whose held rows are listed when their time is over, or ""."""

    store: Store
    context: Context
    periods: Periods
    node: str
    lapsing: str = ""
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def purge(self, *, every_ms: int = 0) -> Counter[str] | None:
        """Purge now; how many of each kind. None when another node does, or did within `every_ms`.

        Raises Unavailable when the store is away, LostTurn when this node was silent for too long.
        """
        if not await self.store.run(lambda tx: self._turn(tx, every_ms)):
            return None
        started = time.monotonic()
        counts: Counter[str] = Counter()
        if self.lapsing:
            counts["lapsed"] = await self._until_done(self._lapse)
        for purge, days in self.periods.plan():
            counts[purge.name] = await self._purge(purge, days)
        await self._until_done(_give_back)
        await self.store.run(lambda tx: facts.end_turn(tx, TURN))
        emit(Event.PURGED, **counts, took_s=round(time.monotonic() - started, 1))
        return counts

    async def preview(self) -> Counter[str]:
        """How many of each kind a purge would drop now; nothing is changed."""
        counts: Counter[str] = Counter()
        for purge, days in self.periods.plan():
            place: Place | None = purging.START
            while place is not None:
                search = partial(_find, purge=purge, days=days, place=place)
                found = await self.store.read(search)
                counts[purge.name] += len(found.ids)
                place = found.after
        return counts

    async def daily(self, stop: asyncio.Event) -> None:
        """Until `stop`: purge once a day, whichever node comes first."""
        while not stop.is_set():
            try:
                await self.purge(every_ms=DAY_MS)
            except (Unavailable, LostTurn) as error:
                emit(Event.STORE_UNAVAILABLE, worker=TURN, reason=str(error) or "another node took over")
            except Exception as error:  # noqa: BLE001 - tomorrow is another day
                emit(Event.WORKER_FAILED, worker=TURN, error=failed_at(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LEASE_MS / 1000)

    def _turn(self, tx: Tx, every_ms: int) -> bool:
        """A held bridge keeps everything: what a restore brought back may be all there is."""
        if hold.is_held(tx):
            return False
        return facts.take_turn(tx, TURN, node=self.node, every_ms=every_ms, lease_ms=LEASE_MS)

    async def _purge(self, purge: Purge, days: int) -> int:
        gone = 0
        place: Place | None = purging.START
        while place is not None:
            dropped, place = await self._step(partial(_step, purge=purge, days=days, place=place))
            gone += dropped
        return gone

    async def _until_done(self, work: Callable[[Tx], tuple[int, bool]]) -> int:
        done, more = 0, True
        while more:
            some, more = await self._step(work)
            done += some
        return done

    async def _step(self, work: Callable[[Tx], tuple[int, T]]) -> tuple[int, T]:
        """One unit, while the turn is ours, and a rest as long as it took."""

        def unit(tx: Tx) -> tuple[int, T]:
            if not self._turn(tx, DAY_MS):
                raise LostTurn
            return work(tx)

        started = time.monotonic()
        done = await self.store.run(unit)
        await self.rest(time.monotonic() - started)
        return done

    def _lapse(self, tx: Tx) -> tuple[int, bool]:
        listed = list_lapsed(tx, self.context, self.lapsing)
        kinds = {kind.name for kind in KINDS if kind.days is not None}
        return listed, any(next(held.overdue(tx, kind, 1), None) is not None for kind in kinds)


def _find(tx: Tx, *, purge: Purge, days: int, place: Place) -> Found:
    return purge.find(tx, tx.now - days * DAY_MS, place, BATCH)


def _step(tx: Tx, *, purge: Purge, days: int, place: Place) -> tuple[int, Place | None]:
    found = _find(tx, purge=purge, days=days, place=place)
    dropped = purge.drop(tx, found.ids) if found.ids else 0
    return dropped, place if found.again else found.after


def _give_back(tx: Tx) -> tuple[int, bool]:
    return 0, purging.give_back(tx, PAGES) > 0
