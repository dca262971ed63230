"""Whether a million rows of history or backlog slow anything down, and what a backlog costs in memory.

intake-history-1e6, drain-history-1e6, drain-backlog-1e6: our own speed with 10^6 settled (or queued) rows
against the same with none (or 10^3). memory-backlog-1e6: RSS of a serving process with each backlog.
"""

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import harmonic_mean
from typing import Any

from benchmarks import site
from benchmarks.drain import PER_SECOND, drained, queued, receiver, row
from benchmarks.intake import load
from benchmarks.processes import free_port, serve
from bridge.store import tables

MILLION = 1_000_000
DRAINED = 2_000


def _insert(db: sqlite3.Connection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    names = list(first)
    marks = ",".join("?" * len(names))
    statement = f"INSERT INTO {table.name} ({','.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names
    db.execute(statement, tuple(first.values()))
    db.executemany(statement, (tuple(row.values()) for row in rows))


def fill(database: Path, how_many: int, *, backlog: bool) -> None:
    """Add that many referrals whose deliveries are settled long ago, or still queued behind all others."""
    db = sqlite3.connect(database)
    db.execute("PRAGMA synchronous=OFF")
    now = time.time_ns() // 1_000_000
    old = now - 90 * 86_400_000

    def ids(kind: str) -> Iterator[tuple[int, str]]:
        return ((n, f"{kind}-{n:012d}") for n in range(how_many))

    _insert(db, tables.referral, (
        {"id": key, "source": "old", "scheme": "benchmark", "practice": "A99999", "service": "prescribing",
         "state": "open" if backlog else "completed", "shadow": 0, "patient": f"p{n}", "version": 1,
         "mapping": "old@1", "opened_at": old + n, "updated_at": old + n, "sealed": b"x" * 400}
        for n, key in ids("r")
    ))  # fmt: skip
    _insert(db, tables.event_key, (
        {"id": f"k{n}", "referral_id": key, "clock": "v1", "content": "", "kind": "referred", "event_id": ""}
        for n, key in ids("r")
    ))  # fmt: skip
    _insert(db, tables.lane, (
        {"referral_id": key, "partner": "prescribing", "patient": f"p{n}",
         "due_at": now + 1 if backlog else None, "epoch": 1}
        for n, key in ids("r")
    ))  # fmt: skip
    table = tables.delivery if backlog else tables.settled
    first_lane = db.execute("SELECT max(id) FROM lane").fetchone()[0] - how_many + 1
    ended: dict[str, Any] = {} if backlog else {"settled_at": old, "first_sent_at": old}
    _insert(db, table, (
        {"id": f"d{n}", "lane_id": first_lane + n, "referral_id": key, "partner": "prescribing",
         "leg": "forward", "kind": "create", "seq": 1, "state": "queued" if backlog else "delivered",
         "request_id": f"q{n}", "correlation_id": f"c{n}", "body_id": f"d{n}", "frozen": 1, "replaces": 0,
         "created_at": old + n, **ended}
        for n, key in ids("r")
    ))  # fmt: skip
    if backlog:
        _insert(db, tables.body, (
            {"id": f"d{n}", "kind": "delivery", "at": old, "sealed": b"x" * 1500} for n, _ in ids("r")
        ))  # fmt: skip
    else:
        _insert(db, tables.attempt, (
            {"delivery_id": f"d{n}", "at": old, "took_ms": 5, "result": "accepted", "node": "n"}
            for n, _ in ids("r")
        ))  # fmt: skip
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


async def draining(history: int, backlog: int) -> float:
    """Deliveries per second of the oldest `DRAINED`, beside that much history or backlog."""
    with tempfile.TemporaryDirectory() as scratch, receiver() as endpoint:
        folder = Path(scratch)
        async with queued(folder, endpoint, DRAINED) as bridge:
            pass
        fill(folder / "var" / "bridge.sqlite", history or backlog, backlog=bool(backlog))
        async with _again(folder, endpoint) as bridge:
            return await drained(bridge, DRAINED)


def _again(folder: Path, endpoint: str) -> Any:
    from bridge.app import open_bridge  # noqa: PLC0415 - beside its only use

    return open_bridge(site.settings_of(folder, endpoint=endpoint))


def taking_in(seconds: float = 6.0) -> tuple[float, float]:
    """202s per second at the whole single-message door, beside a million rows and beside none; twice each."""
    speeds: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        events = iter(site.events(40_000))
        homes = {full: _home(folder / str(full), full=full) for full in (True, False)}
        for full in (True, False, False, True):
            port, config = homes[full]
            server = serve(config, port)
            try:
                for took in (2.0, seconds):
                    bodies = folder / "bodies.jsonl"
                    bodies.write_bytes(b"\n".join(islice(events, 5_000)))
                    found = float(load(port, bodies, took)["per_second"])
            finally:
                server.stop()
            speeds[full].append(found)
    return harmonic_mean(speeds[True]), harmonic_mean(speeds[False])


def _home(folder: Path, *, full: bool) -> tuple[int, Path]:
    port = free_port()
    config = site.write_site(folder, port=port)
    serve(config, port).stop()
    if full:
        fill(folder / "var" / "bridge.sqlite", MILLION, backlog=False)
    return port, config


def memory(backlog: int) -> float:
    """RSS after serving with that backlog for a while, its service being away."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "site"
        port = free_port()
        config = site.write_site(folder, port=port, workers=True)
        serve(config, port).stop()
        fill(folder / "var" / "bridge.sqlite", backlog, backlog=True)
        server = serve(config, port)
        try:
            time.sleep(8)
            return server.rss_mb()
        finally:
            server.stop()


def measure() -> list[dict[str, Any]]:
    """The four rows of the results file."""
    empty = asyncio.run(draining(1, 0))
    return [
        row("drain-history-1e6", asyncio.run(draining(MILLION, 0)), empty, PER_SECOND),
        row(
            "drain-backlog-1e6",
            asyncio.run(draining(0, MILLION)),
            asyncio.run(draining(0, 1000)),
            PER_SECOND,
        ),
        row("intake-history-1e6", *taking_in(), "202 per second"),
        row("memory-backlog-1e6", memory(MILLION), memory(1000), "MB resident"),
    ]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
