"""Our documented JSON event, for hubs and scripts: docs/reference/json-event.md.

The model says what an event may hold, and is published as a JSON Schema; the mapping json-event.toml says
where each part goes. A key that the model does not know is refused: a misspelt `interpreter_required` that is
silently dropped harms somebody.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from bridge.domain.identifiers import LONGEST_KEY
from bridge.domain.strict_json import JsonValue
from bridge.errors import Problem, shape
from bridge.sources import json_record
from bridge.sources.apply import MOST
from bridge.sources.json_record import JsonRecord, parse_path

__all__ = ["JsonEvent", "parse_path", "records", "schema"]

_CODES = {
    "extra_forbidden": "json-unknown-key",
    "missing": "value-missing",
    "literal_error": "word-unknown",
    "string_too_long": "key-too-long",
}

RULE = "json-event schema 1"
_ENDS = ("cancelled", "entered-in-error")
_VITAL = (
    "$.schema_version",
    "$.id",
    "$.version",
    "$.time",
    "$.type",
    "$.practice",
)  # what an ending cannot lack


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class OrganisationPart(_Part):
    """An organisation."""

    ods_code: str | None = None
    """Its code at the Organisation Data Service."""
    name: str | None = None


class PracticePart(OrganisationPart):
    """The practice where the person is registered; the event's `id` is unique inside it."""

    ods_code: str


class ConceptPart(_Part):
    """A meaning: a code, the words of the source, or both."""

    snomed: str | None = None
    """A SNOMED CT concept id, as text."""
    read2: str | None = None
    """A Read v2 code."""
    ctv3: str | None = None
    """A CTV3 code."""
    emis: str | None = None
    """An EMIS local code."""
    display: str | None = None
    """The name of the code."""
    text: str | None = None
    """The term as it was typed or chosen."""


class RequestedPart(ConceptPart):
    """What was asked for."""

    snomed: str
    """The SNOMED CT concept of the request: 871731000000106 for social prescribing."""


class AddressPart(_Part):
    """A postal address."""

    lines: list[str] = []
    town: str | None = None
    county: str | None = None
    postcode: str | None = None
    use: Literal["home", "temp", "old"] | None = None


class ContactPart(_Part):
    """Ways to reach someone, as they were written down."""

    phone: str | None = None
    """A phone number of which the use is not known."""
    phone_home: str | None = None
    phone_mobile: str | None = None
    phone_work: str | None = None
    email: str | None = None


class SafeContactPart(_Part):
    """Whether it is safe to reach the person so; leave out what nobody has asked."""

    call: bool | None = None
    leave_message: bool | None = None
    post: bool | None = None


class PatientPart(ContactPart):
    """The person."""

    nhs_number: str | None = None
    nhs_number_status: Literal["01", "02", "03", "04", "05", "06", "07", "08"] | None = None
    """NHS number status indicator of the NHS Data Dictionary; 01 is verified."""
    local_key: Annotated[str, Field(max_length=LONGEST_KEY)] | None = None
    """The sending system's own key of the person."""
    family: str | None = None
    given: list[str] = []
    prefix: str | None = None
    preferred_name: str | None = None
    birth_date: str | None = None
    """FHIR date: `1950-03-01`, or less when less is known."""
    gender: Literal["male", "female", "other", "unknown"] | None = None
    address: AddressPart | None = None
    language: str | None = None
    """BCP 47 tag of the preferred language: `pl`."""
    interpreter_required: bool | None = None
    ethnicity: str | None = None
    """Ethnic category of the NHS Data Dictionary: A to Z, 99."""
    requirements: list[ConceptPart] = []
    """Reasonable adjustments and communication needs."""
    safe_contact: SafeContactPart | None = None
    deceased: bool | None = None
    deceased_on: str | None = None
    registered: bool | None = None
    """Whether the person is registered with the practice now."""
    test: bool | None = None
    """True for a test or dummy patient."""


class RequesterPart(ContactPart):
    """Who asked."""

    name: str | None = None
    role: str | None = None
    sds_user: str | None = None
    """User id of the Spine Directory Service."""
    gmc: str | None = None
    gmp: str | None = None
    nmc: str | None = None
    organisation: OrganisationPart | None = None


