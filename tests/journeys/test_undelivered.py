"""The list for a day without IT: who waits, how it is safe to reach them, and who has printed it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from bridge.config import CallerSettings
from bridge.pipeline import undelivered
from bridge.store.tables import audit
from tests.conftest import nhs_number
from tests.journeys.conftest import GP_KEY, OPERATOR_KEY, PRACTICE, Ground, Site
from tests.journeys.test_json_event import a_person, an_event


@pytest.fixture
async def site(open_site: Callable[..., Any], ground: Ground) -> Site:
    """A site where the operator's key is that of somebody at the practice."""
    own = ground.settings().callers
    person = own[2].model_copy(update={"roles": ("practice",), "practices": (PRACTICE,)})
    assert isinstance(person, CallerSettings)
    opened: Site = await open_site(callers=(*own[:2], person))
    return opened


async def refer(site: Site, n: int, **person: Any) -> dict[str, Any]:
    """Somebody is referred; nothing is sent yet."""
    told = a_person(nhs_number=nhs_number(n).digits, family=f"Family{n}", **person)
    answer = await site.post("/events/json-event", an_event(id=f"SPR-{n}", patient=told))
    event: dict[str, Any] = answer.json()["events"][0]
    return event


async def test_who_waits_is_on_it_with_how_to_reach_them(site: Site) -> None:
    """Until the service has them; each person shown is in the audit."""
    first = await refer(site, 1, phone_mobile="07700 900001")
    await refer(site, 2, phone_mobile="07700 900002", safe_contact={"call": False})
    await refer(site, 3, nhs_number_status="02", birth_date="1950-06")  # a person must look first
    listed = await site.get(f"/practices/{PRACTICE}/undelivered")
    await site.drain()
    after = await site.get(f"/practices/{PRACTICE}/undelivered")
    rows = await site.bridge.store.read(
        lambda tx: (
            tx.run(select(audit.c.subject).where(audit.c.action == undelivered.PRINTED)).scalars().all()
        )
    )

    assert listed.status_code == 200, listed.text
    assert "07700 900001" in listed.text
    assert ("NOT SAFE TO CALL" in listed.text, "07700 900002" in listed.text) == (True, False)
    assert "Family1" not in after.text
    assert first["referral"] in rows


@pytest.mark.parametrize(("key", "status"), [(GP_KEY, 404), (OPERATOR_KEY, 200)])
async def test_only_people_at_the_practice_see_it(site: Site, key: str, status: int) -> None:
    """A system has no use for it, and another practice none at all."""
    assert (await site.get(f"/practices/{PRACTICE}/undelivered", key)).status_code == status
    assert (await site.get("/practices/B99999/undelivered", key)).status_code == 404
