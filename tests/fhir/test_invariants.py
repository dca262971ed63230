"""Each invariant fires on what it forbids and on nothing else."""

from typing import Any

import pytest

from bridge.fhir.checks import check
from bridge.fhir.invariants import INVARIANTS

OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
REQUEST = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "subject": {"display": "x"},
}
CONSENT = {"resourceType": "Consent", "status": "active", "scope": {"text": "x"}, "category": [{"text": "x"}]}
RULE = {"policyRule": {"text": "x"}}
CODED = {"coding": [{"system": "https://x.test", "code": "1"}]}
PART = {"code": CODED, "valueInteger": 1}
LATE = {"start": "2026-01-01T00:00:00+01:00", "end": "2025-12-31"}
POST = {"method": "POST", "url": "Patient"}
PATIENT = {"resourceType": "Patient"}


def bundle(kind: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **more}


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("bdl-1", bundle("transaction", total=1)),
    ("bdl-2", bundle("collection", {"resource": PATIENT, "search": {"mode": "match"}})),
    ("bdl-3", bundle("message", {"resource": PATIENT, "request": POST})),
    ("bdl-3", bundle("transaction", {"resource": PATIENT})),
    ("bdl-4", bundle("transaction", {"resource": PATIENT, "request": POST, "response": {"status": "200"}})),
    ("bdl-4", bundle("transaction-response", {"resource": PATIENT})),
    ("bdl-5", bundle("collection", {"fullUrl": "urn:uuid:1"})),
    ("bdl-7", bundle("collection", *[{"fullUrl": "urn:uuid:1", "resource": PATIENT}] * 2)),
    ("bdl-8", bundle("collection", {"fullUrl": "https://x.test/Patient/1/_history/2", "resource": PATIENT})),
    ("urn", bundle("collection", {"fullUrl": "urn:uuid:ADA", "resource": PATIENT})),
    ("bdl-12", bundle("message", {"resource": PATIENT})),
    ("con-5", {
        "resourceType": "Condition", "subject": {"display": "x"}, "clinicalStatus": {"text": "x"},
        "verificationStatus": {"coding": [{"code": "entered-in-error"}]},
    }),
    ("cpl-3", {
        "resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"display": "x"},
        "activity": [{"reference": {"display": "x"}, "detail": {"status": "unknown"}}],
    }),
    ("cpt-2", PATIENT | {"telecom": [{"value": "01632 960001"}]}),
    ("ext-1", PATIENT | {"extension": [{"url": "u"}]}),
    ("obs-3", OBSERVATION | {"referenceRange": [{"type": {"text": "x"}}]}),
    ("obs-6", OBSERVATION | {"valueInteger": 0, "dataAbsentReason": {"text": "x"}}),
    ("obs-6", OBSERVATION | {
        "component": [{"code": {"text": "x"}, "valueInteger": 0, "dataAbsentReason": {"text": "x"}}],
    }),
    ("obs-7", OBSERVATION | {"code": CODED, "valueInteger": 1, "component": [PART]}),
    ("org-1", {"resourceType": "Organization", "active": True}),
    ("org-2", {"resourceType": "Organization", "name": "x", "address": [{"use": "home", "city": "x"}]}),
    ("org-3", {"resourceType": "Organization", "name": "x",
               "telecom": [{"use": "home", "system": "phone", "value": "x"}]}),
    ("pat-1", PATIENT | {"contact": [{"gender": "female"}]}),
    ("per-1", PATIENT | {"name": [{"text": "x", "period": {"start": "2026-02", "end": "2026-01"}}]}),
    ("ppc-1", CONSENT | {"patient": {"display": "x"}}),
    ("ppc-2", CONSENT | RULE),
    ("prr-1", REQUEST | {"orderDetail": [{"text": "x"}]}),
    ("qrs-1", {"resourceType": "QuestionnaireResponse", "status": "completed",
               "item": [{"linkId": "1", "answer": [{"valueInteger": 1}], "item": [{"linkId": "2"}]}]}),
    ("qty-3", OBSERVATION | {"valueQuantity": {"value": 1, "code": "h"}}),
    ("inv-1", {"resourceType": "Task", "status": "requested", "intent": "order",
               "authoredOn": "2026-03-02", "lastModified": "2026-03-01T10:00:00Z"}),
]  # fmt: skip

KEPT: list[dict[str, Any]] = [
    PATIENT | {"name": [{"text": "x", "period": {"start": "2026-01", "end": "2026"}}]},
    PATIENT | {"name": [{"text": "x", "period": LATE}]},
    OBSERVATION | {"valueQuantity": {"value": 1, "unit": "h"}},
    OBSERVATION | {"code": CODED, "component": [{"code": CODED, "valueInteger": 1}]},
    CONSENT | RULE | {"patient": {"display": "x"}},
    {"resourceType": "Task", "status": "requested", "intent": "order", "authoredOn": "2026-03-01",
     "lastModified": "2026-03-01T10:00:00Z"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "resource"), BROKEN, ids=[f"{n}:{name}" for n, (name, _) in enumerate(BROKEN)]
)
def test_a_broken_invariant_is_named(name: str, resource: dict[str, Any]) -> None:
    """By its R4 name and in words."""
    assert name in {p.rule.partition(":")[0] for p in check(resource) if p.code == "fhir-invariant"}


@pytest.mark.parametrize("resource", KEPT, ids=[str(n) for n in range(len(KEPT))])
def test_what_is_allowed_is_not_named(resource: dict[str, Any]) -> None:
    """Dates whose precision cannot tell are not out of order."""
    assert [p.rule for p in check(resource) if p.code == "fhir-invariant"] == []


def test_every_invariant_has_an_example() -> None:
    """A rule nobody has seen fire may not fire."""
    assert {rule.name for rules in INVARIANTS.values() for rule in rules} == {name for name, _ in BROKEN}
