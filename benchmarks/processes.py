"""A serving bridge as a process of its own."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until something listens there."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the server did not start")


def rss_mb(pid: int) -> float:
    """Resident memory of a process now."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


class Serving:
    """`bridge serve` on the site of a bridge.toml; ready when its port listens."""

    def __init__(self, config: Path, port: int) -> None:
        command = [sys.executable, "-m", "bridge", "serve"]
        env = os.environ | {"BRIDGE_CONFIG": str(config)}
        self.process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
        wait_for(port)

    def stop(self) -> None:
        """The ordinary way: what is in flight finishes."""
        self.process.terminate()
        self.process.wait(60)

    def kill(self) -> None:
        """The hard way."""
        self.process.kill()
        self.process.wait(60)

    def rss_mb(self) -> float:
        """Resident memory now."""
        return rss_mb(self.process.pid)


def serve(config: Path, port: int) -> Serving:
    """Start one."""
    return Serving(config, port)
