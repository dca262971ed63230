"""Versions of one thing a service said: which of them counts.

Repeats and disorder are normal, so nothing here looks at the order of arrival. A version that takes back or
corrects comes after one that does not (FHIR R4, observation-status); among equals the sender's own clock
decides. Two that differ and cannot be told apart so contradict each other, and a person decides.
"""

from collections.abc import Iterable

from bridge.domain.outcome import CORRECTED, WITHDRAWN, Outcome

Rank = tuple[int, str]


def rank(told: Outcome) -> Rank:
    """Where a version stands in its chain; a standing of a referral has only its clock."""
    if told.is_standing:
        return 0, told.version
    stage = 2 if told.status in WITHDRAWN else 1 if told.status in CORRECTED else 0
    return stage, told.clock


def contradicts(told: Outcome, other: Outcome) -> bool:
    """Whether nobody can tell which of two different versions is the later one."""
    (stage, clock), (other_stage, other_clock) = rank(told), rank(other)
    if stage != other_stage or told.version == other.version:
        return False
    return not clock or not other_clock or clock == other_clock


def newest(versions: Iterable[Outcome]) -> Outcome | None:
    """The version that counts; None of none."""
    return max(versions, key=rank, default=None)
