"""The whole bridge with Medplum's router and HAPI as its service and as its GP record.

What leaves is noted for test_sent.py.
"""

import asyncio
from typing import Any

import pytest

from bridge.domain import systems
from tests.conformance.places import CLOSED, REFERRAL, SCORE, Place
from tests.conformance.senders import BarsMessages, JsonEvents, Sender
from tests.journeys.conftest import nothing_unexpected  # noqa: F401 - for each test here

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(400)]

SERVERS = ["medplum", "hapi"]
ONE_SERVER = [(name, name) for name in SERVERS]  # a shared record: the service works on the GP's own server
TWO_SERVERS = [("medplum", "hapi"), ("hapi", "medplum")]

by_each_sender = pytest.mark.parametrize("sends", [JsonEvents, BarsMessages])
at_each_server = pytest.mark.parametrize("place", ONE_SERVER, indirect=True, ids=SERVERS)
between_two = pytest.mark.parametrize("place", TWO_SERVERS, indirect=True, ids="-to-".join)
everywhere = pytest.mark.parametrize("place", [*ONE_SERVER, *TWO_SERVERS], indirect=True, ids="-to-".join)


# Out


@at_each_server
@by_each_sender
async def test_a_referral_stands_at_the_service_once_however_often_it_is_told(
    place: Place, sends: type[Sender]
) -> None:
    """Patient, ServiceRequest and Task, linked, with the person who was meant."""
    sender = sends(place)
    referral = await sender.refer()
    await place.settle()
    again = await sender.refer()
    await place.settle()

    assert again == referral
    assert await place.there(referral, sender.number) == (1, 1, 1)
    (person,) = await place.service.people(sender.number)
    (request,) = await place.service.held("ServiceRequest", REFERRAL, referral)
    (task,) = await place.service.held("Task", REFERRAL, referral)
    assert (person["name"][0]["family"], person["birthDate"]) == (sender.family, sender.born)
    assert request["subject"]["reference"] == task["for"]["reference"] == f"Patient/{person['id']}"
    assert task["focus"]["reference"] == f"ServiceRequest/{request['id']}"
    assert (request["status"], task["status"]) == ("active", "requested")


@at_each_server
async def test_a_change_updates_the_request_and_leaves_the_task_to_the_service(place: Place) -> None:
    """The service has taken it on meanwhile; the same again changes nothing."""
    sender = JsonEvents(place)
    referral = await sender.refer()
    await place.settle()
    await place.service.move(referral, "accepted", "3.0")
    (task,) = await place.service.held("Task", REFERRAL, referral)
    for _ in range(2):
        await sender.change()
        await place.settle()

    (request,) = await place.service.held("ServiceRequest", REFERRAL, referral)
    assert (request["priority"], request["status"]) == ("urgent", "active")
    assert await place.service.held("Task", REFERRAL, referral) == [task]
    assert len([w for w in place.service.front.writes() if w.method == "PUT"]) == 1


@at_each_server
async def test_a_change_before_it_left_is_all_that_leaves(place: Place) -> None:
    """The service never sees the older version."""
    sender = JsonEvents(place)
    referral = await sender.refer()
    await sender.change()
    await place.settle()

    (request,) = await place.service.held("ServiceRequest", REFERRAL, referral)
    assert request["priority"] == "urgent"
    assert len(place.service.front.writes()) == 1


@at_each_server
async def test_a_repeat_and_a_change_while_it_is_on_its_way_end_as_one(place: Place) -> None:
    """The repeat is nothing new; the change follows what it changes."""
    sender = JsonEvents(place)
    referral = await sender.refer()
    answer = place.service.front.hold("POST")
    sending = asyncio.create_task(place.settle())
    await answer.there.wait()
    again = await sender.refer()
    await sender.change()
    answer.go.set()
    await sending

    (request,) = await place.service.held("ServiceRequest", REFERRAL, referral)
    assert (again, request["priority"], request["status"]) == (referral, "urgent", "active")
    assert await place.there(referral, sender.number) == (1, 1, 1)


@at_each_server
@by_each_sender
async def test_a_cancel_before_it_left_sends_nothing(place: Place, sends: type[Sender]) -> None:
    """Nobody at the service ever hears of the person."""
    sender = sends(place)
    referral = await sender.refer()
    await sender.cancel()
    await place.settle()

    assert await place.there(referral, sender.number) == (0, 0, 0)
    assert place.service.front.sent == []


