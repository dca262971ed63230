"""Our ServiceRequest beside the one a service holds: which it is, whose it is, does it say the same?"""

from collections.abc import Mapping
from typing import Any

from bridge.domain.systems import IDENTIFIER_TYPE
from bridge.errors import Doubtful, Refused
from bridge.fhir.bundles import with_partner_ids
from bridge.fhir.trees import codings, text, tree_at, trees
from bridge.fhir.writing import to_json
from bridge.partners.answers import Key, Resource, place_of
from bridge.partners.failures import failure

_THE_SERVERS = frozenset({"id", "meta", "text", "implicitRules"})
_COMPARED_APART = frozenset({"identifier", "subject", "patient"})


def key_of(request: Mapping[str, Any]) -> Key:
    """The placer identifier, which is ours; else the first one. Refused when there is none."""
    held = trees(request, "identifier")
    placer = [i for i in held if (IDENTIFIER_TYPE, "PLAC") in codings(tree_at(i, "type"))]
    for found in (*placer, *held):
        return Key(text(found, "system"), text(found, "value"))
    raise failure(Refused, "delivery-unsendable", at="ServiceRequest.identifier")


def person_of(request: Mapping[str, Any]) -> Key:
    """The identifier of the person in a change or cancel of ours; Refused when there is none."""
    held = tree_at(request, "subject", "identifier")
    if not text(held, "value"):
        raise failure(Refused, "delivery-unsendable", at="ServiceRequest.subject")
    return Key(text(held, "system"), text(held, "value"))


def subject_of(request: Mapping[str, Any]) -> str:
    """`Patient/12` of the subject, however it is worded; "" when it refers to nothing."""
    return place_of(text(request, "subject", "reference"))[0]


def check_subject(held: Mapping[str, Any], patient: str) -> None:
    """Doubtful when what stands under our identifier is about someone else than `patient` (`Patient/12`)."""
    if not patient.startswith("Patient/") or subject_of(held) != patient:
        raise failure(Doubtful, "partner-subject-differs", at="ServiceRequest.subject")


def completed(ours: Resource, held: Mapping[str, Any], *, patient: str) -> bytes:
    """Our request under the service's ids, with the identifiers the service gave it; see `check_subject`."""
    check_subject(held, patient)
    told = trees(ours, "identifier")
    named = {(text(i, "system"), text(i, "value")) for i in told}
    theirs = [i for i in trees(held, "identifier") if (text(i, "system"), text(i, "value")) not in named]
    whole = to_json({**ours, "identifier": [*told, *theirs]})
    return with_partner_ids(whole, id=text(held, "id"), subject_reference=patient)


def says_the_same(held: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    """Whether sending ours would change nothing: neither add to what is held nor take from it.

    Whose it is and under which ids it stands is compared elsewhere.
    """
    known = {(text(i, "system"), text(i, "value")) for i in trees(held, "identifier")}
    named = {(text(i, "system"), text(i, "value")) for i in trees(ours, "identifier")}
    return named <= known and _content(held) == _content(ours)


def _content(request: Mapping[str, Any]) -> dict[str, Any]:
    content = {n: v for n, v in request.items() if n not in _THE_SERVERS | _COMPARED_APART}
    content["contained"] = [
        {n: v for n, v in inner.items() if n not in ("meta", "text", "subject", "patient")}
        for inner in trees(request, "contained")
    ]
    return content
