"""Servers that nobody on this project wrote behave as the simulated one says servers behave.

The same questions go to all three; where they answer differently, the simulator has a manner for each.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bridge.simulators.fhir_answers import HAPI, MEDPLUM, Manners
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(400)]

NHS = "https://fhir.nhs.uk/Id/nhs-number"
REFERRAL = "https://bridge.test/referral"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


SIMULATORS = {"simulator": Manners(), "as-hapi": HAPI, "as-medplum": MEDPLUM}


@pytest.fixture(params=[*SIMULATORS, "medplum", "hapi"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    """A client of each server in turn."""
    headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
    if request.param not in SIMULATORS:
        base = request.getfixturevalue(request.param)
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as http:
            yield http
        return
    async with (
        running(FhirServer(manners=SIMULATORS[request.param]).app) as own,
        httpx.AsyncClient(base_url=f"{own}/fhir", headers=headers) as http,
    ):
        yield http


def a_patient(number: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": NHS, "value": number}]}


def a_referral(record: str) -> dict[str, Any]:
    """A transaction of Patient, ServiceRequest and Task, each conditional on `record`."""
    ours = [{"system": REFERRAL, "value": record}]
    request = {
        "resourceType": "ServiceRequest",
        "identifier": ours,
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "871731000000106"}]},
        "subject": {"reference": "urn:uuid:0d1c7d2a-53dd-4b56-9a5c-000000000001"},
    }
    task = {
        "resourceType": "Task",
        "identifier": ours,
        "status": "requested",
        "intent": "order",
        "focus": {"reference": "urn:uuid:0d1c7d2a-53dd-4b56-9a5c-000000000002"},
        "for": {"reference": "urn:uuid:0d1c7d2a-53dd-4b56-9a5c-000000000001"},
    }
    entries = [
        {
            "fullUrl": f"urn:uuid:0d1c7d2a-53dd-4b56-9a5c-{n:012d}",
            "resource": body,
            "request": {"method": "POST", "url": body["resourceType"], "ifNoneExist": f"identifier={key}"},
        }
        for n, (body, key) in enumerate(
            (
                (a_patient(record), f"{NHS}|{record}"),
                (request, f"{REFERRAL}|{record}"),
                (task, f"{REFERRAL}|{record}"),
            ),
            start=1,
        )
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def found(peer: httpx.AsyncClient, kind: str, record: str) -> list[dict[str, Any]]:
    headers = {"Cache-Control": "no-cache"}
    answer = await peer.get(f"/{kind}", params={"identifier": f"{REFERRAL}|{record}"}, headers=headers)
    return [entry["resource"] for entry in answer.json().get("entry", [])]


async def test_a_transaction_links_what_it_stores(peer: httpx.AsyncClient) -> None:
    """Every entry says 201 and where; the Task points at the ServiceRequest, that at the Patient."""
    record = uuid4().hex
    answer = await peer.post("", json=a_referral(record))
    responses = [entry["response"] for entry in answer.json()["entry"]]
    (task,) = await found(peer, "Task", record)
    (request,) = await found(peer, "ServiceRequest", record)

    assert answer.status_code == 200
    assert all(re.fullmatch(r"201( Created)?", r["status"]) for r in responses)
    place = r"(https?://[^ ]+/|/)?(Patient|ServiceRequest|Task)/[A-Za-z0-9.-]+(/_history/[^/]+)?"
    assert all(re.fullmatch(place, r["location"]) for r in responses)
    assert task["focus"]["reference"].endswith(f"ServiceRequest/{request['id']}")
    assert re.search(r"(^|/)Patient/", request["subject"]["reference"])


async def test_the_same_transaction_again_stores_nothing_more(peer: httpx.AsyncClient) -> None:
    """Conditional creates find what is there and answer 200."""
    record = uuid4().hex
    await peer.post("", json=a_referral(record))
    again = await peer.post("", json=a_referral(record))

    assert all(e["response"]["status"].startswith("200") for e in again.json()["entry"])
    assert len(await found(peer, "ServiceRequest", record)) == 1


async def test_eight_different_referrals_at_once_arrive_or_may_be_tried_again(
    peer: httpx.AsyncClient,
) -> None:
    """200, or 409 for a lost race; a second try of the lost ones ends with one of each."""
    records = [uuid4().hex for _ in range(8)]
    answers = await asyncio.gather(*(peer.post("", json=a_referral(r)) for r in records))
    assert {a.status_code for a in answers} <= {200, 409}

    for record, answer in zip(records, answers, strict=True):
        if answer.status_code == 409:
            assert (await peer.post("", json=a_referral(record))).status_code == 200
        assert len(await found(peer, "ServiceRequest", record)) == 1


async def test_one_referral_eight_times_at_once_is_stored(peer: httpx.AsyncClient) -> None:
    """Whoever loses the race hears 409 or 412, never 500; that only one is stored is up to the server."""
    record = uuid4().hex
    answers = await asyncio.gather(*(peer.post("", json=a_referral(record)) for _ in range(8)))

    assert {a.status_code for a in answers} <= {200, 409, 412}
    assert await found(peer, "ServiceRequest", record)


async def test_a_create_says_where_and_which_version(peer: httpx.AsyncClient) -> None:
    """201 with Location and a weak ETag."""
    answer = await peer.post("/Patient", json=a_patient(uuid4().hex))

    assert answer.status_code == 201
    assert f"Patient/{answer.json()['id']}" in answer.headers["location"]
    assert re.fullmatch(r'W/".+"', answer.headers["etag"])


async def test_a_stale_update_is_refused(peer: httpx.AsyncClient) -> None:
    """If-Match of another version answers 412, or 409 as HAPI does; the right one answers 200."""
    made = (await peer.post("/Patient", json=a_patient(uuid4().hex))).json()
    url, changed = f"/Patient/{made['id']}", {**made, "gender": "female"}
    stale = await peer.put(url, json=changed, headers={"If-Match": 'W/"99"'})
    right = await peer.put(url, json=changed, headers={"If-Match": f'W/"{made["meta"]["versionId"]}"'})

    assert stale.status_code in {409, 412}
    assert right.status_code == 200


async def test_a_condition_that_matches_several_is_412(peer: httpx.AsyncClient) -> None:
    """For a single create and inside a transaction."""
    record = uuid4().hex
    for _ in range(2):
        await peer.post("/Patient", json=a_patient(record))
    condition = {"If-None-Exist": f"identifier={NHS}|{record}"}

    assert (await peer.post("/Patient", json=a_patient(record), headers=condition)).status_code == 412
    assert (await peer.post("", json=a_referral(record))).status_code == 412
    assert await found(peer, "ServiceRequest", record) == []


# The launcher of Medplum's router reads JSON bodies only.
@pytest.mark.parametrize("peer", [*SIMULATORS, "hapi"], indirect=True)
async def test_search_by_post_finds_what_get_finds(peer: httpx.AsyncClient) -> None:
    """An identifier need never stand in a URL."""
    record = uuid4().hex
    await peer.post("", json=a_referral(record))
    answer = await peer.post("/Task/_search", data={"identifier": f"{REFERRAL}|{record}"}, headers=FORM)

    assert [e["resource"]["id"] for e in answer.json()["entry"]] == [
        r["id"] for r in await found(peer, "Task", record)
    ]


async def test_what_is_not_there_is_an_operation_outcome(peer: httpx.AsyncClient) -> None:
    """404 with a body a partner can read."""
    answer = await peer.get(f"/Patient/{uuid4()}")

    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_body_that_is_no_json_is_refused(peer: httpx.AsyncClient) -> None:
    """400 with an OperationOutcome."""
    answer = await peer.post("/Patient", content=b'{"resourceType":')

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_an_unknown_status_may_be_stored_or_refused(peer: httpx.AsyncClient) -> None:
    """Nobody can rely on a server to check codes: 201, 400 or 422, never 500."""
    answer = await peer.post("/Task", json={"resourceType": "Task", "status": "approved", "intent": "order"})

    assert answer.status_code in {201, 400, 422}


async def test_an_id_in_a_create_is_no_way_to_name_a_resource(peer: httpx.AsyncClient) -> None:
    """It is ignored, refused or kept; so none is ever sent."""
    statuses = [
        (await peer.post("/Patient", json={**a_patient(uuid4().hex), "id": "a-client-chosen-id"})).status_code
        for _ in range(2)
    ]

    assert set(statuses) <= {201, 400, 409, 500}
