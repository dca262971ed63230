"""An acknowledged event survives power loss: what was on disk at each 202, not what a live process would say.

A small library in front of libc records, in one order, every write to the database files, every fsync, and
every answer that leaves a socket. The test then builds the files as they were on disk at each
acknowledgement, taking a write as lost unless an fsync of its file came after it, and opens them with SQLite.
"""

import asyncio
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from benchmarks import site
from tests.postgres_server import free_port

RECORDER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static ssize_t (*real_write)(int, const void *, size_t);

static int watched(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, 255);
    if (n <= 0) return 0;
    path[n] = 0;
    const char *folder = getenv("RECORD_FOLDER");
    return folder && strncmp(path, folder, strlen(folder)) == 0 && strstr(path, ".sqlite");
}

static void note(char kind, const char *path, uint64_t offset, const void *data, uint32_t length) {
    if (!real_write) real_write = dlsym(RTLD_NEXT, "write");
    if (trace < 0) trace = open(getenv("RECORD_TRACE"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    uint32_t named = strlen(path);
    real_write(trace, &kind, 1);
    real_write(trace, &named, 4);
    real_write(trace, path, named);
    real_write(trace, &offset, 8);
    real_write(trace, &length, 4);
    real_write(trace, data, length);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)

#define PWRITE(name, offset_type) \
ssize_t name(int fd, const void *data, size_t length, offset_type at) { \
    REAL(name); char path[256]; \
    if (!watched(fd, path)) return real(fd, data, length, at); \
    pthread_mutex_lock(&order); \
    ssize_t done = real(fd, data, length, at); \
    if (done > 0) note('W', path, at, data, done); \
    pthread_mutex_unlock(&order); return done; }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define SYNC(name) \
int name(int fd) { \
    REAL(name); char path[256]; \
    if (!watched(fd, path)) return real(fd); \
    int done = real(fd); \
    pthread_mutex_lock(&order); \
    if (done == 0) note('S', path, 0, "", 0); \
    pthread_mutex_unlock(&order); return done; }
SYNC(fsync)
SYNC(fdatasync)

#define CUT(name, offset_type) \
int name(int fd, offset_type at) { \
    REAL(name); char path[256]; \
    if (!watched(fd, path)) return real(fd, at); \
    pthread_mutex_lock(&order); \
    int done = real(fd, at); \
    if (done == 0) note('T', path, at, "", 0); \
    pthread_mutex_unlock(&order); return done; }
CUT(ftruncate, off_t)
CUT(ftruncate64, off64_t)

int unlink(const char *path) {
    REAL(unlink);
    pthread_mutex_lock(&order);
    int done = real(path);
    const char *folder = getenv("RECORD_FOLDER");
    if (done == 0 && folder && strncmp(path, folder, strlen(folder)) == 0) note('U', path, 0, "", 0);
    pthread_mutex_unlock(&order); return done; }

ssize_t send(int fd, const void *data, size_t length, int flags) {
    REAL(send);
    pthread_mutex_lock(&order);
    if (length > 12 && memcmp(data, "HTTP/1.1 202", 12) == 0) note('A', "", 0, data, length);
    pthread_mutex_unlock(&order);
    return real(fd, data, length, flags);
}
"""


@dataclass
class Disk:
    """One file: what was written, and what an fsync has made sure of."""

    written: bytearray = field(default_factory=bytearray)
    sure: bytes = b""

    def write(self, at: int, data: bytes) -> None:
        self.written.extend(b"\0" * (at - len(self.written)))
        self.written[at : at + len(data)] = data


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording library, built here."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler on this machine")
    folder = tmp_path_factory.mktemp("recorder")
    (folder / "recorder.c").write_text(RECORDER, "ascii")
    library = folder / "recorder.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", library, folder / "recorder.c", "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True)
    return library


async def post(port: int, bodies: list[bytes]) -> int:
    """Send all of them, eight at a time; how many were acknowledged."""
    headers = {"X-API-Key": site.KEY, "Content-Type": "application/json"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", trust_env=False, headers=headers
    ) as http:
        room = asyncio.Semaphore(8)

        async def one(body: bytes) -> int:
            async with room:
                return (await http.post("/events/json-event", content=body, timeout=30)).status_code

        return (await asyncio.gather(*map(one, bodies))).count(202)


async def recorded(recorder: Path, folder: Path) -> Path:
    """Run the bridge under the recorder, take events in, cut its power; the trace."""
    port = free_port()
    config = site.write_site(folder / "site", port=port)
    trace = folder / "trace"
    env = os.environ | {
        "BRIDGE_CONFIG": str(config),
        "LD_PRELOAD": str(recorder),
        "RECORD_FOLDER": str(folder / "site" / "var"),
        "RECORD_TRACE": str(trace),
    }
    command = [sys.executable, "-m", "bridge", "serve"]
    server = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - over at once
    try:
        await _ready(port)
        assert await post(port, site.events(60)) == 60
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait(20)
    return trace


async def _ready(port: int) -> None:
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(60):
        while True:
            try:
                if (await http.get(f"http://127.0.0.1:{port}/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


def events_of(trace: Path) -> Iterator[tuple[str, str, int, bytes]]:
    """What the recorder saw: kind, file name, offset, data."""
    raw = trace.read_bytes()
    at = 0
    while at < len(raw):
        kind = chr(raw[at])
        named = int.from_bytes(raw[at + 1 : at + 5], "little")
        path = raw[at + 5 : at + 5 + named].decode()
        at += 5 + named
        offset = int.from_bytes(raw[at : at + 8], "little")
        length = int.from_bytes(raw[at + 8 : at + 12], "little")
        yield kind, Path(path).name, offset, raw[at + 12 : at + 12 + length]
        at += 12 + length


def receipt_in(answer: bytes) -> str:
    """The receipt id of an answer."""
    lines = answer.lower().split(b"\r\n")
    return next(line.split(b":", 1)[1].strip().decode() for line in lines if line.startswith(b"x-receipt-id"))


def kept_in(files: dict[str, bytes], folder: Path) -> set[str]:
    """The messages that SQLite finds in those files after the power is back."""
    folder.mkdir()
    for name, content in files.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)
    database = sqlite3.connect(folder / "bridge.sqlite")
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {row[0] for row in database.execute("SELECT id FROM message")}
    finally:
        database.close()


async def test_every_202_was_on_disk_before_it_left(recorder: Path, tmp_path: Path) -> None:
    """At each acknowledgement, the files an fsync had made sure of hold every event acknowledged so far."""
    trace = await recorded(recorder, tmp_path)
    disks: dict[str, Disk] = {}
    told: list[str] = []
    seen: dict[str, set[str]] = {}
    early = 0
    for n, (kind, name, offset, data) in enumerate(events_of(trace)):
        disk = disks.setdefault(name, Disk())
        if kind == "U":
            del disks[name]
        elif kind == "W":
            disk.write(offset, data)
        elif kind == "T":
            del disk.written[offset:]
        elif kind == "S":
            disk.sure = bytes(disk.written)
        else:
            told.append(receipt_in(data))
            files = {name: disk.sure for name, disk in disks.items() if disk.sure}
            image = hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest()
            if image not in seen:
                early += bool(seen) and told[-1] not in next(iter(seen.values()))
                seen[image] = kept_in(files, tmp_path / f"image{n}")
            assert set(told) <= seen[image]

    assert len(told) == 60
    assert early, "an older image must lack the newer events, or this test could not fail"
