"""start, start-cpu, memory-idle, memory-10000: how soon a node can keep a message, and what it takes.

start: seconds from the process's start until /ready answers 200, the median of three starts on a database
that is there; its bar is 3 s. start-cpu: the seconds of processor it took to get there, which other work on
the machine does not change. memory-idle: resident MB ten seconds later, against a bare FastAPI endpoint.
memory-10000: the same after ten thousand referrals went through, in and out, against memory-idle.
"""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks import site
from benchmarks.drain import receiver, row
from benchmarks.intake import HERE
from benchmarks.processes import Serving, free_port, rss_mb, serve, wait_for

BAR_S = 3.0
REST_S = 10
REFERRALS = 10_000
AT_ONCE = 16


def ready_after(config: Path, port: int) -> tuple[Serving, float, float]:
    """A node, and how many seconds it took to be ready, by the clock and of processor."""
    started = time.perf_counter()
    server = serve(config, port)
    while httpx.get(f"http://127.0.0.1:{port}/ready", trust_env=False).status_code != httpx.codes.OK:
        time.sleep(0.02)
    return server, time.perf_counter() - started, cpu_s(server.process.pid)


def cpu_s(pid: int) -> float:
    """Seconds of processor a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare(folder: Path) -> float:
    """Resident MB of an endpoint that does nothing but keep."""
    port = free_port()
    server = subprocess.Popen([sys.executable, HERE / "floor_intake.py", str(port), folder])
    try:
        wait_for(port)
        time.sleep(1)
        return rss_mb(server.pid)
    finally:
        server.terminate()
        server.wait(30)


async def send(port: int, bodies: list[bytes]) -> None:
    """All of them through the door, each answered 202."""
    waiting = iter(bodies)
    headers = {"X-API-Key": site.KEY, "Content-Type": "application/json"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, trust_env=False
    ) as client:

        async def one() -> None:
            for body in waiting:
                answer = await client.post("/events/json-event", content=body)
                assert answer.status_code == httpx.codes.ACCEPTED, answer.text

        await asyncio.gather(*(one() for _ in range(AT_ONCE)))


def settled(database: Path) -> int:
    """How many deliveries are done."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        return int(db.execute("SELECT count(*) FROM settled").fetchone()[0])


def measure() -> list[dict[str, Any]]:
    """The three rows."""
    with tempfile.TemporaryDirectory() as scratch, receiver() as endpoint:
        home, port = Path(scratch) / "site", free_port()
        config = site.write_site(home, endpoint=endpoint, port=port, workers=True)
        starts = []
        for _ in range(4):
            server, *took = ready_after(config, port)
            starts.append(took)
            server.stop()
        server, *_ = ready_after(config, port)
        try:
            time.sleep(REST_S)
            idle = server.rss_mb()
            asyncio.run(send(port, site.events(REFERRALS)))
            while settled(home / "var" / "bridge.sqlite") < REFERRALS:
                time.sleep(0.5)
            time.sleep(REST_S)
            full = server.rss_mb()
        finally:
            server.stop()
        rows = [row("memory-idle", idle, bare(Path(scratch)), "MB resident")]
    wall, cpu = (median(times) for times in zip(*starts[1:], strict=True))
    return [
        held("start", wall, "s until ready"),
        held("start-cpu", cpu, "s of processor until ready"),
        *rows,
        row("memory-10000", full, idle, "MB resident"),
    ]


def held(name: str, seconds: float, unit: str) -> dict[str, Any]:
    """A row against the bar."""
    return {
        "name": name,
        "bridge": round(seconds, 2),
        "floor": BAR_S,
        "ratio": round(seconds / BAR_S, 3),
        "unit": unit,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
