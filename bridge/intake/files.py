"""The drop folder: a complete extract is claimed by moving it, imported, and left in done, refused or parked.

drop/                  what arrives; only complete extracts whose files have stopped growing are taken
drop/working/<id>/     claimed; after a crash the import goes on from its last commit
drop/done|refused|parked/<id>/   with verdict.json beside the files: places and reasons, no values
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

from bridge.errors import IntakeError, Problem, Unavailable
from bridge.events import Event, emit, failed_at
from bridge.pipeline.importing import Imported, Importer, import_extract
from bridge.sources import emis

_PLACES = {"done": "done", "repeated": "done", "parked": "parked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DropFolder:
    """One watched folder. `full` says when the bridge takes nothing more; `wake` tells the senders."""

    path: Path
    importer: Importer
    every_s: float
    settled_s: float  # files nobody wrote to for so long have stopped growing
    wake: Callable[[], None]
    full: Callable[[], str] = lambda: ""

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop`: import what is complete, oldest first."""
        while not stop.is_set():
            try:
                busy = not self.full() and await self.import_next()
            except Unavailable as error:
                emit(Event.STORE_UNAVAILABLE, worker="folder", reason=str(error))
                busy = False
            except Exception as error:  # noqa: BLE001 - the folder stays; the next look tries again
                emit(Event.WORKER_FAILED, worker="folder", error=failed_at(error))
                busy = False
            if not busy:
                await _rest(stop, self.every_s)

    async def import_next(self) -> bool:
        """Import one extract: one that was begun, else the oldest complete one; False when there is none."""
        working = await asyncio.to_thread(self._claim)
        if working is None:
            return False
        try:
            imported = await import_extract(self.importer, working)
        except IntakeError as error:
            problems = error.problems or (Problem(code="unreadable"),)
            emit(
                Event.BATCH_REFUSED,
                batch=working.name,
                source=self.importer.source.name,
                code=problems[0].code,
            )
            imported = Imported(state="refused", batch=working.name, message_id="", problems=problems)
        await asyncio.to_thread(self._leave, working, imported)
        self.wake()
        return True

    def _claim(self) -> Path | None:
        self.path.mkdir(parents=True, exist_ok=True)
        begun = sorted(p for p in (self.path / "working").glob("*") if p.is_dir())
        for dropped in emis.extracts_in(self.path):
            working = self.path / "working" / f"{dropped.stamp}-{dropped.agreement}"
            files = [self.path / name for name in dropped.files]
            complete = not dropped.missing and all(self._has_settled(file) for file in files)
            if working in begun or (not begun and complete):  # begun: killed while it was being claimed
                working.mkdir(parents=True, exist_ok=True)
                for file in files:
                    file.rename(working / file.name)
                return working
        return begun[0] if begun else None

    def _leave(self, working: Path, imported: Imported) -> None:
        place = self.path / _PLACES.get(imported.state, "refused")
        place.mkdir(exist_ok=True)
        verdict = asdict(replace(imported, counts=dict(imported.counts)))
        (working / "verdict.json").write_bytes(orjson.dumps(verdict, option=orjson.OPT_INDENT_2))
        target = place / working.name
        n = 1
        while target.exists():
            n += 1
            target = place / f"{working.name}-{n}"
        working.rename(target)

    def _has_settled(self, file: Path) -> bool:
        """Whether a file has stopped growing."""
        return time.time() - file.stat().st_mtime > self.settled_s


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