class ReferralPart(_Part):
    """The request itself."""

    requested: RequestedPart
    reasons: list[ConceptPart] = []
    reason_text: str | None = None
    note: str | None = None
    priority: Literal["routine", "urgent", "asap", "stat"] | None = None
    priority_text: str | None = None
    """The priority in the sending system's own words."""
    authored_on: str | None = None
    """FHIR dateTime of the decision to refer; a time needs its offset."""
    recorded_at: str | None = None
    """When it was typed in: date, time and offset."""
    requester: RequesterPart | None = None
    author: OrganisationPart | None = None
    """Where it was written, when that is not the practice."""
    recipient: OrganisationPart | None = None
    risks: list[ConceptPart] = []
    consent: Literal["not-said", "given", "refused", "withdrawn"] | None = None
    """What the person said of this referral being shared."""
    consent_scope: Literal["direct-care", "broader"] | None = None
    """How far a given consent reaches; a service outside health and care needs `broader`."""
    consent_recipients: list[str] = []
    """Whom it names, by ODS code or the service's own identifier."""
    ubrn: str | None = None
    """Unique booking reference number of the e-Referral Service."""
    withheld: bool | None = None
    """True when something was held back for confidentiality."""


class JsonEvent(_Part):
    """Version 1 of the event: one thing that happened to one referral. An array holds several."""

    schema_version: Literal["1"]
    id: Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)]
    """The sending system's key of the referral: the same for every event about it, never used again."""
    version: Annotated[int, Field(ge=0, lt=10**18)] | None = None
    """Rises with every change of the referral; either this or `time`, and always the same of the two."""
    time: str | None = None
    """When the referral came to be as described: date, time and offset."""
    type: Literal["referred", "changed", "cancelled", "entered-in-error"]
    practice: PracticePart
    patient: PatientPart | None = None
    """Needed to refer and to change; a cancellation may leave it out."""
    referral: ReferralPart | None = None
    """Needed to refer and to change, in full each time; a cancellation may leave it out."""


def schema() -> str:
    """The JSON Schema, as published in docs/reference/json-event.schema.json."""
    published = {"$schema": "https://json-schema.org/draft/2020-12/schema", **JsonEvent.model_json_schema()}
    return json.dumps(published, indent=2) + "\n"


def records(body: bytes) -> Iterator[JsonRecord]:
    """The events of a message, each with what is wrong with it; Unreadable when it holds none."""
    return map(_checked, json_record.records(body))


def _checked(record: JsonRecord) -> JsonRecord:
    """The record with what is wrong with it; what ends a referral loses its details, never its effect."""
    problems = tuple(_problems(record.root))
    details = tuple(p for p in problems if not p.at.startswith(_VITAL))
    if not (details and isinstance(record.root, dict) and record.root.get("type") in _ENDS):
        return replace(record, problems=problems)
    vital = {name: value for name, value in record.root.items() if f"$.{name}" in _VITAL}
    return replace(
        record, root=vital, warnings=details, problems=tuple(p for p in problems if p not in details)
    )


def _problems(event: JsonValue) -> Iterator[Problem]:
    try:
        JsonEvent.model_validate(event)
    except ValidationError as errors:
        for error in islice(errors.errors(include_url=False, include_context=False), MOST):
            yield problem_of(error, event, RULE)
    if isinstance(event, dict) and event.get("version") is None and event.get("time") in (None, ""):
        yield Problem(code="json-version-or-time", at="$.version", rule=RULE)


def problem_of(error: ErrorDetails, event: JsonValue, rule: str) -> Problem:
    """What the model found wrong, with the place and the shape of what stands there."""
    code = _CODES.get(error["type"], "json-wrong-type")
    found = error["input"]
    return Problem(
        code="json-schema-version" if error["loc"] == ("schema_version",) else code,
        at=_place(error["loc"], event, hide=code == "json-unknown-key"),
        shape=shape(found) if isinstance(found, str) and code != "json-unknown-key" else "",
        rule=rule,
    )


def _place(loc: tuple[int | str, ...], event: JsonValue, *, hide: bool) -> str:
    """`$.patient.given[0]`; with `hide` place and shape stand for the last name, which is the sender's."""
    at, node = "$", event
    for n, step in enumerate(loc, 1):
        if isinstance(step, int):
            at += f"[{step}]"
        elif hide and n == len(loc) and isinstance(node, dict):
            at += f".{{{list(node).index(step) + 1}: {shape(step)}}}"
        else:
            at += f".{step}"
        if isinstance(node, dict):
            node = node.get(str(step))
        elif isinstance(node, list):
            node = node[int(step)]
    return at
