"""Whom an entry of an extract is about that was not understood: the practice can look, and nobody else."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bridge.domain.journey import EventState
from bridge.pipeline.extracts import Importer
from bridge.pipeline.importing import import_extract, list_lapsed
from bridge.sources.emis_shelf import WAITING
from bridge.store.tables import event, held
from bridge.store.unit import Tx
from tests.journeys.conftest import Site
from tests.ops import people
from tests.ops.people import at_the_page

GOLDENS = Path(__file__).parents[2] / "fixtures" / "emis"
WHO = ("Mrs Bea Ann Testperson", "1948-05-17", "9990000019", "1AECB9D3-CA71-5C44-8905-8EB930595A88")


@pytest.fixture(autouse=True)
def practices(monkeypatch: pytest.MonkeyPatch) -> None:
    """People of the practice whose extracts the goldens are, and of another one."""
    monkeypatch.setitem(people.PEOPLE, "mockford", (("practice",), ("ZZ9901",)))


async def told(site: Site, golden: str) -> list[dict[str, Any]]:
    """The events that came of the first day of a golden folder."""
    source, context = site.bridge.sources["emis"], site.bridge.context
    importer = Importer(store=site.bridge.store, context=context, source=source, caller="folder:emis")
    assert (await import_extract(importer, GOLDENS / golden / "day-1")).state == "done"
    return await events(site)


async def events(site: Site) -> list[dict[str, Any]]:
    """Every event there is."""
    query = select(event.c.id, event.c.code, event.c.state, event.c.practice)
    return await site.bridge.store.read(lambda tx: [dict(row._mapping) for row in tx.run(query)])


async def test_who_has_a_wrong_nhs_number_is_shown_to_the_practice(site: Site) -> None:
    """Name and date of birth as the extract has them; the practice finds the person by them."""
    (parked,) = await told(site, "nhs-number-check-digit")
    address = f"/ops/events/{parked['id']}"
    async with at_the_page(site, "mockford") as person:
        page = await person.get(address)
        shown = await person.send(f"{address}/patient", why="to mend the number")

    assert (parked["code"], parked["state"]) == ("nhs-number-check-digit", EventState.PARKED.value)
    assert "Show who it is about" in page.text
    assert not [each for each in WHO if each in page.text]
    assert [each for each in WHO if each in shown.text] == list(WHO)


@pytest.mark.parametrize("other", ["operator", "practice", "officer"])
async def test_nobody_else_is_shown_anything(site: Site, other: str) -> None:
    """Whoever runs the bridge sees the place; other practices do not see the event."""
    (parked,) = await told(site, "nhs-number-check-digit")
    async with at_the_page(site, other) as person:
        shown = await person.send(f"/ops/events/{parked['id']}/patient", why="curious")

    assert shown.status_code in (403, 404)
    assert not [each for each in WHO if each in shown.text]


async def test_who_an_entry_is_about_that_waited_too_long(site: Site) -> None:
    """Its code was never explained; what it is about can be looked up in the record."""
    assert await told(site, "code-row-a-day-late") == []

    def lapse(tx: Tx) -> None:
        tx.run(update(held).where(held.c.kind == WAITING.name).values(until=0))
        list_lapsed(tx, site.bridge.context, "emis")

    await site.bridge.store.run(lapse)
    (listed,) = await events(site)
    async with at_the_page(site, "mockford") as person:
        shown = await person.send(f"/ops/events/{listed['id']}/patient", why="on our list")

    assert (listed["code"], listed["state"]) == ("emis-code-unknown", EventState.NOT_SENT.value)
    assert "Testperson" in shown.text
