"""A PostgreSQL server of our own on loopback, for tests and benchmarks."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class NotHere(Exception):
    """Why there can be no server on this machine."""


@dataclass
class Server:
    """A running server; `url` names no database."""

    url: str
    command: list[Any]
    options: dict[str, Any]
    process: "subprocess.Popen[bytes]"
    port: int

    def restart(self) -> None:
        """Immediate shutdown, as a crash would be, and up again."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)
        self.process = subprocess.Popen(self.command, **self.options)
        _wait_for(self.port)


@contextmanager
def running(data: Path) -> Iterator[str]:
    """A server with its files in `data`; gives its URL without a database. NotHere says why it cannot be."""
    with hurtable(data) as server:
        yield server.url


@contextmanager
def hurtable(data: Path) -> Iterator[Server]:
    """The same, for tests that restart it."""
    binaries = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found = shutil.which("initdb")
    if not binaries and found is None:
        raise NotHere("PostgreSQL server programs are not installed here")
    folder = max(binaries, default=None) or Path(found or "").parent
    user = _unprivileged(data)
    if os.geteuid() == 0 and user is None:
        raise NotHere("PostgreSQL does not run as root and there is no user postgres")
    as_user: dict[str, Any] = {"user": user} if user else {}
    subprocess.run(
        [folder / "initdb", "-D", data / "db", "-U", "bridge", "-A", "trust", "--no-sync"],
        check=True, capture_output=True, cwd=data, **as_user,
    )  # fmt: skip
    port = free_port()
    command = [
        folder / "postgres", "-D", data / "db", "-p", str(port), "-k", str(data),
        "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200",
    ]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": data, **as_user}
    process = subprocess.Popen(command, **quiet)
    server = Server(f"postgresql://bridge@127.0.0.1:{port}", command, quiet, process, port)
    try:
        _wait_for(port)
        yield server
    finally:
        server.process.terminate()
        server.process.wait(20)


def _unprivileged(folder: Path) -> str | None:
    """The user the server runs as when we are root; the folder becomes its own."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        return None
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and parent.is_relative_to("/tmp/") and parent != Path("/tmp"):  # noqa: S108
            parent.chmod(0o755)
    return "postgres"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(0.3)
                return
        time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not start")