@at_each_server
@by_each_sender
async def test_a_cancel_while_it_is_on_its_way_takes_it_back(place: Place, sends: type[Sender]) -> None:
    """It arrives, then its end does."""
    sender = sends(place)
    referral = await sender.refer()
    answer = place.service.front.hold("POST")
    sending = asyncio.create_task(place.settle())
    await answer.there.wait()
    await sender.cancel()
    answer.go.set()
    await sending

    assert await place.there(referral, sender.number) == (1, 1, 1)
    assert await place.status(referral) == ["revoked"]


@at_each_server
@by_each_sender
async def test_a_cancel_in_doubt_finds_what_arrived_and_takes_it_back(
    place: Place, sends: type[Sender]
) -> None:
    """The answer to the referral was lost when its end came."""
    sender = sends(place)
    referral = await sender.refer()
    place.service.front.cut("POST")
    await place.drain()
    await sender.cancel()
    await place.settle()

    assert "ambiguous" in await place.tries(referral)
    assert await place.there(referral, sender.number) == (1, 1, 1)
    assert await place.status(referral) == ["revoked"]


@at_each_server
@by_each_sender
async def test_a_cancel_afterwards_takes_it_back(place: Place, sends: type[Sender]) -> None:
    """Said once or twice."""
    sender = sends(place)
    referral = await sender.refer()
    await place.settle()
    for _ in range(2):
        await sender.cancel()
        await place.settle()

    assert await place.there(referral, sender.number) == (1, 1, 1)
    assert await place.status(referral) == ["revoked"]


# Lost answers


@at_each_server
@by_each_sender
async def test_a_lost_answer_is_looked_up_and_nothing_is_doubled(place: Place, sends: type[Sender]) -> None:
    """The service has stored it; what was sent again, if anything, is the same byte by byte."""
    sender = sends(place)
    place.service.front.cut("POST")
    referral = await sender.refer()
    await place.settle()

    assert await place.tries(referral) == ["ambiguous", "accepted"]
    assert await place.there(referral, sender.number) == (1, 1, 1)
    bodies = {w.body for w in place.service.front.writes()}
    assert len(bodies) == 1


@at_each_server
async def test_lost_answers_to_a_change_and_a_cancel_are_looked_up(place: Place) -> None:
    """Each takes effect once, by the version it names."""
    sender = JsonEvents(place)
    referral = await sender.refer()
    await place.settle()
    for news in (sender.change, sender.cancel):
        place.service.front.cut("PUT", "/ServiceRequest/.+")
        await news()
        await place.settle()

    (request,) = await place.service.held("ServiceRequest", REFERRAL, referral)
    assert (request["priority"], request["status"]) == ("urgent", "revoked")
    assert (await place.tries(referral)).count("ambiguous") == 2
    assert len([w for w in place.service.front.writes() if w.method == "PUT"]) == 2


@at_each_server
async def test_eight_referrals_at_once_all_arrive(place: Place) -> None:
    """HAPI answers some with 409; they are tried again."""
    senders = [JsonEvents(place) for _ in range(8)]
    referrals = await asyncio.gather(*(sender.refer() for sender in senders))
    await place.settle()

    there = [await place.there(r, s.number) for r, s in zip(referrals, senders, strict=True)]
    assert there == [(1, 1, 1)] * 8
    assert [await place.status(r) for r in referrals] == [["active"]] * 8


# Back


async def registered(place: Place, sender: Sender, **changes: Any) -> dict[str, Any]:
    """The person as the GP record holds them, before anything is filed."""
    return await place.record.create(
        {
            "resourceType": "Patient",
            "identifier": [{"system": systems.NHS_NUMBER, "value": sender.number}],
            "name": [{"use": "official", "family": sender.family, "given": ["Testgiven"]}],
            "birthDate": sender.born,
        }
        | changes
    )


async def worked_on(place: Place, referral: str) -> None:
    """The service accepts, scores and closes, and is polled after each."""
    await place.service.move(referral, "accepted", "3.0")
    await place.poll()
    assert (await place.story(referral))["task_status"] == "accepted"
    await place.service.score(referral, 21)
    await place.poll()
    await place.service.move(referral, "completed", "7.0")
    await place.poll()


