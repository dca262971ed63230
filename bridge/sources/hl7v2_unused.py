"""What an HL7 v2 message holds and no known path reaches, for the report that nothing disappears silently.

Most paths name a fixed place, so a mapping's are sorted by segment and field once; only places that are
searched or chosen are looked up in each message.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from bridge.sources.hl7v2_places import NamedPlace
from bridge.sources.record import Found
from bridge.wire.hl7v2 import DELETE, Message, Repetition, Segment, cached_path
from bridge.wire.hl7v2_path import Path

_MOST_PLANS = 100  # mappings whose paths are held sorted


class WholeSegment(NamedTuple):
    """Every field of every segment of that id."""

    id: str


Hl7Path: TypeAlias = Path | NamedPlace | WholeSegment

_Spot: TypeAlias = tuple[str, int, int, int]  # segment id, occurrence, field, repetition


class Searched(Protocol):
    """A record that was searched for places by name."""

    @property
    def message(self) -> Message: ...

    def get(self, path: Hl7Path) -> list[Found]: ...


@dataclass(slots=True)
class _Plan:
    """The known paths: (occurrence, repetition, component) by segment and field, 0 for all of them."""

    paths: Collection[Hl7Path]
    whole: set[str] = field(default_factory=set)
    fixed: dict[str, dict[int, list[tuple[int, int, int]]]] = field(default_factory=dict)
    chosen: list[Path] = field(default_factory=list)
    named: list[NamedPlace] = field(default_factory=list)

    def add(self, path: Hl7Path) -> None:
        """Sort in one path."""
        match path:
            case WholeSegment():
                self.whole.add(path.id)
            case NamedPlace():
                self.named.append(path)
                for read in path.reads:
                    self.add(read)
            case Path() if path.which_segment or path.which_repetition:
                self.chosen.append(path)
            case Path():
                fields = self.fixed.setdefault(path.segment, {})
                spot = (path.occurrence, path.repetition, path.component)
                fields.setdefault(path.field, []).append(spot)


_PLANS: dict[int, _Plan] = {}  # by the identity of the paths, which are held with them


def _plan_of(paths: Collection[Hl7Path]) -> _Plan:
    plan = _PLANS.get(id(paths))
    if plan is None or plan.paths is not paths:
        plan = _Plan(paths)
        for path in paths:
            plan.add(path)
        if isinstance(paths, tuple):
            if len(_PLANS) >= _MOST_PLANS:
                _PLANS.clear()
            _PLANS[id(paths)] = plan
    return plan


def unused(record: Searched, known: Collection[Hl7Path]) -> list[str]:
    """Places that hold something and that no path reaches: component, field, or the whole segment."""
    plan = _plan_of(known)
    reached: dict[_Spot, set[int]] = {}
    for spot, component in _reached(record, plan):
        reached.setdefault(spot, set()).add(component)
    touched = {spot[:2] for spot in reached}
    segments = (segment for segment in record.message.segments if segment.id not in plan.whole)
    left = (place for segment in segments for place in _left(segment, plan, reached, touched))
    return list(dict.fromkeys(left))


def _reached(record: Searched, plan: _Plan) -> Iterator[tuple[_Spot, int]]:
    """What was searched by name, what was chosen, and what it was chosen by."""
    for place in plan.named:
        for found in record.get(place):
            at = cached_path(found.at)
            yield (at.segment, at.occurrence or 1, at.field, at.repetition or 1), at.component
    for path in plan.chosen:
        for repetition in record.message.find(path):
            segment = (repetition.segment.id, repetition.segment.occurrence)
            yield (*segment, path.field, repetition.number), path.component
            if path.which_repetition:
                yield (*segment, path.field, repetition.number), path.which_repetition.major
            if path.which_segment:
                yield (*segment, path.which_segment.major, 1), 0


def _left(
    segment: Segment, plan: _Plan, reached: dict[_Spot, set[int]], touched: set[tuple[str, int]]
) -> Iterator[str]:
    """The notations of what is not reached in a segment; a local segment's name is the sender's."""
    fixed = plan.fixed.get(segment.id)
    if fixed is None and (segment.id, segment.occurrence) not in touched:
        yield segment.id if segment.id[0] != "Z" else f"segment {segment.number}"
        return
    for n in range(3 if segment.id == "MSH" else 1, len(segment.fields)):
        if not segment.fields[n]:
            continue
        here = [at for at in (fixed or {}).get(n, ()) if at[0] in (0, segment.occurrence)]
        for repetition in segment.repetitions(n):
            known = {component for _, number, component in here if number in (0, repetition.number)}
            spot = (segment.id, segment.occurrence, n, repetition.number)
            yield from _left_of(repetition, known | reached.get(spot, set()))


def _left_of(repetition: Repetition, known: set[int]) -> Iterator[str]:
    if 0 in known or repetition.part() in ("", DELETE):
        return
    place = f"{repetition.segment.id}-{repetition.field}"
    components = range(1, len(repetition.components) + 1)
    if known.isdisjoint(components):
        yield place
        return
    yield from (f"{place}.{n}" for n in components if n not in known and repetition.part(n))
