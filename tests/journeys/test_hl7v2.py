"""HL7 v2 over HTTP: the answer is an acknowledgement in the sender's own terms, true to what was kept."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from bridge.intake.hl7v2 import MEDIA_TYPE
from bridge.wire.hl7v2 import Message, parse
from tests.journeys.conftest import OPERATOR_KEY, Site

ROOT = Path(__file__).resolve().parents[2]
REFERRAL = (ROOT / "fixtures/hl7v2-ref/referral-in-full/message.hl7").read_bytes()
DOOR = "/events/hl7v2-ref"


async def sent(site: Site, body: bytes, media_type: str = MEDIA_TYPE) -> httpx.Response:
    """Post one message."""
    return await site.post(DOOR, body, **{"Content-Type": media_type})


def ack(answer: httpx.Response) -> Message:
    """The acknowledgement in an answer."""
    return parse(answer.content)


def break_store(site: Site) -> None:
    """Take away the table that messages are kept in, as a failing disk would."""
    with closing(sqlite3.connect(site.bridge.settings.data / "bridge.sqlite")) as broken:
        broken.execute("ALTER TABLE message RENAME TO gone")


def of_practice(message: bytes, practice: bytes) -> bytes:
    """The same from another practice."""
    return message.replace(b"A99999", practice)


async def test_a_referral_is_accepted_with_its_receipt(site: Site) -> None:
    """CA, because this sender asks for the accept level; the receipt leads to what became of it."""
    answer = await sent(site, REFERRAL)
    await site.drain()
    told = ack(answer)
    story = await site.get(answer.headers["Location"], OPERATOR_KEY)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, MEDIA_TYPE)
    assert (told.get("MSA-1"), told.get("MSA-2")) == (["CA"], ["M1001"])
    assert told.get("MSA-3") == [f"receipt {answer.headers['X-Receipt-ID']}"]
    assert told.get("MSH-9") == ["ACK^I12^ACK"]
    assert [event["state"] for event in story.json()["events"]] == ["applied"]
    assert [held["status"] for held in site.service.resources("ServiceRequest")] == ["active"]


async def test_text_is_answered_as_text(site: Site) -> None:
    """A sender that knows no special media type reads the same acknowledgement."""
    answer = await sent(site, REFERRAL, "text/plain; charset=utf-8")

    assert answer.headers["Content-Type"].startswith("text/plain")
    assert ack(answer).get("MSA-1") == ["CA"]


async def test_what_is_not_sent_on_is_accepted_all_the_same(site: Site) -> None:
    """The sender has nothing to mend: a repeat, and a person who is a test patient."""
    await sent(site, REFERRAL)
    again = await sent(site, REFERRAL)
    test = await sent(site, REFERRAL.replace(b"M1001|P|", b"M1002|T|").replace(b"SPR-1001", b"SPR-1002"))

    assert ack(again).get("MSA-1") == ["CA"]
    assert ack(again).first("MSA-3").startswith("duplicate repeated; receipt ")
    assert ack(test).get("MSA-1") == ["CA"]
    assert ack(test).get("MSH-11") == ["T"]
    assert ack(test).first("MSA-3").startswith("not-sent test-patient; receipt ")


async def test_what_its_sender_must_mend_is_rejected_with_the_place(site: Site) -> None:
    """Kept with a receipt; the place and the code stand in ERR, the value nowhere."""
    answer = await sent(site, REFERRAL.replace(b"|19510409|", b"|19511309|"))
    told = ack(answer)

    assert (answer.status_code, told.get("MSA-1")) == (400, ["CR"])
    assert (told.get("ERR-2"), told.get("ERR-5")) == (["PID^1^7^1"], ["date-impossible"])
    assert f"receipt {answer.headers['X-Receipt-ID']}" in told.first("MSA-3")
    assert b"19511309" not in answer.content


@pytest.mark.parametrize(
    ("body", "code", "condition"),
    [
        (REFERRAL.replace(b"REF^I12^REF_I12", b"ORU^R01^ORU_R01"), "hl7-event-not-supported", "201"),
        (of_practice(REFERRAL, b"B88888"), "practice-not-yours", "204"),
        (REFERRAL.replace(b"SPR-1001^A99999", b""), "hl7-no-referral-id", "101"),
    ],
    ids=["another event", "another's practice", "no key"],
)
async def test_each_refusal_has_its_code(site: Site, body: bytes, code: str, condition: str) -> None:
    """Ours in ERR-5, that of HL7 table 0357 in ERR-3."""
    told = ack(await sent(site, body))

    assert (told.get("MSA-1"), told.get("ERR-5"), told.get("ERR-3.1")) == (["CR"], [code], [condition])


async def test_the_same_version_with_other_content_is_rejected(site: Site) -> None:
    """Nobody guesses which of the two is meant."""
    await sent(site, REFERRAL)
    told = ack(await sent(site, REFERRAL.replace(b"Quillfeather", b"Quillfether")))

    assert (told.get("MSA-1"), told.get("ERR-3.1")) == (["CR"], ["205"])


async def test_a_control_id_that_is_used_again_is_another_message(site: Site) -> None:
    """Senders count anew, or give two messages of one second the same; the key of the referral counts."""
    other = REFERRAL.replace(b"SPR-1001", b"SPR-1002").replace(b"9990000018", b"9990000026")
    answers = [ack(await sent(site, body)) for body in (REFERRAL, other)]
    await site.drain()

    assert [(told.get("MSA-1"), told.get("MSA-2")) for told in answers] == [(["CA"], ["M1001"])] * 2
    assert len(site.service.resources("ServiceRequest")) == 2


async def test_a_large_attachment_is_taken_and_never_told(
    site: Site, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scanned letter of two megabytes in an OBX; neither log nor answer repeats a part of it."""
    letter = b"JVBERi0x" * 250_000
    body = REFERRAL + b"OBX|9|ED|PDF^Letter||^application^pdf^Base64^" + letter + b"||||||F\r"
    answer = await sent(site, body)
    told = capsys.readouterr()

    assert ack(answer).get("MSA-1") == ["CA"]
    assert b"JVBERi0x" not in answer.content
    assert "JVBERi0x" not in told.out + told.err + caplog.text


