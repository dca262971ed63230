"""recovery and nodes-2: kill -9 under load, and two nodes on one PostgreSQL against one.

recovery: seconds from the restarted process listening until every delivery that was in flight at the kill
is settled. Its bar is 2 s on SQLite (leases are void at start) and the lease + 2 s on PostgreSQL.
"""

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from benchmarks import site
from benchmarks.drain import PER_SECOND, receiver, row
from benchmarks.intake import load
from benchmarks.processes import free_port, serve
from bridge.store.migrate import upgrade
from tests import postgres_server

DEADLINE_S = 1.0
LEASE_S = 2 * 3 * DEADLINE_S + 10  # bridge.app: twice the longest attempt, which is three deadlines, and ten
Ask = Callable[[Path, str], set[str]]


def recovered(folder: Path, endpoint: str, ask: Ask, **site_changes: Any) -> float:
    """Load a node, kill it, start it again: seconds until everything in flight at the kill is settled."""
    port = free_port()
    config = site.write_site(folder / "site", endpoint=endpoint, port=port, workers=True, **site_changes)
    bodies = folder / "bodies.jsonl"
    bodies.write_bytes(b"\n".join(site.events(20_000)))
    server = serve(config, port)
    load(port, bodies, 4.0)
    server.kill()
    waiting = ask(folder, "SELECT id FROM delivery WHERE state IN ('sending', 'in-doubt')")
    if not waiting:
        raise RuntimeError("nothing was in flight at the kill")
    server = serve(config, port)
    started = time.perf_counter()
    try:
        while waiting & ask(folder, "SELECT id FROM delivery") and time.perf_counter() - started < 120:
            time.sleep(0.02)
        return time.perf_counter() - started
    finally:
        server.stop()


def _of_sqlite(folder: Path, query: str) -> set[str]:
    with closing(sqlite3.connect(f"file:{folder}/site/var/bridge.sqlite?mode=ro", uri=True)) as db:
        return {row[0] for row in db.execute(query)}


def sqlite_recovery() -> dict[str, Any]:
    """The row of the results file: the median of three kills."""
    took = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as scratch, receiver() as endpoint:
            took.append(recovered(Path(scratch), endpoint, _of_sqlite))
    return row("recovery", median(took), 2.0, "s, SQLite", digits=2)


def postgres_recovery() -> list[dict[str, Any]]:
    """The same on PostgreSQL, where a lease has to run out first."""
    import psycopg  # noqa: PLC0415 - an extra

    with tempfile.TemporaryDirectory() as scratch, receiver() as endpoint:
        try:
            with postgres_server.running(Path(scratch)) as server:
                url = f"{server}/recovery"
                with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
                    admin.execute("CREATE DATABASE recovery")
                upgrade(url)

                def ask(_folder: Path, query: str) -> set[str]:
                    with psycopg.connect(url) as db:
                        return {each[0] for each in db.execute(query.encode())}

                home = Path(scratch) / "home"
                home.mkdir()
                took = recovered(home, endpoint, ask, database=url, deadline_s=DEADLINE_S)
        except postgres_server.NotHere as reason:
            print(f"recovery-postgresql is left out: {reason}", file=sys.stderr)
            return []
    return [row("recovery-postgresql", took, LEASE_S + 2, f"s, a lease of {LEASE_S:.0f} s", digits=2)]


def two_nodes(seconds: float = 10.0) -> list[dict[str, Any]]:
    """Deliveries settled per second by two nodes against one, on the same cores and one PostgreSQL."""
    import psycopg  # noqa: PLC0415 - an extra

    speeds = []
    with tempfile.TemporaryDirectory() as scratch, receiver() as endpoint:
        try:
            with postgres_server.running(Path(scratch)) as server:
                for nodes in (2, 1):
                    name = f"b{uuid4().hex[:8]}"
                    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
                        admin.execute(f'CREATE DATABASE "{name}"')
                    url = f"{server}/{name}"
                    upgrade(url)
                    speeds.append(_settled(Path(scratch) / name, url, endpoint, nodes, seconds))
        except postgres_server.NotHere as reason:
            print(f"nodes-2 is left out: {reason}", file=sys.stderr)
            return []
    return [row("nodes-2", *speeds, PER_SECOND)]


def _settled(folder: Path, url: str, endpoint: str, nodes: int, seconds: float) -> float:
    import psycopg  # noqa: PLC0415

    folder.mkdir()
    bodies = folder / "bodies.jsonl"
    bodies.write_bytes(b"\n".join(site.events(20_000)))
    port = free_port()
    config = site.write_site(folder / "door", endpoint=endpoint, port=port, database=url)
    door = serve(config, port)
    load(port, bodies, seconds)
    door.stop()
    keys = folder / "door" / "var" / "keys.json"
    servers = []
    with psycopg.connect(url, autocommit=True) as db:
        for number in range(nodes):
            port = free_port()
            home = folder / f"node{number}"
            config = site.write_site(home, endpoint=endpoint, port=port, database=url, workers=True)
            (home / "var" / "keys.json").write_bytes(keys.read_bytes())
            servers.append(serve(config, port))
        started = time.perf_counter()
        before = _count(db)
        time.sleep(seconds)
        done = _count(db) - before
        took = time.perf_counter() - started
    for server in servers:
        server.stop()
    return done / took


def _count(db: Any) -> int:
    return int(db.execute("SELECT count(*) FROM settled").fetchone()[0])


def measure() -> list[dict[str, Any]]:
    """The rows of the results file."""
    return [sqlite_recovery(), *postgres_recovery(), *two_nodes()]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
