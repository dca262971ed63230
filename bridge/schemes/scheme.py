"""The rules one locality runs by, as data: one TOML file per scheme. Unknown keys are errors."""

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from bridge.domain import systems
from bridge.domain.codes import SOCIAL_PRESCRIBING, Mark
from bridge.domain.consents import AGREEMENTS, OBJECTIONS
from bridge.domain.instruments import INSTRUMENTS
from bridge.domain.outcome import OutcomeKind
from bridge.domain.referral import Identifier
from bridge.schemes.routes import ENVIRONMENT, Environment, Name, Ods, RecordRoute, SctConcept, Strict

REFERRAL_TRIGGER = "871731000000106"  # Referral to social prescribing service (the trigger alone)
DECLINED = "871711000000103"  # Social prescribing declined
SCORES = {row.code: row for row in INSTRUMENTS if row.code}


class Mode(StrEnum):
    """What the bridge does with a practice's events."""

    OFF = "off"
    SHADOW = "shadow"  # computes and reports everything, sends nothing
    LIVE = "live"


_NO_LETTERS = RecordRoute(name="none", endpoint="http://none.invalid")


class PracticeRule(Strict):
    """One practice of the scheme."""

    ods: Ods = Field(description="ODS code of the practice.")
    name: str = Field(default="", description="Name of the practice, for people.")
    mode: Mode = Field(
        default=Mode.OFF, description="off; shadow computes and reports everything and sends nothing; live."
    )
    live_from: date | None = Field(
        default=None, description="Referrals recorded before this day are never sent. Live needs it."
    )
    authors: tuple[Ods, ...] = Field(
        default=(), description="Further organisations whose entries count as the practice's own."
    )
    triggers: tuple[SctConcept, ...] = Field(
        default=(), description="SNOMED CT codes that refer here, beside the scheme's."
    )
    record: str = Field(
        default="", description="Name of the record route outcomes are filed by; empty files nothing."
    )
    letters: str = Field(
        default="",
        description="Name of a route of letters (mesh or worklist) beside a record route of codes: the "
        "practice then hears of the start and the end in words too.",
    )
    filing: Literal["auto", "review"] = Field(
        default="auto", description="Whether outcomes are filed at once, or after the practice has looked."
    )
    stale_feed: Literal["warn", "hold"] = Field(
        default="warn", description="What to do while the practice's feed is too old: send, or wait."
    )

    @model_validator(mode="after")
    def _live_needs_a_day(self) -> "PracticeRule":
        if self.mode is Mode.LIVE and self.live_from is None:
            raise ValueError("a live practice needs live_from")
        return self


class Service(Strict):
    """The social prescribing service that gets this scheme's referrals."""

    name: Name = Field(description="How settings, callers and commands name the service.")
    title: str = Field(description="Name of the service, for people.")
    endpoint: str = Field(
        default="",
        description="Base address of its FHIR server; empty: it collects its work from /fhir/Task.",
    )
    environment: Environment = Field(default="", description=ENVIRONMENT)
    ods: Ods | Literal[""] = Field(default="", description="Its ODS code, where it has one.")
    identifier_system: str = Field(default="", description="System of its own identifier.")
    identifier: str = Field(default="", description="Its own identifier; comes before the ODS code.")
    telephone: str = Field(default="", description="Telephone number that letters to practices name.")
    kind: Literal["direct-care", "broader"] = Field(
        default="direct-care", description="Which disclosure list counts for it."
    )
    poll_minutes: int = Field(
        default=0, ge=0, le=1440, description="How often it is asked for news; 0: it pushes."
    )

    @model_validator(mode="after")
    def _has_a_name_others_know(self) -> "Service":
        if bool(self.identifier_system) != bool(self.identifier):
            raise ValueError("identifier and identifier_system go together")
        if self.poll_minutes and not self.endpoint:
            raise ValueError("a service without an endpoint cannot be polled")
        if not (self.ods or self.identifier):
            raise ValueError("a service needs an ODS code or an identifier")
        return self

    @property
    def known_as(self) -> Identifier:
        """How others name the service: its own identifier, else its ODS code."""
        if self.identifier:
            return Identifier(system=self.identifier_system, value=self.identifier)
        return Identifier(system=systems.ODS_ORGANISATION, value=self.ods)


class RiskContact(Strict):
    """Who hears of a risk first, and how soon they must say so."""

    name: str = Field(min_length=1, description="Who it is: a person or a role that is always staffed.")
    telephone: str = Field(default="", description="Telephone number; this or an e-mail address is needed.")
    email: str = Field(
        default="",
        description="E-mail address; told by the mail server of the alerts. Holds no patient data.",
    )
    webhook: str = Field(
        default="",
        description="Where the address of a webhook lies (env: or file:); told without patient data.",
    )
    acknowledge_within_minutes: int = Field(
        default=60, ge=1, le=1440, description="How soon the contact must say that the risk was seen."
    )

    @model_validator(mode="after")
    def _reachable(self) -> "RiskContact":
        if not (self.telephone or self.email or self.webhook):
            raise ValueError("a risk contact needs a telephone number, an e-mail address or a webhook")
        return self


