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
SERVICE = Service(identifier=Identifier(system=systems.ODS_ORGANISATION, value="A1B2C"), name="Elm Link Workers")
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
        reasons=(
            Concept(codings=(Coding(system=systems.SNOMED, code="267076002"),), text="Feeling lonely"),
        ),
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
