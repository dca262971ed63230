"""What a node loads before it is ready: everybody waits for it after a crash."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.cli.site import set_up

# Each took a tenth of a second or more, and nothing that a node does needs it.
NEEDLESS = {"alembic", "bridge.cli.demo", "bridge.simulators"}


def test_a_node_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    """Seen from outside, on a database that is there: what Python says that it imports until it is ready."""
    site = set_up(tmp_path)
    with site.serving():
        pass
    told = tmp_path / "imports"
    with told.open("wb") as told_to:
        server = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "bridge", "serve"],
            env=os.environ | site.env,
            stderr=told_to,
        )
    try:
        until = time.monotonic() + 60
        while not ready(site.port) and time.monotonic() < until:
            time.sleep(0.1)
    finally:
        server.terminate()
        server.wait(30)
    loaded = {line.rpartition("|")[2].strip() for line in told.read_text("utf-8").splitlines()}

    assert "bridge.app" in loaded
    assert loaded & NEEDLESS == set()


def ready(port: int) -> bool:
    """Whether the node of that port can keep a message now."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/ready", trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK
