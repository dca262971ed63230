"""What people do at the page: by the same ways as the command line, with a reason, in the audit."""

from typing import Any

import pytest
from sqlalchemy import select

from bridge.store import audit
from bridge.store.tables import delivery, event
from tests.journeys.conftest import PRACTICE, SERVICE_KEY, Site
from tests.ops.people import at_the_page, parked_delivery, refer, things_of
from tests.security import requests

WHY = "the cause was mended"


async def state_of(site: Site, table: Any, item: str) -> str:
    """The state of a row, "" once it is not there."""
    query = select(table.c.state).where(table.c.id == item)
    return await site.bridge.store.read(lambda tx: tx.run(query).scalar_one_or_none() or "")


async def acts(site: Site, subject: str) -> list[tuple[str, str, str]]:
    """Who did what with something, and why; the oldest first."""
    rows = await site.bridge.store.read(lambda tx: audit.about(tx, subject, 50))
    return [(row["actor"], row["action"], row["why"]) for row in reversed(rows)]


async def test_a_parked_delivery_is_released_and_sent(site: Site) -> None:
    """The worker is woken; the page leads back to the item."""
    item = await parked_delivery(site, 1)
    async with at_the_page(site, "operator") as person:
        answer = await person.send(f"/ops/deliveries/{item}/release", why=WHY)
        queued = await person.get(f"/ops/deliveries/{item}")
        await site.drain()
        arrived = await person.get(f"/ops/deliveries/{item}")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/ops/deliveries/{item}")
    assert (">queued<" in queued.text, ">delivered<" in arrived.text) == (True, True)
    assert await acts(site, item) == [("page:operator", "release", WHY)]
    assert len(site.service.resources("ServiceRequest")) == 1


async def test_a_parked_event_is_discarded(site: Site) -> None:
    """Nobody is referred by it, and who closed it is known."""
    things = await things_of(site)
    async with at_the_page(site, "operator") as person:
        await person.send(f"/ops/events/{things.event}/discard", why=WHY)

    assert await state_of(site, event, things.event) == "discarded"
    assert await acts(site, things.event) == [("page:operator", "discard", WHY)]


async def test_what_a_rule_forbids_is_held_back_again(site: Site) -> None:
    """A person settles a doubt by releasing; that is no way around a rule."""
    child = requests.an_event(9, PRACTICE)
    child["patient"]["birth_date"] = "2015-06-15"
    told = (await site.post("/events/json-event", child)).json()
    query = select(event.c.id).where(event.c.message_id == told["message"])
    item = await site.bridge.store.read(lambda tx: tx.run(query).scalar_one())
    async with at_the_page(site, "operator") as person:
        await person.send(f"/ops/events/{item}/release", why=WHY)

    assert await state_of(site, event, item) == "not-sent"
    assert [act[1] for act in await acts(site, item)] == ["release"]


async def test_a_message_and_a_delivery_are_replayed(site: Site) -> None:
    """A message is a repeat and harmless; a delivery is queued once more."""
    things = await things_of(site)
    async with at_the_page(site, "operator") as person:
        again = await person.send(f"/ops/messages/{things.message}/replay", why=WHY)
        queued = await person.send(f"/ops/deliveries/{things.delivery}/replay", why=WHY)

    assert (again.status_code, queued.status_code) == (303, 303)
    assert [act[1] for act in await acts(site, things.message)] == ["replay"]
    assert [act[1] for act in await acts(site, things.delivery)] == ["replay"]
    rows = await site.bridge.store.read(lambda tx: tx.run(select(delivery.c.label)).scalars().all())
    assert [label[:7] for label in rows] == ["replay-"]


async def test_what_cannot_be_done_is_told_and_not_done(site: Site) -> None:
    """Somebody else was faster; the page says what it is now."""
    item = await parked_delivery(site, 1)
    async with at_the_page(site, "operator") as person:
        await person.send(f"/ops/deliveries/{item}/release", why=WHY)
        second = await person.send(f"/ops/deliveries/{item}/release", why=WHY)

    assert second.status_code == 422
    assert "Nothing was done" in second.text
    assert ">queued<" in second.text


@pytest.mark.parametrize("why", ["", "  ", "ok"])
async def test_nothing_is_done_without_a_reason(site: Site, why: str) -> None:
    """Whoever reads the audit later wants to know."""
    item = await parked_delivery(site, 1)
    async with at_the_page(site, "operator") as person:
        answer = await person.send(f"/ops/deliveries/{item}/release", why=why)

    assert (answer.status_code, await state_of(site, delivery, item)) == (422, "parked")
    assert "A reason is needed" in answer.text


async def test_a_number_in_a_reason_is_masked(site: Site) -> None:
    """People write what they are told not to."""
    item = await parked_delivery(site, 1)
    async with at_the_page(site, "operator") as person:
        await person.send(f"/ops/deliveries/{item}/discard", why="999 000 0018 asked us to stop")

    assert await acts(site, item) == [("page:operator", "discard", "[nhs-number] asked us to stop")]


