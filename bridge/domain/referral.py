"""The canonical record of what a GP system says: readers yield it, the pipeline stores it, fhir writes it.

Every value is parsed at the door, so inside the type is the proof. Dates are FHIR strings that keep the
precision of the source (`2026`, `2026-03`, `2026-03-01`, or a dateTime with offset); "" means not known.
What could name a person has no repr, so that no log or exception can show it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from bridge.domain.identifiers import NhsNumber, OdsCode

BRIDGE = UUID("6b1f3a0e-5f0c-5c3b-9d52-3f6f6a1f0b11")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identifier:
    """A business identifier."""

    system: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """One code of one system, with the words the source gave it."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A meaning: the mapped coding first, then the source's own codings; `text` is the source's term."""

    codings: tuple[Coding, ...] = ()
    text: str = ""

    def code_in(self, system: str) -> str:
        """The first code of that system, or ""."""
        return next((c.code for c in self.codings if c.system == system), "")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Address:
    """A postal address; every line as the source had it."""

    lines: tuple[str, ...] = ()
    town: str = ""
    county: str = ""
    postcode: str = ""
    use: str = ""  # FHIR AddressUse: home, temp, old; "" not said


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Telecom:
    """One way to reach someone. `system` is FHIR ContactPointSystem: phone, email, sms."""

    system: str
    value: str
    use: str = ""  # home, work, mobile


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeContact:
    """Whether it is safe to call, to leave a message, to write; None means nobody said."""

    call: bool | None = None
    leave_message: bool | None = None
    post: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Patient:
    """The person, as the GP system holds them."""

    nhs_number: NhsNumber | None = None
    nhs_number_status: str = ""  # NHS Data Dictionary 01 to 08; "" not said
    local_key: str = ""  # the source's own patient key inside the practice
    family: str = ""
    given: tuple[str, ...] = ()
    prefix: str = ""
    preferred_name: str = ""
    birth_date: str = ""
    gender: str = ""  # FHIR AdministrativeGender or ""
    address: Address | None = None
    telecoms: tuple[Telecom, ...] = ()
    language: str = ""  # BCP 47
    interpreter_required: bool | None = None
    ethnicity: str = ""  # NHS Data Dictionary A to Z, 99
    requirements: tuple[Concept, ...] = ()  # reasonable adjustments and communication needs
    safe_contact: SafeContact = field(default_factory=SafeContact)
    deceased: bool = False
    deceased_on: str = ""
    registered: bool | None = None  # with the practice, as far as the source says
    test: bool = False  # the source calls this a test or dummy patient


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """An organisation; `ods` is None when the source holds only a name."""

    ods: OdsCode | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Requester:
    """Who asked, as far as the source says."""

    name: str = ""
    role: str = ""
    identifier: Identifier | None = None
    organisation: Organisation = field(default_factory=Organisation)
    telecoms: tuple[Telecom, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReferralKey:
    """Design 4: what makes the same referral the same, for ever."""

    source: str
    owner: str  # organisation that owns the record key
    record: str

    @property
    def id(self) -> UUID:
        """The referral's id: uuid5 over the length-prefixed key, so no two keys can collide by joining."""
        parts = (self.source, self.owner, self.record)
        return uuid5(BRIDGE, "".join(f"{len(p)}:{p}" for p in parts))


class EventKind(StrEnum):
    """What one event says."""

    REFERRED = "referred"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"
    DECLINED = "declined"  # the person said no: withdraws what is open
    OBJECTED = "objected"  # the person wants nothing shared: withdraws what is open, and stands
    AGREED = "agreed"  # the person agrees to sharing: ends an objection


class Shape(StrEnum):
    """How the source showed the referral (source-formats.md 0)."""

    RECORD = "referral-record"
    CODE = "bare-code"
    MESSAGE = "message"


class Consent(StrEnum):
    """What the source says of the person's agreement to this referral being shared."""

    NOT_SAID = "not-said"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


UNNAMED = "unnamed"  # a recipient of whom the source gives no identifier: nobody we send to


class ConsentScope(StrEnum):
    """Whom an agreement covers; NOT_SAID covers nobody beyond direct care."""

    NOT_SAID = ""
    DIRECT_CARE = "direct-care"
    BROADER = "broader"  # also services outside health and care


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Referral:
    """One episode, in full, as the source last told it."""

    key: ReferralKey
    practice: Organisation
    patient: Patient
    requested: Concept  # what was asked for: the trigger code first
    reasons: tuple[Concept, ...] = ()
    reason_text: str = ""
    note: str = ""
    priority: str = ""  # FHIR RequestPriority: routine, urgent, asap, stat; "" not said
    priority_text: str = ""  # the source's own words
    authored_on: str = ""  # FHIR dateTime, precision kept
    recorded_at: datetime | None = None  # aware; when it was typed in
    requester: Requester = field(default_factory=Requester)
    author: Organisation = field(default_factory=Organisation)  # where it was written
    recipient: Organisation = field(default_factory=Organisation)
    risks: tuple[Concept, ...] = ()
    consent: Consent = Consent.NOT_SAID
    consent_scope: ConsentScope = ConsentScope.NOT_SAID
    consent_recipients: tuple[str, ...] = ()  # whom it names, by ODS code or own identifier; () names nobody
    identifiers: tuple[Identifier, ...] = ()  # further business identifiers (UBRN, placer, filler)
    shape: Shape = Shape.MESSAGE
    withheld: bool = False  # something was held back for confidentiality; never what
    told_by: ReferralKey | None = None  # another key whose fuller telling of the episode this is

    @property
    def speaker(self) -> ReferralKey:
        """The key whose telling this is."""
        return self.told_by or self.key


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReferralEvent:
    """What one place in one message says of one referral.

    `clock` orders versions of the same key by plain string comparison (the source's own clock);
    `content` is the hash over mapped fields. `referral` is None where the source sends keys only.
    `extracted_at` is the source's own "now" (extract time or message time), for the history gate.
    """

    kind: EventKind
    key: ReferralKey
    clock: str
    content: str
    position: str = ""
    referral: Referral | None = None
    extracted_at: datetime | None = None
    own_echo: bool = False
