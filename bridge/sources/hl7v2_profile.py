"""How one sender of HL7 v2 departs from the rest."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bridge.wire.hl7v2_path import parse_path

KINDS = frozenset({"I12", "I13", "I14"})  # referral, modify, cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a message cannot say of itself. The defaults are an honest British sender.

    `charset` is a Python codec that overrules MSH-18. `zone` is where times without offset were read off a
    wall. With `offset_is_a_lie` every offset is decoration on a wall time (NHS Wales feeds label local summer
    time +0000). `nhs_numbers_at` are places that hold NHS numbers without typing them. `triggers` are further
    trigger events by what they mean: I12, I13 or I14. LookupError or ValueError when a name is none.
    """

    charset: str = ""
    zone: str = "Europe/London"
    offset_is_a_lie: bool = False
    nhs_numbers_at: tuple[str, ...] = ()
    triggers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        codecs.lookup(self.charset or "utf-8")
        ZoneInfo(self.zone)
        for place in self.nhs_numbers_at:
            parse_path(place)
        if not KINDS.issuperset(self.triggers.values()):
            raise ValueError("a trigger means I12, I13 or I14")


STANDARD = Profile()
