"""What a reader yields: one event, or the reason there is none, for one place in a message."""

from dataclasses import dataclass

from bridge.domain.person import PersonNews
from bridge.domain.referral import ReferralEvent, ReferralKey
from bridge.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`problems` without an event: cannot be used. `warnings` never stop an event.

    `unmapped` names source fields (by mapping notation, never values) that held something and went nowhere.
    `mapping` says which mapping, in which version, made this of the message ("json-event@1+leeds@2").
    `person` is news of a person, which a reading holds instead of an event.
    `key` and `practice` (ODS code) say what a reading without an event is about, where that is known.
    """

    position: str = ""
    event: ReferralEvent | None = None
    person: PersonNews | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    unmapped: tuple[str, ...] = ()
    mapping: str = ""
    key: ReferralKey | None = None
    practice: str = ""
