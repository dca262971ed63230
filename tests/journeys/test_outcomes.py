"""The way back: what a service pushes or shows becomes facts of the referral and entries in the GP record."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bridge.config import CallerSettings
from bridge.domain import systems
from bridge.partners.polling import LARGE_PAGE
from bridge.simulators.fhir_answers import Manners
from bridge.simulators.loopback import running
from bridge.simulators.prescribing import PrescribingService
from bridge.simulators.telling import Bridge as Told
from bridge.simulators.telling import tell
from bridge.simulators.trouble import Step, Trouble
from bridge.store import feeds
from tests.journeys.conftest import GP_KEY, OPERATOR_KEY, SERVICE_KEY, Ground, Site
from tests.journeys.test_json_event import a_person, an_event

CLOSED, SCORE = "1362721000000106", "718466001"
NUMBER, OTHER_NUMBER = "9990000018", "9990000026"


@pytest.fixture
def simulated() -> PrescribingService:
    """A service that says nothing by itself."""
    return PrescribingService()


@pytest.fixture
async def ground(tmp_path: Path, simulated: PrescribingService) -> AsyncIterator[Ground]:
    """The same ground, with a service that can be driven and a person in the record."""
    standing = Ground(tmp_path, service=simulated.server)
    standing.record.store.put(a_patient())
    async with running(simulated.app) as service, running(standing.record.app) as record:
        standing.urls = {"service": service, "record": record}
        yield standing


def a_patient(**changes: Any) -> dict[str, Any]:
    """The person as the GP record holds them."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": systems.NHS_NUMBER, "value": NUMBER}],
        "name": [{"use": "official", "family": "Testfamily", "given": ["Testgiven"]}],
        "birthDate": "1950-06-15",
        "gender": "female",
    } | changes


@dataclass
class Loop:
    """A referral at its service, and the ways the service has to tell of it."""

    site: Site
    service: PrescribingService
    referral: str

    @property
    def task(self) -> str:
        """The service's own id of the Task."""
        return str(self.service.referrals()[0]["id"])

    async def push(self, resource: dict[str, Any], key: str = SERVICE_KEY, **terms: Any) -> httpx.Response:
        """Tell the bridge as the service does."""
        fhir = str(self.site.http.base_url.join("/fhir"))
        return await tell(Told(fhir=fhir, api_key=key, tries=1, **terms), resource)

    async def push_task(self) -> httpx.Response:
        """Tell of the Task as it is now."""
        return await self.push(self.service.referrals()[0])

    async def push_scores(self) -> list[httpx.Response]:
        """Tell of every score."""
        return [await self.push(held) for held in self.service.server.resources("Observation")]

    async def story(self) -> dict[str, Any]:
        """Where the referral stands."""
        found: dict[str, Any] = (await self.site.get(f"/referrals/{self.referral}")).json()
        return found

    def filed(self, code: str) -> list[dict[str, Any]]:
        """What stands in the GP record under a code."""
        held = self.site.record.resources("Observation")
        return [o for o in held if code in [c["code"] for c in o["code"]["coding"]]]

    async def settled(self) -> None:
        """Send what is due until nothing waits but what a person must look at."""
        for _ in range(100):
            await self.site.drain()
            waiting = [d for d in (await self.story())["deliveries"] if d["state"] in _OPEN]
            if not waiting:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("something still waits")


_OPEN = ("queued", "sending", "in-doubt")


async def looped(site: Site, service: PrescribingService, **changes: Any) -> Loop:
    """Refer somebody and let it reach the service."""
    answer = await site.post("/events/json-event", an_event(**changes))
    await site.drain()
    return Loop(site, service, answer.json()["events"][0]["referral"])


@pytest.fixture
async def loop(site: Site, simulated: PrescribingService) -> Loop:
    """A referral at its service."""
    return await looped(site, simulated)


async def test_an_acceptance_is_known_at_once(loop: Loop) -> None:
    """Task.status is the service's own; the referral stays open."""
    await loop.service.accept(loop.task)
    answer = await loop.push_task()
    story = await loop.story()

    assert answer.status_code == 200, answer.text
    assert (story["state"], story["task_status"]) == ("open", "accepted")


