"""HL7 v2: REF^I12 refers, I13 changes, I14 cancels; ADT tells of people. hl7v2-ref.toml says what is where.

A path is HL7 notation (`PID-7`, `PID-3[5=NH].1`, `PRD[1=RP]-7.1`, `PID-11[1].5`), the id of a whole segment
(to ignore it), or a name of `hl7v2_places` where senders disagree about the place. A sender with habits of
its own has a module of three lines: `parse_path, records, TRANSFORMS = reader(Profile(…))`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from bridge.errors import Problem, Unreadable
from bridge.sources import hl7v2_identity as identity
from bridge.sources.hl7v2_people import is_of_person, person_record
from bridge.sources.hl7v2_profile import STANDARD, Profile
from bridge.sources.hl7v2_record import Hl7Record, parse_path
from bridge.sources.hl7v2_times import time_transforms
from bridge.sources.hl7v2_unused import Hl7Path
from bridge.sources.record import PersonRecord
from bridge.sources.transforms import Transform
from bridge.wire.hl7v2 import parse

__all__ = ["TRANSFORMS", "Hl7Path", "Hl7Record", "Profile", "parse_path", "reader", "records"]

Hl7Records: TypeAlias = Iterator[Hl7Record | PersonRecord]


class Reader(NamedTuple):
    """What a format module offers."""

    parse_path: Callable[[str], Hl7Path]
    records: Callable[[bytes], Hl7Records]
    transforms: Mapping[str, Transform]


def reader(profile: Profile) -> Reader:
    """The format for senders of that profile."""

    def read(body: bytes) -> Hl7Records:
        message = parse(body, charset=profile.charset)
        if identity.is_referral(message, profile):
            yield Hl7Record(message=message, profile=profile)
        elif is_of_person(message):
            yield person_record(message, profile)
        else:
            raise Unreadable(problems=(Problem(code="hl7-event-not-supported", at="MSH-9"),))

    return Reader(parse_path, read, time_transforms(profile))


def records(body: bytes) -> Hl7Records:
    """The one record of a message; Unreadable when it is no HL7 v2 or no event that is known here."""
    return reader(STANDARD).records(body)


TRANSFORMS = time_transforms(STANDARD)
