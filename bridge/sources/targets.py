"""Where a mapping may put things: the closed list of names of the canonical referral, each with its parser.

A parser takes our notation and is the proof: whatever a transform or a code table made of it passes here.
The whole text of a ValueError raised here is a key of the problem catalogue.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from bridge.domain import systems
from bridge.domain.code_forms import coding_of
from bridge.domain.dates import fhir_date, fhir_date_time, fhir_instant
from bridge.domain.identifiers import NhsNumber, OdsCode, source_key
from bridge.domain.referral import Coding, Consent, ConsentScope, EventKind, Shape

_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)  # https://hl7.org/fhir/R4/datatypes.html#string, and DEL
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_VERSION = re.compile(r"\d{1,18}", re.ASCII)


class Take(StrEnum):
    """What to do with several values."""

    ONE = "one"  # two that differ are a problem: nobody says which is meant
    ALL = "all"
    LINES = "lines"  # one text, a line for each


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One name. An unusable value stops the event, unless `lenient`: then it is left out with a warning."""

    name: str
    parse: Callable[[str], object]
    take: Take = Take.ONE
    lenient: bool = False


def text(value: str) -> str:
    """Any text without control characters; nothing is cut."""
    if _CONTROL.search(value):
        raise ValueError("text-control-character")
    return value


def key(value: str) -> str:
    """A key of the source's own: a text that is not too long to be one."""
    return source_key(text(value))


def one_of(*words: str) -> Callable[[str], str]:
    """A parser that knows these words only."""

    def word(value: str) -> str:
        if value not in words:
            raise ValueError("word-unknown")
        return value

    return word


def member_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    """A parser that knows the words of one of our own lists."""

    def member(value: str) -> StrEnum:
        return kind(one_of(*kind)(value))

    return member


def boolean(value: str) -> bool:
    """`true` or `false`."""
    return one_of("true", "false")(value) == "true"


def phone(value: str) -> str:
    """A text with at least three digits, as it was written."""
    if sum(c.isdigit() for c in value) < 3:
        raise ValueError("phone-shape")
    return text(value)


def email(value: str) -> str:
    """Something before and after one @."""
    if not _EMAIL.fullmatch(value):
        raise ValueError("email-shape")
    return text(value)


def language(value: str) -> str:
    """A BCP 47 tag by its shape: `pl`, `pt-BR`."""
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("language-shape")
    return value


def version(value: str) -> str:
    """A whole number as a clock that sorts as text."""
    if not _VERSION.fullmatch(value):
        raise ValueError("version-shape")
    return f"v{int(value):018}"


def clock_of(moment: datetime) -> str:
    """A moment as a clock that sorts as text: UTC, to the microsecond."""
    return "t" + moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def coding_in(system: str, *, tpp: str = "") -> Callable[[str], Coding]:
    """A parser of codes of one system; `tpp` is that of local codes of TPP."""

    def coding(value: str) -> Coding:
        return coding_of(system, value, tpp=tpp)

    return coding


GENDER = one_of("male", "female", "other", "unknown")  # FHIR AdministrativeGender
PRIORITY = one_of("routine", "urgent", "asap", "stat")  # FHIR RequestPriority
ADDRESS_USE = one_of("home", "temp", "old")
NUMBER_STATUS = one_of(
    "01", "02", "03", "04", "05", "06", "07", "08"
)  # NHS Data Dictionary, status indicator
ETHNICITY = one_of(*"ABCDEFGHJKLMNPRSZ", "99")  # NHS Data Dictionary, ethnic category

CODE_SYSTEMS = {
    "snomed": systems.SNOMED,
    "read2": systems.READ_V2,
    "ctv3": systems.CTV3,
    "emis": systems.EMIS_LOCAL,
}
PERSON_SYSTEMS = {
    "sds_user": systems.SDS_USER,
    "gmc": systems.GMC,
    "gmp": systems.GMP,
    "nmc": systems.NMC,
}
ADDRESS_LINES = tuple(f"patient.address.line_{n}" for n in range(1, 6))  # where each has a place of its own
PHONE_USES = {"phone": "", "phone_home": "home", "phone_mobile": "mobile", "phone_work": "work"}


def _organisation(name: str, *, lenient: bool) -> tuple[Target, ...]:
    code = Target(name=f"{name}.ods", parse=OdsCode.parse, lenient=lenient)
    return code, Target(name=f"{name}.name", parse=text)


def _concept(name: str, take: Take) -> tuple[Target, ...]:
    return (
        *(_coded(name, suffix, system) for suffix, system in CODE_SYSTEMS.items()),
        Target(name=f"{name}.display", parse=text, take=take),
        Target(name=f"{name}.text", parse=text, take=take),
    )


