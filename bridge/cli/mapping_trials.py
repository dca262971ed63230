"""What `bridge map` finds out about messages: what they mean, where each value goes, which go nowhere."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge.errors import Problem, Unreadable
from bridge.fhir.compare import elements, plain_path
from bridge.fhir.destinations import DESTINATIONS, targets_of
from bridge.fhir.trees import Json
from bridge.pipeline.rehearsal import Rehearsed, Rehearsing, of_reading, rehearse
from bridge.pipeline.tracing import Bundle, Trace, rules_of, trace, trace_joined
from bridge.schemes import Verdict
from bridge.sources import Origin, Reading, Source
from bridge.sources.apply import apply, explain
from bridge.sources.emis_record import JOINED, JoinedRecord
from bridge.sources.guessing import extract_folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of one file; `refused` when none of it could be read."""

    source: Source
    rehearsed: tuple[Rehearsed, ...] = ()
    refused: tuple[Problem, ...] = ()
    schemes: int = 0

    @property
    def fine(self) -> bool:
        """Whether all that it says could be used, and nothing would be held back."""
        return bool(self.rehearsed) and not self.refused and all(map(_is_fine, self.rehearsed))


def _is_fine(rehearsed: Rehearsed) -> bool:
    held = rehearsed.decision is not None and rehearsed.decision.verdict is not Verdict.PASS
    return not (rehearsed.reading.problems or rehearsed.problems or held)


def tried(file: Path, source: Source, assumed: Rehearsing) -> Trial:
    """What would become of a message, or of a folder of extracts."""
    known = len(assumed.rulebook.schemes)
    try:
        if file.is_dir():
            return _extracts(file, source, assumed)
        found = tuple(rehearse(source, file.read_bytes(), assumed))
    except Unreadable as refusal:
        return Trial(source=source, refused=refusal.problems, schemes=known)
    return Trial(source=source, rehearsed=found, schemes=known)


def _extracts(folder: Path, source: Source, assumed: Rehearsing) -> Trial:
    from bridge.pipeline.extract_rehearsal import rehearse_extracts  # noqa: PLC0415 - needs a store

    days = rehearse_extracts(source, extract_folders(folder))
    found = [of_reading(reading, assumed) for day in days for reading in day.readings]
    return Trial(
        source=source,
        rehearsed=tuple(found),
        refused=tuple(problem for day in days for problem in (*day.refused, *day.unreadable)),
        schemes=len(assumed.rulebook.schemes),
    )


# Where each value goes


