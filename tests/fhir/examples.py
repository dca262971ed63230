"""Referrals and outcomes of invented people, with every field filled or nearly none."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bridge.domain import systems
from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.domain.outcome import Outcome, OutcomeKind, Value
from bridge.domain.referral import (
    Address,
    Coding,
    Concept,
    Consent,
    Identifier,
    Organisation,
    Patient,
    Referral,
    ReferralKey,
    Requester,
    SafeContact,
    Telecom,
)
from bridge.fhir.naming import Naming
from bridge.fhir.service_request import Service

NAMING = Naming(base="https://bridge.test.nhs.uk")
SERVICE = Service(
    identifier=Identifier(system=systems.ODS_ORGANISATION, value="A1B2C"), name="Elm Link Workers"
)
PRACTICE = Organisation(ods=OdsCode("A99968"), name="Elm Surgery")
REFERRAL_CODE = Concept(
    codings=(
        Coding(
            system=systems.SNOMED,
            code="871731000000106",
            display="Referral to social prescribing service",
        ),
    ),
    text="Social prescribing",
)


def a_patient(**changes: Any) -> Patient:
    """Someone of whom the practice knows everything."""
    full = Patient(
        nhs_number=NhsNumber("9990000018"),
        nhs_number_status="01",
        local_key="7D0A",
        family="Specimen",
        given=("Ada", "May"),
        prefix="Mrs",
        preferred_name="Addie",
        birth_date="1951-03-04",
        gender="female",
        address=Address(lines=("1 Test Street",), town="Leeds", county="West Yorkshire", postcode="LS1 1ZZ"),
        telecoms=(
            Telecom(system="phone", value="01632 960001", use="home"),
            Telecom(system="email", value="ada@example.com"),
        ),
        language="cy",
        interpreter_required=True,
        ethnicity="A",
        requirements=(Concept(text="Large print"),),
        safe_contact=SafeContact(call=True, leave_message=False),
    )
    return replace(full, **changes)


def a_referral(**changes: Any) -> Referral:
    """A referral with every field filled."""
    full = Referral(
        key=ReferralKey(source="greenfield", owner="A99968", record="R-17"),
        practice=PRACTICE,
        patient=a_patient(),
        requested=REFERRAL_CODE,
        reasons=(Concept(codings=(Coding(system=systems.SNOMED, code="267076002"),), text="Feeling lonely"),),
        reason_text="Lost her husband in spring",
        note="Prefers mornings",
        priority="urgent",
        priority_text="2 weeks",
        authored_on="2026-03-01T10:15:00+00:00",
        requester=Requester(
            name="Dr B Example",
            role="General practitioner",
            identifier=Identifier(system=systems.GMC, value="9999999"),
            organisation=PRACTICE,
            telecoms=(Telecom(system="phone", value="01632 960002", use="work"),),
        ),
        risks=(Concept(text="No known risks"),),
        consent=Consent.GIVEN,
        identifiers=(Identifier(system=systems.UBRN, value="000000000001"),),
    )
    return replace(full, **changes)


def an_outcome(**changes: Any) -> Outcome:
    """A wellbeing score."""
    score = Outcome(
        kind=OutcomeKind.MEASURE,
        identifier="https://elm.test.nhs.uk/Id/outcome|77",
        version="1",
        status="final",
        referral_ref="ServiceRequest/1",
        subject=NhsNumber("9990000018"),
        effective="2026-04-01",
        issued=datetime(2026, 4, 1, 9, 30, tzinfo=UTC),
        code=Concept(codings=(Coding(system=systems.SNOMED, code="718466001"),)),
        value=Value(quantity="21.50", unit="score", unit_code="{score}"),
    )
    return replace(score, **changes)


def a_uk_core_bundle(
    request: dict[str, Any] | None = None, person: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A transaction of a Patient and a ServiceRequest as a GP system sends it; `None` values are left out."""
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": systems.NHS_NUMBER, "value": "9990000018"}],
        "name": [{"family": "Specimen", "given": ["Ada"]}],
        "birthDate": "1951-03-04",
        "generalPractitioner": [
            {"identifier": {"system": systems.ODS_ORGANISATION, "value": "A99968"}, "display": "Elm Surgery"}
        ],
    }
    service_request = {
        "resourceType": "ServiceRequest",
        "meta": {"lastUpdated": "2026-03-01T10:15:00.1234567+00:00"},
        "identifier": [{"system": "https://greenfield.test.nhs.uk/Id/referral", "value": "R-17"}],
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": systems.SNOMED, "code": "871731000000106"}]},
        "subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
        "authoredOn": "2026-03-01",
    }
    made = [("1" * 8, patient | (person or {})), ("2" * 8, service_request | (request or {}))]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"urn:uuid:{start}-1111-4111-8111-111111111111",
                "resource": {k: v for k, v in resource.items() if v is not None},
                "request": {"method": "POST", "url": resource["resourceType"]},
            }
            for start, resource in made
        ],
    }


