"""News of a person by HL7 v2 ADT: open referrals go out with the new details, a merge waits for a person."""

from typing import Any

import pytest

from bridge.domain.referral import Patient
from bridge.errors import Unacceptable
from bridge.pipeline import mend
from bridge.store import referrals, views
from bridge.store.audit import Hand
from bridge.store.tables import message
from bridge.wire.hl7v2 import Message, parse
from tests.journeys.conftest import OPERATOR_KEY, Site
from tests.journeys.test_hl7v2 import DOOR, REFERRAL
from tests.journeys.test_json_event import an_event

PID = "PID|1||{number}^^^NHS^NH||{name}||{born}|2|||{address}||{phone}||||||||||||||||{died}"


def adt(trigger: str = "A08", at: str = "20261120110000+0000", *more: str, **changes: str) -> bytes:
    """An ADT message about the person of the referral; a field that is not changed says nothing."""
    values = {
        "number": "9990000018",
        "name": "",
        "born": "",
        "address": "",
        "phone": "",
        "died": "",
    } | changes
    lines = (
        f"MSH|^~\\&|GPSYS|A99999|BRIDGE|SPL01|{at}||ADT^{trigger}^ADT_A01|M{trigger}{at}|P|2.5",
        f"EVN|{trigger}|{at}",
        PID.format(**values),
        *more,
    )
    return "".join(f"{line}\r" for line in lines).encode()


MOBILE = "^PRN^CP^^^^^^^^^07700 900099"
OLDER = "^PRN^CP^^^^^^^^^07700 900011"


async def say(site: Site, body: bytes) -> Message:
    """Post a message; its acknowledgement."""
    answer = await site.post(DOOR, body, **{"Content-Type": "text/plain"})
    await site.drain()
    return parse(answer.content)


async def refer(site: Site) -> None:
    """The referral, with the service."""
    assert (await say(site, REFERRAL)).first("MSA-1") == "CA"


def patient(site: Site) -> dict[str, Any]:
    """The one person that the service holds."""
    (held,) = site.service.resources("Patient")
    found: dict[str, Any] = held
    return found


def mobiles(site: Site) -> list[str]:
    """The mobile numbers that the service holds for the person."""
    return [held["value"] for held in patient(site)["telecom"] if held.get("use") == "mobile"]


async def held(site: Site) -> Patient:
    """The person of the one referral, as the bridge holds them."""
    bridge = site.bridge
    (row,) = await bridge.store.read(views.referral_list)
    stored = await bridge.store.read(lambda tx: referrals.get(tx, row["id"]))
    assert stored
    return stored.record.patient


async def parked(site: Site) -> list[tuple[str, str]]:
    """What waits for a person, and why."""
    rows = await site.bridge.store.read(views.parked)
    return [(row["what"], row["code"]) for row in rows]


async def release(site: Site) -> None:
    """A person looked and lets the one parked thing go on."""
    bridge = site.bridge
    (row,) = await bridge.store.read(views.parked)
    hand = Hand(actor="test", why="looked", node="test", chain=bridge.chain)
    await bridge.store.run(lambda tx: mend.release(tx, bridge.context, hand, row["id"]))
    await site.drain()


@pytest.mark.parametrize("trigger", ["A08", "A28", "A31"])
async def test_new_details_reach_the_service(site: Site, trigger: str) -> None:
    """What the message says replaces what was held; what it is silent about stays."""
    await refer(site)
    answer = await say(site, adt(trigger, phone=MOBILE))

    assert answer.first("MSA-1") == "AA"
    assert mobiles(site) == ["07700 900099"]
    assert patient(site)["name"][0]["family"] == "Quillfeather"
    assert patient(site)["birthDate"] == "1951-04-09"


async def test_an_emptied_field_is_emptied(site: Site) -> None:
    """A number that was taken back is not sent to anybody again."""
    await refer(site)
    await say(site, adt(phone='""'))

    assert (await held(site)).telecoms == ()
    assert (await held(site)).family == "Quillfeather"


async def test_a_new_name_is_one_change(site: Site) -> None:
    """A marriage changes the name and leaves the date of birth."""
    await refer(site)
    await say(site, adt(name="Marchbanks^Ada^Rose^^Mrs^^L"))

    assert patient(site)["name"][0]["family"] == "Marchbanks"
    assert await parked(site) == []


async def test_another_name_and_another_birthday_wait_for_a_person(site: Site) -> None:
    """That is somebody else until the practice says it is not; the delivery then waits as well."""
    await refer(site)
    await say(site, adt(name="Marchbanks^Eve", born="19600101"))

    assert patient(site)["name"][0]["family"] == "Quillfeather"
    assert await parked(site) == [("event", "identity-differs")]

    await release(site)

    assert ((await held(site)).family, (await held(site)).birth_date) == ("Marchbanks", "1960-01-01")
    assert [what for what, _ in await parked(site)] == ["delivery"]


async def test_other_news_of_the_person_is_not_undone_by_a_release(site: Site) -> None:
    """What was set aside holds the person as they were then; the practice sends it again."""
    await refer(site)
    await say(site, adt(name="Marchbanks^Eve", born="19600101"))
    await say(site, adt(at="20261120120000+0000", phone=MOBILE))
    with pytest.raises(Unacceptable):
        await release(site)

    assert mobiles(site) == ["07700 900099"]
    assert await parked(site) == [("event", "identity-differs")]


