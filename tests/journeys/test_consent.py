"""Consent that is refused or withdrawn, at each door: what has not left stays, what has is taken back."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from bridge.domain.identifiers import NhsNumber
from bridge.pipeline import subject
from bridge.simulators.trouble import Step, Trouble
from bridge.store.audit import Hand
from tests.journeys import test_bars as bars
from tests.journeys import test_fhir as fhir
from tests.journeys import test_hl7v2 as hl7v2
from tests.journeys.conftest import SCHEME, Ground, Site
from tests.journeys.test_json_event import a_person, an_event, statuses
from tests.journeys.test_last_look import drained

Say = Callable[[Site, str, int], Awaitable[httpx.Response]]
STATUS = {"given": "active", "refused": "rejected", "withdrawn": "inactive"}
NO = ("refused", "withdrawn")


def a_consent(said: str) -> dict[str, Any]:
    """The FHIR Consent that says so."""
    rule = "OPTIN" if said == "given" else "OPTOUT"
    return {"resourceType": "Consent", "status": STATUS[said], "policyRule": {"coding": [{"code": rule}]}}


async def by_json(site: Site, said: str, version: int) -> httpx.Response:
    """The referral, and what the person said of it, in a version of its own."""
    told = an_event()["referral"] | {"consent": said, "note": "Prefers mornings"}
    return await site.post("/events/json-event", an_event(version, referral=told))


async def by_fhir(site: Site, said: str, version: int) -> httpx.Response:
    """The same as a transaction."""
    del version  # each is changed when it is made
    bundle = fhir.a_bundle()
    entry = {"resource": a_consent(said), "request": {"method": "POST", "url": "Consent"}}
    bundle["entry"].append(entry)
    return await fhir.post(site, "/fhir", bundle)


async def by_bars(site: Site, said: str, version: int) -> httpx.Response:
    """The same as a message of the standard."""
    message = bars.a_message(request={"meta": {"lastUpdated": f"2026-03-0{version}T10:15:00+00:00"}})
    message["entry"].append({"fullUrl": "urn:uuid:consent", "resource": a_consent(said)})
    return await bars.post(site, message)


CODES = {"given": b"A", "refused": b"R", "withdrawn": b"X"}  # HL7 table 0498


async def by_hl7v2(site: Site, said: str, version: int) -> httpx.Response:
    """The same with a CON segment, which a sender may add."""
    message = hl7v2.REFERRAL.replace(b"PRD|RP", b"CON|1||||||||||" + CODES[said] + b"\rPRD|RP", 1)
    return await hl7v2.sent(site, hl7v2.changed(message, minute=b"0%d0" % version))


DOORS = {"json": by_json, "fhir": by_fhir, "bars": by_bars, "hl7v2": by_hl7v2}


@pytest.fixture(params=DOORS.values(), ids=DOORS)
def say(request: pytest.FixtureRequest) -> Say:
    """How a referral comes in."""
    found: Say = request.param
    return found


@pytest.fixture
async def told(ground: Ground, open_site: Callable[..., Any]) -> Site:
    """A site whose service is told of consent, and of what the referrer wrote."""
    ground.scheme = SCHEME.replace('"reason",', '"reason", "consent", "note",')
    found: Site = await open_site()
    return found


def consents(site: Site) -> list[str]:
    """The status of each Consent that the service's ServiceRequests hold now."""
    held = [inner for r in site.service.resources("ServiceRequest") for inner in r.get("contained", [])]
    return [inner["status"] for inner in held if inner["resourceType"] == "Consent"]


@pytest.mark.parametrize("said", NO)
async def test_a_referral_that_comes_with_a_no_never_leaves(site: Site, say: Say, said: str) -> None:
    """It is on the practice's list, with the reason."""
    answer = await say(site, said, 1)
    await site.drain()
    kept = (await site.get(f"/messages/{answer.headers['X-Receipt-ID']}")).json()

    assert [(event["state"], event["code"]) for event in kept["events"]] == [("not-sent", "consent-refused")]
    assert list(site.service.seen) == []


@pytest.mark.parametrize("said", NO)
async def test_a_no_before_it_was_sent_keeps_everything_here(site: Site, say: Say, said: str) -> None:
    """Nothing left, so nothing is taken back either."""
    await say(site, "given", 1)
    await say(site, said, 2)
    await site.drain()

    assert list(site.service.seen) == []


