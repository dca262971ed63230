"""NHS England's own mesh-sandbox as a server on loopback, for tests: `make mesh-sandbox` installs it."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mesh_client import MeshClient

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-mesh" / "bin" / "python"
KEY, PASSWORD = "TestKey", "password"
OURS, PRACTICE = "X26ABC1", "X26ABC2"
REASON = "needs mesh-sandbox in .venv-mesh (make mesh-sandbox)"


def is_here() -> bool:
    """Whether the sandbox is installed."""
    return PYTHON.exists()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running() -> Iterator[str]:
    """The address of a sandbox that lives as long as the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {"PATH": os.environ["PATH"], "SHARED_KEY": KEY, "STORE_MODE": "memory", "AUTH_MODE": "full"}
    command = [PYTHON, "-m", "uvicorn", "mesh_routing:app", "--port", str(port), "--log-level", "warning"]
    server = subprocess.Popen(command, cwd=Path(__file__).parent, env=environment)
    try:
        _await(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def _await(url: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310 - ours
            return
        time.sleep(0.1)
    raise AssertionError("the sandbox did not start")


def box(url: str, mailbox: str) -> MeshClient:
    """Somebody's own way into a mailbox."""
    return MeshClient(url, mailbox, PASSWORD, shared_key=KEY.encode(), max_retries=0, timeout=30)
