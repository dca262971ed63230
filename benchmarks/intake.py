"""keep and intake: durable 202s against a bare FastAPI endpoint with one durable commit for each request."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import site
from benchmarks.drain import row
from benchmarks.processes import free_port, wait_for

HERE = Path(__file__).parent
CONNECTIONS = 32


def load(port: int, bodies: Path, seconds: float, *, first: int = 0, rate: float = 0) -> dict[str, Any]:
    """Run the load generator as a process of its own; `rate` requests a second, 0: as many as it can.

    `first` is the body to begin with: one that was sent before is a repeat.
    """
    command = [
        sys.executable,
        HERE / "load.py",
        str(port),
        "/events/json-event",
        str(CONNECTIONS),
        str(seconds),
        str(rate),
        str(first),
    ]
    done = subprocess.run(
        [*command, bodies, f"X-API-Key: {site.KEY}"], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def serving(command: list[Any], port: int, bodies: Path, seconds: float, **env: str) -> dict[str, Any]:
    """Start a server, load it fully, then by half: what the first said, with latencies of the second."""
    server = subprocess.Popen(command, env=os.environ | env, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        load(port, bodies, 1.0)
        full = load(port, bodies, seconds, first=10_000)
        half = load(port, bodies, seconds, first=40_000, rate=full["per_second"] / 2)
        return full | {"p50": half["p50"], "p99": half["p99"]}
    finally:
        server.terminate()
        server.wait(30)


def measure(seconds: float = 8.0) -> list[dict[str, Any]]:
    """Two rows of speeds, and two for each with latencies at half load."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        bodies = folder / "bodies.jsonl"
        bodies.write_bytes(b"\n".join(site.events(60_000)))
        port = free_port()
        floor = serving([sys.executable, HERE / "floor_intake.py", str(port), scratch], port, bodies, seconds)
        rows = []
        for name, translate in (("keep", "later"), ("intake", "now")):
            port = free_port()
            home = folder / name
            home.mkdir()
            config = site.write_site(home, port=port, translate=translate)
            ours = serving(
                [sys.executable, "-m", "bridge", "serve"], port, bodies, seconds, BRIDGE_CONFIG=str(config)
            )
            print(name, "ours", ours, "floor", floor, file=sys.stderr)
            rows.append(row(name, ours["per_second"], floor["per_second"], "202 per second"))
            rows += [row(f"{name}-{q}", ours[q], floor[q], "ms at half load") for q in ("p50", "p99")]
    return rows


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