@pytest.mark.parametrize("said", NO)
async def test_a_no_after_it_was_sent_takes_it_back(told: Site, say: Say, said: str) -> None:
    """The service hears that it ended and why; what it was told of the person is not told again."""
    await say(told, "given", 1)
    await told.drain()
    before = (await statuses(told), consents(told))
    await say(told, said, 2)
    await told.drain()
    (request,) = told.service.resources("ServiceRequest")

    assert before == (["active"], ["active"])
    assert (request["status"], consents(told)) == ("revoked", [STATUS[said]])
    assert [note["text"] for note in request["note"]] == [
        "The person has refused or withdrawn consent; nothing is sent, and what was sent is taken back."
    ]
    assert not request.keys() & {"reasonCode", "requester", "priority"}


async def test_a_no_while_it_is_on_its_way_takes_it_back_once_it_is_found(site: Site, say: Say) -> None:
    """The answer to the first attempt was lost: we look, and then cancel what is there."""
    site.service.script(Step(trouble=Trouble.LOST_REPLY, method="POST", whole_path=True, times=1))
    await say(site, "given", 1)
    await site.drain()
    await say(site, "withdrawn", 2)
    await drained(site)

    assert await statuses(site) == ["revoked"]


@pytest.mark.postgres
async def test_the_same_on_postgresql(open_site: Any, say: Say, postgres_url: str) -> None:
    """One that has left and one that has not."""
    site: Site = await open_site(database=postgres_url)
    await say(site, "given", 1)
    await site.drain()
    await say(site, "withdrawn", 2)
    await site.drain()

    assert await statuses(site) == ["revoked"]


async def test_a_no_that_comes_through_another_door_takes_the_same_episode_back(site: Site) -> None:
    """The practice's other system tells of it as well."""
    await by_hl7v2(site, "given", 1)
    await site.drain()
    same = a_person(family="Quillfeather", birth_date="1951-04-09")
    told = an_event()["referral"] | {"consent": "withdrawn"}
    answer = await site.post("/events/json-event", an_event(patient=same, referral=told))
    await site.drain()

    assert [event["code"] for event in answer.json()["events"]] == ["consent-refused"]
    assert await statuses(site) == ["revoked"]


async def object_to_sharing(site: Site, number: str) -> None:
    """Somebody at the practice types the person's objection."""
    hand = Hand(actor="test", why="said so", node="test", chain=site.bridge.chain)
    person = NhsNumber(number)
    await site.bridge.store.run(lambda tx: subject.stand(tx, site.bridge.context, hand, person, "object"))


async def test_an_objection_before_it_was_sent_keeps_everything_here(site: Site, say: Say) -> None:
    """What the person says to the practice counts, however the referral came."""
    await say(site, "given", 1)
    await object_to_sharing(site, "9990000018")
    await site.drain()

    assert list(site.service.seen) == []


async def test_an_objection_after_it_was_sent_takes_it_back(told: Site, say: Say) -> None:
    """And the service is not told again that consent was given."""
    await say(told, "given", 1)
    await told.drain()
    await object_to_sharing(told, "9990000018")
    await told.drain()

    assert (await statuses(told), consents(told)) == (["revoked"], [])


async def test_an_hl7_cancellation_takes_back_what_has_no_word_of_consent(site: Site) -> None:
    """What most senders can say: REF^I14."""
    await hl7v2.sent(site, hl7v2.REFERRAL)
    await site.drain()
    changed = hl7v2.changed(hl7v2.REFERRAL, minute=b"010")
    await hl7v2.sent(site, changed.replace(b"REF^I13", b"REF^I14"))
    await site.drain()

    assert await statuses(site) == ["revoked"]


async def test_a_bars_cancellation_with_the_consent_taken_away_takes_it_back(told: Site) -> None:
    """By the id that we answered."""
    identity = bars.identity_of(await by_bars(told, "given", 1))
    await told.drain()
    message = bars.a_cancellation(identity)
    message["entry"].append({"fullUrl": "urn:uuid:consent", "resource": a_consent("withdrawn")})
    await bars.post(told, message)
    await told.drain()

    assert await statuses(told) == ["revoked"]