def _coded(name: str, suffix: str, system: str) -> Target:
    """Codes that receivers elsewhere may not know stop nothing: a damaged one is left out, its words stay."""
    lenient = system != systems.SNOMED
    return Target(name=f"{name}.{suffix}", parse=coding_in(system), take=Take.ALL, lenient=lenient)


def with_tpp(target: Target, tpp: str) -> Target:
    """The same target, local codes of TPP among its CTV3 codes under that system."""
    if not (tpp and target.name.endswith(".ctv3")):
        return target
    return replace(target, parse=coding_in(systems.CTV3, tpp=tpp))


def _telecoms(name: str) -> tuple[Target, ...]:
    phones = (Target(name=f"{name}.{k}", parse=phone, take=Take.ALL, lenient=True) for k in PHONE_USES)
    return (*phones, Target(name=f"{name}.email", parse=email, take=Take.ALL, lenient=True))


_EVENT = (
    Target(name="event.kind", parse=member_of(EventKind)),
    Target(name="event.owner", parse=key),
    Target(name="event.record", parse=key),
    Target(name="event.version", parse=version),
    Target(name="event.time", parse=fhir_instant),
    Target(name="event.extracted_at", parse=fhir_instant),
)
_PATIENT = (
    Target(name="patient.nhs_number", parse=NhsNumber.parse),
    Target(name="patient.nhs_number_status", parse=NUMBER_STATUS, lenient=True),
    Target(name="patient.local_key", parse=key),
    Target(name="patient.family", parse=text),
    Target(name="patient.given", parse=text, take=Take.ALL),
    Target(name="patient.middle_names", parse=text, take=Take.ALL),
    Target(name="patient.prefix", parse=text),
    Target(name="patient.preferred_name", parse=text),
    Target(name="patient.birth_date", parse=fhir_date),
    Target(name="patient.gender", parse=GENDER, lenient=True),
    Target(name="patient.address.lines", parse=text, take=Take.ALL),
    *(Target(name=name, parse=text) for name in ADDRESS_LINES),
    Target(name="patient.address.town", parse=text),
    Target(name="patient.address.county", parse=text),
    Target(name="patient.address.postcode", parse=text),
    Target(name="patient.address.use", parse=ADDRESS_USE, lenient=True),
    *_telecoms("patient"),
    Target(name="patient.language", parse=language, lenient=True),
    Target(name="patient.interpreter_required", parse=boolean),
    Target(name="patient.ethnicity", parse=ETHNICITY, lenient=True),
    *_concept("patient.requirements", Take.ALL),
    Target(name="patient.safe_contact.call", parse=boolean),
    Target(name="patient.safe_contact.leave_message", parse=boolean),
    Target(name="patient.safe_contact.post", parse=boolean),
    Target(name="patient.deceased", parse=boolean),
    Target(name="patient.deceased_on", parse=fhir_date_time),
    Target(name="patient.registered", parse=boolean),
    Target(name="patient.test", parse=boolean),
)
_REQUESTER = (
    Target(name="requester.name", parse=text),
    Target(name="requester.role", parse=text),
    *(Target(name=f"requester.{name}", parse=text) for name in PERSON_SYSTEMS),
    *_organisation("requester.organisation", lenient=True),
    *_telecoms("requester"),
)
_REFERRAL = (
    *_concept("referral.requested", Take.ONE),
    *_concept("referral.reasons", Take.ALL),
    Target(name="referral.reason_text", parse=text, take=Take.LINES),
    Target(name="referral.note", parse=text, take=Take.LINES),
    Target(name="referral.priority", parse=PRIORITY),
    Target(name="referral.priority_text", parse=text),
    Target(name="referral.authored_on", parse=fhir_date_time),
    Target(name="referral.recorded_at", parse=fhir_instant),
    *_concept("referral.risks", Take.ALL),
    Target(name="referral.consent", parse=member_of(Consent)),
    Target(name="referral.consent_scope", parse=member_of(ConsentScope)),
    Target(name="referral.consent_recipients", parse=text, take=Take.ALL),
    Target(name="referral.ubrn", parse=text, take=Take.ALL),
    Target(name="referral.shape", parse=member_of(Shape)),
    Target(name="referral.withheld", parse=boolean),
)

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        *_EVENT,
        *_organisation("practice", lenient=False),
        *_PATIENT,
        *_REFERRAL,
        *_REQUESTER,
        *_organisation("author", lenient=False),
        *_organisation("recipient", lenient=True),
    )
}
