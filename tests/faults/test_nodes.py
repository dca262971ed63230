"""Several nodes over one PostgreSQL: killed, frozen past their lease, the database restarted under them."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from benchmarks import site
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running
from bridge.simulators.trouble import Step, Trouble
from bridge.store.migrate import upgrade
from tests import postgres_server
from tests.faults.test_sigkill import bad_days, check, said

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(400)]
DEADLINE_S = 0.5  # of one request; the lease is twice three of them and ten seconds


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres_server.Server]:
    """A server of our own that may be hurt."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="bridge-postgres-") as folder:
        try:
            with postgres_server.hurtable(Path(folder)) as server:
                yield server
        except postgres_server.NotHere as reason:
            pytest.skip(str(reason))


class Node:
    """One `bridge serve`."""

    def __init__(
        self,
        home: Path,
        *,
        url: str,
        endpoint: str,
        keys: bytes | None,
        doors: bool = True,
        workers: bool = True,
    ) -> None:
        self.port = postgres_server.free_port()
        self.config = site.write_site(
            home, endpoint=endpoint, port=self.port, workers=workers, database=url, deadline_s=DEADLINE_S,
            first_retry_s=0.2, longest_retry_s=1,
        )  # fmt: skip
        if not doors:
            self.config.write_text("doors = false\n" + self.config.read_text("utf-8"), "utf-8")
        self.keys = home / "var" / "keys.json"
        if keys is not None:
            self.keys.write_bytes(keys)
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        env = os.environ | {"BRIDGE_CONFIG": str(self.config)}
        command = [sys.executable, "-m", "bridge", "serve"]
        self.process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, also of a frozen one."""
        self.process.kill()
        self.process.wait(20)


async def test_nodes_die_freeze_and_lose_the_database_and_nothing_is_lost_or_doubled(
    tmp_path: Path, database: postgres_server.Server
) -> None:
    """Three nodes; one is killed, one frozen past its lease, and PostgreSQL is restarted."""
    with psycopg.connect(f"{database.url}/postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE nodes")
    url = f"{database.url}/nodes"
    upgrade(url)
    service = FhirServer()
    service.script(*bad_days(23))
    async with running(service.app) as base, asyncio.timeout(360):
        first = Node(tmp_path / "n0", url=url, endpoint=f"{base}/fhir", keys=None)
        keys = first.keys.read_bytes()
        nodes = [first, *(_node(tmp_path, n, url, base, keys) for n in (1, 2))]
        try:
            telling = asyncio.create_task(_tell(nodes, said(30)))
            await asyncio.sleep(4)
            nodes[1].kill()
            nodes[2].signal(signal.SIGSTOP)
            await asyncio.sleep(2)
            nodes[1].start()
            await asyncio.to_thread(database.restart)
            await telling
            await asyncio.sleep(14)  # past the lease of what the frozen node holds
            nodes[2].signal(signal.SIGCONT)
            service.recover()
            await quiet(url)
        finally:
            for node in nodes:
                node.kill()

    check(service, 30)


async def killed_again_and_again(
    folder: Path, server: postgres_server.Server, *, events: int, kills: int, longest_s: float
) -> FhirServer:
    """Three nodes take everything in while one of them, drawn anew each time, is killed and started again."""
    chance = random.Random(31)  # noqa: S311 - a repeatable story
    with psycopg.connect(f"{server.url}/postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE deaths")
    url = f"{server.url}/deaths"
    upgrade(url)
    service = FhirServer()
    service.script(*bad_days(31))
    async with running(service.app) as base, asyncio.timeout(longest_s):
        first = Node(folder / "n0", url=url, endpoint=f"{base}/fhir", keys=None)
        nodes = [first, *(_node(folder, n, url, base, first.keys.read_bytes()) for n in (1, 2))]
        try:
            telling = asyncio.create_task(_tell(nodes, said(events)))
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(1.5, 4))
                node = chance.choice(nodes)
                node.kill()
                node.start()
            await telling
            service.recover()
            await quiet(url)
        finally:
            for node in nodes:
                node.kill()
    return service


@pytest.mark.slow
@pytest.mark.timeout(5000)
async def test_ten_thousand_events_and_a_node_that_dies_again_and_again(
    tmp_path: Path, database: postgres_server.Server
) -> None:
    """The long form."""
    service = await killed_again_and_again(tmp_path, database, events=6_000, kills=60, longest_s=4_900)

    check(service, 6_000)


async def test_doors_and_senders_on_nodes_of_their_own_end_when_they_are_told(
    tmp_path: Path, database: postgres_server.Server
) -> None:
    """The one takes messages in, the other sends them; SIGTERM lets what is in flight finish."""
    with psycopg.connect(f"{database.url}/postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE split")
    url = f"{database.url}/split"
    upgrade(url)
    service = FhirServer()
    service.script(Step(trouble=Trouble.SLOW, method="POST", whole_path=True, seconds=DEADLINE_S / 2))
    body = said(1)[0][0]
    async with running(service.app) as base, asyncio.timeout(100):
        door = Node(tmp_path / "door", url=url, endpoint=f"{base}/fhir", keys=None, workers=False)
        sender = Node(
            tmp_path / "sender", url=url, endpoint=f"{base}/fhir", keys=door.keys.read_bytes(), doors=False
        )
        try:
            refused = await _answer(sender, body)
            taken = await _answer(door, body)
            while not [seen for seen in service.seen if seen.method == "POST" and not seen.path]:
                await asyncio.sleep(0.01)
            for node in (sender, door):
                node.signal(signal.SIGTERM)
            ended = [await asyncio.to_thread(node.process.wait, 60) for node in (sender, door)]
        finally:
            sender.kill()
            door.kill()

    with psycopg.connect(url) as db:
        states = db.execute("SELECT state FROM delivery UNION ALL SELECT state FROM settled").fetchall()
    assert (refused, taken, ended) == (404, 202, [0, 0])
    assert states == [("delivered",)]


async def _answer(node: Node, body: bytes) -> int:
    """The status of a node's answer to an event, once it is up."""
    headers = {"X-API-Key": site.KEY, "Content-Type": "application/json"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=10) as http:
        while True:
            with suppress(httpx.TransportError):
                url = f"http://127.0.0.1:{node.port}/events/json-event"
                return (await http.post(url, content=body)).status_code
            await asyncio.sleep(0.1)