async def replayed(place: Place, sender: Sender) -> None:
    """Everything once more: what the GP system said, what the service shows, and every byte that left."""
    await sender.refer()
    await place.forget_polls()
    for _ in range(2):
        await place.poll()
    for party in {id(p.front): p for p in (place.service, place.record)}.values():
        for write in party.front.writes():
            kept = {name: v for name, v in write.headers.items() if name in ("content-type", "if-match")}
            path = write.path.removeprefix("/fhir")
            again = await party.http.request(write.method, path, content=write.body, headers=kept)
            assert again.status_code in {200, 409, 412}, again.text


@everywhere
@by_each_sender
async def test_a_score_and_a_closure_stand_in_the_record_once_whatever_is_replayed(
    place: Place, sends: type[Sender]
) -> None:
    """Out and back, and all of it again: one Observation of each, about the record's own person."""
    sender = sends(place)
    person = await registered(place, sender)
    referral = await sender.refer()
    await place.settle()
    await worked_on(place, referral)
    await replayed(place, sender)

    (score,) = await place.record.filed(sender.number, SCORE)
    (closed,) = await place.record.filed(sender.number, CLOSED)
    assert score["valueQuantity"]["value"] == 21
    assert {o["subject"]["reference"] for o in (score, closed)} == {f"Patient/{person['id']}"}
    assert await place.there(referral, sender.number) == (1, 1, 1)
    assert await place.status(referral) == ["completed"]
    assert (await place.story(referral))["state"] == "completed"
    assert await place.parked() == []


@between_two
async def test_a_record_without_the_person_gets_nothing_until_they_are_there(place: Place) -> None:
    """Never a new Patient; after the fix the release files it, once."""
    sender = JsonEvents(place)
    referral = await sender.refer()
    await place.settle()
    await place.service.score(referral, 21)
    await place.poll()

    (parked,) = await place.parked()
    assert parked["code"] == "record-person-missing"
    assert place.record.front.writes() == []
    await registered(place, sender)
    await place.release(parked["id"])
    assert len(await place.record.filed(sender.number, SCORE)) == 1


@between_two
async def test_a_record_with_the_person_twice_gets_nothing_until_one_is_left(place: Place) -> None:
    """Nobody guesses which of the two is meant."""
    sender = JsonEvents(place)
    one, other = [await registered(place, sender) for _ in range(2)]
    referral = await sender.refer()
    await place.settle()
    await place.service.score(referral, 21)
    await place.poll()

    (parked,) = await place.parked()
    assert parked["code"] == "record-several-persons"
    assert place.record.front.writes() == []
    await place.record.replace({name: value for name, value in other.items() if name != "identifier"})
    await place.release(parked["id"])
    (filed,) = await place.record.filed(sender.number, SCORE)
    assert filed["subject"]["reference"] == f"Patient/{one['id']}"


@between_two
async def test_a_record_with_somebody_else_under_the_number_gets_nothing(place: Place) -> None:
    """The number alone is not the person."""
    sender = JsonEvents(place)
    await registered(place, sender, birthDate="1950-06-16")
    referral = await sender.refer()
    await place.settle()
    await place.service.score(referral, 21)
    await place.poll()

    assert [p["code"] for p in await place.parked()] == ["record-person-differs"]
    assert place.record.front.writes() == []


@between_two
async def test_a_lost_answer_of_the_record_is_looked_up_and_nothing_is_doubled(place: Place) -> None:
    """The record has filed it."""
    sender = JsonEvents(place)
    await registered(place, sender)
    referral = await sender.refer()
    await place.settle()
    await place.service.score(referral, 21)
    place.record.front.cut("POST")
    await place.poll()

    assert await place.tries(referral) == ["accepted", "ambiguous", "accepted"]
    assert len(place.record.front.writes()) == 1
    assert len(await place.record.filed(sender.number, SCORE)) == 1


@between_two
async def test_an_outcome_behind_more_news_than_a_page_holds_is_found(place: Place) -> None:
    """HAPI gives a next page, Medplum's router in memory cuts; neither hides what comes last."""
    sender = JsonEvents(place)
    await registered(place, sender)
    referral = await sender.refer()
    await place.settle()
    elsewhere = {"resourceType": "Observation", "status": "final", "code": {"text": "Of somebody else"}}
    for _ in range(120):
        await place.service.create(elsewhere)
    await place.service.score(referral, 21)
    await place.poll()

    assert len(await place.record.filed(sender.number, SCORE)) == 1
