"""Watches health and tells people what begins and what is over; it never stops anything else.

What each node sees of itself stands in a book of its own; what all see alike stands in one book that the node
whose turn it is keeps. Both are in the store, with what is still to be told, so a restart repeats nothing and
forgets nothing. While the database is away a node tells from memory. A crash between telling and noting it
tells again under the same id.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from bridge.errors import NotTold, Unavailable
from bridge.events import Event, emit, failed_at
from bridge.ops import alert_words, conditions
from bridge.ops.checks import Check
from bridge.ops.conditions import Condition, Notice
from bridge.ops.pulse import Hearts
from bridge.ops.vitals import Report
from bridge.partners.alerts import Message, Teller
from bridge.store import Store, facts
from bridge.store.unit import Tx

TURN: Final = "alerts turn"
SHARED: Final = "alerts"
MOST_OWED = 500  # notices of a book; the oldest that are not critical go first
LONGEST_REST_S = 300.0

Owed = list[tuple[str, Notice]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long something lasts before it is told, and how often it is looked at, in seconds."""

    after_s: float
    every_s: float


class Routes:
    """The ways to tell people, and since when (ms) one of them does not work."""

    def __init__(self, tellers: Sequence[Teller], now: Callable[[], float] = time.monotonic) -> None:
        self.tellers = tuple(tellers)
        self.failing: dict[str, int] = {}
        self._now = now
        self._rests: dict[str, tuple[float, float]] = {}  # until when, how long the next one is

    def standing(self) -> Mapping[str, int | None]:
        """Each way, with since when it fails or None."""
        return {teller.name: self.failing.get(teller.name) for teller in self.tellers}

    async def tell(self, teller: Teller, message: Message, at: int) -> bool:
        """Whether it was told; a way that just failed rests for a while, longer each time."""
        until, rest = self._rests.get(teller.name, (0.0, 5.0))
        if self._now() < until:
            return False
        try:
            await teller.tell(message)
        except NotTold as error:
            if teller.name not in self.failing:
                emit(Event.ALERT_UNSENT, route=teller.name, reason=str(error))
            self.failing.setdefault(teller.name, at)
            self._rests[teller.name] = (self._now() + rest, min(2 * rest, LONGEST_REST_S))
            return False
        if self.failing.pop(teller.name, None) is not None:
            emit(Event.ALERT_ROUTE_BACK, route=teller.name)
        self._rests.pop(teller.name, None)
        return True


@dataclass(slots=True)
class _Own:
    """This node's book."""

    conditions: dict[str, Condition]
    owed: Owed
    loaded: bool = False


