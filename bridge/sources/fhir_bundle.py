"""FHIR R4: a ServiceRequest alone or in a Bundle, and the BaRS message.

FHIR needs references resolved, so `bridge.fhir` reads it in code and a mapping holds codes only:

    [codes.systems]    a spelling of a system = the spelling we keep
    [codes.meanings]   "system|code" of the source = "system|code" of ours, put first
    [codes.key]        system = the identifier system of the source's referrals, where there are several
    [codes.versions]   BaRS Application versions that are accepted; with this table only messages are read

`[ignored]` holds element paths: `Encounter.period`, `Patient.extension[url=https://…]`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from bridge.domain.code_forms import coding_of
from bridge.domain.dates import birth_date_problem, london_day
from bridge.domain.referral import Coding
from bridge.errors import Problem, Unreadable, shape
from bridge.fhir import inbound
from bridge.fhir.bars import message_request
from bridge.fhir.elements import is_resource
from bridge.fhir.meanings import FhirAliases
from bridge.fhir.requests import Request, requests_of
from bridge.sources.mapping import Mapping
from bridge.sources.reading import Reading

LIMIT = 1 << 22  # bytes of one message

_PATH = re.compile(r"[A-Z][A-Za-z]+(?:\.[a-z][A-Za-z]*(?:\[url=[^\]]+\])?)*", re.ASCII)
_STEP = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?")
_TABLES = ("systems", "meanings", "key", "versions")


def parse_path(text: str) -> str:
    """An element path is its own parsed form; ValueError when it is none."""
    if not _PATH.fullmatch(text):
        raise ValueError("not an element path such as Encounter.period")
    return text


def code_problem(table: str, code: str, meaning: str) -> str:
    """Why a line of a code table cannot be used, in words; "" when it can."""
    if table not in _TABLES:
        return f"a FHIR mapping has the tables {', '.join(_TABLES)}"
    if table == "key" and code != "system":
        return 'the one line of this table is "system"'
    if table != "meanings":
        return ""
    if "|" not in code or "|" not in meaning:
        return "both sides are written system|code"
    try:
        _coding(code)
        _coding(meaning)
    except ValueError as error:
        return str(error)
    return ""


def read(body: bytes, *, mapping: Mapping, arrived: datetime) -> Iterator[Reading]:
    """A reading for each ServiceRequest; what is not valid FHIR is warned of with the first."""
    resource = inbound.read(body, limit=LIMIT)
    odd = inbound.problems_of(resource)
    for n, request in enumerate(_requests(resource, mapping, arrived)):
        ours = mapping.overlays.get(_practice_of(request), mapping)
        chosen = request if ours is mapping else _requests(resource, ours, arrived)[n]
        yield _born(_reading(chosen, ours, resource, odd if n == 0 else ()), arrived)


def _requests(resource: dict[str, Any], mapping: Mapping, arrived: datetime) -> tuple[Request, ...]:
    aliases = _aliases(mapping)
    versions = mapping.codes.get("versions")
    if versions is not None:
        return (
            message_request(
                resource, source=mapping.source, arrived=arrived, aliases=aliases, versions=versions.keys()
            ),
        )
    if resource.get("resourceType") == "Bundle" and resource.get("type") == "message":
        # Its header may say delete: the ServiceRequest alone would turn a cancellation into a referral.
        raise Unreadable(problems=(Problem(code="fhir-message-elsewhere", at="Bundle.type"),))
    return requests_of(resource, source=mapping.source, arrived=arrived, aliases=aliases)


def _aliases(mapping: Mapping) -> FhirAliases:
    tables, tpp = mapping.codes, mapping.tpp
    meanings = (
        (_coding(code, tpp), _coding(meaning, tpp)) for code, meaning in tables.get("meanings", {}).items()
    )
    return FhirAliases(
        systems=tables.get("systems", {}),
        codes={(theirs.system, theirs.code): ours for theirs, ours in meanings},
        key_system=tables.get("key", {}).get("system", ""),
        tpp=tpp,
    )


def _coding(token: str, tpp: str = "") -> Coding:
    """`system|code` in the form in which codes are kept; ValueError says why it is none."""
    system, _, code = token.rpartition("|")
    return coding_of(system, code, tpp=tpp)


def _practice_of(request: Request) -> str:
    referral = request.event.referral if request.event else None
    return referral.practice.ods.code if referral and referral.practice.ods else ""


def _reading(
    request: Request, mapping: Mapping, resource: dict[str, Any], odd: tuple[Problem, ...]
) -> Reading:
    told = {(p.code, p.at) for p in (*request.problems, *request.warnings)}
    warnings = (*request.warnings, *(p for p in odd if (p.code, p.at) not in told))
    return Reading(
        position=request.position,
        event=request.event,
        problems=tuple(_ruled(request.problems, mapping)),
        warnings=tuple(_ruled(warnings, mapping)),
        unmapped=tuple(dict.fromkeys(_unmapped(request, mapping, resource))),
        mapping=mapping.label,
    )


def _born(reading: Reading, arrived: datetime) -> Reading:
    """The reading, or a problem in place of its event when nobody can have been born so as of its arrival."""
    referral = reading.event.referral if reading.event else None
    born = referral.patient.birth_date if referral else ""
    code = birth_date_problem(born, today=london_day(arrived)) if born else None
    if code is None:
        return reading
    problem = Problem(
        code=code,
        at="Patient.birthDate",
        target="patient.birth_date",
        shape=shape(born),
        rule=reading.mapping,
    )
    return replace(reading, event=None, problems=(problem,))


def _ruled(problems: tuple[Problem, ...], mapping: Mapping) -> Iterator[Problem]:
    return (p if p.rule else replace(p, rule=mapping.label) for p in problems)


def _unmapped(request: Request, mapping: Mapping, resource: dict[str, Any]) -> Iterator[str]:
    """Element paths of what went nowhere, without those the mapping ignores."""
    for place in request.unmapped:
        told, precise = element_at(place, resource)
        if not any(f"{precise}.".startswith((f"{i.text}.", f"{i.text}[")) for i in mapping.ignored):
            yield told


def element_at(place: str, resource: dict[str, Any]) -> tuple[str, str]:
    """The element path of a place in a message (`Bundle.entry[2].resource.period` is `Encounter.period`).

    The second one also chooses extensions by their url, as a mapping may.
    """
    node: Any = {"": resource}
    told: list[str] = []
    precise: list[str] = []
    for name, index in _STEP.findall(f".{place}"):
        node = node.get(name if told else "") if isinstance(node, dict) else None
        node = node[int(index)] if index and isinstance(node, list) else node
        kind = node.get("resourceType") if isinstance(node, dict) else None
        if isinstance(kind, str):
            told, precise = [kind if is_resource(kind) else f"({shape(kind)})"], [kind]
        else:
            told.append(name)
            precise.append(f"{name}[url={node.get('url')}]" if name == "extension" and node else name)
    return ".".join(told), ".".join(precise)
