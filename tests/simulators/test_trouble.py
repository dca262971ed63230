"""A script makes the simulated server fail as real servers did."""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running
from bridge.simulators.trouble import Step, Trouble

PATIENT = {"resourceType": "Patient"}


@pytest.fixture
def server() -> FhirServer:
    return FhirServer()


@pytest.fixture
async def client(server: FhirServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Content-Type": "application/fhir+json"}
    async with running(server.app) as base, httpx.AsyncClient(base_url=base, headers=headers) as http:
        yield http


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 412, 422, 429, 500, 503])
async def test_a_status_comes_once_with_its_outcome(
    client: httpx.AsyncClient, server: FhirServer, status: int
) -> None:
    """The next request fails, stores nothing, and the one after it is served."""
    server.script(Step(trouble=Trouble.STATUS, status=status))
    failed = await client.post("/fhir/Patient", json=PATIENT)
    served = await client.post("/fhir/Patient", json=PATIENT)

    assert (failed.status_code, failed.json()["resourceType"]) == (status, "OperationOutcome")
    assert served.status_code == 201
    assert len(server.resources("Patient")) == 1


@pytest.mark.parametrize(
    ("step", "media", "word"),
    [
        ({"trouble": "empty", "status": 400}, "400 ", ""),
        ({"trouble": "infrastructure", "status": 400}, "400 application/fhir+json", "ECONNREFUSED"),
        ({"trouble": "html", "status": 200}, "200 text/html; charset=utf-8", "<html>"),
        ({"trouble": "error-outcome"}, "200 application/fhir+json", "OperationOutcome"),
        (
            {"trouble": "status", "status": 409, "code": "processing", "text": "violates A|1"},
            "409 application/fhir+json",
            "violates A|1",
        ),
        ({"trouble": "failed-entry", "status": 409}, "200 application/fhir+json", '"409"'),
    ],
)
async def test_an_answer_can_lie(
    client: httpx.AsyncClient, server: FhirServer, step: dict[str, Any], media: str, word: str
) -> None:
    """Scripted over HTTP; nothing is stored."""
    assert (await client.post("/_control/script", json=[step])).status_code == 204
    answer = await client.post("/fhir/Patient", json=PATIENT)

    assert f"{answer.status_code} {answer.headers.get('content-type', '')}" == media
    assert word in answer.text
    assert server.resources("Patient") == []


async def test_a_throttle_names_the_time_in_three_ways(client: httpx.AsyncClient, server: FhirServer) -> None:
    """Retry-After in seconds, as a date, or only a RateLimit header."""
    for wait in ("seconds", "date", "ratelimit"):
        server.script(Step.model_validate({"trouble": "status", "status": 429, "wait": wait, "seconds": 44}))
    seconds, date, ratelimit = [await client.get("/fhir/Patient") for _ in range(3)]

    assert seconds.headers["retry-after"] == "44"
    assert parsedate_to_datetime(date.headers["retry-after"]).tzinfo is not None
    assert "retry-after" not in ratelimit.headers
    assert ratelimit.headers["ratelimit"].endswith(";t=44")


@pytest.mark.parametrize(
    ("trouble", "stored"),
    [
        (Trouble.LOST_REPLY, 1),
        (Trouble.CUT, 0),
        (Trouble.HALF, 1),
        (Trouble.HANG, 0),
        (Trouble.HANG_STORED, 1),
    ],
)
async def test_a_broken_line_leaves_the_caller_in_doubt(
    client: httpx.AsyncClient, server: FhirServer, trouble: Trouble, stored: int
) -> None:
    """The caller sees a broken connection; only the server knows what it kept."""
    server.script(Step(trouble=trouble, seconds=0.1))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/fhir/Patient", json=PATIENT)

    assert len(server.resources("Patient")) == stored
    assert (await client.get("/fhir/Patient")).status_code == 200


async def test_half_an_answer_promises_more_than_it_sends(
    client: httpx.AsyncClient, server: FhirServer
) -> None:
    """Content-Length is that of the whole answer."""
    server.script(Step(trouble=Trouble.HALF))
    async with client.stream("POST", "/fhir/Patient", json=PATIENT) as answer:
        promised = int(answer.headers["content-length"])
        with pytest.raises(httpx.RemoteProtocolError):
            await answer.aread()

    assert 0 < answer.num_bytes_downloaded < promised


async def test_a_hanging_server_answers_nothing_until_the_caller_gives_up(
    client: httpx.AsyncClient, server: FhirServer
) -> None:
    """Accepted, then silence."""
    server.script(Step(trouble=Trouble.HANG, seconds=60))
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/fhir/Patient", json=PATIENT, timeout=0.2)

    assert server.resources("Patient") == []


async def test_a_slow_server_answers_in_the_end(client: httpx.AsyncClient, server: FhirServer) -> None:
    """Stored and answered."""
    server.script(Step(trouble=Trouble.SLOW, seconds=0.1))

    assert (await client.post("/fhir/Patient", json=PATIENT)).status_code == 201


async def test_a_share_of_requests_fails_the_same_way_each_run(
    client: httpx.AsyncClient, server: FhirServer
) -> None:
    """The seed decides which."""
    runs = []
    for _ in range(2):
        server.recover()
        server.script(Step(trouble=Trouble.STATUS, status=409, percent=20, times=0, seed=7))
        runs.append([(await client.get("/fhir/Patient")).status_code for _ in range(50)])

    assert runs[0] == runs[1]
    assert 2 <= runs[0].count(409) <= 20


async def test_a_step_can_wait_for_its_method_and_path(client: httpx.AsyncClient, server: FhirServer) -> None:
    """Other requests pass it by."""
    server.script(Step(trouble=Trouble.STATUS, status=500, method="POST", path="Task"))
    passed = await client.post("/fhir/Patient", json=PATIENT)
    met = await client.post("/fhir/Task", json=PATIENT)

    assert (passed.status_code, met.status_code) == (201, 500)


async def test_the_trouble_ends_on_request(client: httpx.AsyncClient, server: FhirServer) -> None:
    """DELETE of the script makes the server well."""
    server.script(Step(trouble=Trouble.STATUS, times=0))
    await client.delete("/_control/script")

    assert (await client.get("/fhir/Patient")).status_code == 200
    assert (await client.get("/_control/requests")).json()[-1]["path"] == "Patient"


async def test_a_script_nobody_understands_is_refused(client: httpx.AsyncClient) -> None:
    """A typing error does not silently do nothing."""
    assert (await client.post("/_control/script", json=[{"trouble": "gremlins"}])).status_code == 400
