"""Polling misses nothing: neither what shares a moment, nor what waits, nor what a wrong clock would skip."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx

from bridge.errors import DeliveryError, NotThePartner, Transient
from bridge.partners.polling import OVERLAP, Page, Polling
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running

Make = Callable[..., Any]
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SINCE = NOW - timedelta(hours=6)
BASE = "http://elm.test.nhs.uk/fhir"


def a_task(minutes_ago: float, id_: str = "t") -> dict[str, Any]:
    changed = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    return {"resourceType": "Task", "id": id_, "meta": {"lastUpdated": changed}}


def a_page(*tasks: dict[str, Any], link: str = "", at: datetime | None = NOW) -> dict[str, Any]:
    links = [{"relation": "next", "url": link}] if link else []
    meta = {"meta": {"lastUpdated": at.isoformat()}} if at else {}
    entries = [{"resource": t, "search": {"mode": "match"}} for t in tasks]
    return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries, **meta}


async def polled(client: Any, since: datetime | None = SINCE, **terms: Any) -> list[Page]:
    return [page async for page in Polling(client, now=lambda: NOW, **terms).pages("Task", since)]


async def answered(
    client_of: Make, *pages: dict[str, Any], headers: dict[str, str] | None = None, **terms: Any
) -> list[Page]:
    """What a poll makes of these answers, one after the other."""
    with respx.mock() as mock:
        mock.route().mock(side_effect=[httpx.Response(200, json=p, headers=headers) for p in pages])
        async with client_of(BASE) as client:
            return await polled(client, **terms)


async def test_what_changed_since_is_read_over_pages_and_read_once(client_of: Make) -> None:
    """Against a server that pages for real; the second poll reads the overlap only."""
    server = FhirServer()
    async with running(server.app) as base, client_of(f"{base}/fhir") as client:
        for _ in range(230):
            server.store.put({"resourceType": "Task", "status": "accepted", "intent": "order"})
        polling = Polling(client, overlap=timedelta(seconds=2))
        pages = [page async for page in polling.pages("Task", None)]

        assert [len(page.resources) for page in pages] == [100, 100, 30]
        assert len({t["id"] for page in pages for t in page.resources}) == 230
        assert [page.last for page in pages] == [False, False, True]
        assert pages[0].watermark is None
        assert pages[-1].watermark is not None
        later = [p async for p in polling.pages("Task", pages[-1].watermark + timedelta(hours=1))]
        assert [page.resources for page in later] == [()]
        assert all("9990" not in seen.query for seen in server.seen)


async def test_the_question_is_asked_on_the_services_own_clock(client_of: Make) -> None:
    """Oldest first, and never from a cache."""
    with respx.mock() as mock:
        route = mock.route().respond(200, json=a_page())
        async with client_of(BASE) as client:
            await polled(client)

    request = route.calls.last.request
    assert request.url.params["_lastUpdated"] == "gt2026-03-02T03:30:00.000Z"
    assert request.url.params["_sort"] == "_lastUpdated"
    assert request.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("at", "date", "tasks", "expected"),
    [
        (NOW, "", [], NOW - OVERLAP),
        (None, "Mon, 02 Mar 2026 09:20:00 GMT", [], NOW - timedelta(minutes=10) - OVERLAP),
        (None, "", [a_task(30)], NOW - timedelta(minutes=30) - OVERLAP),
        (None, "", [], SINCE),
        (NOW + timedelta(days=30), "", [], SINCE),  # a clock ahead would skip a month
        (NOW + timedelta(days=30), "", [a_task(30)], NOW - timedelta(minutes=30) - OVERLAP),
        (NOW - timedelta(days=9999), "", [], SINCE),  # one behind would read everything for ever
    ],
)
async def test_the_watermark_follows_the_services_clock_when_it_can_be_believed(
    client_of: Make, at: datetime | None, date: str, tasks: list[dict[str, Any]], expected: datetime
) -> None:
    """Bundle.meta.lastUpdated, else the Date header, else the newest change read."""
    headers = {"Date": date} if date else None
    (page,) = await answered(client_of, a_page(*tasks, at=at), headers=headers)

    assert page.watermark == expected
    assert page.last


async def test_too_many_pages_go_on_where_they_stopped(client_of: Make) -> None:
    """A moment before the last change, for changes of one transaction share a moment."""
    pages = await answered(
        client_of,
        a_page(a_task(90), a_task(60), link=f"{BASE}?p=2"),
        a_page(a_task(50), a_task(40), link=f"{BASE}?p=3"),
        most_pages=2,
    )

    assert [page.last for page in pages] == [False, False]
    assert [page.watermark for page in pages] == [SINCE, NOW - timedelta(minutes=40, seconds=1)]


async def test_a_second_with_more_changes_than_a_poll_can_read_is_gone_through(client_of: Make) -> None:
    """By less than a second where a second would be no step at all."""
    changed = NOW - timedelta(minutes=40)
    cut = a_page(a_task(40), a_task(40)) | {"total": 3}
    (page,) = await answered(client_of, cut, cut, since=changed - timedelta(seconds=1))

    assert page.watermark == changed - timedelta(milliseconds=1)


async def test_pages_out_of_order_never_move_the_watermark_past_what_waits(client_of: Make) -> None:
    """A server that cannot sort may still hold something older."""
    page, last = await answered(
        client_of,
        a_page(a_task(40), link=f"{BASE}?p=2"),
        a_page(a_task(90), link=f"{BASE}?p=3"),
        most_pages=2,
    )

    assert (page.watermark, last.watermark, last.last) == (SINCE, SINCE, False)


@pytest.mark.parametrize(
    ("total", "watermark", "last"),
    [(1, NOW - OVERLAP, True), (2, NOW - OVERLAP, True), (3, NOW - timedelta(minutes=40, seconds=1), False)],
)
async def test_a_service_that_counts_more_than_it_shows_is_not_read_to_the_end(
    client_of: Make,
    total: int,
    watermark: datetime,
    last: bool,  # noqa: FBT001
) -> None:
    """Medplum's router in memory cuts at _count without a next page: what waits is asked for again."""
    cut = a_page(a_task(90), a_task(40)) | {"total": total}
    (page,) = await answered(client_of, cut, cut)

    assert (page.watermark, page.last) == (watermark, last)


