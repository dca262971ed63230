"""The BaRS message Bundle: which workflow it is, and the referral or the cancellation it carries.

The decision table is BaRS Core 1.1.6, Error-Handling, Bundle-Processing, in its order; every combination it
does not list is refused. Sources say both `update` and `delete` for a cancellation: both are accepted.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bridge.domain.referral import EventKind, ReferralKey
from bridge.errors import Problem
from bridge.fhir.meanings import FhirAliases
from bridge.fhir.references import Entry, Message
from bridge.fhir.referral_reader import ReferralReader
from bridge.fhir.requests import KINDS, Request, request_of
from bridge.fhir.trees import Json, Tree, codings, text, tree_at, trees
from bridge.fhir.vocabulary import (
    BARS_CATEGORY,
    BARS_EVENTS,
    BARS_EVENTS_EARLIER,
    BARS_REASONS,
    BARS_REASONS_EARLIER,
)

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Workflow(StrEnum):
    """What a message asks of its receiver."""

    NEW = "new referral"
    CANCEL = "cancelled referral"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One line of the table; an empty set asks nothing of that element."""

    workflow: Workflow
    event: str
    reasons: frozenset[str]
    statuses: frozenset[str] = frozenset()
    plans: frozenset[str] = frozenset()
    encounters: frozenset[str] = frozenset()
    answers: bool = False  # MessageHeader.response is needed


_TABLE: Final = (
    _Row(
        workflow=Workflow.NEW,
        event="servicerequest-request",
        reasons=frozenset({"new"}),
        statuses=frozenset({"active"}),
        plans=frozenset({"completed"}),
        encounters=frozenset({"triaged", "finished"}),
    ),
    _Row(
        workflow=Workflow.CANCEL,
        event="servicerequest-request",
        reasons=frozenset({"update", "delete"}),
        statuses=frozenset({"revoked", "entered-in-error"}),
    ),
    _Row(
        workflow=Workflow.RESPONSE,
        event="servicerequest-response",
        reasons=frozenset({"new", "update"}),
        answers=True,
    ),
)


def workflow_of(message: Message, versions: AbstractSet[str]) -> Workflow | Problem:
    """Which workflow a message Bundle is, or the BaRS problem that refuses it.

    `versions` are the Application versions this service supports.
    """
    bundle = message.whole
    version = text(bundle, "meta", "versionId")
    if not version:
        return Problem(code="bars-version-missing", at="Bundle.meta.versionId")
    if version not in versions:
        return Problem(code="bars-version-not-supported", at="Bundle.meta.versionId")
    headers = message.all("MessageHeader")
    request = request_entry(message)
    if len(headers) != 1 or request is None:
        return Problem(code="bars-workflow", at="Bundle.entry")
    facts = _facts(message, headers[0].resource, request.resource)
    found = (row.workflow for row in _TABLE if _fits(row, facts))
    return next(found, Problem(code="bars-workflow", at=headers[0].at))


def request_entry(message: Message) -> Entry | None:
    """The one ServiceRequest of a message."""
    held = message.all("ServiceRequest")
    return held[0] if len(held) == 1 else None


def message_request(
    resource: Json, *, source: str, arrived: datetime, aliases: FhirAliases, versions: AbstractSet[str]
) -> Request:
    """The event of a `servicerequest-request` message, or the problems that stop it."""
    message = Message.of(resource)
    workflow = workflow_of(message, versions)
    entry = request_entry(message)
    if isinstance(workflow, Problem) or workflow is Workflow.RESPONSE or entry is None:
        problem = workflow if isinstance(workflow, Problem) else Problem(code="bars-workflow", at="Bundle")
        return Request(position="Bundle", problems=(problem,))
    reader = ReferralReader.of(message, entry, aliases)
    named, at = _name(resource, entry, workflow)
    if not _UUID.fullmatch(named):
        reader.findings.refuse("bars-bundle-id" if workflow is Workflow.NEW else "fhir-required", at)
    kind = EventKind.REFERRED if workflow is Workflow.NEW else KINDS[text(entry.resource, "status")]
    updated = text(entry.resource, "meta", "lastUpdated") or text(resource, "meta", "lastUpdated")
    key = key_of(source, named)
    return request_of(resource, reader, kind=kind, key=key, updated=updated, arrived=arrived)


def key_of(source: str, identity: str) -> ReferralKey:
    """The key of a BaRS referral: the id of its first Bundle, which we also give its ServiceRequest."""
    return ReferralKey(source=source, owner="", record=identity.lower())


def _name(resource: Tree, entry: Entry, workflow: Workflow) -> tuple[str, str]:
    """What names the referral, and its place: a new one its Bundle, a known one our ServiceRequest id."""
    if workflow is Workflow.NEW:
        return text(resource, "id"), "Bundle.id"
    return text(entry.resource, "id"), f"{entry.at}.id"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    event: str
    reason: str
    category: bool
    status: str
    plans: frozenset[str]
    encounters: frozenset[str]
    answers: bool


def _facts(message: Message, header: Tree, request: Tree) -> _Facts:
    event = (text(header, "eventCoding", "system"), text(header, "eventCoding", "code"))
    reasons = dict(codings(tree_at(header, "reason")))
    return _Facts(
        event=event[1] if event[0] in (BARS_EVENTS, BARS_EVENTS_EARLIER) else "",
        reason=reasons.get(BARS_REASONS) or reasons.get(BARS_REASONS_EARLIER) or "",
        category=any((BARS_CATEGORY, "referral") in codings(c) for c in trees(request, "category")),
        status=text(request, "status"),
        plans=frozenset(text(e.resource, "status") for e in message.all("CarePlan")),
        encounters=frozenset(text(e.resource, "status") for e in message.all("Encounter")),
        answers=bool(text(header, "response", "identifier")),
    )


def _fits(row: _Row, facts: _Facts) -> bool:
    return (
        row.event == facts.event
        and facts.reason in row.reasons
        and facts.category
        and (not row.statuses or facts.status in row.statuses)
        and (not row.plans or bool(row.plans & facts.plans))
        and (not row.encounters or bool(row.encounters & facts.encounters))
        and (facts.answers or not row.answers)
    )
