"""Referrals that a GP system sends in FHIR: each ServiceRequest of a message becomes one event.

FHIR says what must be understood before a request may be acted on: a status that is no request, doNotPerform,
modifier extensions and confidentiality labels stop an event instead of being overlooked. A cancellation needs
its key and nothing else, so it goes through whatever is wrong with the rest.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from bridge.domain import systems
from bridge.domain.content import content_hash
from bridge.domain.dates import fhir_instant, is_ahead
from bridge.domain.referral import EventKind, Identifier, ReferralEvent, ReferralKey
from bridge.errors import Problem
from bridge.fhir.coverage import unmapped
from bridge.fhir.meanings import FhirAliases
from bridge.fhir.references import Entry, Message
from bridge.fhir.referral_reader import ReferralReader
from bridge.fhir.trees import Json, Tree, has_code, labels, placed, text, tree_at, trees
from bridge.fhir.vocabulary import CONFIDENTIALITY

KINDS: Final = {
    "active": EventKind.REFERRED,
    "revoked": EventKind.CANCELLED,
    "entered-in-error": EventKind.ENTERED_IN_ERROR,
}
_NO_INTENT: Final = ("proposal", "option")
# Restricted, very restricted, and not to be shown to the patient, whom a service shows what it holds.
_RESTRICTED: Final = frozenset({(CONFIDENTIALITY, "R"), (CONFIDENTIALITY, "V"), (systems.ACT_CODE, "NOPAT")})
_CARRIED: Final = ("Condition", "Flag", "Consent", "Task", "CarePlan")  # of which something is passed on
_FRACTION: Final = re.compile(r"\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One ServiceRequest of a message: the event it makes, or the problems that stop it.

    `warnings` never stop an event; `unmapped` names places that held something and went nowhere.
    """

    position: str = ""
    event: ReferralEvent | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    unmapped: tuple[str, ...] = ()


def requests_of(
    resource: Json, *, source: str, arrived: datetime, aliases: FhirAliases
) -> tuple[Request, ...]:
    """The requests in a ServiceRequest or a Bundle (not a message); one with problems when there is none."""
    message = Message.of(resource)
    found = message.all("ServiceRequest")
    if not found:
        at = text(resource, "resourceType")
        return (Request(problems=(Problem(code="fhir-no-request", at=at),)),)
    return tuple(_request(resource, message, entry, source, arrived, aliases) for entry in found)


def _request(
    resource: Json, message: Message, entry: Entry, source: str, arrived: datetime, aliases: FhirAliases
) -> Request:
    reader = ReferralReader.of(message, entry, aliases)
    status = text(entry.resource, "status")
    if status not in KINDS:
        reader.findings.refuse("fhir-status-not-sendable", f"{entry.at}.status")
    key = _key(reader, source, aliases)
    kind = KINDS.get(status, EventKind.REFERRED)
    updated = text(entry.resource, "meta", "lastUpdated")
    return request_of(resource, reader, kind=kind, key=key, updated=updated, arrived=arrived)


def request_of(
    resource: Json,
    reader: ReferralReader,
    *,
    kind: EventKind,
    key: ReferralKey | None,
    updated: str,
    arrived: datetime,
) -> Request:
    """The Request that a reader makes; a key that is None has been reported by the caller.

    `updated` is the sender's own clock, a FHIR instant or "".
    """
    entry, findings = reader.entry, reader.findings
    findings.problems += _not_understood(resource, reader.message)
    referral = None
    if kind is EventKind.REFERRED:
        findings.problems += _not_sendable(resource, reader)
        referral = reader.referral(key or ReferralKey(source="", owner="", record=""))
        if is_ahead(referral.authored_on, arrived):
            findings.warn("date-ahead", f"{entry.at}.authoredOn", target="authored_on")
            referral = replace(referral, authored_on="")
    if is_ahead(updated, arrived):
        findings.warn("date-ahead", f"{entry.at}.meta.lastUpdated")
    if findings.problems or key is None:
        return Request(
            position=entry.at, problems=tuple(findings.problems), warnings=tuple(findings.warnings)
        )
    event = ReferralEvent(
        kind=kind,
        key=key,
        clock=sortable(updated, arrived),
        content=content_hash(kind, key, referral),
        position=entry.at,
        referral=referral,
        extracted_at=_said_at(resource, entry.resource, arrived),
    )
    nowhere = tuple(dict.fromkeys(_nowhere(reader))) if referral else ()
    return Request(position=entry.at, event=event, warnings=tuple(findings.warnings), unmapped=nowhere)


