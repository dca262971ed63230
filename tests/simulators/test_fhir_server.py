"""The simulated FHIR server keeps the rules of R4's HTTP, or breaks them exactly as told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bridge.simulators.fhir_answers import HAPI, Manners
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running

NHS = "https://fhir.nhs.uk/Id/nhs-number"
REFERRAL = "https://bridge.test/referral"
FHIR = {"Content-Type": "application/fhir+json"}


@pytest.fixture
def server() -> FhirServer:
    return FhirServer()


@pytest.fixture
async def client(server: FhirServer) -> AsyncIterator[httpx.AsyncClient]:
    async with running(server.app) as base, httpx.AsyncClient(base_url=f"{base}/fhir", headers=FHIR) as http:
        yield http


def a_patient(number: str = "9990000018") -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": NHS, "value": number}]}


def a_service_request(record: str, subject: str = "Patient/1") -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": REFERRAL, "value": record}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": subject},
    }


def a_referral(record: str, number: str = "9990000018") -> dict[str, Any]:
    """A transaction of Patient, ServiceRequest and Task, each conditional."""
    task = {
        "resourceType": "Task",
        "identifier": [{"system": f"{REFERRAL}/task", "value": record}],
        "status": "requested",
        "intent": "order",
        "focus": {"reference": "urn:uuid:2"},
        "for": {"reference": "urn:uuid:1"},
    }
    resources = [
        ("urn:uuid:1", a_patient(number), f"identifier={NHS}|{number}"),
        ("urn:uuid:2", a_service_request(record, "urn:uuid:1"), f"identifier={REFERRAL}|{record}"),
        ("urn:uuid:3", task, f"identifier={REFERRAL}/task|{record}"),
    ]
    entries = [
        {
            "fullUrl": full,
            "resource": body,
            "request": {"method": "POST", "url": body["resourceType"], "ifNoneExist": condition},
        }
        for full, body, condition in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def test_a_transaction_stores_all_and_rewrites_its_links(
    client: httpx.AsyncClient, server: FhirServer
) -> None:
    """The Task points at the stored ServiceRequest, that at the stored Patient."""
    answer = await client.post("", json=a_referral("A1"))

    entries = answer.json()["entry"]
    assert [e["response"]["status"] for e in entries] == ["201 Created"] * 3
    (patient,), (request,), (task,) = map(server.resources, ("Patient", "ServiceRequest", "Task"))
    assert request["subject"]["reference"] == f"Patient/{patient['id']}"
    assert task["focus"]["reference"] == f"ServiceRequest/{request['id']}"
    assert entries[2]["response"]["location"] == f"Task/{task['id']}/_history/1"
    assert entries[2]["response"]["etag"] == 'W/"1"'


async def test_the_same_transaction_again_finds_what_it_made(
    client: httpx.AsyncClient, server: FhirServer
) -> None:
    """A conditional create that matches answers 200 and stores nothing."""
    first = await client.post("", json=a_referral("A1"))
    again = await client.post("", json=a_referral("A1"))

    assert [e["response"]["status"] for e in again.json()["entry"]] == ["200 OK"] * 3
    assert [e["response"]["location"] for e in again.json()["entry"]] == [
        e["response"]["location"] for e in first.json()["entry"]
    ]
    assert len(server.resources("Task")) == 1


async def test_one_bad_entry_stores_nothing(client: httpx.AsyncClient, server: FhirServer) -> None:
    """All or nothing."""
    bundle = a_referral("A1")
    bundle["entry"][2]["resource"]["focus"] = {"reference": "urn:uuid:nowhere"}
    answer = await client.post("", json=bundle)

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert server.resources("Patient") == []


async def test_a_condition_that_matches_several_answers_412(
    client: httpx.AsyncClient, server: FhirServer
) -> None:
    """Afterwards nobody can tell which one was meant."""
    server.store.put(a_patient())
    server.store.put(a_patient())
    answer = await client.post(
        "/Patient", json=a_patient(), headers={"If-None-Exist": f"identifier={NHS}|9990000018"}
    )

    assert answer.status_code == 412
    assert answer.json()["issue"][0]["code"] == "multiple-matches"


async def test_a_create_says_where_and_which_version(client: httpx.AsyncClient) -> None:
    """Location, ETag and Last-Modified come with a 201."""
    answer = await client.post("/Patient", json=a_patient(), headers={"X-Request-ID": "r-1"})

    assert answer.status_code == 201
    assert answer.headers["location"] == f"Patient/{answer.json()['id']}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"].endswith("GMT")
    assert answer.headers["x-request-id"] == "r-1"


async def test_an_id_in_a_create_is_refused(client: httpx.AsyncClient) -> None:
    """The server names its resources, not the caller."""
    answer = await client.post("/Patient", json={**a_patient(), "id": "mine"})

    assert answer.status_code == 400


async def test_an_update_needs_the_version_it_was_made_from(
    client: httpx.AsyncClient, server: FhirServer
) -> None:
    """A stale If-Match answers 412 and changes nothing; the right one makes version 2."""
    held = server.store.put(a_patient())
    changed = {**held, "gender": "female"}
    stale = await client.put(f"/Patient/{held['id']}", json=changed, headers={"If-Match": 'W/"7"'})
    right = await client.put(f"/Patient/{held['id']}", json=changed, headers={"If-Match": 'W/"1"'})

    assert (stale.status_code, right.status_code) == (412, 200)
    assert right.headers["etag"] == 'W/"2"'
    assert (await client.get(f"/Patient/{held['id']}/_history/1")).json().get("gender") is None
    assert [v["resource"]["meta"]["versionId"] for v in (
        await client.get(f"/Patient/{held['id']}/_history")
    ).json()["entry"]] == ["2", "1"]  # fmt: skip


async def test_a_conditional_update_creates_then_updates(
    client: httpx.AsyncClient, server: FhirServer
) -> None:
    """PUT on a search: none makes one, one is changed."""
    search = {"identifier": f"{REFERRAL}|A1"}
    first = await client.put("/ServiceRequest", params=search, json=a_service_request("A1"))
    second = await client.put(
        "/ServiceRequest", params=search, json={**a_service_request("A1"), "status": "revoked"}
    )

    assert (first.status_code, second.status_code) == (201, 200)
    assert [r["status"] for r in server.resources("ServiceRequest")] == ["revoked"]


async def test_a_put_in_a_transaction_obeys_if_match(client: httpx.AsyncClient, server: FhirServer) -> None:
    """One stale version refuses the whole Bundle."""
    held = server.store.put(a_patient())
    entry = {
        "resource": {**held, "gender": "male"},
        "request": {"method": "PUT", "url": f"Patient/{held['id']}", "ifMatch": 'W/"9"'},
    }
    bundle = a_referral("A1", "9990000026")
    bundle["entry"].append(entry)
    answer = await client.post("", json=bundle)

    assert answer.status_code == 412
    assert server.resources("ServiceRequest") == []


@pytest.mark.parametrize(
    ("kind", "search"),
    [
        ("ServiceRequest", {"identifier": f"{REFERRAL}|A1"}),
        ("ServiceRequest", {"identifier": "A1"}),
        ("ServiceRequest", {"patient.identifier": f"{NHS}|9990000018"}),
        ("Task", {"status": "requested", "_lastUpdated": "gt2020-01-01T00:00:00Z"}),
        ("Patient", {"identifier": f"{NHS}|9990000018,{NHS}|9990000042"}),
    ],
)
async def test_a_search_finds_by_get_and_by_post(
    client: httpx.AsyncClient, kind: str, search: dict[str, str]
) -> None:
    """Both ways of asking give the one match."""
    await client.post("", json=a_referral("A1"))
    await client.post("", json=a_referral("B2", "9990000026"))
    wanted = {**search, "_count": "1"}
    got = await client.get(f"/{kind}", params=wanted)
    posted = await client.post(
        f"/{kind}/_search", data=wanted, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )

    assert got.json()["entry"] == posted.json()["entry"]
    assert len(got.json()["entry"]) == 1


async def test_a_search_by_reference_finds_what_points_there(
    client: httpx.AsyncClient, server: FhirServer
) -> None:
    """focus, based-on, owner and the logical identifier of a reference."""
    await client.post("", json=a_referral("A1"))
    request = server.resources("ServiceRequest")[0]
    place = f"ServiceRequest/{request['id']}"
    server.store.put(
        {
            "resourceType": "Observation",
            "basedOn": [{"reference": place}],
            "subject": {"identifier": {"system": NHS, "value": "9990000018"}},
        }
    )

    for kind, search in (
        ("Task", {"focus": place}),
        ("Observation", {"based-on": place}),
        ("Observation", {"subject:identifier": f"{NHS}|9990000018"}),
        ("ServiceRequest", {"_id": request["id"]}),
    ):
        assert (await client.get(f"/{kind}", params=search)).json()["total"] == 1
    assert (await client.get("/Task", params={"owner": "Organization/1"})).json()["total"] == 0


async def test_pages_lead_on_to_the_last(client: httpx.AsyncClient, server: FhirServer) -> None:
    """Following `next` sees each resource once."""
    for _ in range(5):
        server.store.put(a_patient())
    ids, url = [], "/Patient?_count=2"
    while url:
        page = (await client.get(url)).json()
        ids += [e["resource"]["id"] for e in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")

    assert sorted(ids) == sorted(p["id"] for p in server.resources("Patient"))


@pytest.mark.parametrize(
    ("asked", "headers", "body", "status"),
    [
        ("GET /Patient/none", {}, b"", 404),
        ("GET /Patient?colour=red", {}, b"", 400),
        ("GET /Patient?_lastUpdated=yesterday", {}, b"", 400),
        ("DELETE /Patient/1", {}, b"", 405),
        ("PUT /Patient/none", {}, b'{"resourceType":"Patient","id":"none"}', 404),
        ("POST /Patient", {}, b"{", 400),
        ("POST /Patient", {}, b"[]", 400),
        ("POST ", {}, b'{"resourceType":"Bundle","type":"transaction","entry":["x"]}', 400),
        ("POST ", {}, b'{"resourceType":"Bundle","type":"message"}', 400),
        ("POST /Patient", {"Content-Type": "application/xml"}, b"<Patient/>", 415),
        ("GET /Patient", {"Accept": "application/fhir+xml"}, b"", 406),
        ("POST /Task", {}, b'{"resourceType":"Task","status":"approved","intent":"order"}', 422),
        ("POST /Task", {}, b'{"resourceType":"Task","status":"requested"}', 422),
        ("GET /../nowhere", {}, b"", 404),
    ],
)
async def test_every_refusal_is_an_operation_outcome(
    client: httpx.AsyncClient, asked: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    """Whatever is wrong, the caller can read why."""
    method, _, path = asked.partition(" ")
    answer = await client.request(method, path, headers=headers, content=body)

    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")


async def test_the_metadata_says_r4(client: httpx.AsyncClient) -> None:
    """fhirVersion is 4.0.1."""
    assert (await client.get("/metadata")).json()["fhirVersion"] == "4.0.1"


async def test_eight_at_once_store_one(client: httpx.AsyncClient, server: FhirServer) -> None:
    """Checking and storing is one step."""
    answers = await asyncio.gather(*(client.post("", json=a_referral("A1")) for _ in range(8)))

    assert [a.status_code for a in answers] == [200] * 8
    assert len(server.resources("ServiceRequest")) == 1


async def test_what_arrived_is_remembered(client: httpx.AsyncClient, server: FhirServer) -> None:
    """Tests read method, path, headers and body of each request."""
    await client.post("/Patient", json=a_patient(), headers={"Cache-Control": "no-cache"})
    seen = server.seen[-1]

    assert (seen.method, seen.path, seen.headers["cache-control"]) == ("POST", "Patient", "no-cache")
    assert seen.json == a_patient()


async def test_a_server_may_differ_in_its_manners() -> None:
    """Status without phrase, absolute locations without version, no total, 400 instead of 422."""
    manners = Manners(entry_status="number", location="absolute", versioned=False, total=False, refusal=400)
    server = FhirServer(manners=manners)
    async with running(server.app) as base, httpx.AsyncClient(base_url=f"{base}/fhir", headers=FHIR) as http:
        made = (await http.post("", json=a_referral("A1"))).json()["entry"][0]["response"]
        refused = await http.post("/Task", json={"resourceType": "Task"})
        found = (await http.get("/Task")).json()

    assert made["status"] == "201"
    assert made["location"].startswith(f"{base}/fhir/Patient/")
    assert "_history" not in made["location"]
    assert refused.status_code == 400
    assert "total" not in found


async def test_a_server_that_is_not_race_safe_stores_several() -> None:
    """Double submission shows itself, and the condition answers 412 for ever after."""
    server = FhirServer(manners=Manners(race_safe=False))
    async with running(server.app) as base, httpx.AsyncClient(base_url=f"{base}/fhir", headers=FHIR) as http:
        await asyncio.gather(*(http.post("", json=a_referral("A1")) for _ in range(8)))
        later = await http.post("", json=a_referral("A1"))

    assert len(server.resources("ServiceRequest")) > 1
    assert later.status_code == 412


async def test_a_server_with_a_unique_index_turns_the_losers_away() -> None:
    """As HAPI does: one is stored, the others hear 409 and find it when they try again."""
    server = FhirServer(manners=HAPI)
    async with running(server.app) as base, httpx.AsyncClient(base_url=f"{base}/fhir", headers=FHIR) as http:
        answers = await asyncio.gather(*(http.post("", json=a_referral("A1")) for _ in range(8)))
        later = await http.post("", json=a_referral("A1"))
    entry = later.json()["entry"][0]["response"]

    assert {a.status_code for a in answers} == {200, 409}
    assert len(server.resources("ServiceRequest")) == 1
    assert (entry["status"], entry["etag"]) == ("200 OK", "1")
    assert entry["outcome"]["issue"][0]["severity"] == "information"


async def test_a_stale_version_can_be_409() -> None:
    """As HAPI answers it."""
    server = FhirServer(manners=HAPI)
    held = server.store.put(a_patient())
    async with running(server.app) as base, httpx.AsyncClient(base_url=f"{base}/fhir", headers=FHIR) as http:
        stale = await http.put(f"/Patient/{held['id']}", json=held, headers={"If-Match": 'W/"7"'})

    assert stale.status_code == 409


async def test_a_server_that_keeps_client_ids_fails_on_the_second() -> None:
    """The second create with the same id answers 500."""
    server = FhirServer(manners=Manners(ids="keep"))
    async with running(server.app) as base, httpx.AsyncClient(base_url=f"{base}/fhir", headers=FHIR) as http:
        statuses = [
            (await http.post("/Patient", json={**a_patient(), "id": "x"})).status_code for _ in range(2)
        ]

    assert statuses == [201, 500]


async def test_a_cached_search_is_old_unless_the_caller_says_no_cache() -> None:
    """Looking before sending again must go past the cache."""
    server = FhirServer(manners=Manners(search_cache=60))
    async with running(server.app) as base, httpx.AsyncClient(base_url=f"{base}/fhir", headers=FHIR) as http:
        totals = [(await http.get("/Patient")).json()["total"]]
        server.store.put(a_patient())
        totals.append((await http.get("/Patient")).json()["total"])
        totals.append((await http.get("/Patient", headers={"Cache-Control": "no-cache"})).json()["total"])

    assert totals == [0, 0, 1]
