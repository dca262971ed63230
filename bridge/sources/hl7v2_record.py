"""One HL7 v2 message as a record: what stands at a place, and what no place reached."""

import dataclasses
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bridge.errors import Problem, shape
from bridge.sources import hl7v2_identity as identity
from bridge.sources.hl7v2_places import PLACES, NamedPlace, text_warnings
from bridge.sources.hl7v2_profile import STANDARD, Profile
from bridge.sources.hl7v2_times import message_moment
from bridge.sources.hl7v2_unused import Hl7Path, WholeSegment, unused
from bridge.sources.record import Found
from bridge.wire.hl7v2 import DELETE, Message
from bridge.wire.hl7v2_path import Path
from bridge.wire.hl7v2_path import parse_path as parse_place


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
    _searched: dict[str, list[Found]] = dataclasses.field(default_factory=dict, compare=False)

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
        if isinstance(path, Path):
            return list(self._found(path))
        return self._named(path) if isinstance(path, NamedPlace) else []

    def _named(self, place: NamedPlace) -> list[Found]:
        found = self._searched.get(place.name)
        if found is None:
            found = self._searched[place.name] = list(place.search(self.message, self.profile))
        return found

    def _found(self, path: Path) -> Iterator[Found]:
        for repetition in self.message.find(path):
            value = repetition.part(path.component, path.subcomponent)
            if value.strip() not in ("", DELETE):
                yield Found(value=value, at=repetition.place(path.component), group=repetition.place())

    def unused(self, known: Collection[Hl7Path]) -> list[str]:
        """Places that hold something and that no path reaches: component, field, or the whole segment."""
        return unused(self, known)


def _clock_warnings(message: Message, profile: Profile) -> Iterator[Problem]:
    """The time of arrival stands in for a message time that is no moment: versions may then be misjudged."""
    said = message_moment(message.first("MSH-7"), profile)
    if not said.text:
        yield Problem(code=said.warning, at="MSH-7", shape=shape(message.first("MSH-7")))
