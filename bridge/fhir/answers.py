"""What the FHIR doors answer: outcomes of a request, lists, receipts, and what this server can do.

An answer tells places, rules and next steps, never a value (the problems hold none).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bridge.domain.referral import Coding, Identifier, Referral
from bridge.errors import Problem
from bridge.errors.catalogue import CATALOGUE, Entry
from bridge.fhir.datatypes import coding, concept, filled, identifier
from bridge.fhir.naming import Naming, derived
from bridge.fhir.service_request import CATEGORY
from bridge.fhir.trees import Json, Tree, text, tree_at, trees
from bridge.fhir.vocabulary import PROFILE

_FHIRPATH: Final = re.compile(r"[A-Z][A-Za-z]+(\.[A-Za-z]+(\[\d+\])?)*")
_UNLISTED: Final = Entry("The message cannot be processed.", "Ask the operator of the bridge.", "processing")


def operation_outcome(
    problems: Iterable[Problem], *, severity: str = "error", code: Coding | None = None, issue: str = ""
) -> Json:
    """A UK Core OperationOutcome with one issue for each problem.

    `code` is the details.coding of every issue (BaRS: its http-error-codes system); `issue` is an issue type
    where the door's own standard asks for another than the catalogue's.
    """
    return {
        "resourceType": "OperationOutcome",
        "meta": {"profile": [PROFILE + "OperationOutcome"]},
        "issue": [_issue(problem, severity, code, issue) for problem in problems],
    }


def _issue(problem: Problem, severity: str, code: Coding | None, issue: str) -> Json:
    entry = CATALOGUE.get(problem.code, _UNLISTED)
    path = problem.at if _FHIRPATH.fullmatch(problem.at) else ""
    facts = (
        ("code", problem.code),
        ("at", "" if path else problem.at),
        ("rule", problem.rule),
        ("looks like", problem.shape),
        ("meant for", problem.target),
    )
    told = "; ".join(f"{name}: {fact}" for name, fact in facts if fact)
    return filled(
        severity=severity,
        code=issue or entry.fhir,
        details=filled(
            coding=[coding(code.system, code.code, code.display)] if code else None, text=entry.meaning
        ),
        diagnostics=f"{entry.next_step} ({told})",
        expression=[path] if path else None,
    )


def success(words: str) -> Json:
    """An OperationOutcome for something that went well."""
    return {
        "resourceType": "OperationOutcome",
        "meta": {"profile": [PROFILE + "OperationOutcome"]},
        "issue": [{"severity": "information", "code": "informational", "diagnostics": words}],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAnswer:
    """What became of one entry of a transaction: "201 Created" and the like."""

    status: str
    location: str = ""
    outcome: Json | None = None


def transaction_response(answers: Iterable[EntryAnswer]) -> Json:
    """The answer to a transaction, one entry for each of its entries, in its order."""
    entries = [
        {
            "response": filled(
                status=a.status,
                location=a.location,
                outcome=a.outcome,
            )
        }
        for a in answers
    ]
    return filled(resourceType="Bundle", type="transaction-response", entry=entries)


def searchset(resources: Iterable[Json], *, base: str, self_url: str) -> Json:
    """The answer to a search; `base` is our FHIR base, `self_url` the search as it was understood."""
    entries = [
        {"fullUrl": f"{base}/{r['resourceType']}/{r['id']}", "resource": r, "search": {"mode": "match"}}
        for r in resources
    ]
    return filled(
        resourceType="Bundle",
        type="searchset",
        total=len(entries),
        link=[{"relation": "self", "url": self_url}],
        entry=entries,
    )


def known_request(
    referral: Referral,
    *,
    identity: str,
    status: str,
    version: str,
    updated: str,
    subject: Identifier,
    naming: Naming,
) -> Json:
    """The ServiceRequest a GP system reads back before it cancels: who, what, when and where it stands.

    `updated` is a FHIR instant. Nothing is in it that the cancellation does not need.
    """
    return filled(
        resourceType="ServiceRequest",
        id=identity,
        meta={"versionId": version, "lastUpdated": updated, "profile": [PROFILE + "ServiceRequest"]},
        identifier=[identifier(naming.placer(referral), "PLAC"), *map(identifier, referral.identifiers)],
        status=status,
        intent="order",
        category=[CATEGORY],
        code=concept(referral.requested),
        subject={"type": "Patient", "identifier": identifier(subject)},
        authoredOn=referral.authored_on,
    )


def message_receipt(bundle: Tree, *, identity: str, updated: datetime) -> Json:
    """The BaRS answer to a message: the Bundle as it came, its resources with ids and meta of ours.

    `identity` becomes the ServiceRequest's id, which its cancellation will name; the others derive from it.
    The event stays that of the request and there is no MessageHeader.response (BaRS Core, unlike base FHIR).
    """
    moment = updated.isoformat(timespec="milliseconds")
    entries = [_received(entry, n, identity, moment) for n, entry in enumerate(trees(bundle, "entry"))]
    return {**bundle, "entry": entries}


def _received(entry: Json, n: int, request_id: str, moment: str) -> Json:
    resource = tree_at(entry, "resource")
    kind = text(resource, "resourceType")
    if not kind:
        return entry
    named = request_id if kind == "ServiceRequest" else str(derived(UUID(request_id), kind, str(n)))
    meta = {**tree_at(resource, "meta"), "versionId": "1", "lastUpdated": moment}
    rest = {k: v for k, v in resource.items() if k not in ("resourceType", "id", "meta")}
    return {**entry, "resource": {"resourceType": kind, "id": named, "meta": meta, **rest}}