def _node(folder: Path, n: int, url: str, base: str, keys: bytes) -> Node:
    return Node(folder / f"n{n}", url=url, endpoint=f"{base}/fhir", keys=keys)


async def _tell(nodes: list[Node], story: list[list[bytes]]) -> None:
    """Each version to any node that answers, until it is acknowledged."""
    chance = random.Random(5)  # noqa: S311 - a repeatable story
    headers = {"X-API-Key": site.KEY, "Content-Type": "application/json"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=3) as http:
        room = asyncio.Semaphore(8)

        async def one(versions: list[bytes]) -> None:
            async with room:
                for version in versions:
                    while True:
                        port = chance.choice(nodes).port
                        with suppress(httpx.TransportError):
                            answer = await http.post(
                                f"http://127.0.0.1:{port}/events/json-event", content=version
                            )
                            if answer.status_code in (200, 202):
                                break
                            assert answer.status_code in (429, 503), answer.text
                        await asyncio.sleep(0.2)

        await asyncio.gather(*map(one, story))


async def quiet(url: str) -> None:
    """Until nothing waits any more."""
    with psycopg.connect(url, autocommit=True) as db:
        while True:
            rows = db.execute("SELECT state, code, count(*) FROM delivery GROUP BY 1, 2").fetchall()
            if not [row for row in rows if row[0] != "parked"]:
                assert rows == []
                return
            await asyncio.sleep(0.25)
