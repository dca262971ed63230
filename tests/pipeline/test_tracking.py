"""Polling: what a page does to the store, also when a fault of ours meets it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bridge.errors import Transient
from bridge.partners.polling import Page, Polled
from bridge.pipeline.tracking import Poller
from bridge.store import Store, claims, feeds
from tests.conftest import NOW, a_referral
from tests.pipeline.desk import a_context, an_event, tell


class Shelf:
    """A service's server as a poll sees it: pages of Tasks, nothing else."""

    def __init__(self, *pages: Page) -> None:
        self.shown = pages
        self.asked: list[datetime | None] = []

    async def pages(self, kind: Polled, since: datetime | None) -> AsyncIterator[Page]:
        """The pages, once for Tasks; an empty one for Observations."""
        if kind == "Observation":
            yield Page(resources=(), watermark=None, last=True)
            return
        self.asked.append(since)
        for page in self.shown:
            yield page


def a_task(n: int = 1, **changes: Any) -> dict[str, Any]:
    """The Task of referral n, accepted."""
    referral = a_referral(n)
    number = referral.patient.nhs_number
    assert number is not None
    return {
        "resourceType": "Task",
        "id": f"t{n}",
        "meta": {"lastUpdated": "2026-03-02T09:00:00Z"},
        "identifier": [{"system": "https://bridge.test/Id/referral", "value": str(referral.key.id)}],
        "status": "accepted",
        "intent": "order",
        "focus": {"reference": "ServiceRequest/1"},
        "for": {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number.digits}},
    } | changes


def a_page(*tasks: dict[str, Any]) -> Page:
    """The last page, with a watermark."""
    return Page(resources=tasks, watermark=NOW, last=True)


def a_poller(store: Store, shelf: Shelf, **context: Any) -> Poller:
    """A poller of that shelf."""
    rules = replace(a_context(), **context)
    return Poller(store=store, context=rules, service="prescribing", asking=shelf, every=timedelta(minutes=5))


async def polled_to(store: Store) -> str:
    """The watermark of Tasks."""
    return await store.read(lambda tx: feeds.polled_to(tx, "prescribing", "Task"))


async def test_the_next_poll_goes_on_from_the_watermark(store: Store) -> None:
    """The first asks for everything."""
    shelf = Shelf(a_page())
    poller = a_poller(store, shelf)
    await poller.poll_once()
    await poller.poll_once()

    assert shelf.asked == [None, NOW]


async def test_a_fault_of_ours_with_one_resource_does_not_hide_the_others(store: Store) -> None:
    """Each is taken by itself; the one that fails is kept for the translator, and the poll moves on."""
    await tell(store, an_event(1))
    await tell(store, an_event(2))
    faults = iter([True, True])  # once for the page, once for the first resource alone

    def new_id() -> str:
        if next(faults, False):
            raise ZeroDivisionError
        return str(uuid4())

    shelf = Shelf(a_page(a_task(1), a_task(2)))
    counts = await a_poller(store, shelf, new_id=new_id).poll_once()

    assert counts == {"kept": 1, "applied": 1}
    assert await polled_to(store)


async def test_while_something_cannot_be_matched_yet_the_watermark_stays(store: Store) -> None:
    """The delivery is under way: the next poll meets the Task again."""
    await tell(store, an_event(1))
    await store.run(lambda tx: claims.claim(tx, "prescribing", limit=9, lease_ms=60_000))
    shelf = Shelf(a_page(a_task(1, **{"for": {"reference": "Patient/1"}})))
    counts = await a_poller(store, shelf).poll_once()

    assert counts == {"waiting": 1}
    assert await polled_to(store) == ""


async def test_a_poll_that_breaks_off_keeps_what_it_has_read(store: Store) -> None:
    """Each page is a commit of its own."""
    await tell(store, an_event(1))

    class Broken(Shelf):
        async def pages(self, kind: Polled, since: datetime | None) -> AsyncIterator[Page]:
            """One page, then the line is cut."""
            async for page in super().pages(kind, since):
                yield page
            if kind == "Task":
                raise Transient(code="partner-lost")

    first = replace(a_page(a_task(1)), watermark=None, last=False)
    with pytest.raises(Transient):
        await a_poller(store, Broken(first)).poll_once()
    counts = await a_poller(store, Shelf(a_page(a_task(1)))).poll_once()

    assert counts == {"duplicate": 1}
