"""The simulated service tells the truth about its referrals, pushed or polled, by hand or by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running
from bridge.simulators.prescribing import Auto, PrescribingService
from bridge.simulators.telling import Bridge
from bridge.simulators.trouble import Step, Trouble

NHS = "https://fhir.nhs.uk/Id/nhs-number"
REFERRAL = "https://bridge.test/referral"
FHIR = {"Content-Type": "application/fhir+json"}


def a_referral(record: str = "A1") -> dict[str, Any]:
    owner = {"type": "Organization", "identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code"}}
    patient = {"resourceType": "Patient", "identifier": [{"system": NHS, "value": "9990000018"}]}
    request = {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": REFERRAL, "value": record}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": "urn:uuid:1"},
    }
    task = {
        "resourceType": "Task",
        "identifier": [{"system": REFERRAL, "value": record}],
        "status": "requested",
        "intent": "order",
        "focus": {"reference": "urn:uuid:2"},
        "for": {"reference": "urn:uuid:1"},
        "owner": owner,
    }
    entries = [
        {
            "fullUrl": f"urn:uuid:{n}",
            "resource": body,
            "request": {"method": "POST", "url": body["resourceType"]},
        }
        for n, body in enumerate((patient, request, task), start=1)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def refer(base: str, record: str = "A1") -> None:
    async with httpx.AsyncClient(headers=FHIR) as http:
        (await http.post(f"{base}/fhir", json=a_referral(record))).raise_for_status()


async def until(holds: Callable[[], bool]) -> None:
    """Wait, ten seconds at most, until it holds."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def eventually(service: PrescribingService, status: str) -> dict[str, Any]:
    """The first Task once it has that status."""
    await until(lambda: [t["status"] for t in service.referrals()] == [status])
    return service.referrals()[0]


@pytest.fixture
def listener() -> FhirServer:
    """Stands where the bridge would: a FHIR server that remembers what it was told."""
    return FhirServer()


@pytest.fixture
async def told(listener: FhirServer) -> AsyncIterator[Bridge]:
    async with running(listener.app) as base:
        yield Bridge(fhir=f"{base}/fhir", api_key="key-of-the-service", pause=0.01)


async def test_a_service_without_the_bridge_leaves_its_word_to_be_polled() -> None:
    """Task and Observation can be found by when they changed and by what they are based on."""
    service = PrescribingService()
    async with running(service.app) as base, httpx.AsyncClient(base_url=f"{base}/fhir") as http:
        await refer(base)
        task_id = service.referrals()[0]["id"]
        before = service.referrals()[0]["meta"]["lastUpdated"]
        await asyncio.sleep(0.005)
        assert await service.accept(task_id) is None
        await service.score(task_id, 21)
        await service.complete(task_id)
        task = (await http.get("/Task", params={"_lastUpdated": f"gt{before}"})).json()["entry"][0][
            "resource"
        ]
        based = {"based-on": task["focus"]["reference"]}
        score = (await http.get("/Observation", params=based)).json()["entry"][0]["resource"]

    assert task["status"] == "completed"
    assert task["output"][0]["valueReference"]["reference"] == f"Observation/{score['id']}"
    assert score["code"]["coding"][0]["code"] == "718466001"
    assert score["valueQuantity"]["value"] == 21
    assert score["subject"]["identifier"]["value"] == "9990000018"
    assert score["basedOn"][0]["identifier"] == {"system": REFERRAL, "value": "A1"}


async def test_a_rejection_has_its_reason(told: Bridge, listener: FhirServer) -> None:
    """Pushed as an update of the Task inside a transaction, with the service's key."""
    service = PrescribingService(bridge=told)
    async with running(service.app) as base:
        await refer(base)
        task_id = service.referrals()[0]["id"]
        await service.reject(task_id, "Outside our area")
    seen = listener.seen[-1]
    entry = seen.json["entry"][0]

    assert (seen.method, seen.path, seen.headers["x-api-key"]) == ("POST", "", "key-of-the-service")
    assert entry["request"] == {"method": "PUT", "url": f"Task/{task_id}"}
    assert entry["resource"]["status"] == "rejected"
    assert entry["resource"]["statusReason"]["text"] == "Outside our area"


