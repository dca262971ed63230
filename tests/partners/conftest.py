"""A referral to send, as the pipeline builds it, and servers to send it to."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.domain import systems
from bridge.domain.delivery import Delivery, Kind, Leg
from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.domain.journey import DeliveryState
from bridge.domain.outcome import Outcome, OutcomeKind, Value
from bridge.domain.referral import (
    Coding,
    Concept,
    Identifier,
    Organisation,
    Patient,
    Referral,
    ReferralKey,
    Telecom,
)
from bridge.fhir.bundles import (
    cancelled_service_request,
    changed_service_request,
    create_bundle,
    filing_bundle,
)
from bridge.fhir.naming import Naming
from bridge.fhir.observation import observation
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.service_request import Service
from bridge.fhir.writing import to_json
from bridge.partners.http import FhirClient
from bridge.security.tls import outbound_context

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TLS = outbound_context()
NAMING = Naming(base="https://bridge.test.nhs.uk")
SERVICE = Service(
    identifier=Identifier(system=systems.ODS_ORGANISATION, value="A1B2C"), name="Elm Link Workers"
)
PRACTICE = Organisation(ods=OdsCode("A99968"), name="Elm Surgery")
REFERRED = Coding(system=systems.SNOMED, code="871731000000106", display="Referral to social prescribing")
REQUEST_ID = "5a1c5a88-6f6e-4c09-9f5e-0d7c2f1f4b6d"
CORRELATION_ID = "0f4c7d1e-93ab-4e8c-8a57-0a2f6f0f7a11"

Make = Callable[..., Any]
Opens = Callable[..., AbstractAsyncContextManager[FhirClient]]


def _referral(*, note: str = "Prefers mornings", **person: Any) -> Referral:
    ada = Patient(
        nhs_number=NhsNumber("9990000018"),
        nhs_number_status="01",
        family="Specimen",
        given=("Ada", "May"),
        birth_date="1951-03-04",
        gender="female",
        telecoms=(Telecom(system="phone", value="01632 960001", use="home"),),
    )
    return Referral(
        key=ReferralKey(source="greenfield", owner="A99968", record="R-17"),
        practice=PRACTICE,
        patient=replace(ada, **person),
        requested=Concept(codings=(REFERRED,)),
        note=note,
        priority="urgent",
        authored_on="2026-03-01",
        risks=(Concept(text="Large dog"),),
    )


def _delivery(kind: Kind, body: bytes, **changes: Any) -> Delivery:
    made = Delivery(
        id="d-1",
        referral_id="r-1",
        lane_id=1,
        partner="elm",
        leg=Leg.WRITE_BACK if kind is Kind.FILE else Leg.FORWARD,
        kind=kind,
        state=DeliveryState.SENDING,
        seq=1,
        attempts=1,
        created_at=NOW,
        first_sent_at=NOW,
        trying_since=NOW,
        priority="urgent",
        request_id=REQUEST_ID,
        correlation_id=CORRELATION_ID,
        body=body,
        frozen=kind is Kind.CREATE,
        replaces=False,
        epoch=1,
        patient="blind",
    )
    return replace(made, **changes)


@pytest.fixture
def a_create() -> Make:
    """The first delivery of a referral: a transaction. Keywords change the referral's note or person."""

    def make(**person: Any) -> Delivery:
        bundle = create_bundle(_referral(**person), service=SERVICE, released=ALL_FIELDS, naming=NAMING)
        return _delivery(Kind.CREATE, to_json(bundle))

    return make


@pytest.fixture
def a_change() -> Make:
    """A newer version: a ServiceRequest alone."""

    def make(**person: Any) -> Delivery:
        request = changed_service_request(
            _referral(**person), service=SERVICE, released=ALL_FIELDS, naming=NAMING
        )
        return _delivery(Kind.CHANGE, to_json(request), request_id="c3b0c9c4-51a9-4d0e-8f2a-7c1b7b0d9e21")

    return make


@pytest.fixture
def a_cancel() -> Make:
    """A referral taken back."""

    def make(**person: Any) -> Delivery:
        request = cancelled_service_request(
            _referral(**person),
            status="revoked",
            reason="Moved away",
            service=SERVICE,
            released=ALL_FIELDS,
            naming=NAMING,
        )
        return _delivery(Kind.CANCEL, to_json(request), request_id="77d0a1cb-8a0e-43b5-a6d7-1f4f6f2e9a10")

    return make


@pytest.fixture
def a_filing() -> Make:
    """Two scores of one referral, as the pipeline queues them. `score` None: a referral without them."""

    def make(*, score: str = "21.50", corrects: bool = False, **identity: str) -> Delivery:
        referral = _referral()
        said = [
            Outcome(
                kind=OutcomeKind.MEASURE,
                identifier=f"https://elm.test.nhs.uk/Id/outcome|{n}",
                version="1",
                status="final",
                referral_ref="ServiceRequest/1",
                effective="2026-04-01",
                code=Concept(codings=(Coding(system=systems.SNOMED, code="718466001"),)),
                value=Value(quantity=score, unit="score", unit_code="{score}"),
            )
            for n in (1, 2)
        ]
        built = [
            observation(s, referral=referral, service=PRACTICE, naming=NAMING, corrects=corrects)
            for s in said
        ]
        known = {"nhs_number": "9990000018", "birth_date": "1951-03-04", "family": "Specimen"}
        body = to_json({"identity": {**known, **identity}, "bundle": filing_bundle(built)})
        return _delivery(Kind.FILE, body)

    return make


@pytest.fixture
def ada() -> dict[str, Any]:
    """The same person as a FHIR server holds her."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": systems.NHS_NUMBER, "value": "9990000018"}],
        "name": [{"use": "official", "family": "Specimen", "given": ["Ada", "May"]}],
        "birthDate": "1951-03-04",
    }


@pytest.fixture
def client_of() -> Opens:
    """Opens a client of a base address; a second is its deadline unless told."""

    @asynccontextmanager
    async def opened(base: str, **options: Any) -> AsyncIterator[FhirClient]:
        terms = {"deadline": timedelta(seconds=1), "now": lambda: NOW, "tls": TLS, **options}
        async with FhirClient(base, **terms) as client:
            yield client

    return opened
