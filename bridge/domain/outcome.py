"""What a service says of a referral: status, attendance, score, onward referral, closure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.domain.identifiers import NhsNumber
from bridge.domain.referral import Concept


class OutcomeKind(StrEnum):
    """What a service may say."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    BOOKED = "booked"  # a contact that lies ahead
    ATTENDED = "attended"
    NOT_ATTENDED = "not-attended"
    CONTACT_CANCELLED = "contact-cancelled"  # one contact, by either side; the referral goes on
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    MEASURE = "measure"  # a score
    GOAL = "goal"
    SUPPORT = "support"  # what was tried, and whether it helped
    ONWARD = "onward"  # details were passed on, with consent
    SIGNPOST = "signpost"  # a name was given and nothing passed on: never a referral
    UNMET_NEED = "unmet-need"  # no service was found
    ACTION = "action"  # what somebody is asked to do
    RISK = "risk"  # for a person, now; never coded
    CONSENT = "consent"  # it was given, refused or withdrawn
    CLOSED = "closed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    ENTERED_IN_ERROR = "entered-in-error"


# Where a referral stands at its service: one line of time, in which the newest counts.
STANDINGS = frozenset(
    {
        OutcomeKind.RECEIVED,
        OutcomeKind.ACCEPTED,
        OutcomeKind.REJECTED,
        OutcomeKind.UNREACHABLE,
        OutcomeKind.IN_PROGRESS,
        OutcomeKind.ON_HOLD,
        OutcomeKind.CLOSED,
        OutcomeKind.FAILED,
        OutcomeKind.CANCELLED,
        OutcomeKind.REOPENED,
        OutcomeKind.ENTERED_IN_ERROR,
    }
)
CONTACTS = frozenset(
    {
        OutcomeKind.BOOKED,
        OutcomeKind.ATTENDED,
        OutcomeKind.NOT_ATTENDED,
        OutcomeKind.CONTACT_CANCELLED,
    }
)

# What `Outcome.detail` may say, by kind; a kind that is not here has none.
DETAILS: dict[OutcomeKind, frozenset[str]] = {
    OutcomeKind.GOAL: frozenset({"set", "met", "partly-met", "not-met", "dropped"}),
    OutcomeKind.SUPPORT: frozenset({"helped", "did-not-help"}),
    OutcomeKind.ACTION: frozenset({"professional", "person"}),  # whose it is
    OutcomeKind.RISK: frozenset({"risk", "safeguarding"}),
    OutcomeKind.CONSENT: frozenset({"given", "refused", "withdrawn"}),
}

# Statuses of an Observation; everything a service says has one of them.
CORRECTED = frozenset({"amended", "corrected"})
WITHDRAWN = frozenset({"entered-in-error", "cancelled"})


class ScoreForm(StrEnum):
    """Whether a score is the sum of the answers or its transformed form."""

    RAW = "raw"
    METRIC = "metric"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Value:
    """The value of an observation; exactly one of the fields is set. Decimals stay text (1.10 is not 1.1)."""

    quantity: str | None = None
    unit: str = ""
    unit_code: str = ""  # UCUM
    comparator: str = ""
    integer: int | None = None
    concept: Concept | None = None
    text: str | None = None
    boolean: bool | None = None
    absent: str = ""  # FHIR data-absent-reason


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Component:
    """One part of a measure."""

    code: Concept
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Outcome:
    """One thing the service says. `identifier` (system|value) and `version` make repeats harmless.

    `clock` is the sender's own time of this version, as text that sorts; "" when it says none.
    """

    kind: OutcomeKind
    identifier: str
    version: str
    status: str  # the FHIR status it came with
    referral_ref: str  # how it names the referral: id, reference or system|value
    subject: NhsNumber | None = None
    subject_ref: str = ""  # the sender's own reference to the person ("Patient/45")
    effective: str = ""  # FHIR dateTime
    issued: datetime | None = None
    clock: str = ""
    code: Concept = field(default_factory=Concept)
    value: Value | None = None
    components: tuple[Component, ...] = ()
    performer: str = ""  # organisation or role, never a volunteer's name
    reason: str = ""  # Task.statusReason.text
    business_status: Concept = field(default_factory=Concept)
    instrument: str = ""  # the questionnaire as the sender names it, where no code does
    form: ScoreForm | None = None  # as the sender says
    answers: tuple[str, ...] = ()  # of a questionnaire, in its order; "" for one left out
    proxy: bool = False  # somebody else answered
    attendance: str = ""  # NHS Data Dictionary, ATTENDED OR DID NOT ATTEND: 0, 2 to 7
    session: int = 0  # n of N; 0 when not said
    sessions: int = 0
    detail: str = ""  # a word of DETAILS
    words: str = ""  # the goal, need, action or support; to whom somebody was sent
    position: str = ""

    @property
    def is_standing(self) -> bool:
        """Whether it says where the referral stands: by its kind, or as a Task that tells of a contact."""
        return self.kind in STANDINGS or (self.kind in CONTACTS and self.status in TASK_STATUSES)

    @property
    def is_withdrawn(self) -> bool:
        """Whether it takes back what it said before."""
        return self.status in WITHDRAWN and not self.is_standing


# https://hl7.org/fhir/R4/valueset-task-status.html, those that a service sets while it works
TASK_STATUSES = frozenset({"received", "accepted", "ready", "in-progress", "on-hold", "completed"})
