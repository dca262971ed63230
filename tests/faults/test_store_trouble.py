"""The file is locked: an honest answer, no loss, and back by itself."""

import asyncio
import sqlite3

from tests.journeys.conftest import Ground, Site
from tests.journeys.test_json_event import an_event


async def readiness(site: Site) -> tuple[int, int]:
    """/ready and /live."""
    return (await site.http.get("/ready")).status_code, (await site.http.get("/live")).status_code


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
