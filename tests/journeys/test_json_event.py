"""JSON events: new, repeated, changed, cancelled; each reaches the service as it should, once."""

import asyncio
import gzip
import json
from datetime import UTC, datetime
from typing import Any

from bridge.simulators.trouble import Step, Trouble
from tests.journeys.conftest import OPERATOR_KEY, SERVICE_KEY, Site


def an_event(version: int = 1, **changes: Any) -> dict[str, Any]:
    """A referral event with obvious values."""
    event: dict[str, Any] = {
        "schema_version": "1",
        "id": "SPR-1",
        "version": version,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "type": "referred",
        "practice": {"ods_code": "A99999", "name": "Test Surgery"},
        "patient": a_person(),
        "referral": {
            "requested": {"snomed": "871731000000106", "text": "Referral to social prescribing service"},
            "priority": "routine",
        },
    }
    return event | changes


def a_person(**changes: Any) -> dict[str, Any]:
    """The person of the event."""
    return {
        "nhs_number": "9990000018",
        "family": "Testfamily",
        "given": ["Testgiven"],
        "birth_date": "1950-06-15",
        "gender": "female",
    } | changes


def cancel(version: int = 2) -> dict[str, Any]:
    """The same referral, cancelled."""
    return an_event(version, type="cancelled")


async def statuses(site: Site) -> list[str]:
    """The status of each ServiceRequest the service holds."""
    return [held["status"] for held in site.service.resources("ServiceRequest")]


async def test_a_new_event_reaches_the_service_as_one_referral(site: Site) -> None:
    """Keep, translate, queue, answer; then the service holds Patient, ServiceRequest and Task."""
    answer = await site.post("/events/json-event", an_event())
    await site.drain()

    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/messages/{answer.json()['message']}"
    kinds = {kind: len(site.service.resources(kind)) for kind in ("Patient", "ServiceRequest", "Task")}
    assert kinds == {"Patient": 1, "ServiceRequest": 1, "Task": 1}
    assert await statuses(site) == ["active"]


async def test_what_is_told_of_a_message_and_a_referral_has_times_that_anybody_can_read(site: Site) -> None:
    """In the words of the answer that led there."""
    answer = await site.post("/events/json-event", an_event())
    await site.drain()
    message = (await site.get(answer.headers["Location"])).json()
    referral = (await site.get(f"/referrals/{message['events'][0]['referral']}")).json()

    assert message["events"][0]["referral"] == answer.json()["events"][0]["referral"]
    moments = (message["received_at"], message["events"][0]["at"], referral["opened_at"])
    moments += (referral["deliveries"][0]["settled_at"],)
    for moment in moments:
        assert datetime.fromisoformat(moment).tzinfo is not None


async def test_the_same_event_again_gets_the_same_answer_and_sends_nothing(site: Site) -> None:
    """A sender that retries does no harm."""
    first = await site.post("/events/json-event", an_event())
    again = await site.post("/events/json-event", an_event(time=first.json() and an_event()["time"]))
    await site.drain()

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["events"][0]["referral"] == again.json()["events"][0]["referral"]
    assert await statuses(site) == ["active"]


async def test_a_newer_version_updates_the_same_service_request(site: Site) -> None:
    """A change is an update of what is there; the Task is left alone."""
    await site.post("/events/json-event", an_event())
    await site.drain()
    task_before = site.service.resources("Task")
    await site.post(
        "/events/json-event",
        an_event(2, referral=an_event()["referral"] | {"priority": "urgent"}),
    )
    await site.drain()

    held = site.service.resources("ServiceRequest")
    assert [r["priority"] for r in held] == ["urgent"]
    assert site.service.resources("Task") == task_before


async def test_an_older_version_is_counted_and_changes_nothing(site: Site) -> None:
    """What overtook it stays."""
    await site.post("/events/json-event", an_event(2))
    late = await site.post(
        "/events/json-event", an_event(1, referral=an_event()["referral"] | {"priority": "asap"})
    )
    await site.drain()

    assert late.json()["events"][0]["state"] == "stale"
    assert [r["priority"] for r in site.service.resources("ServiceRequest")] == ["routine"]


