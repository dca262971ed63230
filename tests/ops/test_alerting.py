"""A whole site tells of trouble: once at its start, once at its end, across restarts and broken routes."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from bridge.config.watching import AlertSettings
from bridge.errors import NotTold
from bridge.ops.alerting import LONGEST_REST_S, MOST_OWED, Alerting, Routes, Terms, _owing
from bridge.ops.conditions import Notice
from bridge.partners.alerts import Message
from bridge.simulators.loopback import running
from bridge.simulators.trouble import Step, Trouble
from tests.journeys.conftest import Ground, Site
from tests.journeys.test_json_event import a_person, an_event, cancel
from tests.ops.conftest import Watched
from tests.ops.test_health_faults import mend, send, store
from tests.partners.test_alerts import Hook


class Ear:
    """A way to tell that only listens, or does not work."""

    name = "ear"

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.deaf = False

    async def tell(self, message: Message) -> None:
        if self.deaf:
            raise NotTold("not reached")
        self.heard.append(message)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """State, code and severity of everything heard."""
        return [
            (said["state"], said["code"], said["severity"]) for m in self.heard for said in m.body["alerts"]
        ]


class Guarded:
    """A watched site whose alerts are looked at when the test says so."""

    def __init__(self, watched: Watched, ear: Ear) -> None:
        self.watched, self.ear = watched, ear
        self.clock = 0.0
        self.routes = Routes([ear], now=lambda: self.clock)
        self.alerting = self.begin()

    def begin(self, node: str = "n1") -> Alerting:
        """As a node does when it starts."""
        self.alerting = Alerting(
            store=self.watched.site.bridge.store,
            node=node,
            report=lambda: self.watched.vitals().report(),
            routes=self.routes,
            terms=Terms(after_s=0, every_s=2),
            hearts=self.watched.vitals().pulse.hearts,
        )
        return self.alerting

    async def look(self, times: int = 1) -> None:
        """Look so many times, with the routes rested."""
        for _ in range(times):
            self.clock += LONGEST_REST_S
            await self.alerting.look()


@pytest.fixture
async def guarded(watched: Watched) -> Guarded:
    """A live site with somebody who listens."""
    return Guarded(watched, Ear())


async def park_a_cancel(watched: Watched) -> str:
    """A cancel that the service refuses; its delivery."""
    await send(watched)
    await watched.site.drain()
    watched.site.service.script(Step(trouble=Trouble.STATUS, status=422, method="PUT"))
    await watched.site.post("/events/json-event", cancel())
    await watched.site.drain()
    return str(await store(watched, lambda tx: tx.run(text("SELECT id FROM delivery")).scalar_one()))


async def test_all_is_well_and_nobody_is_told(guarded: Guarded) -> None:
    """Silence means something."""
    await guarded.look(3)

    assert guarded.ear.heard == []


async def test_a_parked_cancel_is_told_first_and_loudest_until_it_is_delivered(guarded: Guarded) -> None:
    """Once each, however often it is looked at."""
    parked = await park_a_cancel(guarded.watched)
    await guarded.look(3)
    began = guarded.ear.told[:]
    loud = guarded.ear.heard[0]
    await mend(guarded.watched, "release", parked)
    await guarded.watched.site.drain()
    await guarded.look(3)

    assert began == [
        ("raised", "cancel-waiting", "critical"),
        ("raised", "parked-waiting", "warn"),
    ]
    assert (loud.loud, loud.subject.split(": ")[1]) == (True, "URGENT")
    assert "A CANCEL IS PARKED" in loud.subject
    assert "Telephone the service now" in loud.text
    assert sorted(guarded.ear.told[2:]) == [
        ("cleared", "cancel-waiting", "critical"),
        ("cleared", "parked-waiting", "warn"),
    ]
    assert "9990000018" not in "".join(repr(each) for each in guarded.ear.heard)


async def test_an_outage_with_many_attempts_is_told_once(guarded: Guarded) -> None:
    """Every attempt fails; one alert begins it and one ends it."""
    site = guarded.watched.site
    site.service.script(Step(trouble=Trouble.EMPTY, status=503, times=0))
    due = "UPDATE lane SET due_at = 0 WHERE due_at IS NOT NULL"
    for n in range(1, 6):
        await send(guarded.watched, n)
    for _ in range(4):
        await store(guarded.watched, lambda tx: tx.run(text(due)))
        site.bridge.workers[0].breaker._until = 0
        await site.drain()
        await guarded.look()
    during = guarded.ear.told[:]
    site.service.recover()
    site.bridge.workers[0].breaker._until = 0
    await store(guarded.watched, lambda tx: tx.run(text(due)))
    await site.drain()
    await guarded.look(3)

    assert during == [("raised", "partner-away", "warn")]
    assert guarded.ear.told == [*during, ("cleared", "partner-away", "warn")]


async def test_a_restart_repeats_nothing(guarded: Guarded) -> None:
    """Neither what the database knows nor what only the node saw."""
    await park_a_cancel(guarded.watched)
    guarded.watched.senses["free"] = lambda _folder: 0
    await guarded.look()
    before = len(guarded.ear.told)
    guarded.begin()
    await guarded.look(3)
    after = len(guarded.ear.told)
    del guarded.watched.senses["free"]
    guarded.begin()
    await guarded.look(2)

    assert (before, after) == (3, 3)
    assert guarded.ear.told[3:] == [("cleared", "disk-nearly-full", "fail")]


async def test_two_nodes_tell_of_a_parked_cancel_once(guarded: Guarded) -> None:
    """The one whose turn it is; what they share is in the database."""
    await park_a_cancel(guarded.watched)
    one, other = guarded.begin("n1"), guarded.begin("n2")
    for each in (one, other, one, other):
        await each.look()

    assert [code for _, code, _ in guarded.ear.told] == ["cancel-waiting", "parked-waiting"]


async def test_what_could_not_be_told_is_told_later(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    """Also after a restart; the log says once that nobody is told, and health as long as it lasts."""
    caplog.set_level(logging.INFO)
    guarded.watched.senses["alert_routes"] = guarded.routes.standing
    guarded.ear.deaf = True
    await park_a_cancel(guarded.watched)
    await guarded.look(4)
    during = (await guarded.watched.told()).unwell["alerts:route ear"]
    guarded.ear.deaf = False
    guarded.begin()
    await guarded.look(2)
    events = [record.__dict__.get("event") for record in caplog.records]

    assert during == ("warn", "alert-unsent")
    assert ("raised", "cancel-waiting", "critical") in guarded.ear.told
    assert guarded.ear.heard[0].loud
    assert (events.count("alert_unsent"), events.count("alert_route_back")) == (1, 1)
    assert "alerts:route ear" not in (await guarded.watched.told()).unwell


async def test_a_route_that_fails_is_left_alone_for_a_while() -> None:
    """Longer each time, and never for more than five minutes."""
    clock, tries = [0.0], []

    class Broken(Ear):
        async def tell(self, message: Message) -> None:
            tries.append(clock[0])
            raise NotTold("answered 500")

    broken = Broken()
    routes = Routes([broken], now=lambda: clock[0])
    for second in range(2000):
        clock[0] = float(second)
        await routes.tell(broken, Message(id="1", subject="", text="", loud=False, body={}), at=second)

    assert tries == [0, 5, 15, 35, 75, 155, 315, 615, 915, 1215, 1515, 1815]


async def test_a_database_that_is_locked_is_told_from_memory(guarded: Guarded) -> None:
    """The one trouble that cannot be noted in the database."""
    await guarded.look()
    file = guarded.watched.site.bridge.settings.data / "bridge.sqlite"
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        await guarded.look()
        other.execute("ROLLBACK")
    other.close()
    during = guarded.ear.told[:]
    await guarded.look(2)

    assert during == [("raised", "unavailable", "fail")]
    assert guarded.ear.told[1:] == [("cleared", "unavailable", "fail")]


def test_what_is_owed_has_an_end_and_no_cancel_is_dropped() -> None:
    """A route that is broken for a month must not fill the database."""

    def notice(n: int, severity: str) -> Notice:
        return Notice(
            id=str(n), cleared=False, severity=severity, check="parked:cancels", of="sp",
            code="cancel-waiting", count=1, since=n, at=n,
        )  # fmt: skip

    owed = [("mail", notice(0, "critical")), *(("mail", notice(n, "warn")) for n in range(1, MOST_OWED + 9))]
    left = _owing([], owed)

    assert len(left) == MOST_OWED
    assert left[0][1].severity == "critical"


async def test_a_running_bridge_tells_by_its_webhook(ground: Ground, open_site: Callable[..., Any]) -> None:
    """From the settings to the wire."""
    hook, secret = Hook(), ground.folder / "hook"
    secret.touch(mode=0o600)
    async with running(hook.app) as url:
        secret.write_text(f"{url}/hook", "utf-8")
        alerts = AlertSettings(webhook=f"file:{secret}", after_s=0, every_s=0.1)
        site: Site = await open_site(alerts=alerts)
        await site.post("/events/json-event", an_event(patient=a_person(nhs_number=None)))
        stop = asyncio.Event()
        watching = asyncio.create_task(site.bridge.watch.alerting.watch(stop))
        async with asyncio.timeout(60):
            while not hook.told:
                await asyncio.sleep(0.05)
        stop.set()
        await watching

    assert [alert["code"] for alert in hook.told[0]["alerts"]] == ["parked-waiting"]
    assert hook.told[0]["node"] == site.bridge.settings.node