_Event = tuple[Reading, list[Trace], tuple[Origin, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One row for each element, with the places and rules that made it; `could` where there is none."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    could: list[dict[str, Any]] = field(default_factory=list)


def explained(file: Path, source: Source, assumed: Rehearsing, path: str) -> Explained:
    """What made each element that the path names, or each at all; Unreadable when it is no message."""
    bundle = _maker(assumed)
    rows = []
    for reading, found, origins in (_of_extracts if file.is_dir() else _of_message)(file, source, assumed):
        made = _rows(bundle(reading), found, origins, reading.position)
        rows += [row for row in made if _is_asked(row, path)]
    return Explained(rows=rows, could=[] if rows or not path else list(_could(source, path)))


def _of_message(file: Path, source: Source, assumed: Rehearsing) -> Iterator[_Event]:
    body = file.read_bytes()
    found = list(trace(source, body, arrived=assumed.arrived, bundle=_maker(assumed)))
    origins = list(source.explain(body, arrived=assumed.arrived))
    for n, reading in enumerate(source.read(body, arrived=assumed.arrived)):
        rules = origins[n] if n < len(origins) else ()
        yield reading, [each for each in found if each.leaf.event == n], rules


def _of_extracts(folder: Path, source: Source, assumed: Rehearsing) -> Iterator[_Event]:
    for record in _joined(folder, source):
        reading = apply(record, source.mapping, arrived=assumed.arrived)
        found = list(trace_joined(source, record, arrived=assumed.arrived, bundle=_maker(assumed)))
        origins = explain(record, source.mapping, arrived=assumed.arrived)
        yield reading, found, tuple(each for origin in origins for each in _by_column(origin))


def _by_column(origin: Origin) -> Iterator[Origin]:
    """The same for each column, where several columns together say it."""
    columns = JOINED.get(origin.at.removeprefix("Joined."), ())
    return (replace(origin, at=column) for column in columns) if columns else iter((origin,))


def _joined(folder: Path, source: Source) -> list[JoinedRecord]:
    """Every entry that the extracts of a folder tell, joined; Unreadable with why there is none."""
    from bridge.pipeline.extract_rehearsal import rehearse_extracts  # noqa: PLC0415 - needs a store

    days = rehearse_extracts(source, extract_folders(folder))
    found = [record for day in days for record in day.joined]
    problems = tuple(problem for day in days for problem in (*day.refused, *day.unreadable))
    if problems and not found:
        raise Unreadable(problems=problems)
    return found


def _maker(assumed: Rehearsing) -> Bundle:
    def bundle(reading: Reading) -> Json | None:
        return of_reading(reading, assumed, checked=False).bundle

    return bundle


def _rows(
    out: Json | None, found: list[Trace], origins: tuple[Origin, ...], position: str
) -> Iterator[dict[str, Any]]:
    for element, value in elements(out).items() if out else ():
        made_by = [each for each in found if element in each.bundle]
        rules = [rule for each in made_by for rule in rules_of(origins, each.leaf.place)]
        yield {
            "event": position,
            "element": element,
            "value": value,
            "from": [each.leaf.place for each in made_by],
            "targets": list(dict.fromkeys(rule.target for rule in rules)),
            "mapping": list(dict.fromkeys(rule.path for rule in rules)),
        }


def _is_asked(row: dict[str, Any], path: str) -> bool:
    if not path:
        return True
    element = row["element"]
    return (
        f"{plain_path(element)}.".startswith(f"{path}.")
        or element.startswith(path)
        or any(f"{name}.".startswith(f"{path}.") for name in (*row["targets"], *row["from"]))
    )


def _could(source: Source, path: str) -> Iterator[dict[str, Any]]:
    """What would make the element, were it said: targets, and where this mapping looks for them."""
    for target in [path] if path in DESTINATIONS else targets_of(path):
        rules = [rule for rule in source.mapping.rules if rule.target.name == target]
        yield {
            "target": target,
            "element": list(DESTINATIONS[target]),
            "mapping": [place.text for rule in rules for place in rule.places],
        }


# Which go nowhere


@dataclass(slots=True, kw_only=True)
class Entry:
    """One field of one system: what becomes of it at best, and in how many messages it held something."""

    system: str
    name: str
    status: str
    reason: str = ""
    goes_to: tuple[str, ...] = ()
    messages: int = 0

    @property
    def plain(self) -> dict[str, Any]:
        """For a script."""
        return {
            "system": self.system,
            "field": self.name,
            "status": self.status,
            "reason": self.reason,
            "record": list(self.goes_to),
            "messages": self.messages,
        }


_RANK = ("mapped", "ignored", "unaccounted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Every field of some messages once, by system and name; and the messages that could not be used."""

    entries: list[Entry]
    unusable: list[Path]


def ledger_of(files: Iterable[tuple[Path, Source]], assumed: Rehearsing) -> Ledger:
    """What becomes of each field.

    What goes nowhere in an event that cannot be used shows nothing; with no other event there is no entry.
    """
    entries: dict[tuple[str, str], Entry] = {}
    usable = False
    unusable: list[Path] = []
    for file, source in files:
        settled = {
            name
            for (system, name), entry in entries.items()
            if system == source.name and entry.status != "unaccounted"
        }
        found: list[Trace] = []
        with suppress(Unreadable):
            found = list(_traced(file, source, assumed, frozenset(settled)))
            _note(entries, source.name, settled, found)
        if all(each.unused for each in found):
            unusable.append(file)
        else:
            usable = True
    told = sorted(entries.values(), key=lambda e: (e.system, _RANK.index(e.status), e.name))
    return Ledger(entries=told if usable else [], unusable=unusable)


def _traced(file: Path, source: Source, assumed: Rehearsing, settled: frozenset[str]) -> Iterator[Trace]:
    """What becomes of each value; our record says it all, for what goes out is made of it alone."""
    if not file.is_dir():
        yield from trace(
            source, file.read_bytes(), arrived=assumed.arrived, bundle=lambda _: None, settled=settled
        )
        return
    for record in _joined(file, source):
        yield from trace_joined(
            source, record, arrived=assumed.arrived, bundle=lambda _: None, settled=settled
        )


def _note(entries: dict[tuple[str, str], Entry], system: str, settled: set[str], found: list[Trace]) -> None:
    seen: set[str] = set()
    for each in found:
        if each.unused and each.status == "unaccounted":
            continue
        entry = entries.setdefault(
            (system, each.name), Entry(system=system, name=each.name, status="unaccounted")
        )
        entry.messages += each.name not in seen
        seen.add(each.name)
        if each.name in settled or _RANK.index(each.status) > _RANK.index(entry.status):
            continue
        if each.status != entry.status:
            entry.status, entry.goes_to = each.status, ()
        entry.reason = each.ignored if each.status == "ignored" else ""
        entry.goes_to = tuple(dict.fromkeys((*entry.goes_to, *map(plain_path, each.record))))
