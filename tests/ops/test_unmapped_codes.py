"""Codes that mean nothing beyond their source: counted for their practice, wherever they come in."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.pipeline.later import translate_kept
from bridge.store import Store, messages, reports
from bridge.store.reports import Practice
from tests.contracts.keeping import a_message
from tests.contracts.keeping import an_event as a_row
from tests.journeys.conftest import PRACTICE, Ground, Site
from tests.journeys.surgery import Surgery, surgeries
from tests.journeys.test_emis import PLAN
from tests.journeys.test_json_event import an_event
from tests.ops.conftest import Watched
from tests.ops.people import at_the_page
from tests.ops.test_metrics import scraped
from tests.sources.emis_site import SOCIAL, observation, patient

LOCAL = {"emis": "EMISNQRE582", "text": "in words"}


def with_reasons(*reasons: dict[str, str], **changes: Any) -> dict[str, Any]:
    """A referral for these reasons."""
    event = an_event(**changes)
    return event | {"referral": event["referral"] | {"reasons": list(reasons)}}


async def counted(watched: Watched, source: str = "json-event") -> dict[str, float]:
    """The metric, by practice."""
    found = await scraped(watched)
    name = "bridge_codes_unmapped_total"
    return {
        dict(labels)["practice"]: n
        for (metric, labels), n in found.items()
        if metric == name and ("source", source) in labels
    }


async def practice_of(store: Store, ods: str = PRACTICE) -> Practice:
    """The list of a practice, of all time."""
    (found,) = await store.read(lambda tx: reports.report(tx, since=0, practice=ods, quiet_days=28))
    return found


async def test_a_reason_under_a_local_code_is_told_and_counted(watched: Watched) -> None:
    """It goes out as it is; what has a SNOMED CT code beside it is no news, and nor is a repeat."""
    mapped = {"snomed": "267076002", "emis": "EMISNQUN32"}
    event = with_reasons(LOCAL, mapped, {"read2": "1B1K.00"})
    answers = [await watched.site.post("/events/json-event", event) for _ in range(2)]
    store = watched.site.bridge.store

    told = [(w["code"], w["at"]) for w in answers[0].json()["events"][0]["warnings"]]
    assert [answer.status_code for answer in answers] == [202, 200]
    assert told == [("code-unmapped", "referral.reasons[0]"), ("code-unmapped", "referral.reasons[2]")]
    assert await counted(watched) == {PRACTICE: 2}
    assert (await practice_of(store)).unmapped_codes == 2


async def test_a_practice_that_nobody_named_is_no_label(watched: Watched) -> None:
    """What a sender writes must not become a name in a monitoring system."""
    event = with_reasons(LOCAL, practice={"ods_code": "ZZ9990018"})
    await watched.site.post("/events/json-event", event)

    assert set(await counted(watched)) <= {"other", ""}


async def test_what_is_translated_later_is_counted_then(open_site: Callable[..., Any]) -> None:
    """The door has answered before anybody looked."""
    watched = Watched(await open_site(translate="later"))
    await watched.site.post("/events/json-event", with_reasons(LOCAL))
    before = await counted(watched)
    await translate_kept(watched.site.bridge.translator)

    assert (before, await counted(watched)) == ({}, {PRACTICE: 1})


async def test_the_page_shows_the_number_to_its_practice(site: Site) -> None:
    """Only where there is something to see."""
    async with at_the_page(site, "operator") as person:
        before = await person.get(f"/ops/list?practice={PRACTICE}")
        await site.post("/events/json-event", with_reasons(LOCAL))
        after = await person.get(f"/ops/list?practice={PRACTICE}")

    words = "Codes without a meaning here</dt><dd>1</dd>"
    assert (words in before.text, words in after.text) == (False, True)


@pytest.fixture
async def surgery(ground: Ground) -> AsyncIterator[Surgery]:
    """A practice with EMIS, whose own trigger is a code of the supplier's namespace."""
    async with surgeries(ground, PLAN) as make:
        yield await make(triggers='"871731000000106", "10891000006106"').open()


async def test_a_local_concept_of_an_extract_is_counted(surgery: Surgery) -> None:
    """Under the practice that uses it."""
    local = SOCIAL["referral"].row() | {"CodeId": "10891000006117", "SnomedCTConceptId": "10891000006106"}
    coding = ("Coding_ClinicalCode", local)
    await surgery.extract(coding, patient(), observation(code="10891000006117"))

    assert [event["unmapped_codes"] for event in await surgery.events()] == [1]
    assert (await practice_of(surgery.bridge.store, "ZZ9901")).unmapped_codes == 1


async def test_the_list_counts_them_from_its_day_on(store: Store, clock: Any) -> None:
    """On both databases, each practice its own."""
    await store.run(lambda tx: messages.keep(tx, a_message(1)))
    for n, (ods, codes) in enumerate((("A99999", 2), ("A99999", 3), ("B88888", 4), ("B88888", 0))):
        row = a_row("message-1", messages.EventState.APPLIED, n, practice=ods, unmapped_codes=codes)
        await store.run(lambda tx, row=row: messages.add_event(tx, row))
    clock.forward(60)
    listed = await store.read(lambda tx: reports.report(tx, since=0, practice=None, quiet_days=28))
    later = await store.read(lambda tx: reports.report(tx, since=clock.ms, practice=None, quiet_days=28))

    assert {each.ods: each.unmapped_codes for each in listed} == {"A99999": 5, "B88888": 4}
    assert not any(each.unmapped_codes for each in later)
