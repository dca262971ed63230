"""A service without a FHIR server collects its work: its own, as far as it was released, and audited."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from bridge.domain import systems
from bridge.store.tables import audit, referral
from tests.conftest import nhs_number
from tests.journeys.conftest import GP_KEY, OPERATOR_KEY, SCHEME, SERVICE_KEY, Ground, Site
from tests.journeys.test_json_event import a_person, an_event

OWNER = f"{systems.ODS_ORGANISATION}|Z9999"
ALL = f"/fhir/Task?owner={OWNER}&_include=Task:focus&_include=Task:patient"


@pytest.fixture
async def site(open_site: Callable[..., Any], ground: Ground) -> Site:
    """A site whose service has no server."""
    ground.scheme = SCHEME.replace('endpoint = "{service}/fhir"\n', "")
    opened: Site = await open_site()
    return opened


async def refer(site: Site, n: int = 1) -> str:
    """A person is referred and put on the shelf; our id of the referral."""
    person = a_person(nhs_number=nhs_number(n).digits)
    answer = await site.post("/events/json-event", an_event(id=f"SPR-{n}", patient=person))
    await site.drain()
    return str(answer.json()["events"][0]["referral"])


async def collect(site: Site, path: str = ALL, key: str = SERVICE_KEY) -> list[dict[str, Any]]:
    """What the service is shown."""
    answer = await site.get(path, key)
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


async def test_work_is_collected_with_request_and_person(site: Site) -> None:
    """What the scheme releases and nothing else; each look is audited."""
    referral = await refer(site)
    task, request, person = await collect(site)
    alone = await site.get(f"/fhir/Patient/{referral}", SERVICE_KEY)
    whole = await site.get(f"/fhir/ServiceRequest/{referral}", SERVICE_KEY)

    assert (task["status"], task["focus"]["reference"]) == ("requested", f"ServiceRequest/{referral}")
    assert request["subject"]["reference"] == task["for"]["reference"] == f"Patient/{referral}"
    assert person["name"][0]["family"] == "Testfamily"
    assert "communication" not in person  # the scheme does not release the language
    assert alone.json() == person
    assert whole.json() == request
    rows = await site.bridge.store.read(lambda tx: tx.run(select(audit.c.subject, audit.c.actor)).all())
    assert [tuple(row) for row in rows].count((referral, "service")) == 3


async def test_only_what_changed_since_is_shown_page_by_page(site: Site) -> None:
    """Nobody is shown twice and nobody is missed."""
    referrals = [await refer(site, n) for n in (1, 2, 3)]
    found, path = [], f"/fhir/Task?owner={OWNER}&_count=2"
    for _ in range(2):
        answer = (await site.get(path, SERVICE_KEY)).json()
        found += [entry["resource"]["id"] for entry in answer["entry"]]
        path = next((link["url"] for link in answer["link"] if link["relation"] == "next"), "")
    last = (await collect(site))[-3]["meta"]["lastUpdated"].replace("+", "%2B")

    assert (found, path) == (referrals, "")
    assert len(await collect(site, f"/fhir/Task?_lastUpdated=ge{last}")) >= 1
    assert await collect(site, f"/fhir/Task?_lastUpdated=gt{last}") == []


async def test_what_came_before_the_last_look_and_was_put_there_after_it_is_shown(site: Site) -> None:
    """It waited: for the feed of its practice, for a person, for a worker."""
    answer = await site.post("/events/json-event", an_event(id="SPR-1"))
    looked = quote(datetime.now(UTC).isoformat(timespec="milliseconds"))
    nothing = await collect(site)
    await site.drain()

    assert nothing == []
    (task,) = await collect(site, f"/fhir/Task?_lastUpdated=ge{looked}")
    assert task["id"] == answer.json()["events"][0]["referral"]


async def test_a_referral_whose_scheme_is_gone_hides_no_other(site: Site) -> None:
    """A page is full, or it is the last one."""
    referrals = [await refer(site, n) for n in (1, 2, 3)]
    lost = update(referral).where(referral.c.id == referrals[0]).values(scheme="gone")
    await site.bridge.store.run(lambda tx: tx.run(lost))
    first = await site.get("/fhir/Task?_count=1", SERVICE_KEY)

    assert [entry["resource"]["id"] for entry in first.json()["entry"]] == [referrals[1]]
    assert "next" in [link["relation"] for link in first.json()["link"]]


async def test_what_was_taken_back_shows_its_end_and_no_person(site: Site) -> None:
    """The service learns that nobody is to be contacted."""
    referral = await refer(site)
    ended = an_event(id="SPR-1", version=2, type="cancelled")
    await site.post(
        "/events/json-event", {k: v for k, v in ended.items() if k not in ("patient", "referral")}
    )
    await site.drain()
    task, request = await collect(site)
    person = await site.get(f"/fhir/Patient/{referral}", SERVICE_KEY)

    assert (task["status"], request["status"], person.status_code) == ("cancelled", "revoked", 404)
    assert "reasonCode" not in request


@pytest.mark.parametrize("query", ["status=requested", "_lastUpdated=2026", "_count=0", "_include=Task:x"])
async def test_a_search_is_never_answered_more_widely_than_asked(site: Site, query: str) -> None:
    """What is not understood is refused."""
    assert (await site.get(f"/fhir/Task?{query}", SERVICE_KEY)).status_code == 400


async def test_nobody_else_collects(site: Site) -> None:
    """Another owner has nothing here; who is no service may not ask."""
    referral = await refer(site)

    assert await collect(site, "/fhir/Task?owner=Organization/other") == []
    assert (await site.get(ALL, GP_KEY)).status_code == 403
    assert (await site.get(f"/fhir/Patient/{referral}", OPERATOR_KEY)).status_code == 403


async def test_what_was_collected_is_reported_by_event(site: Site) -> None:
    """The loop without any FHIR server at the service."""
    referral = await refer(site)
    number = (await collect(site))[2]["identifier"][0]["value"]
    event = {"schema_version": "1", "id": "1", "time": "2026-03-02T10:00:00Z", "referral": referral}
    said = event | {"nhs_number": number, "type": "accepted"}
    answer = await site.post("/events/outcomes", said, SERVICE_KEY)

    assert answer.json()["events"][0]["state"] == "applied", answer.text
    assert (await collect(site))[0]["status"] == "accepted"
