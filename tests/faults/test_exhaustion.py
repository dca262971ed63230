"""A process that may open no more files: what it has taken is safe, it says so once, and it comes back."""

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx

from benchmarks import site
from tests.postgres_server import free_port

PATIENCE_S = 60


def until(found: Callable[[], bool]) -> None:
    """Wait for it."""
    end = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def test_a_process_without_files_left_keeps_what_it_takes_and_comes_back(tmp_path: Path) -> None:
    """Its log does not fill the disk; a connection that is open goes on being served."""
    port, log = free_port(), tmp_path / "log"
    config = site.write_site(tmp_path / "site", port=port)
    env = os.environ | {"BRIDGE_CONFIG": str(config)}
    headers = {"X-API-Key": site.KEY, "Content-Type": "application/json"}
    bodies = site.events(3)
    with ExitStack() as stack:
        said = stack.enter_context(log.open("wb"))
        process = subprocess.Popen([sys.executable, "-m", "bridge", "serve"], env=env, stderr=said)
        stack.callback(process.wait, 20)
        stack.callback(process.kill)
        http = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30)
        )

        def post(body: bytes) -> int:
            with suppress(httpx.TransportError):
                return http.post("/events/json-event", content=body).status_code
            return 0

        until(lambda: post(bodies[0]) in (200, 202))
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        used = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used + 3, hard))
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        until(lambda: "connections_exhausted" in log.read_text("utf-8"))
        during = post(bodies[1])
        for each in crowd:
            each.close()
        http.close()
        http = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30)
        )
        until(lambda: post(bodies[2]) in (200, 202))

    lines = [json.loads(line)["action"] for line in log.read_text("utf-8").splitlines()]
    assert during == 202
    assert lines.count("connections_exhausted") == 1
    assert "asyncio" not in lines
