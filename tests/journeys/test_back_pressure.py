"""Back-pressure at the doors: what senders hear, and that nothing is kept meanwhile.

That of the MLLP port is in test_mllp.py.
"""

import asyncio
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from bridge.config import Limits
from bridge.simulators import gp
from bridge.store import hold
from bridge.store.hold import Hold
from bridge.store.tables import message
from tests.journeys import test_bars as bars
from tests.journeys.conftest import GP_KEY, SERVICE_KEY, Ground, Site
from tests.journeys.surgery import Surgery, surgeries
from tests.journeys.test_emis_batches import PLAN
from tests.journeys.test_json_event import an_event

DOORS = {
    "/events/json-event": GP_KEY,
    "/events/hl7v2-ref": GP_KEY,
    "/fhir": GP_KEY,
    "/fhir/ServiceRequest": GP_KEY,
    "/fhir/$process-message": GP_KEY,
    "/fhir/Task": SERVICE_KEY,
    "/fhir/Observation": SERVICE_KEY,
}


async def test_a_full_queue_is_answered_with_429_and_a_time_to_come_again(open_site: Any) -> None:
    """The sender keeps what it has; when the queue is shorter it is served."""
    site: Site = await open_site(limits=Limits(most_unsettled=1))
    first = await site.post("/events/json-event", an_event())
    await site.bridge.gauge.look()
    refused = await site.post("/events/json-event", an_event(id="SPR-2"))
    await site.drain()
    await site.bridge.gauge.look()
    again = await site.post("/events/json-event", an_event(id="SPR-2"))

    assert [first.status_code, refused.status_code, again.status_code] == [202, 429, 202]
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json()["issue"][0]["code"] == "throttled"


async def test_a_held_bridge_answers_503_and_sends_nothing(site: Site) -> None:
    """What was queued before waits; what comes is kept by its sender."""
    await site.post("/events/json-event", an_event())
    await site.bridge.store.run(lambda tx: hold.put(tx, Hold(by="op", why="looking", at=tx.now)))
    await site.bridge.gauge.look()
    await site.drain()
    refused = await site.post("/events/json-event", an_event(id="SPR-2"))

    assert refused.status_code == 503
    assert "Retry-After" in refused.headers
    assert site.service.resources("ServiceRequest") == []
    await site.bridge.store.run(hold.lift)
    await site.drain()
    assert len(site.service.resources("ServiceRequest")) == 1


async def test_a_full_queue_says_nothing_about_readiness(open_site: Any) -> None:
    """A balancer that took the node away would help nobody: it can keep what it is given."""
    site: Site = await open_site(limits=Limits(most_unsettled=1))
    await site.post("/events/json-event", an_event())
    await site.bridge.gauge.look()

    assert (await site.get("/ready")).status_code == 200


async def kept(site: Site) -> int:
    """How many messages were kept."""
    count = select(func.count()).select_from(message)
    return int(await site.bridge.store.read(lambda tx: tx.run(count).scalar_one()))


async def refusals(site: Site) -> dict[str, tuple[int, bool]]:
    """What each door answers, and whether it says when to come again."""
    found = {}
    for door, key in DOORS.items():
        sent = bars.headers(key) | {"Content-Type": "application/fhir+json"}
        answer = await site.http.post(door, content=b"{}", headers=sent)
        found[door] = answer.status_code, int(answer.headers.get("Retry-After", 0)) > 0
    return found


async def test_every_http_door_asks_to_come_later_when_too_much_waits(open_site: Any) -> None:
    """Before it reads anything of what is sent."""
    site: Site = await open_site(limits=Limits(most_unsettled=1))
    await site.post("/events/json-event", an_event())
    await site.bridge.gauge.look()

    assert await refusals(site) == dict.fromkeys(DOORS, (429, True))
    assert await kept(site) == 1


@pytest.mark.postgres
async def test_every_http_door_asks_to_come_again_while_the_database_is_away(
    open_site: Any, postgres_url: str
) -> None:
    """503 with a time; the process lives, is not ready, and takes the next one once the database is back."""
    site: Site = await open_site(database=postgres_url)
    server, _, name = postgres_url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[call-overload]
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        away = await refusals(site)
        health = [(await site.http.get(path)).status_code for path in ("/ready", "/live")]
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[call-overload]
    back = await site.post("/events/json-event", an_event())

    assert away == dict.fromkeys(DOORS, (503, True))
    assert (health, back.status_code) == ([503, 200], 202)


async def test_a_drop_folder_waits_while_the_bridge_takes_nothing(ground: Ground) -> None:
    """What was dropped stays where it is, and is read when there is room."""
    async with surgeries(ground, PLAN) as make:
        await waited(await make().open())


async def waited(practice: Surgery) -> None:
    """An extract is dropped while the bridge is held, and read after that."""
    store, gauge = practice.bridge.store, practice.bridge.gauge
    await store.run(lambda tx: hold.put(tx, Hold(by="op", why="full", at=tx.now)))
    await gauge.look()
    looks: list[str] = []

    def full() -> str:
        looks.append(gauge.full())
        return looks[-1]

    stop = asyncio.Event()
    watching = asyncio.create_task(replace(practice.watch, full=full, every_s=0.05).watch(stop))
    gp.drop(practice.folder, PLAN, 1)
    async with asyncio.timeout(60):
        while len(looks) < 5:
            await asyncio.sleep(0.02)
        waiting = sorted(path.name for path in practice.folder.iterdir())
        await store.run(hold.lift)
        await gauge.look()
        while not practice.verdicts("done"):
            await asyncio.sleep(0.05)
    stop.set()
    await watching

    assert "working" not in waiting
    assert waiting
