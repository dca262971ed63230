"""A service without a FHIR server tells of its work by JSON and by CSV."""

from datetime import date
from typing import Any

import pytest

from bridge.simulators.prescribing import PrescribingService
from bridge.store import outcomes, referrals
from tests.journeys.conftest import GP_KEY, SERVICE_KEY
from tests.journeys.test_outcomes import CLOSED, SCORE, Loop, ground, loop, simulated  # noqa: F401

HEAD = "id,time,referral,nhs_number,type,on,text,detail,reason,attendance,session,sessions,instrument,value"


def event(told: Loop, **said: Any) -> dict[str, Any]:
    """Something that happened with the referral."""
    return {
        "schema_version": "1",
        "id": "E-1",
        "time": "2026-03-02T10:00:00+00:00",
        "referral": told.referral,
        "nhs_number": "9990000018",
    } | said


async def post(told: Loop, content: Any, key: str = SERVICE_KEY, **headers: str) -> Any:
    """Send to the outcome door."""
    return await told.site.post("/events/outcomes", content, key, **headers)


async def test_a_whole_episode_comes_by_spreadsheet(loop: Loop) -> None:  # noqa: F811
    """Contacts, a score and an end: each code and score stands in the record once, also when sent again."""
    on = date.today().isoformat()  # noqa: DTZ011
    rows = [
        f"S-1,{on}T00:10:00Z,{{}},9990000018,accepted,{on},,,,,,,,",
        f"V-1,{on}T00:11:00Z,{{}},9990000018,attended,{on},,,,5,1,10,,",
        f"V-2,{on}T00:12:00Z,{{}},9990000018,not-attended,{on},,,,3,2,10,,",
        f"Q-1,{on}T00:13:00Z,{{}},9990000018,score,{on},,,,,,,SWEMWBS,21",
        f"O-1,{on}T00:14:00Z,{{}},9990000018,onward,{on},Walking group,,,,,,,",
        f"S-2,{on}T00:15:00Z,{{}},9990000018,closed,{on},,,goals met,,,,,",
    ]
    body = "\n".join([HEAD, *(row.format(loop.referral) for row in rows)]).encode()
    first = await post(loop, body, **{"Content-Type": "text/csv"})
    again = await post(loop, body, **{"Content-Type": "text/csv"})
    await loop.settled()

    assert (first.status_code, again.status_code) == (202, 200), first.text
    assert [e["state"] for e in first.json()["events"]] == ["applied"] * 6, first.text
    assert (await loop.story())["state"] == "completed"
    assert (len(loop.filed(CLOSED)), len(loop.filed(SCORE))) == (1, 1)
    facts = await loop.site.bridge.store.read(lambda tx: outcomes.episode(tx, loop.referral))
    assert (facts.contacts.attended, facts.contacts.not_attended, facts.contacts.planned) == (1, 1, 10)
    assert [o.words for o in facts.onward] == ["Walking group"]
    assert facts.ended is not None
    assert facts.ended.reason == "goals met"


async def test_each_event_is_answered_for_itself(loop: Loop) -> None:  # noqa: F811
    """With what to mend; the good ones are recorded."""
    answer = await post(
        loop,
        [
            event(loop, type="accepted"),
            event(loop, id="E-2", type="score", instrument="SWEMWBS", value="36"),
            event(loop, id="E-3", type="goal", detail="set"),
            event(loop, id="E-4", type="accepted", nhs_number="9990000026"),
        ],
    )
    events = answer.json()["events"]

    assert answer.status_code == 202
    assert [e["state"] for e in events] == ["applied", "parked", "refused", "refused"]
    assert [e["code"] for e in events[1:]] == ["score-out-of-range", "value-missing", "outcome-not-yours"]
    assert all(e["problems"][0]["next_step"] for e in events[1:])
    assert "9990000026" not in answer.text


@pytest.mark.parametrize(("key", "status"), [(GP_KEY, 403), ("rbk_nobody", 401)])
async def test_only_a_service_reports(loop: Loop, key: str, status: int) -> None:  # noqa: F811
    """And only on what it was sent, which the other tests show."""
    assert (await post(loop, event(loop, type="accepted"), key)).status_code == status


async def test_a_person_known_by_our_id_is_known(loop: Loop) -> None:  # noqa: F811
    """For a service that is not given NHS numbers."""
    stored = await loop.site.bridge.store.read(lambda tx: _person(tx, loop))
    said = event(loop, type="accepted", person=stored)
    del said["nhs_number"]

    assert (await post(loop, said)).json()["events"][0]["state"] == "applied"
    said |= {"person": "somebody-else", "id": "E-9"}
    assert (await post(loop, said)).status_code == 422


def _person(tx: Any, told: Loop) -> str:
    stored = referrals.get(tx, told.referral)
    assert stored is not None
    return str(told.site.bridge.context.naming.person(stored.record).value)


async def test_a_risk_in_an_event_is_raised_and_the_sender_is_told(
    loop: Loop,  # noqa: F811
    simulated: PrescribingService,  # noqa: F811
) -> None:
    """Also of an event that is refused."""
    answer = await post(loop, event(loop, type="risk", surprise="x"))

    assert answer.status_code == 400
    assert answer.headers["X-Risk-Notice"] == "risk-raised"


async def test_a_person_who_withdraws_at_the_service_is_taken_back_and_no_score_is_filed(
    loop: Loop,  # noqa: F811
) -> None:
    """What they told the service they told us; codes of what happened are filed all the same."""
    gone = event(loop, type="consent", detail="withdrawn")
    score = event(loop, id="E-2", type="score", instrument="SWEMWBS", value="21", on=_today())
    answers = [await post(loop, said) for said in (gone, score)]
    await loop.settled()

    assert [a.json()["events"][0]["code"] for a in answers] == ["", "sharing-refused"]
    assert (await loop.story())["state"] == "withdrawn"
    assert [r["status"] for r in loop.service.server.resources("ServiceRequest")] == ["revoked"]
    assert loop.filed(SCORE) == []


async def test_a_service_that_goes_on_has_opened_the_referral_again(loop: Loop) -> None:  # noqa: F811
    """Told in either order; the closure stays coded once, for it happened."""
    closed = event(loop, type="closed", reason="goals met", time="2026-03-03T10:00:00Z")
    again = event(loop, id="E-2", type="in-progress", time="2026-03-04T10:00:00Z")
    states = []
    for said in (closed, again, closed | {"id": "E-3", "time": "2026-03-02T10:00:00Z"}):
        await post(loop, said)
        states.append((await loop.story())["state"])
    await loop.settled()

    assert states == ["completed", "open", "open"]
    assert len(loop.filed(CLOSED)) == 1


async def test_two_versions_without_a_later_time_wait_for_a_person(loop: Loop) -> None:  # noqa: F811
    """The first stands; nobody can tell which is right."""
    score = event(loop, type="score", instrument="SWEMWBS", value="21", on=_today())
    await post(loop, score)
    second = await post(loop, score | {"value": "22"})
    await loop.settled()

    assert second.json()["events"][0]["code"] == "outcome-contradicts"
    assert [o["valueQuantity"]["value"] for o in loop.filed(SCORE)] == [21]


def _today() -> str:
    return date.today().isoformat()  # noqa: DTZ011 - the day of a test