async def test_same_version_with_other_content_is_a_conflict_the_sender_hears_of(site: Site) -> None:
    """Nobody guesses which of the two is meant."""
    await site.post("/events/json-event", an_event())
    other = await site.post("/events/json-event", an_event(patient=a_person(family="Otherfamily")))

    assert other.status_code == 409
    assert "Otherfamily" not in other.text


async def test_a_cancel_before_the_first_send_sends_nothing(site: Site) -> None:
    """Both are closed."""
    await site.post("/events/json-event", an_event())
    await site.post("/events/json-event", cancel())
    await site.drain()

    assert site.service.resources("ServiceRequest") == []


async def test_a_cancel_after_the_first_send_revokes_it(site: Site) -> None:
    """The service hears of it."""
    await site.post("/events/json-event", an_event())
    await site.drain()
    await site.post("/events/json-event", cancel())
    await site.drain()

    assert await statuses(site) == ["revoked"]


async def test_a_lost_answer_is_looked_up_and_not_sent_twice(site: Site) -> None:
    """The service kept it and its answer was cut: the look finds it."""
    site.service.script(Step(trouble=Trouble.LOST_REPLY, method="POST", whole_path=True))
    answer = await site.post("/events/json-event", an_event())
    async with asyncio.timeout(20):
        while (found := await tries(site, answer))[-1:] != ["accepted"]:
            await site.drain()

    transactions = [seen for seen in site.service.seen if seen.method == "POST" and seen.path == ""]
    assert found == ["ambiguous", "accepted"]
    assert len(transactions) == 1
    assert await statuses(site) == ["active"]


async def tries(site: Site, answer: Any) -> list[str]:
    """How each attempt to deliver the referral of that answer ended."""
    story = (await site.get(f"/referrals/{answer.json()['events'][0]['referral']}")).json()
    return [attempt["result"] for delivery in story["deliveries"] for attempt in delivery["tries"]]


async def test_a_second_referral_of_an_open_episode_joins_it(site: Site) -> None:
    """Same patient, same service, still open: one referral."""
    first = await site.post("/events/json-event", an_event())
    second = await site.post("/events/json-event", an_event(id="SPR-2"))
    await site.drain()

    assert second.json()["events"][0]["state"] == "attached"
    assert second.json()["events"][0]["referral"] == first.json()["events"][0]["referral"]
    assert await statuses(site) == ["active"]


async def test_a_practice_that_is_not_the_callers_is_refused(site: Site) -> None:
    """A caller is bound to its practices."""
    answer = await site.post("/events/json-event", an_event(practice={"ods_code": "B88888"}))

    assert answer.status_code == 403
    assert "B88888" not in answer.text


async def test_a_shadow_practice_computes_everything_and_sends_nothing(open_site: Any) -> None:
    """Real feed, whole report, no delivery."""
    site: Site = await open_site(mode="shadow")
    answer = await site.post("/events/json-event", an_event())
    await site.drain()
    story = (await site.get(f"/referrals/{answer.json()['events'][0]['referral']}")).json()

    assert [d["state"] for d in story["deliveries"]] == ["shadow"]
    assert list(site.service.seen) == []


async def test_what_we_hold_answers_without_patient_data(site: Site) -> None:
    """States, places and reasons; never a name or a number."""
    answer = await site.post("/events/json-event", an_event())
    await site.drain()
    message = await site.get(answer.headers["Location"], OPERATOR_KEY)
    referral = await site.get(f"/referrals/{answer.json()['events'][0]['referral']}", SERVICE_KEY)

    assert (message.status_code, referral.status_code) == (200, 200)
    for text in (message.text, referral.text, answer.text):
        assert "9990000018" not in text
        assert "Testfamily" not in text


async def test_a_compressed_body_is_refused_for_what_it_is(site: Site) -> None:
    """Its sender is told to leave the compression out, not that its text were no UTF-8."""
    packed = gzip.compress(json.dumps(an_event()).encode())
    answer = await site.post("/events/json-event", packed, **{"Content-Encoding": "gzip"})

    assert answer.status_code == 415
    assert "body-encoded" in answer.text
