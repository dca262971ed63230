"""A real file system that is full, a real limit on the size of files, a real read-only mount.

Always an honest answer, never a 202 for what is not kept, and no person is needed once there is room again.
"""

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from benchmarks import site
from tests.postgres_server import free_port

LIMITS = "\n[limits]\nleast_free_mb = 0\n"  # what is asked here is what happens when nobody saw it coming
SERVE = [sys.executable, "-m", "bridge", "serve"]
PATIENCE_S = 60


@dataclass
class Served:
    """`bridge serve` on a disk of its own; `disk` is its folder as this process sees it."""

    process: "subprocess.Popen[bytes]"
    port: int
    disk: Path

    def post(self, body: bytes) -> httpx.Response:
        """Send an event."""
        headers = {"X-API-Key": site.KEY, "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}/events/json-event"
        return httpx.post(url, content=body, headers=headers, timeout=30, trust_env=False)

    def status(self, path: str) -> int:
        """Of /ready or /live; 0 while nobody answers."""
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=30, trust_env=False).status_code
        return 0

    def until(self, found: Callable[[], bool]) -> None:
        """Wait for it."""
        end = time.monotonic() + PATIENCE_S
        while not found():
            assert time.monotonic() < end, "it never came"
            assert self.process.poll() is None, "the bridge ended"
            time.sleep(0.1)

    def kept(self) -> set[str]:
        """The messages that are in the database; the bridge is stopped while its files are copied."""
        self.process.send_signal(signal.SIGSTOP)
        with TemporaryDirectory() as folder:
            for name in ("bridge.sqlite", "bridge.sqlite-wal"):
                shutil.copy(self.disk / name, folder)
            with closing(sqlite3.connect(Path(folder) / "bridge.sqlite")) as database:
                return {row[0] for row in database.execute("SELECT id FROM message")}


def in_a_namespace(script: str, config: Path) -> "subprocess.Popen[bytes]":
    """Run a script where it may mount; skips where that is not allowed."""
    unshare = shutil.which("unshare")
    allowed = unshare and subprocess.run([unshare, "-rm", "true"], check=False, capture_output=True)
    if not unshare or not allowed or allowed.returncode:
        pytest.skip("this machine lets nobody mount a disk of their own")
    env = os.environ | {"BRIDGE_CONFIG": str(config)}
    command = [unshare, "-rm", "sh", "-ec", script]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def ended(process: "subprocess.Popen[bytes]") -> None:
    """Kill it."""
    process.kill()
    process.communicate(timeout=20)


def configured(folder: Path, port: int) -> tuple[Path, Path]:
    """bridge.toml, and the empty folder where its database is to be."""
    disk = folder / "disk"
    disk.mkdir()
    config = site.write_site(folder / "site", port=port, database=f"sqlite:{disk}/bridge.sqlite")
    config.write_text(config.read_text("utf-8") + LIMITS, "utf-8")
    return config, disk


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Served]:
    """A bridge whose database is on a file system of eight megabytes, half of them filled by a file."""
    port = free_port()
    config, disk = configured(tmp_path, port)
    script = (
        f"mount -t tmpfs -o size=8m none {disk}; head -c 4000000 /dev/zero > {disk}/filler; "
        f"exec {' '.join(SERVE)} 2>/dev/null"
    )
    process = in_a_namespace(script, config)
    served = Served(process, port, Path(f"/proc/{process.pid}/root{disk}"))
    try:
        served.until(lambda: served.status("/ready") == 200)
        yield served
    finally:
        ended(process)


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Served]:
    """A bridge on the ordinary disk."""
    port = free_port()
    config, disk = configured(tmp_path, port)
    env = os.environ | {"BRIDGE_CONFIG": str(config)}
    process = subprocess.Popen(SERVE, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    served = Served(process, port, disk)
    try:
        served.until(lambda: served.status("/ready") == 200)
        yield served
    finally:
        ended(process)


def trouble(served: Served, bodies: Iterator[bytes]) -> set[str]:
    """Send until the bridge refuses and says that it is not ready; the receipts it gave meanwhile."""
    receipts: set[str] = set()
    end = time.monotonic() + PATIENCE_S
    while True:
        assert time.monotonic() < end, "it never said no, or said it and called itself ready"
        answer = served.post(next(bodies))
        if answer.status_code == 202:
            receipts.add(answer.json()["message"])
            continue
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert "resourceType" in json.loads(answer.text)
        assert served.status("/live") == 200
        if served.status("/ready") == 503:
            return receipts


def mended(served: Served, bodies: Iterator[bytes], receipts: set[str]) -> None:
    """It takes messages again by itself, calls itself ready, and has all that it gave a receipt for."""
    served.until(lambda: served.post(next(bodies)).status_code == 202)
    served.until(lambda: served.status("/ready") == 200)
    assert len(receipts) > 3
    assert receipts <= served.kept()


def test_a_full_file_system_is_told_and_mended_without_a_person(small: Served) -> None:
    """ENOSPC from the kernel, until somebody deletes a file that is not ours."""
    bodies = iter(site.events(2_000))
    receipts = trouble(small, bodies)
    (small.disk / "filler").unlink()

    mended(small, bodies, receipts)


def test_files_that_may_not_grow_are_told_and_mended_without_a_person(limited: Served) -> None:
    """A quota: every write beyond it fails."""
    bodies = iter(site.events(2_000))
    before = {limited.post(next(bodies)).json()["message"] for _ in range(4)}
    largest = max(path.stat().st_size for path in limited.disk.iterdir())
    hard = resource.prlimit(limited.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(limited.process.pid, resource.RLIMIT_FSIZE, (largest + 150_000, hard))
    receipts = before | trouble(limited, bodies)
    resource.prlimit(limited.process.pid, resource.RLIMIT_FSIZE, (hard, hard))

    mended(limited, bodies, receipts)


@pytest.mark.parametrize("which", ["disk", "site/var"], ids=["the database", "the data folder"])
def test_a_read_only_disk_is_told_at_the_start(tmp_path: Path, which: str) -> None:
    """In a sentence and by the exit code of a configuration that cannot be used."""
    config, _ = configured(tmp_path, free_port())
    place = tmp_path / which
    script = f"mount --bind {place} {place}; mount -o remount,ro,bind {place}; exec {' '.join(SERVE)}"
    process = in_a_namespace(script, config)
    said = process.communicate(timeout=PATIENCE_S)[0].decode()

    assert process.returncode == 2, said
    assert "Read-only file system" in said
    assert "Traceback" not in said


def test_a_disk_that_is_full_at_the_start_is_told(tmp_path: Path) -> None:
    """As soon as there is room the next start succeeds; whatever starts processes tries again."""
    config, disk = configured(tmp_path, free_port())
    script = (
        f"mount -t tmpfs -o size=1m none {disk}; head -c 1040000 /dev/zero > {disk}/filler; "
        f"exec {' '.join(SERVE)}"
    )
    process = in_a_namespace(script, config)
    said = process.communicate(timeout=PATIENCE_S)[0].decode()

    assert (process.returncode, "the disk is full" in said) == (1, True), said
    assert "Traceback" not in said


def test_a_bridge_that_cannot_write_ends_when_it_is_told_to(limited: Served) -> None:
    """SIGTERM is enough."""
    hard = resource.prlimit(limited.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(limited.process.pid, resource.RLIMIT_FSIZE, (1, hard))
    limited.process.send_signal(signal.SIGTERM)

    assert limited.process.wait(PATIENCE_S) == 0