async def test_a_score_stands_in_the_record_once_however_often_it_is_told(loop: Loop) -> None:
    """Ten times the same push, with the person and value that were meant."""
    await loop.service.score(loop.task, 21)
    first = (await loop.push_scores())[0]
    again = [(await loop.push_scores())[0] for _ in range(9)]
    await loop.settled()

    (entry,) = loop.filed(SCORE)
    assert entry["valueQuantity"]["value"] == 21
    held = loop.site.record.resources("Patient")[0]["id"]
    assert entry["subject"]["reference"] == f"Patient/{held}"
    assert first.json()["entry"][0]["response"]["status"] == "201 Created"
    assert {a.json()["entry"][0]["response"]["status"] for a in again} == {"200 OK"}


async def test_a_closure_completes_the_referral_here_and_there_and_is_coded_once(loop: Loop) -> None:
    """The code that was signed off, once; our ServiceRequest at the service says completed."""
    await loop.service.complete(loop.task)
    await loop.push_task()
    task = loop.service.referrals()[0]
    loop.service.server.store.put({**task, "lastModified": datetime.now(UTC).isoformat()})
    await loop.push_task()
    await loop.settled()

    assert (await loop.story())["state"] == "completed"
    assert [r["status"] for r in loop.service.server.resources("ServiceRequest")] == ["completed"]
    assert len(loop.filed(CLOSED)) == 1


async def test_a_rejection_ends_the_referral_and_takes_the_request_back(loop: Loop) -> None:
    """The practice sees that nobody has the person."""
    await loop.service.reject(loop.task, "No capacity")
    await loop.push_task()
    await loop.settled()

    assert (await loop.story())["state"] == "rejected"
    assert [r["status"] for r in loop.service.server.resources("ServiceRequest")] == ["revoked"]
    assert loop.site.record.resources("Observation") == []


@pytest.mark.parametrize(
    "subject",
    [
        {"identifier": {"system": systems.NHS_NUMBER, "value": OTHER_NUMBER}},
        {"reference": "Patient/somebody-else"},
        {},
    ],
)
async def test_a_score_of_another_person_is_refused_and_kept(loop: Loop, subject: dict[str, Any]) -> None:
    """Wrong patient is worse than no patient; the refusal does not say which of the three failed."""
    await loop.service.score(loop.task, 21)
    score = loop.service.server.resources("Observation")[0] | {"subject": subject}
    answer = await loop.push(score)
    await loop.settled()

    await refused(loop, answer)


async def refused(loop: Loop, answer: httpx.Response) -> None:
    """Told in the same words whatever failed, kept with a receipt, and nothing filed."""
    assert answer.status_code == 422
    assert [i["code"] for i in answer.json()["issue"]] == ["forbidden"]
    assert "outcome-not-yours" in answer.text
    assert loop.referral not in answer.text
    kept = (await loop.site.get(f"/messages/{answer.headers['X-Receipt-ID']}")).json()
    assert [e["state"] for e in kept["events"]] == ["refused"]
    assert loop.site.record.resources("Observation") == []


async def test_an_outcome_of_an_unknown_referral_is_refused(loop: Loop) -> None:
    """Nobody's score is nobody's."""
    await loop.service.score(loop.task, 21)
    elsewhere = {"identifier": {"system": "https://bridge.test/Id/referral", "value": str(uuid4())}}
    score = loop.service.server.resources("Observation")[0] | {"basedOn": [elsewhere]}

    await refused(loop, await loop.push(score))


async def test_another_service_cannot_report_on_it(
    open_site: Callable[..., Any], ground: Ground, simulated: PrescribingService
) -> None:
    """A caller is bound to its service."""
    own = ground.settings().callers
    other = CallerSettings(
        name="other",
        roles=("service",),
        service="elsewhere",
        key=own[2].key,
        key_last_day=own[2].key_last_day,
    )
    loop = await looped(await open_site(callers=(*own[:2], other)), simulated)
    await simulated.score(loop.task, 21)
    answer = await loop.push(simulated.server.resources("Observation")[0], key=OPERATOR_KEY)

    assert answer.status_code == 422
    assert "outcome-not-yours" in answer.text
    assert (await loop.site.get(f"/referrals/{loop.referral}", OPERATOR_KEY)).status_code == 404