@pytest.mark.parametrize(("form", "path"), [("transaction", ""), ("single", "Observation")])
async def test_a_score_is_pushed_in_either_form(listener: FhirServer, form: Any, path: str) -> None:
    """As a Bundle entry or as a plain create, never with an id of the service's own."""
    async with running(listener.app) as bridge:
        service = PrescribingService(bridge=Bridge(fhir=f"{bridge}/fhir", api_key="k", form=form))
        async with running(service.app) as base:
            await refer(base)
            answer = await service.score(service.referrals()[0]["id"], 24)
    seen = listener.seen[-1]
    resource = seen.json["entry"][0]["resource"] if form == "transaction" else seen.json

    assert answer is not None
    assert answer.is_success
    assert seen.path == path
    assert "id" not in resource
    assert len(listener.resources("Observation")) == 1


async def test_a_correction_names_the_same_observation(told: Bridge, listener: FhirServer) -> None:
    """Status corrected, the same identifier, a later version."""
    service = PrescribingService(bridge=told)
    async with running(service.app) as base:
        await refer(base)
        await service.score(service.referrals()[0]["id"], 24)
        first = service.server.resources("Observation")[0]
        await service.correct(first["id"], 25)
    resource = listener.seen[-1].json["entry"][0]["resource"]

    assert (resource["status"], resource["valueQuantity"]["value"]) == ("corrected", 25)
    assert resource["identifier"] == first["identifier"]
    assert resource["meta"]["versionId"] == "2"


async def test_a_lost_reply_is_told_again_word_by_word(told: Bridge, listener: FhirServer) -> None:
    """Same body, same request id."""
    listener.script(Step(trouble=Trouble.LOST_REPLY), Step(trouble=Trouble.STATUS, status=503))
    service = PrescribingService(bridge=told)
    async with running(service.app) as base:
        await refer(base)
        await service.score(service.referrals()[0]["id"], 24)

    assert len(listener.seen) == 3
    assert len({(s.body, s.headers["x-request-id"]) for s in listener.seen}) == 1
    assert len(listener.resources("Observation")) == 1


async def test_an_ended_task_moves_no_more() -> None:
    """Completed is completed."""
    service = PrescribingService()
    async with running(service.app) as base:
        await refer(base)
    task_id = service.referrals()[0]["id"]
    await service.complete(task_id)
    with pytest.raises(ValueError, match="has ended"):
        await service.accept(task_id)


async def test_auto_sees_a_referral_through(told: Bridge, listener: FhirServer) -> None:
    """Accepted, seen, a score, closed: four reports in that order."""
    service = PrescribingService(bridge=told, auto=Auto(delay=0.01))
    async with running(service.app) as base:
        await refer(base)
        await eventually(service, "completed")
        await until(lambda: len(listener.seen) == 4)
    reports = [seen.json["entry"][0]["resource"] for seen in listener.seen]

    assert [r["status"] for r in reports] == ["accepted", "in-progress", "final", "completed"]
    assert 14 <= reports[2]["valueQuantity"]["value"] <= 30


async def test_auto_turns_some_down(told: Bridge) -> None:
    """Every nth referral is rejected."""
    service = PrescribingService(bridge=told, auto=Auto(delay=0.01, reject_every=1))
    async with running(service.app) as base:
        await refer(base)
        task = await eventually(service, "rejected")

    assert task["statusReason"]["text"]


async def test_auto_stops_when_the_referral_is_taken_back() -> None:
    """A revoked ServiceRequest cancels its Task."""
    service = PrescribingService(auto=Auto(delay=60))
    async with running(service.app) as base, httpx.AsyncClient(headers=FHIR) as http:
        await refer(base)
        request = service.server.resources("ServiceRequest")[0]
        url = f"{base}/fhir/ServiceRequest/{request['id']}"
        await http.put(url, json={**request, "status": "revoked"})
        task = await eventually(service, "cancelled")

    assert task["businessStatus"]["coding"][0]["code"] == "6.0"
