"""sealing: what sealing, keyed indexes and the audit cost on the way in and on the way out, as CPU time.

The floor is the same bridge with a sealer that leaves everything in clear and indexes by a checksum. CPU time
of this process, not wall time: it tells the cost of the cryptography also on a busy machine. Neither way
writes an audit row for an event (its journey is its record), so the audit is measured where it is written:
beside a read of content.
"""

import asyncio
import json
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bridge.app
from benchmarks.drain import drained, queued, receiver
from bridge.app import Bridge
from bridge.security.sealing import Sealer
from bridge.store import referrals, views
from bridge.store.audit import Hand
from bridge.store.unit import Tx

HOW_MANY = 600
ROUNDS = 5
UNIT = "ms of CPU for each"


class Clear(Sealer):
    """Seals nothing. For this measurement only."""

    def seal(self, plain: bytes, *, bound_to: str) -> bytes:  # noqa: ARG002
        return b"\x01\0\0\0\0" + plain

    def open(self, sealed: bytes, *, bound_to: str) -> bytes:  # noqa: ARG002
        return bytes(sealed[5:])

    def index(self, label: str, value: str) -> str:
        text = f"{label}:{value}".encode()
        return f"{zlib.crc32(text):016x}{zlib.adler32(text):016x}"


@contextmanager
def sealing_by(kind: type[Sealer]) -> Iterator[None]:
    """Bridges opened meanwhile seal by this class."""
    before = bridge.app.Sealer
    bridge.app.Sealer = kind  # type: ignore[misc]
    try:
        yield
    finally:
        bridge.app.Sealer = before  # type: ignore[misc]


async def once(endpoint: str, how_many: int) -> tuple[float, float, float, float]:
    """CPU seconds of intake, of drain, of reads with their audit row, and of the same reads without."""
    with tempfile.TemporaryDirectory() as scratch:
        started = time.process_time()
        async with queued(Path(scratch), endpoint, how_many) as running:
            taken = time.process_time() - started
            started = time.process_time()
            await drained(running, how_many)
            sent = time.process_time() - started
            return taken, sent, await reads(running, _audited(running)), await reads(running, _plain)


async def reads(running: Bridge, read: Callable[[Tx, str], object]) -> float:
    """CPU seconds of reading the content of two hundred referrals, one unit each."""
    listed = await running.store.read(lambda tx: views.referral_list(tx, limit=200))
    started = time.process_time()
    for row in listed:
        await running.store.run(lambda tx, row=row: read(tx, row["id"]))
    return time.process_time() - started


def _plain(tx: Tx, referral_id: str) -> object:
    return referrals.get(tx, referral_id)


def _audited(running: Bridge) -> Callable[[Tx, str], object]:
    hand = Hand(actor="a", why="ServiceRequest", node="n", chain=running.chain)

    def read(tx: Tx, referral_id: str) -> object:
        hand.sign(tx, "read", referral_id)
        return _plain(tx, referral_id)

    return read


def measure(how_many: int = HOW_MANY) -> list[dict[str, Any]]:
    """Three rows; rounds alternate, so that both kinds meet the same machine."""
    found: dict[type[Sealer], list[tuple[float, ...]]] = {Sealer: [], Clear: []}
    with receiver() as endpoint:
        for _ in range(ROUNDS):
            for kind, runs in found.items():
                with sealing_by(kind):
                    runs.append(asyncio.run(once(endpoint, how_many)))
    ours, floor = ([statistics.median(run[n] for run in found[k]) for n in range(4)] for k in (Sealer, Clear))
    return [
        _row("sealing-intake", ours[0] / how_many, floor[0] / how_many),
        _row("sealing-drain", ours[1] / how_many, floor[1] / how_many),
        _row("audit-read", ours[2] / 200, ours[3] / 200),
    ]


def _row(name: str, ours: float, floor: float) -> dict[str, Any]:
    return {
        "name": name,
        "bridge": round(ours * 1000, 3),
        "floor": round(floor * 1000, 3),
        "ratio": round(ours / floor, 3),
        "unit": UNIT,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
