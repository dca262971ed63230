"""How far the demo is: bars that move on a terminal, plain lines where there is none."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from sqlalchemy import func, select

from bridge.domain.delivery import Kind, Leg
from bridge.domain.journey import DeliveryState
from bridge.pipeline import outcomes
from bridge.store import Tx
from bridge.store.tables import delivery, event, settled

LOOK_S = 0.2
SAID_EVERY_S = 5.0  # a plain line at least so often
LABELS = {"read": "read", "forward": "forwarded", "reported": "reported", "write-back": "filed"}
_STATES = {
    "attached": "joined to an episode",
    "duplicate": "said before",
    "not-sent": "not for the service",
    "parked": "for a person",
}
_APPLIED = {
    "referred": "new",
    "changed": "changed",
    "cancelled": "taken back",
    "declined": "taken back",
    "entered-in-error": "taken back",
}
_DONE = {Kind.CREATE: "new", Kind.CHANGE: "updated", Kind.CANCEL: "taken back"}
_ORDER = ("new", "changed", "updated", "taken back", *_STATES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Where everything stands, by step of the journey and in words; what is on its way by step alone."""

    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)

    def rows(self, before: "Tally") -> Iterator[tuple[str, int, int, str]]:
        """What is new in each step: label, how many are done, of how many, in words."""
        new = self.done - before.done
        for step, label in LABELS.items():
            here = {words: n for (of, words), n in new.items() if of == step}
            told = sorted(here, key=lambda words: _ORDER.index(words) if words in _ORDER else len(_ORDER))
            done, waits = sum(here.values()), self.under_way[step]
            if done + waits:
                parts = (_unbroken(f"{here[words]} {words}") for words in told if words)
                yield label, done, done + waits, " · ".join(parts)


def tally(tx: Tx) -> Tally:
    """Count everything; a parked delivery waits for a person and is not on its way."""
    done: Counter[tuple[str, str]] = Counter()
    by_kind = select(event.c.kind, event.c.state, func.count().label("n"))
    for row in tx.run(by_kind.group_by(event.c.kind, event.c.state).order_by(event.c.state)):
        if row.kind == outcomes.KIND:
            done["reported", ""] += row.n
        else:
            words = _STATES.get(row.state) or _APPLIED.get(row.kind, row.state)
            done["read", words] += row.n
    sent = select(settled.c.leg, settled.c.kind, func.count().label("n"))
    sent = sent.where(settled.c.state == DeliveryState.DELIVERED.value)
    for row in tx.run(sent.group_by(settled.c.leg, settled.c.kind).order_by(settled.c.kind.desc())):
        done[row.leg, _DONE.get(row.kind, "")] += row.n
    waits = select(delivery.c.leg, func.count().label("n"))
    waits = waits.where(delivery.c.state != DeliveryState.PARKED.value).group_by(delivery.c.leg)
    return Tally(done=done, under_way=Counter({row.leg: row.n for row in tx.run(waits)}))


class OutOfTime(Exception):
    """Something was still on its way when the time was up; says what."""


class Board:
    """Shows one phase after the other; `look` counts, `until` is when the time is up (monotonic seconds)."""

    def __init__(self, console: Console, look: Callable[[], Awaitable[Tally]], until: float) -> None:
        self._console = console
        self._look = look
        self._until = until
        self._before = Tally()

    async def phase(self, title: str, is_over: Callable[[], bool] = lambda: True) -> None:
        """Show a phase until it is over and nothing is on its way; OutOfTime when that takes too long."""
        self._console.print(f"[bold]{title}[/]", highlight=False)
        with self._shown() as show:
            while True:
                over = is_over()  # asked first: what it brought is then in the count
                now = await self._look()
                show(now)
                if over and not now.under_way.total():
                    break
                if time.monotonic() > self._until:
                    raise OutOfTime(_still_waiting(now))
                await asyncio.sleep(LOOK_S)
        shown = _columns()
        for label, done, of, words in now.rows(self._before):
            shown.add_row(f"  {label}", _share(done, of), words)
        self._console.print(shown, highlight=False)
        self._before = now

    @contextmanager
    def _shown(self) -> Iterator[Callable[[Tally], None]]:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            with Live(console=self._console, transient=True, refresh_per_second=8) as live:
                yield lambda now: live.update(_bars(now, self._before))
            return
        said = time.monotonic()

        def say(now: Tally) -> None:
            nonlocal said
            if time.monotonic() - said > SAID_EVERY_S:
                said = time.monotonic()
                rows = now.rows(self._before)
                told = ", ".join(f"{label} {_share(done, of)}" for label, done, of, _ in rows)
                self._console.print(f"  … {told or 'nothing yet'}", highlight=False)

        yield say


def _columns() -> Table:
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True, min_width=12)
    shown.add_column(no_wrap=True, justify="right", min_width=4)
    shown.add_column(overflow="fold")
    return shown


def _bars(now: Tally, before: Tally) -> Table:
    shown = _columns()
    shown.add_column(width=16)
    rows = list(now.rows(before))
    if not rows:
        shown.add_row("  …", "", "nothing yet")
    for label, done, of, _ in rows:
        bar = ProgressBar(of, done, width=16, complete_style="green", finished_style="green")
        shown.add_row(f"  {label}", _share(done, of), bar)
    return shown


def _unbroken(words: str) -> str:
    """A line ends between such words, never within them."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def _share(done: int, of: int) -> str:
    return str(done) if done == of else f"{done} of {of}"


def _still_waiting(now: Tally) -> str:
    waits = ((now.under_way[leg], LABELS[leg]) for leg in Leg)
    told = " and ".join(f"{n} to be {label}" for n, label in waits if n)
    return f"still waiting: {told}" if told else "the bridge has not read the extract yet"
