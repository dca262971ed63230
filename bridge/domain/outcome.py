"""What a service says of a referral: status, attendance, score, onward referral, closure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.domain.identifiers import NhsNumber
from bridge.domain.referral import Concept


class OutcomeKind(StrEnum):
    """The service's vocabulary (social-prescribing.md 1.0)."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    BOOKED = "booked"
    ATTENDED = "attended"
    NOT_ATTENDED = "not-attended"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    MEASURE = "measure"
    ONWARD = "onward"
    SIGNPOST = "signpost"
    CLOSED = "closed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    ENTERED_IN_ERROR = "entered-in-error"


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
    """One thing the service says. `identifier` (system|value) and `version` make repeats harmless."""

    kind: OutcomeKind
    identifier: str
    version: str
    status: str  # the FHIR status it came with
    referral_ref: str  # how it names the referral: id, reference or system|value
    subject: NhsNumber | None = None
    subject_ref: str = ""  # the sender's own reference to the person ("Patient/45")
    effective: str = ""  # FHIR dateTime
    issued: datetime | None = None
    code: Concept = field(default_factory=Concept)
    value: Value | None = None
    components: tuple[Component, ...] = ()
    performer: str = ""  # organisation or role, never a volunteer's name
    reason: str = ""  # Task.statusReason.text
    business_status: Concept = field(default_factory=Concept)
    position: str = ""
