"""The referee works: it finds nothing in good UK Core resources and does find what is wrong."""

from copy import deepcopy
from typing import Any

import pytest

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(400)]

UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition"
SNOMED = "http://snomed.info/sct"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
PLACER = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PLAC"}]}
STATUS = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"


def a_referral() -> dict[str, Any]:
    """A transaction Bundle with a UK Core Patient, ServiceRequest and Task, written by hand."""
    verified = {
        "url": f"{UK_CORE}/Extension-UKCore-NHSNumberVerificationStatus",
        "valueCodeableConcept": {"coding": [{"system": STATUS, "code": "01"}]},
    }
    number = {"extension": [verified], "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}
    patient = {
        "resourceType": "Patient",
        "meta": {"profile": [f"{UK_CORE}/UKCore-Patient"]},
        "identifier": [number],
        "name": [{"use": "official", "family": "Marwood", "given": ["Iris"]}],
        "gender": "female",
        "birthDate": "1951-04-03",
        "address": [{"use": "home", "line": ["3 Mill View"], "city": "Mockford", "postalCode": "ZZ99 4AB"}],
    }
    ours = {
        "type": PLACER,
        "system": "urn:ietf:rfc:3986",
        "value": "urn:uuid:2f1c1a52-53dd-4b56-9a5c-0d1c7d2a3b11",
    }
    code = {"coding": [{"system": SNOMED, "code": "871731000000106"}], "text": "Social prescribing"}
    practice = {"type": "Organization", "identifier": {"system": ODS, "value": "ZZ9901"}}
    service = {"type": "Organization", "identifier": {"system": ODS, "value": "ZZ9950"}}
    request = {
        "resourceType": "ServiceRequest",
        "meta": {"profile": [f"{UK_CORE}/UKCore-ServiceRequest"]},
        "identifier": [ours],
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "code": code,
        "subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
        "authoredOn": "2026-03-02T10:15:00+00:00",
        "requester": practice,
        "performer": [service],
        "reasonCode": [{"coding": [{"system": SNOMED, "code": "267076002"}], "text": "Feeling lonely"}],
    }
    fulfil = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]}
    task = {
        "resourceType": "Task",
        "meta": {"profile": [f"{UK_CORE}/UKCore-Task"]},
        "identifier": [ours],
        "status": "requested",
        "intent": "order",
        "code": fulfil,
        "focus": {"reference": "urn:uuid:22222222-2222-4222-8222-222222222222"},
        "for": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
        "authoredOn": "2026-03-02T10:15:00+00:00",
        "requester": practice,
        "owner": service,
    }
    entries = [
        {
            "fullUrl": f"urn:uuid:{str(n) * 8}-{str(n) * 4}-4{str(n) * 3}-8{str(n) * 3}-{str(n) * 12}",
            "resource": resource,
            "request": {"method": "POST", "url": resource["resourceType"]},
        }
        for n, resource in enumerate((patient, request, task), start=1)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def test_a_good_referral_has_no_errors(validator: Any) -> None:
    """Nothing above a warning."""
    issues = validator(a_referral())

    assert [i for i in issues if i.severity in {"error", "fatal"}] == []


@pytest.mark.parametrize(
    ("entry", "element", "wrong"),
    [
        (0, "gender", "femal"),
        (0, "birthDate", "1951-13-03"),
        (1, "status", None),
        (1, "subject", {"reference": "Task/1"}),
        (1, "subjects", {"display": "no such element"}),
        (2, "status", "approved"),
        (2, "authoredOn", "2026-03-02T10:15:00"),
    ],
)
def test_an_injected_defect_is_found(validator: Any, entry: int, element: str, wrong: Any) -> None:
    """One wrong element, at least one error in that resource."""
    bundle = deepcopy(a_referral())
    resource = bundle["entry"][entry]["resource"]
    if wrong is None:
        del resource[element]
    else:
        resource[element] = wrong
    errors = [i for i in validator(bundle) if i.severity in {"error", "fatal"}]

    assert errors
    assert all(f"entry[{entry}]" in i.path for i in errors)
