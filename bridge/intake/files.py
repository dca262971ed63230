"""The drop folder: a complete extract is claimed by moving it, imported, and left in done, refused or parked.

drop/                  what arrives; only complete extracts whose files have stopped growing are taken
drop/working/<id>/     claimed; after a crash the import goes on from its last commit
drop/done|refused|parked/<id>/   with verdict.json beside the files: places and reasons, no values

Files lie there as they came, not sealed, until `keep_s` after they were read; then their verdict alone stays.
A parked extract that a person has released is taken up again from where it lies. While an older extract of
the same series is still arriving, a newer one waits for it: else the older would come too late to be used.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from bridge.events import Event, emit
from bridge.pipeline.extracts import Imported, Importer
from bridge.pipeline.importing import import_extract
from bridge.pipeline.turning import turn
from bridge.sources import emis
from bridge.sources.emis import Dropped
from bridge.store import feeds

_PLACES = {"done": "done", "repeated": "done", "parked": "parked"}
LATE_S = 3600.0  # an extract that is not whole after so long is told of
CLEANED_S = 3600.0  # how often files past their time are looked for
READ = ("done", "refused")  # where files end that nobody has to look at
GIVEN_UP_S = 86_400.0  # and after so long newer ones do not wait for it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class DropFolder:
    """One watched folder. `importer` reads an extract by the rules of its day; `wake` tells the senders.

    `full` says when the bridge takes nothing more.
    """

    path: Path
    importer: Callable[[], Importer]
    every_s: float
    settled_s: float  # files that looked the same for so long have stopped growing
    keep_s: float  # how long files stay after they were read
    wake: Callable[[], None]
    full: Callable[[], str] = lambda: ""
    _seen: dict[str, tuple[Any, float]] = field(default_factory=dict)  # how files looked, and since when
    _told: set[str] = field(default_factory=set)  # incomplete extracts, and stray files, that were told of

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop`: import what is complete, oldest first."""
        await turn(stop, "folder", self._turn, every_s=self.every_s)

    async def _turn(self) -> bool:
        return not self.full() and await self.import_next()

    async def clean(self, stop: asyncio.Event) -> None:
        """Until `stop`: delete files past their time; a bridge that stands still keeps everything."""
        await turn(stop, "folder", self._clean, every_s=CLEANED_S)

    async def _clean(self) -> bool:
        dropped = 0 if self.full() else await asyncio.to_thread(self._drop_old)
        if dropped:
            emit(Event.BATCH_DROPPED, source=self.importer().source.name, extracts=dropped)
        return False

    async def import_next(self) -> bool:
        """Import one extract: one that was begun, else the oldest that is whole; False for none."""
        importer = self.importer()
        source = importer.source.name
        released = await importer.store.read(lambda tx: feeds.released_batches(tx, source))
        working = await asyncio.to_thread(self._claim, released)
        if working is None:
            return False
        imported = await import_extract(importer, working)
        await asyncio.to_thread(self._leave, working, imported)
        self.wake()
        return True

    def _claim(self, released: Collection[str]) -> Path | None:
        self.path.mkdir(parents=True, exist_ok=True)
        self._tell_strays()
        begun = sorted(p for p in (self.path / "working").glob("*") if p.is_dir())
        late: set[str] = set()  # agreements whose older extract is still arriving
        for dropped in emis.extracts_in(self.path):
            working = self.path / "working" / f"{dropped.stamp}-{dropped.agreement}"
            if working in begun:  # killed while it was being claimed
                return self._moved(dropped, working)
            if begun or dropped.agreement in late:
                continue
            if self._is_whole(dropped):
                return self._moved(dropped, working)
            if self._may_still_come(dropped):
                late.add(dropped.agreement)
        return begun[0] if begun else self._taken_up(released)

    def _moved(self, dropped: Dropped, working: Path) -> Path:
        working.mkdir(parents=True, exist_ok=True)
        for name in dropped.files:
            (self.path / name).rename(working / name)
        self._seen.pop(dropped.stamp + dropped.agreement, None)
        return working

    def _taken_up(self, released: Collection[str]) -> Path | None:
        """A parked extract that was let through, moved back to be worked on."""
        if not released:
            return None
        for verdict in sorted((self.path / "parked").glob("*/verdict.json")):
            if orjson.loads(verdict.read_bytes()).get("batch") in released:
                working = self.path / "working" / verdict.parent.name
                working.parent.mkdir(exist_ok=True)
                verdict.unlink()
                return verdict.parent.rename(working)
        return None

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

    def _drop_old(self) -> int:
        """Delete the files of extracts read so long ago, and keep their verdicts; of how many."""
        dropped = 0
        for verdict in (found for place in READ for found in (self.path / place).glob("*/verdict.json")):
            extract = verdict.parent
            if extract.is_symlink() or time.time() - verdict.lstat().st_mtime < self.keep_s:
                continue
            files = [file for file in extract.iterdir() if file != verdict and not file.is_dir()]
            for file in files:
                file.unlink()
            dropped += bool(files)
        return dropped

    def _is_whole(self, dropped: Dropped) -> bool:
        """Whether every needed table is there and no file is still growing."""
        return not dropped.missing and self._still_s(dropped) >= self.settled_s

    def _still_s(self, dropped: Dropped) -> float:
        """For how long these files have looked the same; nobody's wall clock is asked."""
        found = {name: (self.path / name).stat() for name in dropped.files}
        looks = tuple(sorted((name, at.st_size, at.st_mtime_ns) for name, at in found.items()))
        known, since = self._seen.get(dropped.stamp + dropped.agreement, ((), 0.0))
        if known != looks:
            since = time.monotonic()
            self._seen[dropped.stamp + dropped.agreement] = looks, since
        return time.monotonic() - since

    def _may_still_come(self, dropped: Dropped) -> bool:
        """Whether the rest of an incomplete extract is waited for; one that is late is told of once."""
        age = self._age_s(dropped)
        if age > LATE_S and dropped.stamp not in self._told:
            self._told.add(dropped.stamp)
            emit(
                Event.BATCH_LATE,
                source=self.importer().source.name,
                stamp=dropped.stamp,
                missing=len(dropped.missing),
            )
        return age <= GIVEN_UP_S

    def _tell_strays(self) -> None:
        """Nothing ever takes a file whose name is that of no table: who put it there waits in vain."""
        strays = {name for name in emis.strays_in(self.path) if self._written_s(name) > LATE_S} - self._told
        if strays:
            self._told.update(strays)
            emit(Event.FILES_STRAY, source=self.importer().source.name, files=len(strays))

    def _written_s(self, name: str) -> float:
        """Seconds since anything was written to the file; 0 when it has just gone."""
        try:
            return time.time() - (self.path / name).stat().st_mtime
        except OSError:
            return 0.0

    def _age_s(self, dropped: Dropped) -> float:
        """Seconds since anything was written to any of its files."""
        return time.time() - max((self.path / name).stat().st_mtime for name in dropped.files)