async def test_a_failure_of_ours_asks_the_sender_to_try_again(site: Site) -> None:
    """Nothing was kept, so nothing may be acknowledged."""
    break_store(site)
    answer = await sent(site, REFERRAL)

    assert (answer.status_code, ack(answer).get("MSA-1")) == (500, ["CE"])
    assert "X-Receipt-ID" not in answer.headers
    assert "Retry-After" in answer.headers


async def test_bytes_that_are_no_hl7_get_an_outcome(site: Site) -> None:
    """Who does not speak HL7 could not read the acknowledgement."""
    answer = await site.post(DOOR, b'{"no": "hl7"}')

    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


PRIORITY = b"|R^Routine^HL70280|"


def changed(message: bytes, *, minute: bytes, without: bytes = b"") -> bytes:
    """The change of a referral: REF^I13 at that minute, without some of it."""
    assert without in message
    message = message.replace(b"REF^I12^REF_I12|M1001", b"REF^I13^REF_I12|M2" + minute)
    kept = message.replace(without, b"||") if without else message
    return kept.replace(b"20261120093000", b"202611201" + minute + b"00", 1)


async def test_a_change_holds_the_referral_in_full(site: Site) -> None:
    """What it does not say is no part of the referral any more; without what is needed it changes nothing."""
    await sent(site, REFERRAL)
    await site.drain()
    sparse = await sent(site, changed(REFERRAL, minute=b"010", without=b"|Quillfeather^Ada^Rose^^Mrs^^L|"))
    await site.drain()
    (as_before,) = site.service.resources("ServiceRequest")
    whole = await sent(site, changed(REFERRAL, minute=b"020", without=PRIORITY))
    await site.drain()
    (as_now,) = site.service.resources("ServiceRequest")

    assert [ack(answer).segments[1].fields[1] for answer in (sparse, whole)] == ["CR", "CA"]
    assert (as_before.get("priority"), as_now.get("priority")) == ("routine", None)


async def test_a_change_that_was_overtaken_changes_nothing(site: Site) -> None:
    """It came late; what was said after it stands."""
    await sent(site, REFERRAL)
    await sent(site, changed(REFERRAL, minute=b"030", without=PRIORITY))
    late = await sent(site, changed(REFERRAL, minute=b"010"))
    await site.drain()
    (request,) = site.service.resources("ServiceRequest")

    assert ack(late).segments[1].fields[1] == "CA"
    assert "priority" not in request