class Alerting:
    """Compares each report of health with what was told, and tells the difference."""

    def __init__(
        self,
        *,
        store: Store,
        node: str,
        report: Callable[[], Awaitable[Report]],
        routes: Routes,
        terms: Terms,
        hearts: Hearts,
    ) -> None:
        self._store = store
        self._node = node
        self._report = report
        self._routes = routes
        self._terms = terms
        self._hearts = hearts
        self._own = _Own({}, [])

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop`: look, tell, rest. Whatever happens here, the rest of the bridge goes on."""
        while not stop.is_set():
            self._hearts.beat("alerts")
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - the next look is soon
                emit(Event.WORKER_FAILED, worker="alerts", error=failed_at(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._terms.every_s)
        self._hearts.stop("alerts")

    async def look(self) -> None:
        """Look once, tell what has begun or is over, and what could not be told before."""
        await self._load()
        report = await self._report()
        own = [check for check in report.checks if conditions.is_of_a_node(check)]
        shared = [check for check in report.checks if not conditions.is_of_a_node(check)]
        before = self._own.conditions
        self._own.conditions, notices = self._changes(before, own, report.at, self._node)
        self._own.owed = _owing(self._own.owed, self._owed(notices))
        owed: Owed = []
        try:
            async with asyncio.timeout(self._patience):
                more, owed = await self._store.run(lambda tx: self._turned(tx, report, shared))
            notices += more
        except (Unavailable, TimeoutError):
            pass  # told from memory; what is shared is another look's
        for notice in notices:
            event = Event.ALERT_CLEARED if notice.cleared else Event.ALERT_RAISED
            emit(event, check=notice.check, of=notice.of, code=notice.code, severity=notice.severity)
        await self._send(owed, report.at)

    async def _load(self) -> None:
        """This node's book as it was left; once, and when the database is there."""
        if not self._own.loaded:
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(self._patience):
                    self._opened(await self._store.read(lambda tx: facts.known(tx, self._own_name)))

    def _opened(self, said: Mapping[str, Any] | None) -> None:
        own = self._own
        before, owed = conditions.opened(said)
        own.conditions, own.owed, own.loaded = before | own.conditions, owed + own.owed, True

    @property
    def _patience(self) -> float:
        return max(2.0, self._terms.every_s)

    @property
    def _own_name(self) -> str:
        return f"alerts of {self._node}"[:40]

    def _changes(
        self, book: Mapping[str, Condition], checks: Iterable[Check], at: int, scope: str
    ) -> tuple[dict[str, Condition], list[Notice]]:
        after_ms = int(self._terms.after_s * 1000)
        return conditions.changed(book, checks, at=at, after_ms=after_ms, scope=scope)

    def _owed(self, notices: Iterable[Notice]) -> Owed:
        return [(teller.name, notice) for notice in notices for teller in self._routes.tellers]

    def _turned(self, tx: Tx, report: Report, checks: list[Check]) -> tuple[list[Notice], Owed]:
        """Keep this node's book, and the shared one when it is this node's turn and all could be seen."""
        self._keep_own(tx)
        lease_ms = int(self._terms.every_s * 3000) + 60_000
        if not report.whole or not facts.take_turn(tx, TURN, node=self._node, every_ms=0, lease_ms=lease_ms):
            return [], []
        said = facts.known(tx, SHARED)
        before, owed = conditions.opened(said)
        after, notices = self._changes(before, checks, report.at, SHARED)
        owed = _owing(owed, self._owed(notices))
        _put(tx, SHARED, said, after, owed)
        return notices, owed

    def _keep_own(self, tx: Tx) -> None:
        said = facts.known(tx, self._own_name)
        if not self._own.loaded:
            self._opened(said)
        _put(tx, self._own_name, said, self._own.conditions, self._own.owed)

    async def _send(self, shared: Owed, at: int) -> None:
        """One message for each route, with everything it owes."""
        told: set[tuple[str, str, bool]] = set()
        for teller in self._routes.tellers:
            notices = [n for route, n in (*self._own.owed, *shared) if route == teller.name]
            if notices:
                message = alert_words.message(conditions.loudest(notices), node=self._node)
                if await self._routes.tell(teller, message, at):
                    told |= {(teller.name, notice.id, notice.cleared) for notice in notices}
        if told:
            self._own.owed = _left(self._own.owed, told)
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._store.run(lambda tx: self._note(tx, told))

    def _note(self, tx: Tx, told: set[tuple[str, str, bool]]) -> None:
        self._keep_own(tx)
        tx.lock(f"turn|{TURN}")
        said = facts.known(tx, SHARED)
        book, owed = conditions.opened(said)
        _put(tx, SHARED, said, book, _left(owed, told))


def _owing(owed: Owed, more: Owed) -> Owed:
    """Both, without the oldest that are not critical when there are too many."""
    together = [*owed, *more]
    surplus = len(together) - MOST_OWED
    if surplus <= 0:
        return together
    drop = {id(each) for each in [e for e in together if e[1].severity != "critical"][:surplus]}
    return [each for each in together if id(each) not in drop]


def _left(owed: Owed, told: set[tuple[str, str, bool]]) -> Owed:
    return [(route, n) for route, n in owed if (route, n.id, n.cleared) not in told]


def _put(tx: Tx, name: str, said: Mapping[str, Any] | None, book: conditions.Book, owed: Owed) -> None:
    """Written only when it changes, since a look is every few seconds."""
    now = conditions.kept(book, owed)
    if now != (said or conditions.kept({}, [])):
        facts.put(tx, name, now)
