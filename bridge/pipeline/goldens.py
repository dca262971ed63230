"""Golden folders `fixtures/<system>/<case>/`: what came in, what it means, and what would go out.

expected.json holds the readings, or why the whole message was refused; servicerequest.json the bundles that
would go out, every field released. Both are compared element by element, and written anew when accepted.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.errors import Unreadable
from bridge.fhir.compare import Difference, differences
from bridge.pipeline.extract_rehearsal import Day, rehearse_extracts
from bridge.pipeline.rehearsal import Rehearsed, Rehearsing, of_reading
from bridge.sources import Reading, Source
from bridge.sources.told import told

ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)  # when every golden message arrives
READINGS, BUNDLES = "expected.json", "servicerequest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One case of one system."""

    system: str
    folder: Path

    @property
    def name(self) -> str:
        """`hl7v2-ref/referral-in-full`."""
        return f"{self.system}/{self.folder.name}"

    @property
    def message(self) -> Path | None:
        """The file that came in; None for extracts, which are folders."""
        return next(iter(self.messages), None)

    @property
    def messages(self) -> list[Path]:
        """Every file that could be the one that came in; there has to be one, or extracts."""
        return sorted(file for file in self.folder.glob("message.*") if file.is_file())

    @property
    def days(self) -> list[Path]:
        """The extracts that came in, day by day."""
        return sorted(self.folder.glob("day-*"))


def goldens_in(folders: Iterable[Path], system: str = "") -> list[Golden]:
    """Every golden of the folders, of one system or all; of two with one name the earlier folder counts."""
    found: dict[str, Golden] = {}
    for folder in folders:
        for case in sorted(folder.glob(f"{system or '*'}/*")):
            golden = Golden(system=case.parent.name, folder=case)
            if golden.message or golden.days or (case / READINGS).exists():
                found.setdefault(golden.name, golden)
    return list(found.values())


def outcome_of(golden: Golden, sources: Mapping[str, Source]) -> dict[str, Any]:
    """What each file of the folder should hold; no bundles where nothing would go out."""
    source = sources[golden.system]
    if golden.message is None:
        return _of_extracts(source, golden.days)
    try:
        readings = tuple(source.read(golden.message.read_bytes(), arrived=ARRIVED))
    except Unreadable as refusal:
        return {READINGS: {"refused": told(refusal.problems)}}
    return {READINGS: {"readings": told(readings)}} | _bundles(readings)


def compared(golden: Golden, outcome: Mapping[str, Any]) -> list[Difference]:
    """What the folder says otherwise: `expected.json readings[0].event.kind`; left is the file's."""
    if len(golden.messages) + bool(golden.days) != 1:
        names = ", ".join(file.name for file in (*golden.messages, *golden.days))
        return [Difference(path="", left="one message.*, or day-* folders", right=names or None)]
    return [difference for name in (READINGS, BUNDLES) for difference in _compared(golden, name, outcome)]


def accept(golden: Golden, outcome: Mapping[str, Any]) -> None:
    """Write what is, after a person has looked at it."""
    for name in (READINGS, BUNDLES):
        file = golden.folder / name
        if name in outcome:
            file.write_bytes(f"{json.dumps(outcome[name], indent=2, ensure_ascii=False)}\n".encode())
        else:
            file.unlink(missing_ok=True)


def _compared(golden: Golden, name: str, outcome: Mapping[str, Any]) -> Iterator[Difference]:
    file = golden.folder / name
    try:
        said = json.loads(file.read_bytes()) if file.exists() else None
    except (OSError, ValueError):
        yield Difference(path=name, left="JSON", right="not readable as JSON")
        return
    if said is None or name not in outcome:
        if said is not None or name in outcome:
            here, not_here = ("there", "not there")
            left, right = (here, not_here) if said is not None else (not_here, here)
            yield Difference(path=name, left=left, right=right)
        return
    for difference in differences(_tree(said), _tree(outcome[name])):
        path = f"{name} {difference.path.removeprefix('.')}"
        yield Difference(path=path, left=difference.left, right=difference.right)


def _tree(said: Any) -> dict[str, Any]:
    return {"resourceType": "", **said} if isinstance(said, dict) else {"resourceType": "", "": said}


def _bundles(readings: Iterable[Reading]) -> dict[str, Any]:
    made = [of_reading(reading, Rehearsing(arrived=ARRIVED)) for reading in readings]
    out = [_out(each) for each in made if each.bundle is not None]
    return {BUNDLES: out[0] if len(out) == 1 else out} if out else {}


def _out(rehearsed: Rehearsed) -> Any:
    """The bundle, or what the outgoing check has against it."""
    return {"refused": told(rehearsed.problems)} if rehearsed.problems else rehearsed.bundle


def _of_extracts(source: Source, folders: list[Path]) -> dict[str, Any]:
    days = rehearse_extracts(source, folders)
    readings = [reading for day in days for reading in day.readings]
    return {READINGS: {"days": [_day(day) for day in days]}} | _bundles(readings)


def _day(day: Day) -> dict[str, Any]:
    if day.refused:
        return {"refused": told(day.refused)}
    said = {
        "warnings": told(day.warnings),
        "before": told(day.before),
        "would_cancel": day.would_cancel,
        "counts": {name: n for name, n in sorted(day.counts.items()) if n},
        "people": told(day.people),
        "readings": told(day.readings),
        "unreadable": told(day.unreadable),
    }
    return {name: value for name, value in said.items() if value}
