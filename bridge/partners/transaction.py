"""A transaction of ours and the answer to it, entry by entry.

http://hl7.org/fhir/R4/http.html#transaction; the answer keeps the order of the entries (bdl-4).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from bridge.errors import Ambiguous, DeliveryError, Refused
from bridge.fhir.trees import text, tree_at, trees
from bridge.partners.answers import (
    Answer,
    Key,
    Resource,
    etag_of,
    place_of,
    reference_of,
    status_of,
    version_of,
)
from bridge.partners.failures import Asked, failure, raise_for
from bridge.partners.operation_outcome import voice_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One entry we send: a conditional create or, with `replaces`, a conditional update."""

    kind: str
    key: Key
    resource: Resource
    full_url: str
    replaces: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of it. `reference` and `version` are "" where the partner does not say."""

    kind: str
    reference: str
    version: str
    created: bool


def own(body: bytes) -> Resource:
    """A body of our own, parsed, fractions to the digit; Refused when it is none."""
    try:
        value = json.loads(body, parse_float=Decimal)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise _unsendable()
    resource: Resource = value
    return resource


def wanted_in(bundle: Mapping[str, Any]) -> tuple[Wanted, ...]:
    """The entries of a transaction of ours.

    Refused when one has no condition, which would store it again at every attempt, or a create chooses an id:
    a server was seen to keep it and to answer 500 to the second attempt.
    """
    if text(bundle, "type") != "transaction" or not trees(bundle, "entry"):
        raise _unsendable("Bundle")
    return tuple(_wanted(entry, f"Bundle.entry[{n}]") for n, entry in enumerate(trees(bundle, "entry")))


def _wanted(entry: Mapping[str, Any], at: str) -> Wanted:
    method, url = text(entry, "request", "method"), text(entry, "request", "url")
    kind, _, search = url.partition("?")
    condition = search if method == "PUT" else text(entry, "request", "ifNoneExist")
    tokens = parse_qs(condition).get("identifier", [])
    resource = dict(tree_at(entry, "resource"))
    if method not in ("POST", "PUT") or len(tokens) != 1 or resource.get("resourceType") != kind:
        raise _unsendable(at)
    if "id" in resource:
        raise _unsendable(f"{at}.resource.id")
    return Wanted(
        kind=kind,
        key=Key.of_token(tokens[0]),
        resource=resource,
        full_url=text(entry, "fullUrl"),
        replaces=method == "PUT",
    )


def written_of(answer: Answer, wanted: tuple[Wanted, ...]) -> tuple[Written, ...]:
    """What became of each entry, in order; the error of the first that failed.

    Ambiguous when the answer is not one to this transaction: it was sent, and nobody said what became of it.
    """
    entries = trees(answer.body, "entry")
    if text(answer.body, "type") != "transaction-response":
        raise failure(Ambiguous, "partner-answer-unexpected", status=answer.status)
    for n, entry in enumerate(entries):
        _check(entry, f"Bundle.entry[{n}].response")
    if len(entries) != len(wanted):
        raise failure(Ambiguous, "partner-answer-unexpected", status=answer.status)
    return tuple(_written(entry, want) for entry, want in zip(entries, wanted, strict=True))


def _check(entry: Mapping[str, Any], at: str) -> None:
    status, outcome = status_of(entry), tree_at(entry, "response", "outcome")
    if not status:
        raise failure(Ambiguous, "partner-answer-unexpected", at=at)
    place = f"{at}.outcome" if outcome else at
    raise_for(status, voice_of(outcome), Asked.CREATE, body=outcome, at=place)


def _written(entry: Mapping[str, Any], want: Wanted) -> Written:
    held = tree_at(entry, "resource")
    said, version = place_of(text(entry, "response", "location"))
    reference = said or (reference_of(held) if text(held, "resourceType") == want.kind else "")
    if reference and reference.partition("/")[0] != want.kind:
        raise failure(Ambiguous, "partner-answer-unexpected", at="Bundle.entry")
    tag = etag_of(text(entry, "response", "etag"))
    return Written(
        kind=want.kind,
        reference=reference,
        version=tag or version or version_of(held),
        created=status_of(entry) == 201,
    )


def linked(resource: Resource, links: Mapping[str, str]) -> Resource:
    """The resource with every reference that `links` knows replaced, also in what is contained."""
    relinked: Resource = _relinked(resource, links)
    return relinked


def _relinked(node: Any, links: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_relinked(child, links) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        name: links.get(child, child)
        if name == "reference" and isinstance(child, str)
        else _relinked(child, links)
        for name, child in node.items()
    }


def _unsendable(at: str = "") -> DeliveryError:
    return failure(Refused, "delivery-unsendable", at=at)
