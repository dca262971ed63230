"""Where each value of a message goes, found by exchanging it: what then changes came from it.

So it holds for whatever carried the value there, a rule of the mapping or code, and needs no list of either.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from bridge.errors import Unreadable
from bridge.fhir.compare import elements, plain_path
from bridge.fhir.trees import Json
from bridge.pipeline.rehearsal import GOES_OUT
from bridge.sources import Origin, Reading, Source
from bridge.sources.apply import apply
from bridge.sources.emis_record import JoinedRecord
from bridge.sources.mapping import Mapping
from bridge.sources.specimens import JoinedSpecimen, Leaf, Specimen, specimen_of
from bridge.sources.substitutes import substitutes
from bridge.sources.told import told

# Of an event these follow from the rest, or only from the message as a whole.
_DERIVED = ("content",)
_ENOUGH = 2  # other values that change nothing: the value goes nowhere

Bundle = Callable[[Reading], Json | None]
Flat = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One value and what it is used for: parts of our record, elements of the bundle, paths as compared.

    `needed`: without it, or with another value, there would be no event. `ignored` is the mapping's reason.
    `unused`: its event cannot be used as it stands, so nothing shows where the values in it go.
    """

    leaf: Leaf
    name: str
    record: tuple[str, ...] = ()
    bundle: tuple[str, ...] = ()
    needed: bool = False
    ignored: str = ""
    unused: bool = False

    @property
    def status(self) -> str:
        """mapped, ignored or unaccounted."""
        if self.record or self.bundle:
            return "mapped"
        if self.ignored:
            return "ignored"
        return "mapped" if self.needed else "unaccounted"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What was made of one event: our record and the bundle, flat; neither where it cannot be used."""

    record: Flat
    bundle: Flat
    problems: frozenset[tuple[str, str]]

    @property
    def usable(self) -> bool:
        return bool(self.record)


_NOTHING = _Made(record={}, bundle={}, problems=frozenset())


def trace(
    source: Source,
    body: bytes,
    *,
    arrived: datetime,
    bundle: Bundle,
    settled: frozenset[str] = frozenset(),
) -> Iterator[Trace]:
    """Every value of a message; Unreadable when it is none. `bundle` makes what would go out of a reading.

    Of the names in `settled` it is known already that they go somewhere: they are told, and not tried.
    """

    def read(changed: bytes) -> Iterator[Reading]:
        return source.read(changed, arrived=arrived)

    yield from _traces(specimen_of(source, body), body, read, source.mapping, bundle, settled)


def trace_joined(
    source: Source,
    record: JoinedRecord,
    *,
    arrived: datetime,
    bundle: Bundle,
    settled: frozenset[str] = frozenset(),
) -> Iterator[Trace]:
    """The same for one entry of an EMIS extract."""

    def read(changed: JoinedRecord) -> Iterator[Reading]:
        yield apply(changed, source.mapping, arrived=arrived)

    yield from _traces(JoinedSpecimen(record), record, read, source.mapping, bundle, settled)


def _traces(
    specimen: Specimen,
    whole: Any,
    read: Callable[[Any], Iterator[Reading]],
    mapping: Mapping,
    bundle: Bundle,
    settled: frozenset[str],
) -> Iterator[Trace]:
    def made(changed: Any) -> list[_Made]:
        with suppress(Unreadable):
            return [_made(reading, bundle) for reading in read(changed)]
        return []

    before = made(whole)
    for leaf in list(specimen.leaves()):
        name = specimen.named(leaf)
        here = before[leaf.event] if leaf.event < len(before) else _NOTHING
        if name in settled:
            yield Trace(leaf=leaf, name=name, needed=True, unused=not here.usable)
            continue
        yield _trace(specimen, leaf, here, mapping, made)


def _trace(
    specimen: Specimen, leaf: Leaf, before: _Made, mapping: Mapping, made: Callable[[Any], list[_Made]]
) -> Trace:
    """Exchange the value until something usable and different comes of it; at last leave it out."""
    record: list[str] = []
    bundle: list[str] = []
    needed, idle = False, 0
    for value in chain(substitutes(leaf.value), [None]):
        if idle >= _ENOUGH and value is not None:
            continue
        after = made(specimen.changed(leaf, value))
        there = after[leaf.event] if leaf.event < len(after) else _NOTHING
        if before.usable and not there.usable:
            needed = True
            continue
        needed = needed or there.problems != before.problems
        record = _different(before.record, there.record)
        # What decides whether anything goes out made none of what goes out.
        bundle = _different(before.bundle, there.bundle) if there.bundle else []
        if record or bundle:
            break
        idle += 1
    name = specimen.named(leaf)
    # A rule for this very place says more than a reason to ignore what stands around it.
    ignored = "" if needed and _is_asked_for(name, mapping) else specimen.ignored(leaf, mapping)
    return Trace(
        leaf=leaf,
        name=name,
        record=tuple(record),
        bundle=tuple(bundle),
        needed=needed,
        ignored=ignored,
        unused=not before.usable,
    )


def _is_asked_for(name: str, mapping: Mapping) -> bool:
    """Whether a rule names the place; of an HL7 v2 field without components the first is the whole."""
    asked = (plain_path(place.text) for rule in mapping.rules for place in rule.places)
    return any(name in (text, text.removesuffix(".1")) for text in asked)


def _different(left: Flat, right: Flat) -> list[str]:
    """Paths whose value is not the same; one that only moved to another of several elements is."""
    paths = [path for path in dict.fromkeys((*left, *right)) if left.get(path) != right.get(path)]
    gone = {(plain_path(path), left[path]) for path in paths if path not in right}
    came = {(plain_path(path), right[path]) for path in paths if path not in left}
    moved = gone & came
    return [path for path in paths if (plain_path(path), left.get(path, right.get(path))) not in moved]


def _made(reading: Reading, bundle: Bundle) -> _Made:
    problems = frozenset((problem.code, problem.at) for problem in reading.problems)
    said = reading.event or reading.person
    if said is None:
        return _Made(record={}, bundle={}, problems=problems)
    flat = elements({"resourceType": "", **{k: v for k, v in told(said).items() if k not in _DERIVED}})
    goes_out = reading.event is not None and reading.event.kind in GOES_OUT
    out = bundle(reading) if goes_out else None
    return _Made(
        record={path.removeprefix("."): value for path, value in flat.items()},
        bundle=elements(out) if out else {},
        problems=problems,
    )


def rules_of(origins: tuple[Origin, ...], place: str) -> Iterator[Origin]:
    """The rules of the mapping that took a value at that place."""
    return (origin for origin in origins if _touches(place, origin.at))


def _touches(left: str, right: str) -> bool:
    return left == right or left.startswith((f"{right}.", f"{right}[")) or right.startswith(f"{left}.")
