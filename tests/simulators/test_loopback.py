"""A simulator lives on 127.0.0.1 for exactly as long as it is asked to."""

from collections.abc import AsyncIterator

import httpx
import pytest

from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(headers={"Content-Type": "application/fhir+json"}) as client:
        yield client


async def test_it_answers_inside_the_block_and_not_after(http: httpx.AsyncClient) -> None:
    """On a free port of its own."""
    async with running(FhirServer().app) as base:
        assert base.startswith("http://127.0.0.1:")
        assert (await http.get(f"{base}/fhir/metadata")).is_success
    with pytest.raises(httpx.ConnectError):
        await http.get(f"{base}/fhir/metadata")


async def test_two_run_beside_each_other(http: httpx.AsyncClient) -> None:
    """What one holds, the other does not know."""
    one, two = FhirServer(), FhirServer()
    async with running(one.app) as first, running(two.app) as second:
        await http.post(f"{first}/fhir/Patient", json={"resourceType": "Patient"})
        assert (await http.get(f"{second}/fhir/Patient")).json()["total"] == 0


async def test_a_taken_port_is_an_error() -> None:
    """Said at once, not after a wait."""
    async with running(FhirServer().app) as base:
        with pytest.raises(OSError, match="in use"):
            async with running(FhirServer().app, port=int(base.rpartition(":")[2])):
                pass
