"""The clock of a machine is set forward and back by hours while messages flow.

Nothing is lost, doubled or told out of order, no lane waits for the hours by which the clock went back, and
nobody is told that a worker hangs. The wall clock jumps and the monotonic one does not, as on a real machine;
under libfaketime every time.sleep() of Python fails (clock_nanosleep with an absolute time), so it is not.
"""

import asyncio
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg
import pytest

from benchmarks import site
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running
from bridge.simulators.trouble import Step, Trouble
from bridge.store.migrate import upgrade
from tests import postgres_server
from tests.faults.test_nodes import quiet as postgres_quiet
from tests.faults.test_sigkill import check, quiet, said, send

HOUR = 3600
JUMPS = (3 * HOUR, -2 * HOUR, 0, -50 * 60)  # the last is less than the longest wait
PATIENCE_S = 45  # till all is quiet once the service is well; a wait that a jump made longer is an hour

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is put between a process and its wall clock, compiled."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here")
    made = tmp_path_factory.mktemp("clock") / "set_clock.so"
    source = Path(__file__).with_name("set_clock.c")
    command = [compiler, "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", made, source, "-ldl"]
    subprocess.run(command, check=True)
    return made


class Node:
    """One `bridge serve` with a wall clock of its own."""

    def __init__(self, folder: Path, library: Path, **site_of: Any) -> None:
        self.port = postgres_server.free_port()
        self.lived: set[int] = set()
        self.config = site.write_site(
            folder, port=self.port, workers=True, first_retry_s=0.2, longest_retry_s=1, **site_of
        )
        self.config.write_text(self.config.read_text("utf-8").replace('["system"]', '["system", "operator"]'))
        self._log = folder / "log"
        self._off = folder / "off"
        self._off.write_bytes(bytes(8))
        self._clock = {"LD_PRELOAD": str(library), "SET_CLOCK": str(self._off)}

    def start(self) -> None:
        """Start it."""
        env = os.environ | self._clock | {"BRIDGE_CONFIG": str(self.config)}
        command = [sys.executable, "-m", "bridge", "serve"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, env=env, stderr=log)

    def set_clock(self, seconds: int) -> None:
        """So many seconds from the real time."""
        with self._off.open("r+b", buffering=0) as held:
            held.write(struct.pack("=q", seconds))

    def alerts(self) -> list[tuple[str, str]]:
        """What it said is not well: which check and why."""
        lines = [json.loads(line) for line in self._log.read_text("utf-8").splitlines()]
        return [(line["check"], line["code"]) for line in lines if line["action"] == "alert_raised"]

    async def watched(self) -> None:
        """Ask /live again and again."""
        async with httpx.AsyncClient(trust_env=False) as http:
            while True:
                with suppress(httpx.TransportError):
                    answer = await http.get(f"http://127.0.0.1:{self.port}/live", timeout=30)
                    self.lived.add(answer.status_code)
                await asyncio.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(20)


def with_hiccups() -> FhirServer:
    """A service that answers badly once in a while."""
    service = FhirServer()
    service.script(
        Step(trouble=Trouble.LOST_REPLY, times=0, percent=8, seed=41),
        Step(trouble=Trouble.STATUS, status=500, times=0, percent=8, seed=42),
    )
    return service


async def tell(nodes: list[Node], story: list[list[bytes]]) -> None:
    """Every version in order until it is acknowledged, each by the next node."""
    headers = {"X-API-Key": site.KEY, "Content-Type": "application/json"}
    room = asyncio.Semaphore(4)

    async def one(n: int, versions: list[bytes]) -> None:
        async with room:
            for m, version in enumerate(versions):
                base = f"http://127.0.0.1:{nodes[(n + m) % len(nodes)].port}"
                async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as http:
                    await send(http, version)
                await asyncio.sleep(0.2)

    await asyncio.gather(*(one(n, versions) for n, versions in enumerate(story)))


async def told_while_it_jumps(
    node: Node, service: FhirServer, *, events: int, rounds: int = 1, between_s: float = 2
) -> None:
    """Everything is sent while the clock jumps, until all is quiet."""
    node.start()
    watching = asyncio.create_task(node.watched())
    try:
        telling = asyncio.create_task(tell([node], said(events)))
        while not node.lived:
            await asyncio.sleep(0.1)
        for jump in JUMPS * rounds:
            await asyncio.sleep(between_s)
            node.set_clock(jump)
        await telling
        service.recover()
        async with asyncio.timeout(PATIENCE_S):
            await quiet(node.config.parent / "var" / "bridge.sqlite")
    finally:
        watching.cancel()
        node.kill()


async def test_nothing_is_lost_doubled_or_late_while_the_clock_jumps(tmp_path: Path, library: Path) -> None:
    """The short form."""
    service = with_hiccups()
    async with running(service.app) as url:
        node = Node(tmp_path / "site", library, endpoint=f"{url}/fhir")
        await told_while_it_jumps(node, service, events=30)

    check(service, 30)
    assert node.lived == {200}
    assert "worker-wedged" not in [code for _check, code in node.alerts()]


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_a_clock_that_jumps_for_a_quarter_of_an_hour(tmp_path: Path, library: Path) -> None:
    """The long form."""
    service = with_hiccups()
    async with running(service.app) as url:
        node = Node(tmp_path / "site", library, endpoint=f"{url}/fhir")
        await told_while_it_jumps(node, service, events=3_000, rounds=40, between_s=4)

    check(service, 3_000)
    assert node.lived == {200}


@pytest.fixture
def database() -> Iterator[str]:
    """A PostgreSQL database of our own, with the right time."""
    with TemporaryDirectory(prefix="bridge-postgres-") as folder:
        try:
            with postgres_server.running(Path(folder)) as server:
                with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
                    admin.execute("CREATE DATABASE clocks")
                upgrade(f"{server}/clocks")
                yield f"{server}/clocks"
        except postgres_server.NotHere as reason:
            pytest.skip(str(reason))


@pytest.mark.postgres
async def test_a_node_whose_clock_is_an_hour_wrong_changes_nothing(
    tmp_path: Path, library: Path, database: str
) -> None:
    """The database's clock is the clock of every lane; the wrong one is told of."""
    service = with_hiccups()
    async with running(service.app) as url:
        nodes = [
            Node(tmp_path / name, library, endpoint=f"{url}/fhir", database=database) for name in ("a", "b")
        ]
        keys = [node.config.parent / "var" / "keys.json" for node in nodes]
        keys[1].write_bytes(keys[0].read_bytes())
        nodes[1].set_clock(-HOUR)
        try:
            for node in nodes:
                node.start()
            async with asyncio.timeout(120):
                await tell(nodes, said(16))
            nodes[1].set_clock(HOUR)
            service.recover()
            async with asyncio.timeout(PATIENCE_S):
                await postgres_quiet(database)
            apart = await offset_of(nodes[1])
        finally:
            for node in nodes:
                node.kill()

    check(service, 16)
    assert apart == pytest.approx(HOUR, abs=60)


async def offset_of(node: Node) -> float:
    """How far its clock is from the database's, in seconds, as it says itself."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        answer = await http.get(f"http://127.0.0.1:{node.port}/health", headers={"X-API-Key": site.KEY})
    checks = {check["name"]: check for check in answer.json()["checks"]}
    return float(checks["database:clock"]["value"]) / 1000