BARS = "https://fhir.nhs.uk/CodeSystem/"
BUNDLE_ID = "6e1b9d0c-0000-4000-8000-000000000017"


def a_bars_message(
    *,
    event: str = "servicerequest-request",
    reason: str = "new",
    category: str = "referral",
    version: str | None = "1.1.0",
    request: dict[str, Any] | None = None,
    plan: str = "completed",
    encounter: str = "triaged",
    answers: str = "",
) -> dict[str, Any]:
    """A BaRS message for a social prescribing referral."""
    header: dict[str, Any] = {
        "resourceType": "MessageHeader",
        "eventCoding": {"system": f"{BARS}message-events-bars", "code": event},
        "source": {"endpoint": "https://fhir.nhs.uk/Id/dos-service-id|2000000001"},
        "sender": {"reference": "urn:uuid:organisation"},
        "reason": {"coding": [{"system": f"{BARS}message-reason-bars", "code": reason}]},
        "focus": [{"reference": "urn:uuid:request"}],
    }
    if answers:
        header["response"] = {"identifier": answers, "code": "ok"}
    resources = {
        "header": header,
        "request": {
            "resourceType": "ServiceRequest",
            "meta": {"lastUpdated": "2026-03-01T10:15:00+00:00"},
            "basedOn": [{"reference": "urn:uuid:plan"}],
            "status": "active",
            "intent": "plan",
            "category": [
                {"coding": [{"system": f"{BARS}message-category-servicerequest", "code": category}]}
            ],
            "subject": {"reference": "urn:uuid:patient"},
            "requester": {"reference": "urn:uuid:practitioner"},
            "performer": [{"reference": "urn:uuid:service"}],
        }
        | (request or {}),
        "patient": {
            "resourceType": "Patient",
            "identifier": [
                {
                    "extension": [
                        {
                            "url": "https://fhir.hl7.org.uk/StructureDefinition/"
                            "Extension-UKCore-NHSNumberVerificationStatus",
                            "valueCodeableConcept": {
                                "coding": [
                                    {
                                        "system": systems.NHS_NUMBER_STATUS_RETIRED,
                                        "code": "number-present-and-verified",
                                    }
                                ]
                            },
                        }
                    ],
                    "system": systems.NHS_NUMBER,
                    "value": "9990000018",
                }
            ],
            "name": [{"use": "official", "family": "Specimen", "given": ["Ada"]}],
            "contact": [
                {
                    "relationship": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                                    "code": "ONESELF",
                                }
                            ]
                        }
                    ],
                    "telecom": [
                        {"system": "phone", "value": "01632 960001", "rank": 2},
                        {"system": "phone", "value": "07700 900001", "rank": 1, "use": "mobile"},
                    ],
                }
            ],
            "generalPractitioner": [{"reference": "urn:uuid:organisation"}],
        },
        "organisation": {
            "resourceType": "Organization",
            "identifier": [{"system": "https://fhir.nhs.uk/id/ods-organization-code", "value": "A99968"}],
            "name": "Elm Surgery",
        },
        "practitioner": {"resourceType": "Practitioner", "name": [{"family": "Example", "given": ["Bo"]}]},
        "role": {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": "urn:uuid:practitioner"},
            "organization": {"reference": "urn:uuid:organisation"},
            "code": [{"text": "General practitioner"}],
        },
        "service": {
            "resourceType": "HealthcareService",
            "identifier": [{"system": systems.DOS_SERVICE, "value": "1000000001"}],
            "name": "Elm Link Workers",
        },
        "plan": {
            "resourceType": "CarePlan",
            "status": plan,
            "intent": "plan",
            "subject": {"reference": "urn:uuid:patient"},
            "activity": [
                {
                    "outcomeCodeableConcept": [{"text": "Prefers mornings"}],
                    "reference": {"reference": "urn:uuid:task"},
                }
            ],
        },
        "task": {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "code": {"coding": [{"system": systems.SNOMED, "code": "871731000000106"}]},
        },
        "condition": {
            "resourceType": "Condition",
            "code": {"text": "Feeling lonely"},
            "subject": {"reference": "urn:uuid:patient"},
        },
        "encounter": {
            "resourceType": "Encounter",
            "status": encounter,
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        },
    }
    return {
        "resourceType": "Bundle",
        "id": BUNDLE_ID,
        "meta": {"lastUpdated": "2026-03-01T10:15:00+00:00"} | ({"versionId": version} if version else {}),
        "type": "message",
        "timestamp": "2026-03-01T10:15:00+00:00",
        "entry": [{"fullUrl": f"urn:uuid:{name}", "resource": held} for name, held in resources.items()],
    }