async def test_a_surgery_cannot_report_outcomes(loop: Loop) -> None:
    """It refers; what happened is the service's to say."""
    answer = await loop.site.post("/fhir/Task", loop.service.referrals()[0], GP_KEY)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("people", "code"),
    [
        ([], "record-person-missing"),
        ([a_patient(), a_patient()], "record-several-persons"),
        ([a_patient(birthDate="1950-06-16")], "record-person-differs"),
    ],
)
async def test_a_record_where_the_person_is_not_certain_gets_nothing(
    loop: Loop, people: list[dict[str, Any]], code: str
) -> None:
    """A person decides; after the fix a release files it, once."""
    held = loop.site.record.resources("Patient")[0]
    loop.site.record.store.put({**held, "identifier": []})
    for person in people:
        loop.site.record.store.put(person)
    await loop.service.score(loop.task, 21)
    await loop.push_scores()
    await loop.settled()

    parked = [d for d in (await loop.story())["deliveries"] if d["state"] == "parked"]
    assert [d["code"] for d in parked] == [code]
    assert loop.site.record.resources("Observation") == []
    await mended(loop, held, parked[0]["id"])
    assert len(loop.filed(SCORE)) == 1


async def mended(loop: Loop, held: dict[str, Any], delivery: str) -> None:
    """The record is put right and the delivery released."""
    for person in loop.site.record.resources("Patient"):
        loop.site.record.store.put({**person, "identifier": []})
    loop.site.record.store.put(held)
    await released(loop, delivery)


async def released(loop: Loop, item: str) -> None:
    """As the command line does it."""
    here = httpx.ASGITransport(app=loop.site.bridge.control())
    async with httpx.AsyncClient(transport=here, base_url="http://bridge") as control:
        answer = await control.post(
            "/control/do/release", json={"actor": "test", "why": "fixed", "with": {"item": item}}
        )
    assert answer.status_code == 200, answer.text
    await loop.settled()


async def test_a_lost_reply_of_the_record_is_looked_up_and_not_doubled(loop: Loop) -> None:
    """The record kept it and its answer was cut."""
    loop.site.record.script(
        Step(trouble=Trouble.SLOW, seconds=0, path="Patient/_search"),  # the search for the person goes well
        Step(trouble=Trouble.LOST_REPLY, method="POST"),
    )
    await loop.service.score(loop.task, 21)
    await loop.push_scores()
    await loop.settled()

    assert len(loop.filed(SCORE)) == 1
    tries = [t["result"] for d in (await loop.story())["deliveries"] for t in d["tries"]]
    assert "ambiguous" in tries


async def test_our_own_closure_met_again_is_an_echo(loop: Loop) -> None:
    """What we filed comes back in the practice's feed, and is never an event."""
    await loop.service.complete(loop.task)
    await loop.push_task()
    await loop.settled()
    echo = an_event(
        id="SPR-ECHO",
        referral={
            "requested": {"snomed": CLOSED, "text": "Social prescribing case closed"},
            "authored_on": datetime.now(UTC).date().isoformat(),
        },
    )
    answer = await loop.site.post("/events/json-event", echo)

    assert answer.json()["events"][0]["state"] == "own-echo"


# Which scores are filed


async def test_a_score_nobody_signed_off_is_kept_and_not_filed(loop: Loop) -> None:
    """A code of the service's own choice never reaches the record."""
    await loop.service.score(loop.task, 21)
    score = loop.service.server.resources("Observation")[0]
    score["code"] = {"coding": [{"system": systems.SNOMED, "code": "720433000"}], "text": "PHQ-9"}
    answer = await loop.push(score)
    await loop.settled()

    assert "score-not-signed-off" in answer.text
    assert len((await loop.story())["outcomes"]) == 1
    assert loop.site.record.resources("Observation") == []


async def test_a_score_that_cannot_be_waits_for_a_person(loop: Loop) -> None:
    """SWEMWBS has no 99."""
    await loop.service.score(loop.task, 99)
    (answer,) = await loop.push_scores()
    await loop.settled()

    assert answer.json()["entry"][0]["response"]["status"] == "202 Accepted"
    assert "score-out-of-range" in answer.text
    assert loop.site.record.resources("Observation") == []


