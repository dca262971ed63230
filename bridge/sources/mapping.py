"""The schema of a mapping file: where a system keeps things and which code means what.

    version = 3                                 the version that each message remembers
    format = "json"                             json, hl7v2, fhir, emis or the name of a reader module
    [fields]
    event.record = { at = "$.id", required = true }
    referral.priority = { at = ["$.urgency", "$.triage"], transform = "lower", codes = "urgency" }
    [codes.urgency]
    "two weeks" = "urgent"                      "" means: nothing is said by this one
    [ignored]
    "$.audit" = "who looked at the record is not part of the referral"
    [systems]
    tpp = "https://codes.example/tpp"           the URI this site has for local codes of TPP; none is public

A practice overlay has `version`, `extends`, `practices` and `[codes.*]` only. There are no conditions and no
expressions: what needs one is a transform.
"""

from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bridge.sources.record import Path
from bridge.sources.targets import Target
from bridge.sources.transforms import Transform

Text = Annotated[str, Field(min_length=1)]
Codes = dict[str, dict[str, str]]


def _listed(value: object) -> object:
    if not isinstance(value, str | list):
        raise ValueError("a path, or a list of paths")  # noqa: TRY004 - what pydantic expects of a validator
    return [value] if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FieldText(_Strict):
    """One field: the first path that holds something wins; then the transform, then the code table."""

    at: Annotated[list[Text], BeforeValidator(_listed), Field(min_length=1)]
    required: bool = False
    codes: str | None = None
    transform: str | None = None


class SystemsText(_Strict):
    """URIs for codes that no public URI names; "" = they go out under no system."""

    tpp: Annotated[str, Field(pattern=r"^$|^(https?://|urn:)\S+$")] = ""


class MappingText(_Strict):
    """A mapping file, as written; the dotted names of the fields are joined."""

    version: Annotated[int, Field(ge=1, le=99_999)]
    format: Text
    fields: dict[str, FieldText] = {}
    codes: Codes = {}
    systems: SystemsText = SystemsText()
    ignored: dict[Text, Text] = {}


class OverlayText(_Strict):
    """A practice overlay, as written: the codes that these practices use differently."""

    version: Annotated[int, Field(ge=1, le=99_999)]
    extends: Text
    practices: Annotated[list[Text], Field(min_length=1)]
    codes: Codes = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path as written and as parsed."""

    text: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One field, ready for use."""

    target: Target
    places: tuple[Place, ...]
    required: bool
    transform: Transform | None
    table: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A mapping, checked and parsed; `overlays` are whole mappings by the ODS code of the practice."""

    label: str  # "json-event@3", with a practice overlay "json-event@3+leeds@1"
    source: str
    format: str
    rules: tuple[Rule, ...] = ()
    codes: Codes = field(default_factory=dict)
    ignored: tuple[Place, ...] = ()
    known: tuple[Path, ...] = ()  # what the ledger does not report: every path mapped or ignored
    overlays: Table[str, "Mapping"] = field(default_factory=dict)
    tpp: str = ""  # the system of local codes of TPP
    reasons: Table[str, str] = field(default_factory=dict)  # why each ignored path goes nowhere
