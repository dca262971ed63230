"""One HL7 v2 message as a record: what stands at a place, and what no place reached."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bridge.errors import Problem, shape
from bridge.sources import hl7v2_identity as identity
from bridge.sources.hl7v2_places import PLACES, NamedPlace, text_warnings
from bridge.sources.hl7v2_profile import STANDARD, Profile
from bridge.sources.hl7v2_times import message_moment
from bridge.sources.record import Found
from bridge.wire.hl7v2 import DELETE, Message, Repetition, Segment
from bridge.wire.hl7v2_path import Path
from bridge.wire.hl7v2_path import parse_path as parse_place


class WholeSegment(NamedTuple):
    """Every field of every segment of that id."""

    id: str


Hl7Path: TypeAlias = Path | NamedPlace | WholeSegment


def parse_path(text: str) -> Hl7Path:
    """Parse a place, a segment id or a name; ValueError when it is none of them."""
    if text in PLACES:
        return PLACES[text]
    if re.fullmatch(r"[A-Z][A-Z0-9]{2}", text):
        return WholeSegment(text)
    return parse_place(text)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Hl7Record:
    """One message; a message holds one event. `of_person`: it is about no referral."""

    message: Message
    profile: Profile = STANDARD
    of_person: bool = False
    position: str = ""
    clock: str = ""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why it is not known which referral or which person this is about."""
        unnamed = () if self.of_person else identity.referral_id_problems(self.message)
        return (*unnamed, *identity.person_problems(self.message))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What the sender did to the text, and what stands in an odd place."""
        return (
            *self.message.warnings,
            *_clock_warnings(self.message, self.profile),
            *identity.event_warnings(self.message),
            *identity.referral_id_warnings(self.message),
            *text_warnings(self.message),
        )

    def get(self, path: Hl7Path) -> list[Found]:
        """Every value at the path; a deleted value (`""`) is none."""
        match path:
            case NamedPlace():
                return list(path.search(self.message, self.profile))
            case Path():
                return list(self._found(path))
            case _:
                return []

    def _found(self, path: Path) -> Iterator[Found]:
        for repetition in self.message.find(path):
            value = repetition.part(path.component, path.subcomponent)
            if value.strip() not in ("", DELETE):
                yield Found(value=value, at=repetition.place(path.component), group=repetition.place())

    def unused(self, known: Collection[Hl7Path]) -> list[str]:
        """Places that hold something and that no path reaches: component, field, or the whole segment."""
        used = frozenset(spot for path in known for spot in _reached(self, path))
        touched = {spot[:2] for spot in used}
        left = (place for segment in self.message.segments for place in _left(segment, used, touched))
        whole = {path.id for path in known if isinstance(path, WholeSegment)}
        return list(dict.fromkeys(place for place in left if place[:3] not in whole))


def _clock_warnings(message: Message, profile: Profile) -> Iterator[Problem]:
    """The time of arrival stands in for a message time that is no moment: versions may then be misjudged."""
    said = message_moment(message.first("MSH-7"), profile)
    if not said.text:
        yield Problem(code=said.warning, at="MSH-7", shape=shape(message.first("MSH-7")))


Spot: TypeAlias = tuple[str, int, int, int, int]
"""Segment id, occurrence, field, repetition, and component or 0 for all of it."""


def _reached(record: Hl7Record, path: Hl7Path) -> Iterator[Spot]:
    match path:
        case NamedPlace():
            for read in path.reads:
                yield from _reached(record, read)
            for found in record.get(path):
                at = parse_place(found.at)
                yield at.segment, at.occurrence or 1, at.field, at.repetition or 1, at.component
        case Path():
            for repetition in record.message.find(path):
                yield from _spots(repetition, path)


def _spots(repetition: Repetition, path: Path) -> Iterator[Spot]:
    """The place itself, and what was compared to choose it."""
    segment = (repetition.segment.id, repetition.segment.occurrence)
    yield *segment, path.field, repetition.number, path.component
    if path.which_repetition:
        yield *segment, path.field, repetition.number, path.which_repetition.major
    if path.which_segment:
        yield *segment, path.which_segment.major, 1, 0


def _left(segment: Segment, used: Collection[Spot], touched: Collection[tuple[str, int]]) -> Iterator[str]:
    """The notations of what is not reached in a segment; a local segment's name is the sender's."""
    if (segment.id, segment.occurrence) not in touched:
        yield segment.id if segment.id[0] != "Z" else f"segment {segment.number}"
        return
    for field in range(3 if segment.id == "MSH" else 1, len(segment.fields)):
        for repetition in segment.repetitions(field):
            yield from _left_of(repetition, used)


def _left_of(repetition: Repetition, used: Collection[Spot]) -> Iterator[str]:
    segment, field = repetition.segment, f"{repetition.segment.id}-{repetition.field}"
    spot = (segment.id, segment.occurrence, repetition.field, repetition.number)
    if (*spot, 0) in used or repetition.part() in ("", DELETE):
        return
    components = range(1, repetition.raw.count(segment.delimiters.component) + 2)
    if not any((*spot, n) in used for n in components):
        yield field
        return
    yield from (f"{field}.{n}" for n in components if repetition.part(n) and (*spot, n) not in used)
