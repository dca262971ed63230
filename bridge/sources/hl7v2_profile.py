"""How one sender of HL7 v2 departs from the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a message cannot say of itself. The defaults are an honest British sender.

    `charset` is a Python codec that overrules MSH-18. `zone` is where times without offset were read off a
    wall. With `offset_is_a_lie` every offset is decoration on a wall time (NHS Wales feeds label local summer
    time +0000). `nhs_numbers_at` are places that hold NHS numbers without typing them. `triggers` are further
    trigger events by what they mean: I12, I13 or I14.
    """

    charset: str = ""
    zone: str = "Europe/London"
    offset_is_a_lie: bool = False
    nhs_numbers_at: tuple[str, ...] = ()
    triggers: Mapping[str, str] = field(default_factory=dict)


STANDARD = Profile()