async def test_a_death_takes_the_referral_back(site: Site) -> None:
    """As it would if the referral itself had said so."""
    await refer(site)
    await say(site, adt(died="20261118"))

    assert [each["status"] for each in site.service.resources("ServiceRequest")] == ["revoked"]


async def test_the_same_news_again_sends_nothing(site: Site) -> None:
    """Nor does news that is old."""
    await refer(site)
    await say(site, adt(phone=MOBILE))
    again = await say(site, adt(phone=MOBILE))
    older = await say(site, adt("A31", "20261120100000+0000", phone=OLDER))

    assert again.first("MSA-3").startswith("duplicate repeated")
    assert older.first("MSA-3").startswith("stale older-version")
    assert mobiles(site) == ["07700 900099"]


async def test_news_older_than_the_referral_changes_nothing(site: Site) -> None:
    """The referral knew better when it was written."""
    await refer(site)
    await say(site, adt("A08", "20261101090000+0000", phone=OLDER))

    assert "07700 900011" not in str(patient(site))


async def test_the_referral_sent_again_is_still_a_repeat(site: Site) -> None:
    """New details are no new version of it."""
    await refer(site)
    await say(site, adt(phone=MOBILE))
    again = await say(site, REFERRAL)

    assert again.first("MSA-3").startswith("duplicate repeated")
    assert mobiles(site) == ["07700 900099"]


async def test_a_referral_of_another_format_has_the_new_details_too(site: Site) -> None:
    """It is the person and the practice that count; its own versions go on as before."""
    await site.post(
        "/events/json-event", an_event(patient=an_event()["patient"] | {"birth_date": "1951-04-09"})
    )
    await site.drain()
    await say(site, adt(phone=MOBILE))
    later = await site.post("/events/json-event", an_event(2))
    await site.drain()

    assert later.json()["events"][0]["state"] == "applied"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"number": "9990000026"}, "no-open-referral"), ({}, "no-open-referral")],
    ids=["somebody else", "nobody is referred"],
)
async def test_of_a_stranger_nothing_is_held(site: Site, changes: dict[str, str], code: str) -> None:
    """The message is acknowledged and its content dropped: a whole practice may come by here."""
    if changes:
        await refer(site)
    answer = await say(site, adt(name="Marchbanks^Eve", **changes))
    bodies = await site.bridge.store.read(lambda tx: [r.body_id for r in tx.run(message.select())])

    assert (answer.first("MSA-1"), answer.first("MSA-3").split(";")[0]) == ("AA", f"not-sent {code}")
    assert bodies.count(None) == 1


async def test_another_practice_cannot_tell_of_this_one(site: Site) -> None:
    """Nor learn whether anybody is referred there."""
    await refer(site)
    answer = await say(site, adt(phone=MOBILE).replace(b"A99999", b"B88888"))

    assert (answer.first("MSA-1"), answer.get("ERR-5")) == ("AR", ["practice-not-yours"])


async def test_a_training_message_changes_nobody(site: Site) -> None:
    """It is about no real person, whatever number it holds."""
    await refer(site)
    answer = await say(site, adt(phone=MOBILE).replace(b"|P|2.5", b"|T|2.5"))

    assert answer.first("MSA-3").startswith("not-sent test-patient")
    assert "07700 900099" not in str(patient(site))


@pytest.mark.parametrize(
    "merged",
    [
        adt("A40", "20261120110000+0000", "MRG|9990000026^^^NHS^NH"),
        adt("A40", "20261120110000+0000", "MRG|9990000018^^^NHS^NH", number="9990000026"),
        adt("A40", "20261120110000+0000", "MRG|77001^^^A99999^PI", number="9990000026"),
    ],
    ids=["it stays", "it goes away", "known by the local key"],
)
async def test_a_merge_parks_what_it_touches(site: Site, merged: bytes) -> None:
    """Whichever of the two records the referral is of; a person compares, and then it goes on."""
    await say_only(site, REFERRAL)
    answer = await say(site, merged)

    assert answer.first("MSA-1") == "AA"
    assert await parked(site) == [("referral", "person-merged")]
    assert site.service.resources("ServiceRequest") == []

    await release(site)

    assert [each["status"] for each in site.service.resources("ServiceRequest")] == ["active"]


async def say_only(site: Site, body: bytes) -> None:
    """Post a message and send nothing on yet."""
    await site.post(DOOR, body, **{"Content-Type": "text/plain"})


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        (adt("A01"), "hl7-event-not-supported", ["MSH^1^9^1"]),
        (adt(number=""), "nhs-number-missing", []),
        (adt(born="19511309"), "date-impossible", ["PID^1^7^1"]),
        (adt(name='""'), "value-missing", ["PID^1^5^1^1"]),
        (adt("A40", number=""), "person-unnamed", []),
    ],
)
async def test_what_cannot_be_used_is_rejected(site: Site, body: bytes, code: str, place: list[str]) -> None:
    """With its place; nothing else of the message takes effect."""
    await refer(site)
    answer = await say(site, body)

    assert (answer.first("MSA-1"), answer.get("ERR-5"), answer.get("ERR-2")) == ("AR", [code], place)


async def test_the_story_of_the_referral_tells_of_it(site: Site) -> None:
    """Whoever asks why the service was told something sees the message that said so."""
    await refer(site)
    await say(site, adt(phone=MOBILE))
    (held,) = await site.bridge.store.read(views.referral_list)
    story = (await site.get(f"/referrals/{held['id']}", OPERATOR_KEY)).json()

    assert [(event["kind"], event["state"]) for event in story["events"]] == [
        ("referred", "applied"),
        ("person-changed", "applied"),
    ]
