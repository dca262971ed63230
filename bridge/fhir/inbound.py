"""The FHIR door's bytes: JSON or XML in, one plain tree out, or a located refusal without a value in it."""

from typing import Any, Final, TypeAlias

from bridge.domain import strict_json
from bridge.errors import Problem, Unreadable
from bridge.fhir import fhir_xml
from bridge.fhir.checks import check
from bridge.fhir.elements import is_resource

Json: TypeAlias = dict[str, Any]

_UTF8_BOM: Final = b"\xef\xbb\xbf"
_PROBLEMS: Final = 100  # told of one message; more would drown the person who has to mend it


def read(body: bytes, *, limit: int) -> Json:
    """The FHIR resource in a message of at most `limit` bytes, in JSON form; Unreadable otherwise.

    A leading UTF-8 byte order mark is skipped. Numbers with a fraction are Decimals that keep their digits.
    Only the outermost type is asserted; `problems_of` says what else is wrong.
    """
    text = body.removeprefix(_UTF8_BOM)
    resource = _read_xml(text, limit) if text.lstrip()[:1] == b"<" else strict_json.loads(text, limit=limit)
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise Unreadable(problems=(Problem(code="fhir-not-a-resource"),))
    if not is_resource(str(resource["resourceType"])):
        raise Unreadable(problems=(Problem(code="fhir-not-a-resource", at="resourceType"),))
    return resource


def problems_of(resource: Json) -> tuple[Problem, ...]:
    """What is not valid FHIR in something received, as warnings: published examples are invalid too."""
    return tuple(check(resource)[:_PROBLEMS])


def _read_xml(body: bytes, limit: int) -> Json:
    if len(body) > limit:
        raise Unreadable(problems=(Problem(code="xml-too-large", at=f"byte {limit}"),))
    return fhir_xml.loads(body)
