"""The two messages of an episode to the practice, at its start and at its closure, and where each stands.

Headings are those of the PRSB Social Prescribing Standard v1.1 (message back to GP and referrer):
actions come first and "no actions" is written out. A letter holds what was coded or counted, never the notes
of a link worker, and nobody's name but the person's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

NO_ACTIONS = "No actions."
NO_RISKS = "No new risks were reported."


class LetterKind(StrEnum):
    """Which of the two messages."""

    START = "start"
    CLOSURE = "closure"


class LetterState(StrEnum):
    """What is known of a letter's arrival. Before the first word of the route its delivery says more."""

    QUEUED = "queued"  # the route has not taken it: see the delivery of the same id
    LISTED = "listed"  # on the practice's worklist
    ACCEPTED = "transport-accepted"  # MESH has it
    RECEIVED = "infrastructure-acknowledged"  # the practice's system has it (ITK 20013, 20007, 20008)
    KNOWN = "practice-acknowledged"  # and knows the person (ITK 30001, 30004)
    FILED = "filed"  # somebody at the practice says it is in the record
    REFUSED = "refused"  # a negative acknowledgement or a MESH error report: final
    UNANSWERED = "unanswered"  # an acknowledgement is overdue
    REPLACED = "replaced"  # another letter took its place on its way or on the list
    SHADOW = "shadow"  # computed, never to be sent


class LetterStep(StrEnum):
    """What can happen to a letter."""

    LIST = "list"
    ACCEPT = "accept"
    RECEIVE = "receive"
    KNOW = "know"
    FILE = "file"
    REFUSE = "refuse"
    EXPIRE = "expire"
    REPLACE = "replace"


_HEARD = {
    LetterStep.RECEIVE: LetterState.RECEIVED,
    LetterStep.KNOW: LetterState.KNOWN,
    LetterStep.REFUSE: LetterState.REFUSED,
}
_BY_HAND = {LetterStep.FILE: LetterState.FILED}
_GONE = {LetterStep.REPLACE: LetterState.REPLACED}
_LATE = {LetterStep.EXPIRE: LetterState.UNANSWERED}

# An acknowledgement may come before we know that MESH took the letter; what is known is never unlearned.
LETTER_MOVES: Mapping[LetterState, Mapping[LetterStep, LetterState]] = {
    LetterState.QUEUED: {
        LetterStep.LIST: LetterState.LISTED,
        LetterStep.ACCEPT: LetterState.ACCEPTED,
        **_HEARD,
        **_GONE,
    },
    LetterState.SHADOW: _GONE,
    LetterState.LISTED: {**_BY_HAND, **_GONE},
    LetterState.ACCEPTED: {**_HEARD, **_LATE, **_BY_HAND},
    LetterState.RECEIVED: {
        LetterStep.KNOW: LetterState.KNOWN,
        LetterStep.REFUSE: LetterState.REFUSED,
        **_LATE,
        **_BY_HAND,
    },
    LetterState.KNOWN: _BY_HAND,
    LetterState.REFUSED: {**_BY_HAND, **_GONE},
    LetterState.UNANSWERED: {**_HEARD, **_BY_HAND, **_GONE},
}
TO_DO = (LetterState.LISTED, LetterState.REFUSED, LetterState.UNANSWERED)  # a person at the practice files it


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One questionnaire: its first and its latest score, each with its day; `latest` "" when there is one."""

    name: str
    first: str
    first_on: str
    first_metric: str = ""  # its transformed form, where there is one
    latest: str = ""
    latest_metric: str = ""
    latest_on: str = ""
    better: str = ""  # "higher is better" or "lower is better"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A PRSB heading with its lines; never without a line."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Person:
    """Whom a letter is about; dates are FHIR dates."""

    given: tuple[str, ...]
    family: str
    birth_date: str
    nhs_number: str
    gender: str = ""
    number_status: str = ""  # NHS Data Dictionary 01 to 08; "" not said

    @property
    def name(self) -> str:
        """Given names and family name."""
        return " ".join((*self.given, self.family))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Letter:
    """All that one version of a letter says. Days are YYYY-MM-DD in London."""

    kind: LetterKind
    title: str
    version: int
    written_on: str
    person: Person
    practice: str  # name, for people
    practice_ods: str
    service: str
    service_ods: str
    telephone: str
    referral_id: str
    referred_on: str
    referred_by: str  # the organisation that asked
    actions: tuple[str, ...]  # for professionals
    own_actions: tuple[str, ...]  # for the person
    summary: tuple[str, ...]
    scores: tuple[Score, ...] = ()
    sections: tuple[Section, ...] = ()
    corrects: str = ""  # the day of the letter that this one replaces
    warnings: tuple[str, ...] = ()  # for who files it: "left your practice"


def said(letter: Letter) -> tuple[object, ...]:
    """What a letter tells of the episode, without when it was written and which version it is."""
    return (
        letter.kind,
        letter.person.nhs_number,
        letter.person.birth_date,
        letter.person.name,
        letter.actions,
        letter.own_actions,
        letter.summary,
        letter.scores,
        letter.sections,
    )


def told(letter: Letter) -> frozenset[object]:
    """The single statements of a letter about the episode."""
    lines = (line for section in letter.sections for line in section.lines)
    return frozenset((letter.person.nhs_number, letter.person.name, *letter.summary, *letter.scores, *lines))