def _key(reader: ReferralReader, source: str, aliases: FhirAliases) -> ReferralKey | None:
    """The business identifier that names the request; the system it belongs to owns the key."""
    held = [
        (has_code([tree_at(i, "type")], (systems.IDENTIFIER_TYPE,), "PLAC"), i.get("use"), made)
        for i in trees(reader.request, "identifier")
        if (made := reader.meanings.identifier(i)) and made.system and not _is_filler(i)
    ]
    choices: tuple[list[Identifier], ...] = (
        [i for _, _, i in held if i.system == aliases.key_system],
        [i for placer, _, i in held if placer],
        [i for _, use, i in held if use == "official"],
        [i for _, _, i in held],
    )
    chosen = list(dict.fromkeys(next((choice for choice in choices if choice), [])))
    if len(chosen) != 1:
        code = "fhir-business-identifier-unclear" if chosen else "fhir-no-business-identifier"
        reader.findings.refuse(code, f"{reader.entry.at}.identifier")
        return None
    named = chosen[0]
    if not reader.meanings.is_key(named, f"{reader.entry.at}.identifier"):
        return None
    return ReferralKey(source=source, owner=named.system, record=named.value)


def _is_filler(identifier: Tree) -> bool:
    """The service's own number: it may appear later, so it can never name the request."""
    return has_code([tree_at(identifier, "type")], (systems.IDENTIFIER_TYPE,), "FILL")


def _not_sendable(resource: Json, reader: ReferralReader) -> Iterator[Problem]:
    request, at = reader.request, reader.entry.at
    if request.get("doNotPerform", False) is not False:
        yield Problem(code="fhir-do-not-perform", at=f"{at}.doNotPerform")
    if text(request, "intent") in _NO_INTENT:
        yield Problem(code="fhir-intent", at=f"{at}.intent")
    for labelled, place in (
        (resource, text(resource, "resourceType")),
        (request, at),
        (reader.subject(), "Patient"),
        *((held, place) for kind in _CARRIED for place, held in reader.around(kind)),
    ):
        if labels(labelled) & _RESTRICTED:
            yield Problem(code="fhir-confidential", at=f"{place}.meta.security")
            return


def _not_understood(resource: Json, message: Message) -> Iterator[Problem]:
    """implicitRules, modifier extensions, deletions: what may not be acted on, or not be passed over."""
    for resource_at, held in (
        (text(resource, "resourceType"), resource),
        *((e.at, e.resource) for e in message.entries),
    ):
        if held.get("implicitRules"):
            yield Problem(code="fhir-modifier", at=f"{resource_at}.implicitRules")
    for at, entry in placed(resource, "entry", "Bundle"):
        if text(entry, "request", "method") not in ("", "POST", "PUT"):
            yield Problem(code="fhir-method", at=f"{at}.request.method")
    if _holds_modifier(resource):
        yield Problem(code="fhir-modifier", at=text(resource, "resourceType"), rule="modifierExtension")


def _holds_modifier(value: Any) -> bool:
    open_values = [value]
    while open_values:
        held = open_values.pop()
        if isinstance(held, dict):
            if held.get("modifierExtension"):
                return True
            open_values += held.values()
        elif isinstance(held, list):
            open_values += held
    return False


def _nowhere(reader: ReferralReader) -> Iterator[str]:
    """The unread places of the request, its patient and what is contained; of the rest when it came alone."""
    patient = reader.subject()
    alone = len(reader.message.all("ServiceRequest")) == 1
    for entry in reader.message.entries:
        if alone or entry.resource is reader.request or entry.resource is patient:
            yield from unmapped(entry.resource, entry.at)
    for place, held in placed(reader.request, "contained", reader.entry.at):
        yield from unmapped(held, place)


def _said_at(resource: Tree, request: Tree, arrived: datetime) -> datetime | None:
    """The sender's own now: when the message was made, else when the request was last changed."""
    said = (
        _instant(text(resource, "timestamp"), arrived),
        _instant(text(request, "meta", "lastUpdated"), arrived),
    )
    return next((at for at in said if at is not None), None)


def _instant(said: str, arrived: datetime) -> datetime | None:
    """A FHIR instant that may be; None for what is none, and for one that lies ahead of its arrival."""
    try:
        return None if is_ahead(said, arrived) else fhir_instant(said)
    except ValueError:
        return None


def sortable(instant: str, arrived: datetime) -> str:
    """A FHIR instant, else the time of arrival, as UTC text that sorts by time, with every digit it had.

    No zone and no trailing zeros, so that a longer fraction sorts after its own beginning. An instant ahead
    of its arrival counts as none: it would make every later word an older one.
    """
    said = _instant(instant, arrived)
    at, digits = (said, instant) if said else (arrived, arrived.isoformat())
    found = _FRACTION.search(digits)
    fraction = found.group(1).rstrip("0") if found else ""
    whole = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{fraction}" if fraction else whole
