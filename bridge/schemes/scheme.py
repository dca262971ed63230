"""The rules one locality runs by, as data: one TOML file per scheme. Unknown keys are errors."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bridge.domain import systems
from bridge.domain.codes import problem_of
from bridge.domain.identifiers import OdsCode
from bridge.domain.outcome import OutcomeKind
from bridge.domain.referral import Identifier

REFERRAL_TRIGGER = "871731000000106"  # Referral to social prescribing service (the trigger alone)
DECLINED = "871711000000103"  # Social prescribing declined


def _sound_code(code: str) -> str:
    problem = problem_of(code)
    if problem:
        raise ValueError(f"{problem}: not a SNOMED CT concept id")
    return code


def _sound_ods(code: str) -> str:
    return OdsCode.parse(code).code


SctConcept = Annotated[str, AfterValidator(_sound_code)]
Ods = Annotated[str, AfterValidator(_sound_ods)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Mode(StrEnum):
    """What the bridge does with a practice's events."""

    OFF = "off"
    SHADOW = "shadow"  # computes and reports everything, sends nothing
    LIVE = "live"


class PracticeRule(_Strict):
    """One practice of the scheme."""

    ods: Ods
    name: str = ""
    mode: Mode = Mode.OFF
    live_from: date | None = None  # referrals recorded before this day are never forwarded
    authors: tuple[Ods, ...] = ()  # organisations whose entries count; default: the practice alone
    triggers: tuple[SctConcept, ...] = ()  # beside the scheme's
    record: str = ""  # name of the record route in `records`; "" files nothing
    stale_feed: Literal["warn", "hold"] = "warn"

    @model_validator(mode="after")
    def _live_needs_a_day(self) -> "PracticeRule":
        if self.mode is Mode.LIVE and self.live_from is None:
            raise ValueError("a live practice needs live_from")
        return self


class Service(_Strict):
    """The social prescribing service that gets this scheme's referrals."""

    name: Name
    title: str
    endpoint: str
    ods: Ods | Literal[""] = ""
    identifier_system: str = ""
    identifier: str = ""
    kind: Literal["direct-care", "broader"] = "direct-care"
    poll_minutes: int = Field(default=0, ge=0, le=1440)  # 0: the service pushes

    @model_validator(mode="after")
    def _has_a_name_others_know(self) -> "Service":
        if bool(self.identifier_system) != bool(self.identifier):
            raise ValueError("identifier and identifier_system go together")
        if not (self.ods or self.identifier):
            raise ValueError("a service needs an ODS code or an identifier")
        return self

    @property
    def known_as(self) -> Identifier:
        """How others name the service: its own identifier, else its ODS code."""
        if self.identifier:
            return Identifier(system=self.identifier_system, value=self.identifier)
        return Identifier(system=systems.ODS_ORGANISATION, value=self.ods)


class RecordRoute(_Strict):
    """Where outcomes are filed for the practices that name it."""

    name: Name
    endpoint: str


class RiskContact(_Strict):
    """Who hears of a risk first, and how soon they must say so."""

    name: str = Field(min_length=1)
    telephone: str = ""
    email: str = ""
    acknowledge_within_minutes: int = Field(default=60, ge=1, le=1440)

    @model_validator(mode="after")
    def _reachable(self) -> "RiskContact":
        if not (self.telephone or self.email):
            raise ValueError("a risk contact needs a telephone number or an e-mail address")
        return self


class WriteBack(_Strict):
    """One status code that goes into the GP record, signed off by a clinician."""

    on: OutcomeKind
    code: SctConcept
    display: str
    signed_off_by: str = Field(min_length=1)
    signed_off_on: date

    @model_validator(mode="after")
    def _never_the_trigger(self) -> "WriteBack":
        if self.code == REFERRAL_TRIGGER:
            raise ValueError("the referral code is the GP's own and is never written back")
        return self


class Scheme(_Strict):
    """A whole scheme file."""

    name: Name
    version: str = Field(min_length=1)
    title: str
    service: Service
    records: tuple[RecordRoute, ...] = ()
    practices: tuple[PracticeRule, ...]
    risk_contact: RiskContact
    minimum_age: int = Field(default=18, ge=0, le=120)
    history_days: int = Field(default=14, ge=0, le=365)
    reopen_days: int = Field(default=30, ge=0, le=3650)
    feed_max_age_hours: int = Field(default=36, ge=1, le=720)
    triggers: tuple[SctConcept, ...] = (REFERRAL_TRIGGER,)
    declines: tuple[SctConcept, ...] = (DECLINED,)
    disclosure: dict[Literal["direct-care", "broader"], tuple[str, ...]]
    write_back: tuple[WriteBack, ...] = ()

    @model_validator(mode="after")
    def _hangs_together(self) -> "Scheme":
        named = {route.name for route in self.records}
        for practice in self.practices:
            if practice.record and practice.record not in named:
                raise ValueError(f"practice {practice.ods} names a record route that is not in records")
        if len({p.ods for p in self.practices}) != len(self.practices):
            raise ValueError("a practice stands twice")
        if self.service.kind not in self.disclosure:
            raise ValueError(f"disclosure has no list for {self.service.kind}")
        return self

    def practice(self, ods: str) -> PracticeRule | None:
        """The rule of one practice."""
        return next((p for p in self.practices if p.ods == ods), None)

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