async def test_several_of_one_reason_are_released_together(site: Site) -> None:
    """What is no longer parked is counted, and stops nobody."""
    items = [await parked_delivery(site, n) for n in (1, 2, 3)]
    async with at_the_page(site, "operator") as person:
        await person.send(f"/ops/deliveries/{items[0]}/discard", why=WHY)
        pile = await person.get("/ops/parked?code=partner-refused")
        form = {"code": "partner-refused", "items": " ".join(items), "why": WHY}
        answer = await person.send("/ops/parked/release", **form)
        await site.drain()

    assert [item in pile.text for item in items] == [False, True, True]
    assert ("2 released" in answer.text, "1 could not be" in answer.text) == (True, True)
    assert len(site.service.resources("ServiceRequest")) == 2


@pytest.mark.parametrize("kind", ["referrals", "events"])
async def test_who_it_is_about_is_shown_and_audited(site: Site, kind: str) -> None:
    """No page but that one names the person."""
    things = await things_of(site)
    item = things.referral if kind == "referrals" else things.event
    family = "Testfamily" if kind == "referrals" else "Nonumber"
    async with at_the_page(site, "practice") as person:
        before = await person.get(f"/ops/{kind}/{item}")
        shown = await person.send(f"/ops/{kind}/{item}/patient", why="the patient rang")

    assert (family in before.text, family in shown.text) == (False, True)
    assert "15 June 1950" in shown.text
    assert await acts(site, item) == [("page:practice", "show-patient", "the patient rang")]


async def test_the_practice_reads_why_a_service_rejected_a_referral(site: Site) -> None:
    """Its words may name somebody: they stand with the person, behind a reason, and on no other page."""
    things, words = await things_of(site), "lives outside our area"
    person = requests.an_event(1, PRACTICE)["patient"]["nhs_number"]
    said = {"schema_version": "1", "id": "1", "time": "2026-03-02T10:00:00Z", "type": "rejected"}
    said |= {"referral": things.referral, "nhs_number": person, "reason": words}
    answer = await site.post("/events/outcomes", said, SERVICE_KEY)
    async with at_the_page(site, "practice") as reader:
        story = await reader.get(f"/ops/referrals/{things.referral}")
        shown = await reader.send(f"/ops/referrals/{things.referral}/patient", why="it was rejected")

    assert answer.json()["events"][0]["state"] == "applied", answer.text
    assert (">rejected<" in story.text, words in story.text, words in shown.text) == (True, False, True)


async def test_a_refused_look_is_not_in_the_audit_as_a_look(site: Site) -> None:
    """An operator runs the bridge and reads no referral; another practice finds nothing."""
    things = await things_of(site)
    for who in ("operator", "practice-other"):
        async with at_the_page(site, who) as person:
            answer = await person.send(f"/ops/referrals/{things.referral}/patient", why="curious")
            assert "Testfamily" not in answer.text

    assert await acts(site, things.referral) == []


async def test_no_page_shows_a_patient_by_itself(site: Site) -> None:
    """Names, numbers and birth dates of everybody in the site are on none of an operator's pages."""
    things = await things_of(site)
    item = await parked_delivery(site, 4)
    places = (
        "",
        "/parked",
        "/parked?code=nhs-number-missing",
        "/referrals",
        "/partners",
        "/sources",
        "/audit",
    )
    places += ("/list?practice=A99999", f"/events/{things.event}", f"/messages/{things.message}")
    places += (f"/deliveries/{item}", f"/referrals/{things.referral}", "/audit")
    async with at_the_page(site, "operator") as person:
        texts = {place: (await person.get(f"/ops{place}")).text for place in places}

    wanted = ("Testfamily", "Nonumber", "1950-06-15", "15 Jun", "999000", "999 000")
    assert [(place, word) for place, text in texts.items() for word in wanted if word in text] == []


async def test_an_id_leads_to_its_page(site: Site) -> None:
    """Of whatever kind it is; one of nobody is told."""
    things = await things_of(site)
    async with at_the_page(site, "operator") as person:
        found = [
            (await person.http.get("/ops/find", params={"id": f" {item.upper()} "})).headers["location"]
            for item in (things.referral, things.event, things.delivery, things.message)
        ]
        nothing = await person.http.get("/ops/find", params={"id": "x"})

    assert found == [
        f"/ops/referrals/{things.referral}",
        f"/ops/events/{things.event}",
        f"/ops/deliveries/{things.delivery}",
        f"/ops/messages/{things.message}",
    ]
    assert nothing.status_code == 404


async def test_lists_go_on_where_they_ended(site: Site) -> None:
    """25 on a page, nobody twice and nobody left out."""
    for n in range(1, 31):
        await refer(site, n)
    seen: list[str] = []
    async with at_the_page(site, "operator") as person:
        following = "/ops/referrals?state=open"
        while following:
            text = (await person.get(following)).text
            seen += _between(text, "/ops/referrals/", '"')
            nexts = _between(text, 'class="further"', "rel=")
            following = _between(nexts[0], 'href="', '"')[0].replace("&amp;", "&") if nexts else ""

    assert (len(seen), len(set(seen))) == (30, 30)


def _between(text: str, before: str, after: str) -> list[str]:
    return [part.split(after)[0] for part in text.split(before)[1:]]