async def test_a_corrected_score_replaces_the_first(loop: Loop) -> None:
    """There are never two, however often the service tells of either."""
    await loop.service.score(loop.task, 21)
    first = loop.service.server.resources("Observation")[0]
    await loop.push(first)
    await loop.settled()
    await loop.service.correct(first["id"], 23)
    told = (await loop.push_scores())[0]
    await loop.push(first)
    await loop.settled()

    assert "outcome-corrected" in told.text
    assert [(o["valueQuantity"]["value"], o["status"]) for o in loop.filed(SCORE)] == [(23, "corrected")]
    states = [o["state"] for o in (await loop.story())["outcomes"]]
    assert states == ["superseded", "current"]


async def test_a_practice_that_reviews_has_nothing_filed_before_it_agrees(
    open_site: Callable[..., Any], ground: Ground, simulated: PrescribingService
) -> None:
    """Released by a person, filed once."""
    ground.settings()
    site = await open_site()
    site.bridge.context.rulebook.schemes = tuple(map(_reviewing, site.bridge.context.rulebook.schemes))
    loop = await looped(site, simulated)
    await simulated.score(loop.task, 21)
    await loop.push_scores()
    await loop.settled()
    (parked,) = [e for e in (await loop.story())["events"] if e["state"] == "parked"]
    before = loop.filed(SCORE)
    await released(loop, parked["id"])

    assert (before, parked["code"]) == ([], "filing-to-review")
    assert [o["valueQuantity"]["value"] for o in loop.filed(SCORE)] == [21]


def _reviewing(scheme: Any) -> Any:
    practices = tuple(p.model_copy(update={"filing": "review"}) for p in scheme.practices)
    return scheme.model_copy(update={"practices": practices})


# Several at once, and one at a time


