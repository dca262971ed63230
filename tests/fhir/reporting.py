"""Tasks and Observations as a service reports them, and the one outcome or first problems of them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.domain import systems
from bridge.domain.outcome import Outcome
from bridge.fhir.outcomes import Report, reports_of
from bridge.fhir.trees import Json
from tests.fhir.examples import NAMING

ARRIVED = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
OURS = {"system": NAMING.referral, "value": "63617ec7-f451-566f-b7fc-1d96ab9af43a"}
OUR_NAME = f"{OURS['system']}|{OURS['value']}"
NUMBER = {"system": systems.NHS_NUMBER, "value": "9990000018"}


def a_task(**changes: Any) -> Json:
    task = {
        "resourceType": "Task",
        "id": "5",
        "meta": {"lastUpdated": "2026-04-01T09:00:00Z", "versionId": "3"},
        "identifier": [OURS],
        "status": "accepted",
        "intent": "order",
        "focus": {"reference": "ServiceRequest/77"},
        "for": {"reference": "Patient/9", "identifier": NUMBER},
        "lastModified": "2026-04-01T08:59:00Z",
        "owner": {"type": "Organization", "display": "Elm Link Workers"},
    }
    return {k: v for k, v in (task | changes).items() if v is not None}


def an_observation(**changes: Any) -> Json:
    observation = {
        "resourceType": "Observation",
        "identifier": [{"system": "https://elm.test.nhs.uk/Id/outcome", "value": "77"}],
        "basedOn": [{"identifier": OURS}],
        "status": "final",
        "code": {"coding": [{"system": systems.SNOMED, "code": "718466001"}]},
        "subject": {"reference": "Patient/9", "identifier": NUMBER},
        "effectiveDateTime": "2026-04-01",
        "issued": "2026-04-01T09:30:00Z",
        "valueQuantity": {
            "value": Decimal("21.50"),
            "unit": "score",
            "system": systems.UCUM,
            "code": "{score}",
        },
    }
    return {k: v for k, v in (observation | changes).items() if v is not None}


def a_bundle(*resources: Json, kind: str = "searchset") -> Json:
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": held} for n, held in enumerate(resources)]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def report_of(resource: Json) -> Report:
    (report,) = reports_of(resource, naming=NAMING, arrived=ARRIVED)
    return report


def outcome_of(resource: Json) -> Outcome:
    outcome = report_of(resource).outcome
    assert outcome is not None, report_of(resource).problems
    return outcome


def problems_of(resource: Json) -> list[tuple[str, str]]:
    report = report_of(resource)
    assert report.outcome is None
    return [(p.code, p.at) for p in report.problems]
