"""What a system says of a person apart from any referral: details anew, or that two records were of one."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.domain.referral import Patient


class NewsKind(StrEnum):
    """What one such message says."""

    CHANGED = "person-changed"
    MERGED = "person-merged"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PersonNews:
    """News of one person, as `practice` tells it.

    `said` names the fields of `patient` that the message speaks of, also to empty them; every other field
    stays as it was. `numbers` and `local_keys` are all that the person is or was known by. `clock` sorts as
    text, like that of an event.
    """

    kind: NewsKind
    source: str
    practice: OdsCode
    patient: Patient
    clock: str
    said: frozenset[str] = frozenset()
    numbers: tuple[NhsNumber, ...] = ()
    local_keys: tuple[str, ...] = ()
