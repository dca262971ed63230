"""The last look before anything leaves: what it holds back, and what it never holds back."""

from typing import Any

import pytest

from bridge.simulators.trouble import Step, Trouble
from bridge.store.audit import Hand
from tests.journeys.conftest import Ground, Site
from tests.journeys.test_json_event import a_person, an_event, cancel, statuses

URGENT = an_event()["referral"] | {"priority": "urgent"}


async def turn(site: Site, ground: Ground, mode: str) -> None:
    """Set the practice to a mode and have the bridge read its rules anew."""
    ground.settings(mode=mode)
    await site.bridge.reload(Hand(actor="test", why="mode", node="test", chain=site.bridge.chain))


async def sent(site: Site) -> None:
    """One referral that the service has."""
    await site.post("/events/json-event", an_event())
    await site.drain()
    assert await statuses(site) == ["active"]


@pytest.mark.parametrize("mode", ["off", "shadow"])
async def test_a_cancel_leaves_though_its_practice_is_not_live_any_more(
    site: Site, ground: Ground, mode: str
) -> None:
    """The service would go on calling somebody who does not want it."""
    await sent(site)
    await turn(site, ground, mode)
    await site.post("/events/json-event", cancel())
    await site.drain()

    assert await statuses(site) == ["revoked"]


@pytest.mark.parametrize("trouble", [Trouble.STATUS, Trouble.CUT, Trouble.LOST_REPLY])
async def test_a_change_that_is_held_back_does_not_hold_back_the_cancel_behind_it(
    site: Site, ground: Ground, trouble: Trouble
) -> None:
    """It was tried once, its practice is not live now, and the referral it is about has ended."""
    await sent(site)
    site.service.script(Step(trouble=trouble, method="PUT", times=1, status=503))
    await site.post("/events/json-event", an_event(2, referral=URGENT))
    await site.drain()
    await turn(site, ground, "off")
    await site.post("/events/json-event", cancel(3))
    await drained(site)

    assert await statuses(site) == ["revoked"]


async def drained(site: Site) -> None:
    """Send all there is, however long what waits behind a failed attempt should wait."""
    for _ in range(5):
        await site.bridge.store.run(lambda tx: tx.conn.exec_driver_sql(
            "UPDATE lane SET due_at = 1 WHERE due_at IS NOT NULL AND lease_until IS NULL"
        ))  # fmt: skip
        await site.drain()


@pytest.mark.parametrize(
    "news",
    [{"deceased": True, "deceased_on": "2026-03-01"}, {"registered": False}],
    ids=["death", "deduction"],
)
@pytest.mark.parametrize("mode", ["off", "live"])
async def test_a_death_or_a_deduction_takes_the_referral_back_whatever_the_mode(
    site: Site, ground: Ground, mode: str, news: dict[str, Any]
) -> None:
    """A practice that pauses new referrals still has people who die."""
    await sent(site)
    await turn(site, ground, mode)
    await site.post("/events/json-event", an_event(2, patient=a_person(**news)))
    await site.drain()

    assert await statuses(site) == ["revoked"]


async def test_a_death_reaches_a_service_after_its_practice_left_the_scheme(
    site: Site, ground: Ground
) -> None:
    """What was sent under the scheme is taken back under it."""
    await sent(site)
    scheme = ground.folder / "mappings" / "schemes" / "journey.toml"
    scheme.write_text(scheme.read_text().replace('ods = "A99999"', 'ods = "B88888"'))
    await site.bridge.reload(Hand(actor="test", why="moved", node="test", chain=site.bridge.chain))
    news = a_person(deceased=True, deceased_on="2026-03-01")
    await site.post("/events/json-event", an_event(2, patient=news))
    await site.drain()

    assert await statuses(site) == ["revoked"]


async def test_a_new_referral_waits_while_its_practice_is_not_live(site: Site, ground: Ground) -> None:
    """And leaves when it is."""
    await site.post("/events/json-event", an_event())
    await turn(site, ground, "shadow")
    await site.drain()
    before = await statuses(site)
    await turn(site, ground, "live")
    await drained(site)

    assert (before, await statuses(site)) == ([], ["active"])