def both(loop: Loop, kind: str, **wrong: Any) -> dict[str, Any]:
    """The Task and a score in one Bundle; `wrong` changes the score."""
    score = {**loop.service.server.resources("Observation")[0], **wrong}
    task = loop.service.referrals()[0]
    entries = [
        {"resource": task, "request": {"method": "PUT", "url": f"Task/{task['id']}"}},
        {"resource": score, "request": {"method": "PUT", "url": f"Observation/{score['id']}"}},
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


async def test_of_a_transaction_all_or_nothing_is_recorded(loop: Loop) -> None:
    """A closure without its score would tell the practice half a story."""
    await loop.service.score(loop.task, 21)
    await loop.service.complete(loop.task)
    answer = await loop.site.post("/fhir", both(loop, "transaction", subject={}), SERVICE_KEY)
    await loop.settled()
    kept = (await loop.site.get(f"/messages/{answer.headers['X-Receipt-ID']}")).json()

    assert answer.status_code == 422
    assert [e["code"] for e in kept["events"]] == ["transaction-refused", "outcome-not-yours"]
    assert (await loop.story())["state"] == "open"
    assert loop.site.record.resources("Observation") == []


async def test_the_entries_of_a_batch_stand_alone(loop: Loop) -> None:
    """Each has its own status."""
    await loop.service.score(loop.task, 21)
    await loop.service.complete(loop.task)
    answer = await loop.site.post("/fhir", both(loop, "batch", subject={}), SERVICE_KEY)
    statuses = [e["response"]["status"][:3] for e in answer.json()["entry"]]

    assert (answer.status_code, answer.json()["type"], statuses) == (200, "batch-response", ["200", "422"])
    assert (await loop.story())["state"] == "completed"


async def test_single_resources_are_answered_with_our_ids(loop: Loop) -> None:
    """201 with a Location the first time, 200 with the same one afterwards."""
    await loop.service.accept(loop.task)
    await loop.service.score(loop.task, 21)
    task = loop.service.referrals()[0]
    put = await loop.site.http.put(f"/fhir/Task/{task['id']}", json=task, headers={"X-API-Key": SERVICE_KEY})
    score = loop.service.server.resources("Observation")[0]
    first = await loop.push(score, form="single")
    again = await loop.push(score, form="single")

    assert (put.status_code, first.status_code, again.status_code) == (200, 201, 200)
    assert first.headers["Location"].startswith("/fhir/Observation/")
    assert first.headers["Location"] == again.headers["Location"]
    assert (await loop.story())["task_status"] == "accepted"


async def test_a_task_that_is_still_ours_is_no_news(loop: Loop) -> None:
    """A service that tells of every change also tells of our own."""
    answer = await loop.site.post("/fhir/Task", loop.service.referrals()[0], SERVICE_KEY)

    assert answer.status_code == 200
    assert (await loop.story())["outcomes"] == []


@pytest.mark.parametrize(
    ("path", "change", "code"),
    [
        ("/fhir/Task/17", {}, "fhir-id-differs"),
        ("/fhir/Task/17", {"resourceType": "Observation"}, "fhir-type-differs"),
    ],
)
async def test_an_update_names_the_resource_it_sends(
    loop: Loop, path: str, change: dict[str, Any], code: str
) -> None:
    """Else nobody knows which one is meant."""
    task = loop.service.referrals()[0] | change
    answer = await loop.site.http.put(path, json=task, headers={"X-API-Key": SERVICE_KEY})

    assert answer.status_code == 400
    assert code in answer.text


# Polling


@pytest.fixture
async def polled(open_site: Callable[..., Any], simulated: PrescribingService) -> Loop:
    """A referral at a service that is polled."""
    return await looped(await open_site(poll=5), simulated)


async def poll(loop: Loop) -> dict[str, int]:
    """One poll of the one service that is polled."""
    (poller,) = loop.site.bridge.pollers
    counts = dict(await poller.poll_once())
    await loop.settled()
    return counts


async def test_what_a_service_shows_is_recorded_as_if_it_had_told(polled: Loop) -> None:
    """A score and a closure, each once, whatever is polled again."""
    await polled.service.score(polled.task, 21)
    await polled.service.complete(polled.task)
    first = await poll(polled)
    again = await poll(polled)

    assert (first, again) == ({"applied": 2}, {"duplicate": 2})
    assert (await polled.story())["state"] == "completed"
    assert (len(polled.filed(SCORE)), len(polled.filed(CLOSED))) == (1, 1)


async def test_pushed_and_polled_is_recorded_once(polled: Loop) -> None:
    """Whichever comes first."""
    await polled.service.score(polled.task, 21)
    await polled.push_scores()
    counts = await poll(polled)

    assert counts == {"duplicate": 1}
    assert len(polled.filed(SCORE)) == 1


async def test_what_is_not_about_our_referrals_is_counted_and_not_kept(polled: Loop) -> None:
    """The service has other people's Tasks on its server."""
    elsewhere = {
        "resourceType": "Task",
        "status": "completed",
        "intent": "order",
        "identifier": [{"system": "https://other.test/Id", "value": "1"}],
        "focus": {"reference": "ServiceRequest/other"},
        "for": {"reference": "Patient/other"},
    }
    polled.service.server.store.put(elsewhere)
    before = await messages_kept(polled)
    counts = await poll(polled)

    assert counts == {"ignored": 1}
    assert await messages_kept(polled) == before


async def messages_kept(loop: Loop) -> int:
    """How many messages the store holds."""
    from sqlalchemy import func, select

    from bridge.store.tables import message

    return int(
        await loop.site.bridge.store.read(
            lambda tx: tx.run(select(func.count()).select_from(message)).scalar_one()
        )
    )


async def test_a_polled_score_of_another_person_waits_for_a_person_once(polled: Loop) -> None:
    """Nobody would hear a refusal; the next poll does not park it again."""
    await polled.service.score(polled.task, 21)
    score = polled.service.server.resources("Observation")[0]
    polled.service.server.store.put({**score, "subject": {"reference": "Patient/somebody-else"}})
    await poll(polled)
    await poll(polled)

    parked = [e for e in (await polled.story())["events"] if e["state"] == "parked"]
    assert [e["code"] for e in parked] == ["outcome-not-yours"]
    assert polled.site.record.resources("Observation") == []


async def test_what_we_filed_is_an_echo_where_service_and_record_are_one(polled: Loop) -> None:
    """A shared record shows the service's Observations and ours: each is filed once, however often seen."""
    await polled.service.score(polled.task, 21)
    await poll(polled)
    (filed,) = polled.filed(SCORE)
    polled.service.server.store.put({**filed, "subject": {"reference": f"Patient/{filed['id']}"}})
    counts = await poll(polled)
    pushed = await polled.push({**filed, "status": "amended"}, form="single")

    assert counts == {"duplicate": 1}
    assert (pushed.status_code, (await polled.story())["outcomes"][1:]) == (200, [])
    assert len(polled.filed(SCORE)) == 1


def elsewhere() -> dict[str, Any]:
    """Somebody else's score on the same server."""
    code = {"coding": [{"system": systems.SNOMED, "code": SCORE}]}
    return {"resourceType": "Observation", "status": "final", "code": code}


async def test_a_service_that_cuts_without_a_next_page_loses_no_outcome(polled: Loop) -> None:
    """All of it is asked for at once, however many changes share a moment."""
    polled.service.server.manners = Manners(next_page=False)
    for _ in range(250):
        polled.service.server.store.put(elsewhere())
    await polled.service.score(polled.task, 21)
    await poll(polled)

    assert len(polled.filed(SCORE)) == 1


async def test_what_a_large_page_leaves_out_is_asked_for_at_once(polled: Loop) -> None:
    """The rest comes with the next polls, which do not wait for their time."""
    polled.service.server.manners = Manners(next_page=False)
    for number in range(LARGE_PAGE + 250):
        polled.service.server.store.put(elsewhere())
        if number % 50 == 0:
            await asyncio.sleep(0.005)  # not all of them in one moment
    await polled.service.score(polled.task, 21)
    (poller,), stop = polled.site.bridge.pollers, asyncio.Event()
    running_poller = asyncio.create_task(poller.run(stop))
    async with asyncio.timeout(60):
        while not polled.filed(SCORE):
            await asyncio.sleep(0.1)
            await polled.settled()
    stop.set()
    await running_poller

    assert len(polled.filed(SCORE)) == 1


async def test_a_service_that_cannot_be_read_to_its_end_is_told_of(
    polled: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in order of time nor with a next page: what waits would never be seen."""
    moments = ("2026-03-02T09:00:00Z", "2026-03-01T09:00:00Z")
    entries = [{"resource": elsewhere() | {"id": at[9], "meta": {"lastUpdated": at}}} for at in moments]
    body = json.dumps({"resourceType": "Bundle", "type": "searchset", "total": 3, "entry": entries})

    async def unsorted(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/fhir+json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    async with running(unsorted) as base:
        polled.site.bridge.pollers[0].asking._client.base = f"{base}/fhir"
        await poll(polled)

    told = [r.__dict__["fields"] for r in caplog.records if r.__dict__.get("event") == "poll_failed"]
    assert {t["code"] for t in told} == {"partner-poll-stuck"}


async def test_the_watermark_moves_with_what_was_found(polled: Loop) -> None:
    """A restart goes on where the last poll ended."""
    await poll(polled)
    kept = await polled.site.bridge.store.read(lambda tx: feeds.polled_to(tx, "prescribing", "Task"))

    assert datetime.fromisoformat(kept).tzinfo is not None


async def test_a_service_that_is_away_is_asked_again(polled: Loop) -> None:
    """A poller outlives the bad days of its service."""
    polled.service.server.script(
        Step(trouble=Trouble.STATUS, status=503, method="GET", path="Observation", times=0)
    )
    (poller,) = polled.site.bridge.pollers
    stop = asyncio.Event()
    running_poller = asyncio.create_task(poller.run(stop))
    await asyncio.sleep(0.5)
    alive = not running_poller.done()
    stop.set()
    await running_poller

    assert alive


async def test_no_answer_tells_who_the_person_is(loop: Loop) -> None:
    """Successes and refusals alike."""
    await loop.service.score(loop.task, 99)
    texts = [a.text for a in await loop.push_scores()]
    texts += [json.dumps(await loop.story()), (await loop.push_task()).text]

    for value in (NUMBER, a_person()["family"]):
        assert all(value not in text for text in texts)
