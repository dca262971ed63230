"""A simulator lives on 127.0.0.1 for exactly as long as it is asked to."""

import httpx
import pytest

from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running


async def test_it_answers_inside_the_block_and_not_after() -> None:
    """On a free port of its own."""
    async with running(FhirServer().app) as base:
        assert base.startswith("http://127.0.0.1:")
        assert httpx.get(f"{base}/fhir/metadata").is_success
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base}/fhir/metadata")


async def test_two_run_beside_each_other() -> None:
    """What one holds, the other does not know."""
    one, two = FhirServer(), FhirServer()
    async with running(one.app) as first, running(two.app) as second:
        headers = {"Content-Type": "application/fhir+json"}
        httpx.post(f"{first}/fhir/Patient", json={"resourceType": "Patient"}, headers=headers)
        assert httpx.get(f"{second}/fhir/Patient").json()["total"] == 0


async def test_a_taken_port_is_an_error() -> None:
    """Said at once, not after a wait."""
    async with running(FhirServer().app) as base:
        with pytest.raises(OSError, match="in use"):
            async with running(FhirServer().app, port=int(base.rpartition(":")[2])):
                pass
