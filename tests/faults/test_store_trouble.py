"""The disk is full, the file is locked: an honest answer, no loss, and back by itself."""

import asyncio
import sqlite3
from typing import Any

from sqlalchemy import event

from tests.journeys.conftest import Ground, Site
from tests.journeys.test_json_event import an_event


async def readiness(site: Site) -> tuple[int, int]:
    """/ready and /live."""
    return (await site.http.get("/ready")).status_code, (await site.http.get("/live")).status_code


async def test_a_full_disk_is_told_and_mended_without_a_person(site: Site) -> None:
    """503 with Retry-After and never a 202 that is not kept; the next one after room is made is kept."""
    before = await site.post("/events/json-event", an_event(id="before"))
    engine: Any = site.bridge.store._engine  # type: ignore[attr-defined]
    full = {"on": True}

    def limit(raw: Any, _record: Any) -> None:
        if full["on"]:
            pages = raw.execute("PRAGMA page_count").fetchone()[0]
            raw.execute(f"PRAGMA max_page_count={pages}")

    event.listen(engine, "connect", limit)
    await site.bridge.store.run(lambda tx: tx.conn.connection.dbapi_connection.execute(  # type: ignore[union-attr]
        "PRAGMA max_page_count=1"
    ))  # fmt: skip
    refused = [
        await site.post("/events/json-event", an_event(id=f"full{n}", patient=other(n))) for n in range(40)
    ]

    assert 503 in {answer.status_code for answer in refused}
    assert {answer.status_code for answer in refused} <= {202, 503}
    assert all(a.headers["Retry-After"] for a in refused if a.status_code == 503)
    assert all("SQL" not in a.text and "Traceback" not in a.text for a in refused)
    full["on"] = False
    site.bridge.store._disconnect()  # type: ignore[attr-defined]
    after = await site.post("/events/json-event", an_event(id="after", patient=other(99)))
    assert (before.status_code, after.status_code) == (202, 202)
    kept = {a.json()["message"] for a in (before, after, *refused) if a.status_code == 202}
    assert {m for m in kept if (await site.get(f"/messages/{m}")).status_code == 200} == kept


def other(n: int) -> dict[str, Any]:
    """Another person each time."""
    from tests.conftest import nhs_number

    return {
        "nhs_number": nhs_number(1000 + n * 10).digits,
        "family": f"Family{n}",
        "given": ["Given"],
        "birth_date": "1950-06-15",
        "gender": "female",
    }


async def test_a_locked_database_is_told_and_mended_without_a_person(site: Site, ground: Ground) -> None:
    """Someone holds the file longer than we wait: not ready, alive, and back when it is let go."""
    other_program = sqlite3.connect(ground.folder / "var" / "bridge.sqlite", isolation_level=None)
    other_program.execute("BEGIN IMMEDIATE")
    try:
        refused = await site.http.post(
            "/events/json-event",
            json=an_event(),
            headers={"X-API-Key": "rbk_gp"},
            timeout=30,
        )
        ready = await site.http.get("/ready", timeout=30)
        live = await site.http.get("/live")
    finally:
        other_program.execute("ROLLBACK")
        other_program.close()

    assert (refused.status_code, ready.status_code, live.status_code) == (503, 503, 200)
    assert (await site.post("/events/json-event", an_event())).status_code == 202
    async with asyncio.timeout(20):  # what was found out is kept for some seconds
        while await readiness(site) != (200, 200):
            await asyncio.sleep(0.2)
