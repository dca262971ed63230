"""The process is killed at random points, the service fails a third of all calls; nothing is lost or doubled.

The sender does what a sender must: it sends again until it has an acknowledgement. The service is a FHIR
server over real HTTP whose bad days are scripted over every class, from a seed.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks import site
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running
from bridge.simulators.trouble import Step, Trouble
from tests.postgres_server import free_port

STATUSES = (401, 408, 409, 429, 500, 502, 503)  # a refusal is final and has its own tests
KINDS = (
    Trouble.EMPTY,
    Trouble.HTML,
    Trouble.INFRASTRUCTURE,
    Trouble.LOST_REPLY,
    Trouble.CUT,
    Trouble.HALF,
)


class Process:
    """`bridge serve`, killed and started again on the same site."""

    def __init__(self, config: Path, port: int) -> None:
        self._env = os.environ | {"BRIDGE_CONFIG": str(config)}
        self._port = port
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "bridge", "serve"]
        self._running = subprocess.Popen(command, env=self._env, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """SIGKILL: no handler, no flush, no goodbye."""
        if self._running is not None:
            self._running.send_signal(signal.SIGKILL)
            self._running.wait(20)


@asynccontextmanager
async def standing(folder: Path, service: FhirServer) -> AsyncIterator[tuple[Process, str]]:
    """The bridge and its service, up."""
    port = free_port()
    async with running(service.app) as url:
        config = site.write_site(
            folder, endpoint=f"{url}/fhir", port=port, workers=True, first_retry_s=0.2, longest_retry_s=1
        )
        process = Process(config, port)
        process.start()
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def bad_days(seed: int) -> list[Step]:
    """About three calls in ten fail, each in one of the ways a call can fail."""
    plain = [Step(trouble=kind, times=0, percent=3, seed=seed + n) for n, kind in enumerate(KINDS)]
    coded = [
        Step(trouble=Trouble.STATUS, status=status, times=0, percent=2, seed=seed + 50 + n)
        for n, status in enumerate(STATUSES)
    ]
    return [*plain, *coded]


async def send(http: httpx.AsyncClient, body: bytes) -> None:
    """Again and again until it is acknowledged."""
    while True:
        with suppress(httpx.TransportError):
            answer = await http.post("/events/json-event", content=body, timeout=10)
            if answer.status_code in (200, 202):
                return
            assert answer.status_code in (429, 503), answer.text
        await asyncio.sleep(0.2)


def said(how_many: int) -> list[list[bytes]]:
    """What the practice says of each referral, in order: made, often changed, sometimes cancelled."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    story = []
    for n, number in enumerate(islice(site.nhs_numbers(), how_many)):
        first = site.event(n, number, now)
        versions: list[dict[str, Any]] = [first]
        if n % 2 == 0:
            versions.append(_version(first, 2, priority="urgent"))
        if n % 5 == 0:
            versions.append({**first, "version": 3, "type": "cancelled"})
        story.append([json.dumps(version).encode() for version in versions])
    return story


def _version(event: dict[str, Any], version: int, **changes: Any) -> dict[str, Any]:
    return {**event, "version": version, "referral": {**event["referral"], **changes}}


async def lived_through(folder: Path, *, events: int, kills: int, seed: int, longest_s: float) -> FhirServer:
    """Send everything while the process dies again and again; the service when all is quiet."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable story
    service = FhirServer()
    service.script(*bad_days(seed))
    headers = {"X-API-Key": site.KEY, "Content-Type": "application/json"}
    async with standing(folder, service) as (process, url), asyncio.timeout(longest_s):
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as http:
            room = asyncio.Semaphore(16)

            async def tell(versions: list[bytes]) -> None:
                async with room:
                    for version in versions:
                        await send(http, version)

            telling = asyncio.gather(*map(tell, said(events)))
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(1.5, 4))
                process.kill()
                process.start()
            await telling
        service.recover()
        await quiet(folder / "var" / "bridge.sqlite")
    return service


async def quiet(database: Path) -> None:
    """Until nothing waits any more."""
    import sqlite3

    while True:
        with suppress(sqlite3.OperationalError):
            db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
            waiting = db.execute("SELECT state, code, count(*) FROM delivery GROUP BY 1, 2").fetchall()
            db.close()
            if not [row for row in waiting if row[0] != "parked"]:
                assert waiting == []
                return
        await asyncio.sleep(0.25)


def check(service: FhirServer, how_many: int) -> None:
    """Each referral is there once, as it was said last."""
    held = service.resources("ServiceRequest")
    named = Counter(_record_of(resource) for resource in held)
    by_record = {_record_of(resource): resource for resource in held}
    expected = {}
    for n in range(how_many):
        status = "revoked" if n % 5 == 0 else "active"
        expected[f"BENCH-{n}"] = (status, "urgent" if n % 2 == 0 else "routine")
    left = {record for record, (status, _) in expected.items() if status == "active"}

    assert left <= named.keys(), "lost"  # one that was cancelled may never have left
    assert set(named.values()) == {1}, "doubled"
    told = {record: (resource["status"], resource["priority"]) for record, resource in by_record.items()}
    wrong = {r: (told[r], expected[r]) for r in told if told[r][0] != expected[r][0]}
    assert wrong == {}
    stale = {r for r in told if expected[r][0] == "active" and told[r] != expected[r]}
    assert stale == set(), "an older version stands at the service"
    assert Counter(_record_of(t) for t in service.resources("Task")).most_common(1)[0][1] == 1


def _record_of(resource: dict[str, Any]) -> str:
    values = [identifier["value"] for identifier in resource["identifier"]]
    return next((value for value in values if value.startswith("BENCH-")), values[0])


async def test_nothing_is_lost_or_doubled_while_the_process_dies(tmp_path: Path) -> None:
    """The short form."""
    service = await lived_through(tmp_path / "site", events=60, kills=3, seed=7, longest_s=120)

    check(service, 60)


@pytest.mark.slow
@pytest.mark.timeout(3000)
async def test_ten_thousand_events_and_many_deaths(tmp_path: Path) -> None:
    """The long form."""
    service = await lived_through(tmp_path / "site", events=6_000, kills=40, seed=11, longest_s=2_900)

    check(service, 6_000)
