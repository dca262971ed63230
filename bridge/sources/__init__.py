"""Systems that send referrals: one mapping file each, and a reader for each format.

`load` finds them; adding one edits nothing here.
"""

from collections.abc import Collection, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bridge.errors import ConfigError, Problem
from bridge.sources.apply import Origin, explain
from bridge.sources.formats import Format, format_of
from bridge.sources.mapping import Mapping
from bridge.sources.mapping_file import Sheet, mapping_of, open_sheet, overlays_of
from bridge.sources.reading import Reading
from bridge.sources.record import PersonRecord
from bridge.sources.unmapped_codes import remarked

__all__ = ["Origin", "Reading", "Source", "Sources", "load", "load_one", "named_in", "systems_in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One system: its mapping and the reader of its format."""

    mapping: Mapping
    format: Format

    @property
    def name(self) -> str:
        """What the mapping file is called: `json-event`."""
        return self.mapping.source

    @property
    def version(self) -> str:
        """The mapping that translates now: `json-event@3`."""
        return self.mapping.label

    def read(self, body: bytes, *, arrived: datetime) -> Iterator[Reading]:
        """A reading for each event in the message, one after the other; Unreadable when it holds none.

        `arrived` is aware: the clock of what has none of its own.
        """
        return map(remarked, self.format.read(body, mapping=self.mapping, arrived=arrived))

    def explain(self, body: bytes, *, arrived: datetime) -> Iterator[tuple[Origin, ...]]:
        """For each event: which rule and which place in the message made each value of it."""
        for record in self.format.records(body) if self.format.records else ():
            spoken = record.record if isinstance(record, PersonRecord) else record
            yield explain(spoken, self.mapping, arrived=arrived)


class Sources(Table[str, Source]):
    """Every system by name. `renew` puts others in the place of all of them at once.

    `senders` are systems as one caller uses them, whose messages cannot say all that is needed to read them.
    """

    __slots__ = ("_known",)

    def __init__(self, systems: Table[str, Source], senders: Table[str, Source] | None = None) -> None:
        self._known = (dict(systems), dict(senders or {}))

    def __getitem__(self, name: str) -> Source:
        return self._known[0][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known[0])

    def __len__(self) -> int:
        return len(self._known[0])

    def sent_by(self, caller: str, name: str) -> Source:
        """The system of that name as this caller uses it; KeyError when there is none."""
        systems, senders = self._known
        own = senders.get(caller)
        return own if own is not None and own.name == name else systems[name]

    def versions(self) -> dict[str, str]:
        """The mapping that translates now, by system: `json-event@3`."""
        return {name: source.version for name, source in self.items()}

    def renew(self, others: "Sources") -> None:
        """From now on these are the systems; whoever holds this object sees them."""
        self._known = others._known  # noqa: SLF001 - the same class


def systems_in(*folders: Path) -> list[str]:
    """The names of the systems of the folders, also of files that cannot be used."""
    sheets = (open_sheet(file) for file in _files(folders))
    return sorted(sheet.name for sheet in sheets if "extends" not in sheet.said)


def named_in(folder: Path) -> list[str]:
    """The systems that the files of a folder are about, overlays too."""
    sheets = (open_sheet(file) for file in _files((folder,)))
    return sorted({str(sheet.said.get("extends", sheet.name)) for sheet in sheets})


def load(*folders: Path, only: Collection[str] | None = None) -> dict[str, Source]:
    """Every system of the folders by name, or `only` some; of two files with one name the earlier counts.

    ConfigError carries every problem of every file, each with file and line.
    """
    missing = [Problem(code="mapping-no-folder", at=str(folder)) for folder in folders if not folder.is_dir()]
    sheets = [open_sheet(file) for file in _files(folders)]
    if only is not None:
        sheets = [sheet for sheet in sheets if {sheet.name, str(sheet.said.get("extends"))} & set(only)]
    readable = [sheet for sheet in sheets if not sheet.problems]
    systems = {sheet.name: mapping_of(sheet) for sheet in readable if "extends" not in sheet.said}
    overlays = [sheet for sheet in readable if "extends" in sheet.said]
    sources = {
        name: Source(mapping=_overlaid(mapping, overlays), format=format_of(mapping.format))
        for name, mapping in systems.items()
        if mapping is not None
    }
    named = {sheet.name for sheet in sheets if "extends" not in sheet.said}
    for sheet in overlays:
        if str(sheet.said["extends"]) not in named:
            sheet.tell("mapping-extends-unknown", "extends")
    problems = (*missing, *(problem for sheet in sheets for problem in sheet.problems))
    if problems:
        raise ConfigError(problems=problems)
    return sources


def load_one(file: Path, *folders: Path) -> Source:
    """One system by its mapping file, and its overlays in the folders; ConfigError with every problem."""
    sheet = open_sheet(file)
    mapping = mapping_of(sheet) if not sheet.problems else None
    overlays = [open_sheet(each) for each in _files(folders)]
    overlays = [each for each in overlays if each.said.get("extends") == sheet.name]
    if mapping is not None:
        mapping = _overlaid(mapping, overlays)
    problems = tuple(problem for each in (sheet, *overlays) for problem in each.problems)
    if problems or mapping is None:
        raise ConfigError(problems=problems)
    return Source(mapping=mapping, format=format_of(mapping.format))


def _files(folders: tuple[Path, ...]) -> list[Path]:
    files: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("*.toml")):
            files.setdefault(file.name, file)
    return list(files.values())


def _overlaid(base: Mapping, sheets: list[Sheet]) -> Mapping:
    """The mapping with the overlays of its practices; a practice has one overlay of a system."""
    overlays: dict[str, Mapping] = {}
    for sheet in sheets:
        if sheet.said["extends"] != base.source:
            continue
        found = overlays_of(sheet, base)
        if found.keys() & overlays.keys():
            sheet.tell("mapping-two-overlays", "practices")
        overlays |= found
    return replace(base, overlays=overlays)
