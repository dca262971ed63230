"""Peers that nobody on this project wrote, started on loopback for as long as a test needs them.

install_peers.py puts them into $BRIDGE_PEERS; what is not there is skipped with the reason.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.app import open_bridge
from bridge.simulators.loopback import running
from tests.conformance.fronts import Sent, fronting
from tests.conformance.places import Party, Place
from tests.journeys.conftest import Ground

FHIR_JSON = "application/fhir+json"
HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[1].parent / "shared"
PEERS = Path(os.environ.get("BRIDGE_PEERS", Path.home() / ".cache" / "bridge-peers"))
UK_CORE = SHARED / "definitions" / "ukcore"
READY_WITHIN = 300.0  # seconds; HAPI takes one to two minutes on two cores

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing the HL7 validator says. `path` is where, `resource` which of those it was given."""

    resource: int
    severity: str
    path: str
    text: str


Validator = Callable[..., list[Issue]]


@pytest.fixture(scope="session")
def sent() -> list[Sent]:
    """What the bridge sent to the servers so far, in every test of this run."""
    return []


@pytest.fixture(scope="session")
def medplum() -> Iterator[str]:
    """The FHIR base URL of Medplum's router over its in-memory repository."""
    _need(SHARED / "peers" / "medplum-mem.mjs", PEERS / "medplum" / "node_modules" / "@medplum")
    port, folder = _free_port(), PEERS / "medplum"
    node = folder / "node_modules" / "node" / "bin" / "node"
    command = [str(node), str(SHARED / "peers" / "medplum-mem.mjs"), str(port)]
    with _started(command, folder, f"http://127.0.0.1:{port}/fhir/R4") as base:
        yield base


@pytest.fixture(scope="session")
def hapi() -> Iterator[str]:
    """The FHIR base URL of HAPI FHIR's JPA server over a database in memory."""
    _need(PEERS / "hapi" / "lib")
    port = _free_port()
    # Its test configuration else draws lots for a pool of 2 to 7, which eight requests at once can lock.
    command = [*_java("2g"), "-Dunlimited_db_connection=true", str(HERE / "Hapi.java"), str(port)]
    with _started(command, PEERS / "hapi", f"http://127.0.0.1:{port}/fhir") as base:
        _warm(base)
        yield base


def _warm(base: str) -> None:
    """The first transaction of a cold server may take longer than an attempt of ours."""
    kinds = (
        {"resourceType": "Patient"},
        {"resourceType": "ServiceRequest", "status": "draft", "intent": "plan", "subject": {"display": "-"}},
        {"resourceType": "Task", "status": "draft", "intent": "plan"},
    )
    known = {"identifier": [{"system": "urn:example", "value": "warm"}]}
    asked = {"method": "POST", "ifNoneExist": "identifier=urn:example|warm"}
    entries = [{"resource": r | known, "request": asked | {"url": r["resourceType"]}} for r in kinds]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    httpx.post(base, json=bundle, timeout=180).raise_for_status()
    for resource in kinds:
        httpx.post(f"{base}/{resource['resourceType']}/_search", data={"identifier": "-"}, timeout=180)


@pytest.fixture(scope="session")
def validator() -> Iterator[Validator]:
    """A function that gives what the HL7 validator, with UK Core, says of resources; all severities."""
    _need(UK_CORE, PEERS / "validator" / "lib", PEERS / "validator" / "home")
    folders = [str(UK_CORE / name) for name in ("structuredefinitions", "valuesets", "codesystems")]
    home = f"-Duser.home={PEERS / 'validator' / 'home'}"
    command = [*_java("1500m"), home, str(HERE / "Judge.java"), *folders]
    with _log("validator") as log:
        process = subprocess.Popen(
            command, cwd=PEERS / "validator", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"READY\n", "the validator did not start, see its log"
            asked, told = process.stdin, process.stdout

            def judged(*resources: Resource) -> list[Issue]:
                issues = []
                for n, resource in enumerate(resources):
                    asked.write(json.dumps(resource).encode() + b"\n")
                    asked.flush()
                    issues += [_issue(n, held) for held in json.loads(told.readline()).get("issue", ())]
                return issues

            yield judged
            process.terminate()


def _issue(resource: int, held: Resource) -> Issue:
    path = ", ".join(held.get("expression", ()))
    return Issue(resource=resource, severity=held["severity"], path=path, text=held["details"]["text"])


def _java(memory: str) -> list[str]:
    if shutil.which("java") is None:
        pytest.skip("no Java on this machine")
    return ["java", f"-Xmx{memory}", "-cp", "lib/*"]


def _need(*paths: Path) -> None:
    missing = [f"{path.parent.name}/{path.name}" for path in paths if not path.exists()]
    if missing:
        pytest.skip(f"not on this machine: {', '.join(missing)}; see tests/conformance/README.md")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def _started(command: list[str], folder: Path, base: str) -> Iterator[str]:
    """Run a server until the block ends; `base` answers its metadata first."""
    with _log(folder.name) as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            _wait_for(f"{base}/metadata", process)
            yield base
        finally:
            process.terminate()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail("the peer ended while starting, see its log")
        try:
            if httpx.get(url, timeout=10).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail("the peer did not answer in time, see its log")


@contextmanager
def _log(name: str) -> Iterator[int]:
    with (PEERS / f"{name}.log").open("wb") as file:
        yield file.fileno()


# Journeys


@pytest.fixture
async def place(request: pytest.FixtureRequest, tmp_path: Path, sent: list[Sent]) -> AsyncIterator[Place]:
    """A live bridge between the servers that the parameter names: its service and its record."""
    async with AsyncExitStack() as stack:
        at, kept = [await stack.enter_async_context(_party(request, name)) for name in request.param]
        ground = Ground(tmp_path)
        ground.urls = {"service": at.front.origin, "record": kept.front.origin}
        bridge = await stack.enter_async_context(open_bridge(ground.settings(poll=5)))
        url = await stack.enter_async_context(running(bridge.http()))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False))
        yield Place(bridge, at, kept, http)
        assert at.front.troubles + kept.front.troubles == [], "some trouble was asked for and not met"
        sent += at.front.writes() + kept.front.writes()


@asynccontextmanager
async def _party(request: pytest.FixtureRequest, name: str) -> AsyncIterator[Party]:
    base, headers = request.getfixturevalue(name), {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON}
    client = httpx.AsyncClient(base_url=base, headers=headers, timeout=60, trust_env=False)
    # The launcher of Medplum's router reads JSON bodies only.
    async with client as http, fronting(base, searches_by_get=name == "medplum") as front:
        yield Party(front=front, http=http)
