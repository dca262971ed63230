"""drain: queued deliveries to a fast local receiver, against a bare httpx loop that makes the same requests.

The floor sends, for each delivery, the very requests the bridge sends (the look at the person, then the
transaction) with the same bodies and concurrency, and nothing else: no store, no sealing, no reading of
answers beyond JSON.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import harmonic_mean
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import func, select

from benchmarks import site
from benchmarks.processes import free_port, wait_for
from bridge.app import Bridge, open_bridge
from bridge.pipeline.accept import accept
from bridge.store.messages import Message, get_body
from bridge.store.tables import attempt, delivery
from bridge.store.unit import Tx

HERE = Path(__file__).parent
CONCURRENCY = 16
PER_SECOND = "deliveries per second"


@contextmanager
def receiver(refused: int = 0) -> Iterator[str]:
    """The receiver, in a process of its own."""
    port = free_port()
    server = subprocess.Popen([sys.executable, HERE / "receiver.py", str(port), str(refused)])
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/fhir"
    finally:
        server.kill()
        server.wait(10)


@asynccontextmanager
async def queued(folder: Path, endpoint: str, how_many: int) -> AsyncIterator[Bridge]:
    """A bridge with that many deliveries waiting."""
    settings = site.settings(folder, endpoint=endpoint, concurrency=CONCURRENCY)
    async with open_bridge(settings) as bridge:
        source = bridge.sources["json-event"]

        async def keep(body: bytes) -> None:
            message = Message(
                id=str(uuid4()), source="json-event", door="http", caller="gp",
                media_type="application/json", content=body, size=len(body), mapping=source.version,
            )  # fmt: skip
            await accept(bridge.store, bridge.context, source, message)

        bodies = site.events(how_many)
        for start in range(0, how_many, 200):
            await asyncio.gather(*(keep(body) for body in bodies[start : start + 200]))
        yield bridge


async def drained(bridge: Bridge, how_many: int) -> float:
    """Deliveries settled per second, from the first claim to the last of `how_many` attempts."""
    before = await bridge.store.read(_tries)
    worker = bridge.workers[0]
    stop = asyncio.Event()
    started = time.perf_counter()
    running = asyncio.create_task(worker.run(stop))
    while await bridge.store.read(_tries) - before < how_many:
        await asyncio.sleep(0.05)
    took = time.perf_counter() - started
    stop.set()
    await running
    return how_many / took


def _tries(tx: Tx) -> int:
    """The newest attempt's number: one for each delivery that was tried."""
    return int(tx.run(select(func.coalesce(func.max(attempt.c.id), 0))).scalar_one())


async def bare(endpoint: str, bodies: list[bytes]) -> float:
    """The same requests by httpx alone, per second."""
    waiting = iter(bodies)
    headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with httpx.AsyncClient(limits=limits, trust_env=False, headers=headers, timeout=30) as client:

        async def one() -> None:
            for body in waiting:
                number = json.loads(body)["entry"][0]["resource"]["identifier"][0]
                key = f"{number['system']}|{number['value']}"
                form = {"Content-Type": "application/x-www-form-urlencoded", "Cache-Control": "no-cache"}
                (
                    await client.post(f"{endpoint}/Patient/_search", data={"identifier": key}, headers=form)
                ).json()
                (await client.post(endpoint, content=body)).json()

        started = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(CONCURRENCY)))
        return len(bodies) / (time.perf_counter() - started)


def _bodies(tx: Tx) -> list[bytes]:
    rows = tx.run(select(delivery.c.body_id)).scalars().all()
    return [body for row in rows if (body := get_body(tx, row)) is not None]


async def drain(how_many: int = 10_000) -> list[dict[str, Any]]:
    """The row of the results file; half of the floor is measured before and half after."""
    with tempfile.TemporaryDirectory() as scratch, receiver() as endpoint:
        async with queued(Path(scratch), endpoint, how_many) as bridge:
            bodies = await bridge.store.read(_bodies)
            before = await bare(endpoint, bodies[::2])
            ours = await drained(bridge, how_many)
            after = await bare(endpoint, bodies[1::2])
    return [row("drain", ours, harmonic_mean((before, after)), PER_SECOND)]


async def poison(how_many: int = 2_000) -> list[dict[str, Any]]:
    """1 % of the referrals are refused by the service: what that does to the others. Each twice, in turn."""
    speeds: dict[int, list[float]] = {1: [], 0: []}
    for refused in (1, 0, 0, 1):
        with tempfile.TemporaryDirectory() as scratch, receiver(refused) as endpoint:
            async with queued(Path(scratch), endpoint, how_many) as bridge:
                speeds[refused].append(await drained(bridge, how_many))
    return [row("poison", harmonic_mean(speeds[1]), harmonic_mean(speeds[0]), PER_SECOND)]


def row(name: str, ours: float, floor: float, unit: str, *, digits: int = 1) -> dict[str, Any]:
    """One row of the results file."""
    ratio = round(ours / floor, 3)
    figures = {"bridge": round(ours, digits), "floor": round(floor, digits), "ratio": ratio}
    return {"name": name, **figures, "unit": unit}


def measure() -> list[dict[str, Any]]:
    """Both rows."""
    return [*asyncio.run(drain()), *asyncio.run(poison())]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
