"""The HTTP headers of the NHS Booking and Referral Standard (BaRS), read without a request.

Who asks is decided by credentials: what these headers say of organisation and software is for the record.
Sources: NHSDigital/booking-and-referral-fhir-api, specification/booking-and-referral-1.4.0.yaml; the pages
Transactional-integrity and HTTP-Response-Headers of BaRS Core.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from bridge.domain import systems
from bridge.domain.identifiers import OdsCode
from bridge.domain.referral import Identifier, Organisation
from bridge.domain.strict_json import JsonValue, loads
from bridge.errors import Problem, Unreadable, shape

REQUEST_ID = "X-Request-Id"
CORRELATION_ID = "X-Correlation-Id"
TARGET = "NHSD-Target-Identifier"
ORGANISATION = "NHSD-End-User-Organisation"
SOFTWARE = "NHSD-Requesting-Software"
OLDEST_VERSION = "1.0.0"  # what an Accept header without a version means

_LIMIT = 4096  # bytes of one decoded header
_SHOWN = 100  # characters of the software's name and version
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ECHOED = re.compile(r"[!-~]{1,128}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}", re.ASCII)
_MEDIA = frozenset({"application/fhir+json", "application/json", "application/*", "*/*"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BarsHeaders:
    """What the headers say. A header with a problem keeps its default; `echo` goes on every answer.

    `software` is what the sender calls itself, unproven, at most 100 characters.
    """

    request_id: UUID | None = None
    correlation_id: UUID | None = None
    target: Identifier | None = None
    organisation: Organisation = Organisation()  # noqa: RUF009  frozen
    software: str = ""
    version: str = OLDEST_VERSION
    echo: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()


def read_headers(headers: Mapping[str, str], *, target_needed: bool = True) -> BarsHeaders:
    """Check the headers of a request; every problem is a key of `bars_errors.ANSWERS`.

    `target_needed` is false for /metadata only.
    """
    sent = {name.lower(): value.strip() for name, value in headers.items()}
    problems: list[Problem] = []
    return BarsHeaders(
        request_id=_uuid(REQUEST_ID, sent, problems),
        correlation_id=_uuid(CORRELATION_ID, sent, problems),
        target=_target(sent, problems, needed=target_needed),
        organisation=_organisation(sent, problems),
        software=_software(sent),
        version=_version(sent, problems),
        echo=echoed(headers),
        problems=tuple(problems),
    )


def echoed(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Both tracing ids as they came, as far as they are fit to be sent back; for every answer, errors too."""
    sent = {name.lower(): value.strip() for name, value in headers.items()}
    found = ((name, sent.get(name.lower(), "")) for name in (REQUEST_ID, CORRELATION_ID))
    return tuple((name, value) for name, value in found if _ECHOED.fullmatch(value))


def _uuid(name: str, sent: Mapping[str, str], problems: list[Problem]) -> UUID | None:
    value = sent.get(name.lower(), "")
    if not value:
        problems.append(Problem(code="bars-header-missing", at=name))
        return None
    if not _UUID.fullmatch(value):
        problems.append(Problem(code="bars-header-not-uuid", at=name, shape=shape(value)))
        return None
    return UUID(value)


def _target(sent: Mapping[str, str], problems: list[Problem], *, needed: bool) -> Identifier | None:
    if not sent.get(TARGET.lower()):
        if needed:
            problems.append(Problem(code="bars-header-missing", at=TARGET))
        return None
    said = _object(TARGET, sent, problems)
    if said is None:
        return None
    system, value = _text(said, "system"), _text(said, "value")
    if not system or not value:
        problems.append(Problem(code="bars-header-content", at=TARGET, rule="value and system are needed"))
        return None
    return Identifier(system=systems.canonical_system(system), value=value)


def _organisation(sent: Mapping[str, str], problems: list[Problem]) -> Organisation:
    """An absent header is no problem: the standard's guide calls it optional, its API required."""
    if not sent.get(ORGANISATION.lower()):
        return Organisation()
    said = _object(ORGANISATION, sent, problems)
    if said is None:
        return Organisation()
    try:
        ods = next((OdsCode.parse(code) for code in _ods_codes(said)), None)
    except ValueError as broken:
        problems.append(Problem(code="bars-header-content", at=ORGANISATION, rule=str(broken)))
        return Organisation()
    return Organisation(ods=ods, name=_text(said, "name")[:_SHOWN])


def _ods_codes(organisation: dict[str, JsonValue]) -> list[str]:
    identifiers = [i for i in _listed(organisation.get("identifier")) if isinstance(i, dict)]
    ods = (i for i in identifiers if systems.canonical_system(_text(i, "system")) == systems.ODS_ORGANISATION)
    return [_text(i, "value") for i in ods]


def _software(sent: Mapping[str, str]) -> str:
    """Name and version of a Device whose deviceName and version are objects in the API, arrays in FHIR."""
    ignored: list[Problem] = []
    said = _object(SOFTWARE, sent, ignored) if sent.get(SOFTWARE.lower()) else None
    if said is None:
        return ""
    named = ((said.get("deviceName"), "name"), (said.get("version"), "value"))
    words = (
        _text(part, key) for value, key in named for part in _listed(value)[:1] if isinstance(part, dict)
    )
    shown = " ".join(word for word in words if word)
    return "".join(c if c.isprintable() else " " for c in shown)[:_SHOWN]


def _version(sent: Mapping[str, str], problems: list[Problem]) -> str:
    """The highest version that Accept lists, as the NHS proxy takes it."""
    ranges = [part.split(";") for part in sent.get("accept", "*/*").split(",")]
    if not any(media.strip().lower() in _MEDIA for media, *_ in ranges):
        problems.append(Problem(code="bars-not-acceptable", at="Accept"))
    said = (parameter.strip().lower().partition("=") for _, *rest in ranges for parameter in rest)
    versions = [value.strip(' "') for name, _, value in said if name.strip() == "version"]
    known = [v for v in versions if _VERSION.fullmatch(v)]
    return max((*known, OLDEST_VERSION), key=lambda v: tuple(map(int, v.split("."))))


def _object(name: str, sent: Mapping[str, str], problems: list[Problem]) -> dict[str, JsonValue] | None:
    value = sent[name.lower()]
    if len(value) > _LIMIT * 4 // 3 + 4:
        problems.append(Problem(code="bars-header-too-long", at=name))
        return None
    try:
        said = loads(_decoded(value), limit=_LIMIT, depth=8)
    except binascii.Error:
        problems.append(Problem(code="bars-header-not-base64", at=name))
        return None
    except Unreadable as refused:
        problems.append(Problem(code="bars-header-content", at=name, rule=refused.problems[0].code))
        return None
    if not isinstance(said, dict):
        problems.append(Problem(code="bars-header-content", at=name, rule="not an object"))
        return None
    return said


def _decoded(value: str) -> bytes:
    """Standard or URL-safe base64, padded or not."""
    if not _BASE64.fullmatch(value):
        raise binascii.Error
    plain = value.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _text(said: dict[str, JsonValue], key: str) -> str:
    value = said.get(key)
    return value.strip() if isinstance(value, str) else ""


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]
