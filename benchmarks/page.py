"""How fast pages of /ops open beside 10^5 referrals, against beside ten: median milliseconds of each page.

Half of the referrals are over, a tenth waits to be sent, a hundredth is parked; everything came today.
"""

import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks import site
from benchmarks.drain import row
from benchmarks.history import _insert
from bridge.app import open_bridge
from bridge.ops.page.visitors import SESSION
from bridge.store import accounts, tables
from bridge.store.accounts import Account, Terms

MANY, FEW = 100_000, 10
OPENED = 31  # times each page
PAGES = {
    "now": "/ops",
    "parked": "/ops/parked",
    "reason": "/ops/parked?code=partner-refused",
    "referrals": "/ops/referrals",
    "of-a-practice": "/ops/referrals?practice=A99999",
    "list": "/ops/list?practice=A99999",
    "referral": "/ops/referrals/r-000000000001",
    "partners": "/ops/partners",
    "sources": "/ops/sources",
    "audit": "/ops/audit",
}
TERMS = Terms(idle=3_600_000, longest=3_600_000)


def fill(database: Path, how_many: int) -> None:
    """Referrals of the last day in every state, of 200 practices."""
    db = sqlite3.connect(database)
    db.execute("PRAGMA synchronous=OFF")
    now = time.time_ns() // 1_000_000
    step = 86_000_000 // how_many
    at = {n: now - 86_000_000 + n * step for n in range(how_many)}

    def each(every: int = 1) -> Iterator[int]:
        return iter(range(0, how_many, every))

    _insert(db, tables.message, (
        {"id": f"m-{n:012d}", "source": "json-event", "door": "http", "caller": "gp", "media_type": "",
         "received_at": at[n], "size": 900}
        for n in each()
    ))  # fmt: skip
    _insert(db, tables.event, (
        {"id": f"e-{n:012d}", "message_id": f"m-{n:012d}", "n": 0, "position": "", "kind": "referred",
         "state": "parked" if n % 100 == 5 else "applied", "code": "nhs-number-missing" * (n % 100 == 5),
         "source": "json-event", "practice": _practice(n), "referral_id": f"r-{n:012d}", "at": at[n]}
        for n in each()
    ))  # fmt: skip
    _insert(db, tables.referral, (
        {"id": f"r-{n:012d}", "source": "json-event", "scheme": "benchmark", "practice": _practice(n),
         "service": "prescribing", "state": "open" if n % 2 else "completed", "shadow": 0, "patient": f"p{n}",
         "version": 1, "mapping": "json-event@1", "opened_at": at[n], "updated_at": at[n],
         "sealed": b"x" * 400}
        for n in each()
    ))  # fmt: skip
    _insert(db, tables.delivery, (_delivery(n, at[n]) for n in each(10)))
    _insert(db, tables.settled, (
        {**_delivery(n, at[n]), "id": f"s-{n:012d}", "state": "delivered", "code": "", "settled_at": at[n]}
        for n in each(2)
    ))  # fmt: skip
    _insert(db, tables.audit, (
        {"node": "old", "n": n, "at": at[n], "actor": "page:kim", "action": "release", "subject": f"s{n}",
         "why": "mended", "mac": b"x" * 32}
        for n in each(10)
    ))  # fmt: skip
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def _practice(n: int) -> str:
    return "A99999" if n % 200 == 0 else f"A{10_000 + n % 200}"


def _delivery(n: int, at: int) -> dict[str, Any]:
    parked = n % 100 == 10
    return {
        "id": f"d-{n:012d}", "lane_id": n + 1, "referral_id": f"r-{n:012d}",
        "practice": _practice(n), "partner": "prescribing",
        "leg": "forward", "kind": "create", "seq": 1, "state": "parked" if parked else "queued",
        "code": "partner-refused" if parked else "", "request_id": f"q{n}", "correlation_id": f"c{n}",
        "frozen": 1, "replaces": 0, "created_at": at,
    }  # fmt: skip


@asynccontextmanager
async def opened(how_many: int) -> AsyncIterator[httpx.AsyncClient]:
    """An operator at the page of a bridge with that many referrals."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = site.settings(folder, endpoint="http://127.0.0.1:1/fhir")
        async with open_bridge(settings) as bridge:
            account = Account(name="kim", roles=("operator",), password="none")  # noqa: S106 - nobody's
            await bridge.store.run(lambda tx: accounts.add(tx, account))
            await bridge.store.run(lambda tx: accounts.begin_session(tx, "kim", "token", TERMS))
        fill(folder / "var" / "bridge.sqlite", how_many)
        async with open_bridge(settings) as bridge:
            here = httpx.ASGITransport(app=bridge.http(), client=("127.0.0.1", 1))
            shown = {"Cookie": f"{SESSION}=token"}
            async with httpx.AsyncClient(transport=here, base_url="http://bridge", headers=shown) as http:
                yield http


async def compared() -> dict[str, tuple[float, float]]:
    """Median milliseconds of each page beside MANY and beside FEW, opened in turns."""
    async with opened(MANY) as many, opened(FEW) as few:
        return {name: await _medians(many, few, address) for name, address in PAGES.items()}


async def _medians(many: httpx.AsyncClient, few: httpx.AsyncClient, address: str) -> tuple[float, float]:
    took = [(await _took(many, address), await _took(few, address)) for _ in range(OPENED)]
    return statistics.median(each[0] for each in took), statistics.median(each[1] for each in took)


async def _took(http: httpx.AsyncClient, address: str) -> float:
    started = time.perf_counter()
    answer = await http.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return (time.perf_counter() - started) * 1000


def measure() -> list[dict[str, Any]]:
    """A row for each page."""
    found = asyncio.run(compared())
    return [row(f"page-{name}-1e5", many, few, "ms to open") for name, (many, few) in found.items()]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