async def test_a_cut_page_without_a_next_one_is_asked_for_again_larger(client_of: Make) -> None:
    """A router that cuts at _count gives all of it when it is asked for more."""
    found = (a_task(90), a_task(60), a_task(40))
    (page,) = await answered(client_of, a_page(*found[:2]) | {"total": 3}, a_page(*found) | {"total": 3})

    assert (len(page.resources), page.last) == (3, True)


@pytest.mark.parametrize(
    "link", [f"{BASE}?page=2", "http://elm.test.nhs.uk:80/other/place?page=2", "?page=2", "/fhir?page=2"]
)
async def test_a_next_link_on_the_same_origin_is_followed(client_of: Make, link: str) -> None:
    """Absolute or relative, wherever it leads there."""
    assert len(await answered(client_of, a_page(link=link), a_page())) == 2


@pytest.mark.parametrize(
    "link",
    [
        "https://elm.test.nhs.uk/fhir?page=2",
        "http://elm.test.nhs.uk:8080/fhir?page=2",
        "http://elm.test.nhs.uk.evil.test/fhir",
        "http://elm.test.nhs.uk@evil.test/fhir",
        "http://me:secret@elm.test.nhs.uk/fhir",
        "//evil.test/fhir",
        "http://[::",
        "http://elm.test.nhs.uk:99999/fhir",
        "file:///etc/passwd",
    ],
)
async def test_a_next_link_to_another_origin_is_not_followed(client_of: Make, link: str) -> None:
    """It would take our credentials along."""
    with pytest.raises(NotThePartner) as caught:
        await answered(client_of, a_page(link=link), a_page())

    assert caught.value.code == "partner-link-elsewhere"


async def test_a_service_that_turns_in_circles_is_left(client_of: Make) -> None:
    """A link that was followed before leads nowhere new."""
    circle = a_page(a_task(5), link=f"{BASE}?p=2")
    with pytest.raises(NotThePartner):
        await answered(client_of, circle, circle, circle)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"resourceType": "Bundle", "type": "history"}, NotThePartner),
        (
            a_page()
            | {
                "entry": [
                    {
                        "resource": {
                            "resourceType": "OperationOutcome",
                            "issue": [{"severity": "error", "code": "incomplete"}],
                        }
                    }
                ]
            },
            Transient,
        ),
    ],
)
async def test_what_is_not_a_whole_answer_moves_nothing(
    client_of: Make, answer: dict[str, Any], error: type[DeliveryError]
) -> None:
    """An index that could not look everywhere has not looked."""
    with pytest.raises(error):
        await answered(client_of, answer)