class WriteBack(Strict):
    """One code that goes into the GP record, signed off by a clinician: a status or, on measure, a score."""

    on: OutcomeKind = Field(description="The outcome that calls for it.")
    code: SctConcept = Field(description="The SNOMED CT code to file; never the code that refers.")
    display: str = Field(description="The words filed beside the code.")
    signed_off_by: str = Field(min_length=1, description="The clinician who approved it.")
    signed_off_on: date = Field(description="The day it was approved.")

    @model_validator(mode="after")
    def _never_the_trigger(self) -> "WriteBack":
        if self.code == REFERRAL_TRIGGER:
            raise ValueError("the referral code is the GP's own and is never written back")
        known = SCORES if self.on is OutcomeKind.MEASURE else SOCIAL_PRESCRIBING
        if self.code not in known or known[self.code].mark is not Mark.A:
            raise ValueError("not confirmed by two public sources, so it may not go into a record")
        return self


class Scheme(Strict):
    """A whole scheme file."""

    name: Name = Field(description="How the scheme is named; a referral keeps it for ever.")
    version: str = Field(min_length=1, description="Raise it with every change.")
    title: str = Field(description="Name of the scheme, for people.")
    service: Service = Field(description="The service that gets the referrals.")
    records: tuple[RecordRoute, ...] = Field(default=(), description="Where outcomes are filed.")
    practices: tuple[PracticeRule, ...] = Field(description="The practices that refer.")
    risk_contact: RiskContact = Field(description="Who hears of a risk first.")
    risk_escalation: tuple[RiskContact, ...] = Field(
        default=(), description="Who hears next, in this order, while nobody says that the risk was seen."
    )
    minimum_age: int = Field(
        default=18, ge=0, le=120, description="Whole years on the day the referral was recorded."
    )
    history_days: int = Field(
        default=14,
        ge=0,
        le=365,
        description="Referrals recorded longer ago are listed and never sent; counted from the extract's "
        "own time, or from the arrival of a single message.",
    )
    reopen_days: int = Field(
        default=30, ge=0, le=3650, description="A referral this soon after a closure waits for a person."
    )
    silent_days: int = Field(
        default=28, ge=1, le=365, description="After so many days without news an open referral is ageing."
    )
    silent_days_urgent: int = Field(
        default=7, ge=1, le=365, description="The same of one that is urgent, asap or stat."
    )
    ageing_owner: str = Field(
        default="", description="Who looks into ageing referrals; empty: the service, by its title."
    )
    follow_up_days: int = Field(
        default=0, ge=0, le=365, description="A second score sooner than this is remarked on; 0: never."
    )
    feed_max_age_hours: int = Field(
        default=36, ge=1, le=720, description="Older than this, a practice's feed counts as stale."
    )
    triggers: tuple[SctConcept, ...] = Field(
        default=(REFERRAL_TRIGGER,), description="SNOMED CT codes that make a referral."
    )
    declines: tuple[SctConcept, ...] = Field(
        default=(DECLINED,), description="SNOMED CT codes that take a referral back."
    )
    objections: tuple[SctConcept, ...] = Field(
        default=tuple(OBJECTIONS),
        description="SNOMED CT codes by which a person objects to sharing: nothing leaves while one stands.",
    )
    agreements: tuple[SctConcept, ...] = Field(
        default=tuple(AGREEMENTS),
        description="SNOMED CT codes by which a person agrees to sharing; they end an objection.",
    )
    disclosure: dict[Literal["direct-care", "broader"], tuple[str, ...]] = Field(
        description="What may be told to whom: field groups for each kind of service."
    )
    letter_hold_minutes: int = Field(
        default=60,
        ge=0,
        le=180,
        description="How long a letter waits for what belongs into it, such as a last score.",
    )
    write_back: tuple[WriteBack, ...] = Field(
        default=(), description="Codes put into the GP record, once for each episode."
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> "Scheme":
        named = {route.name: route for route in self.records}
        for practice in self.practices:
            if practice.record and practice.record not in named:
                raise ValueError(f"practice {practice.ods} names a record route that is not in records")
            if practice.letters and not named.get(practice.letters, _NO_LETTERS).by_letter:
                raise ValueError(f"practice {practice.ods} names a route of letters that is none")
            if practice.letters and named.get(practice.record, _NO_LETTERS).by_letter:
                raise ValueError(f"practice {practice.ods} has two routes of letters")
        if len({p.ods for p in self.practices}) != len(self.practices):
            raise ValueError("a practice stands twice")
        if self.service.kind not in self.disclosure:
            raise ValueError(f"disclosure has no list for {self.service.kind}")
        return self

    @property
    def risk_contacts(self) -> tuple[RiskContact, ...]:
        """Who hears of a risk, in order."""
        return (self.risk_contact, *self.risk_escalation)

    def practice(self, ods: str) -> PracticeRule | None:
        """The rule of one practice."""
        return next((p for p in self.practices if p.ods == ods), None)

    def letters_of(self, practice: PracticeRule) -> RecordRoute | None:
        """How letters reach that practice; None when it gets none."""
        named = {route.name: route for route in self.records if route.by_letter}
        return named.get(practice.letters or practice.record)

    def endpoints(self) -> tuple[tuple[str, str], ...]:
        """Every partner of the scheme: its name and where it is."""
        records = ((route.name, route.endpoint) for route in self.records)
        return ((self.service.name, self.service.endpoint), *records)

    def triggers_of(self, practice: PracticeRule) -> frozenset[str]:
        """The codes that make a referral for that practice."""
        return frozenset((*self.triggers, *practice.triggers))

    def released(self) -> frozenset[str]:
        """The field groups that may leave to this scheme's service; everything else stays."""
        return frozenset(self.disclosure[self.service.kind])
