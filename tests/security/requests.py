"""A good request for every door, about the n-th synthetic person: what is answered depends on who asks."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from bridge.domain import systems
from bridge.domain.identifiers import OdsCode
from bridge.domain.referral import Identifier, Organisation
from tests.bars_sender import write_headers
from tests.conftest import nhs_number
from tests.fhir.examples import a_bars_message, a_uk_core_bundle

PRACTICE = "A99999"
BASE = "https://bridge.test"
TRIGGER = "871731000000106"


def number(n: int) -> str:
    """The NHS number of the n-th person."""
    return nhs_number(n * 10).digits


def now() -> str:
    """This second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def an_event(n: int, practice: str = PRACTICE) -> dict[str, Any]:
    """A referral event of a practice."""
    return {
        "schema_version": "1",
        "id": f"E{n}",
        "version": 1,
        "time": now(),
        "type": "referred",
        "practice": {"ods_code": practice},
        "patient": {"nhs_number": number(n), "family": "Testfamily", "birth_date": "1950-06-15"},
        "referral": {"requested": {"snomed": TRIGGER}},
    }


def a_bundle(n: int) -> dict[str, Any]:
    """A transaction of a Patient and a ServiceRequest."""
    request = {
        "meta": {"lastUpdated": now()},
        "identifier": [{"system": "https://greenfield.example/Id/referral", "value": f"B{n}"}],
        "authoredOn": now()[:10],
    }
    person = {"identifier": [{"system": systems.NHS_NUMBER, "value": number(n)}]}
    text = json.dumps(a_uk_core_bundle(request, person)).replace("A99968", PRACTICE)
    bundle: dict[str, Any] = json.loads(text)
    return bundle


def a_service_request(n: int) -> dict[str, Any]:
    """A ServiceRequest with its Patient contained."""
    person, request = (entry["resource"] for entry in a_bundle(n)["entry"])
    return {**request, "contained": [{**person, "id": "p"}], "subject": {"reference": "#p"}}


def a_message(n: int) -> dict[str, Any]:
    """A BaRS message."""
    text = json.dumps(a_bars_message(request={"meta": {"lastUpdated": now()}}))
    text = text.replace("A99968", PRACTICE).replace("9990000018", number(n))
    return {**json.loads(text), "id": str(uuid4())}


def a_task(n: int, referral: str) -> dict[str, Any]:
    """A service has accepted the referral of the n-th person."""
    return {
        "resourceType": "Task",
        "id": "5",
        "meta": {"lastUpdated": now(), "versionId": "3"},
        "identifier": [{"system": f"{BASE}/Id/referral", "value": referral}],
        "status": "accepted",
        "intent": "order",
        "for": {"identifier": {"system": systems.NHS_NUMBER, "value": number(n)}},
        "lastModified": now(),
    }


def an_observation(n: int, referral: str) -> dict[str, Any]:
    """A score of the n-th person, each time another one."""
    return {
        "resourceType": "Observation",
        "id": "5",
        "identifier": [{"system": "https://elm.example/Id/outcome", "value": str(uuid4())}],
        "basedOn": [{"identifier": {"system": f"{BASE}/Id/referral", "value": referral}}],
        "status": "final",
        "code": {"coding": [{"system": systems.SNOMED, "code": "718466001"}]},
        "subject": {"identifier": {"system": systems.NHS_NUMBER, "value": number(n)}},
        "effectiveDateTime": now()[:10],
        "issued": now(),
        "valueQuantity": {"value": 21, "unit": "score", "system": systems.UCUM, "code": "{score}"},
    }


def a_form(n: int, referral: str) -> dict[str, Any]:
    """A questionnaire the n-th person answered, each time another one."""
    items = [{"linkId": str(item), "answer": [{"valueInteger": 3}]} for item in range(1, 8)]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "5",
        "identifier": {"system": "https://elm.example/Id/form", "value": str(uuid4())},
        "questionnaire": "https://elm.example/Questionnaire/swemwbs",
        "basedOn": [{"identifier": {"system": f"{BASE}/Id/referral", "value": referral}}],
        "status": "completed",
        "subject": {"identifier": {"system": systems.NHS_NUMBER, "value": number(n)}},
        "authored": now(),
        "item": items,
    }


def an_outcome_event(n: int, referral: str) -> dict[str, Any]:
    """What a service without FHIR says of the n-th person, each time something else."""
    return {
        "schema_version": "1",
        "id": str(uuid4()),
        "time": now(),
        "referral": referral,
        "nhs_number": number(n),
        "type": "accepted",
    }


def a_search(referral: str) -> bytes:
    """The form of a search for one referral."""
    return urlencode({"identifier": f"{BASE}/Id/referral|{referral}"}).encode()


def bars_headers() -> dict[str, str]:
    """What the Booking and Referral Standard wants beside a message."""
    return write_headers(
        request_id=uuid4(),
        correlation_id=uuid4(),
        target=Identifier(system=systems.DOS_SERVICE, value="1000000001"),
        organisation=Organisation(ods=OdsCode(PRACTICE), name="Test Surgery"),
        software="Test system",
        software_version="1",
        version="1.1.0",
        use_context="a|b|c|d",
    )
