"""A mailbox against the real sandbox: what is sent, found again, refused, read and acknowledged."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

pytest.importorskip("weasyprint", reason="needs WeasyPrint and Pango", exc_type=OSError)
pytest.importorskip("mesh_client", reason="needs mesh-client")

from lxml import etree

from bridge.domain.delivery import Delivery, Effect, Kind, Leg
from bridge.domain.journey import DeliveryState
from bridge.domain.letter import Letter
from bridge.errors import Doubtful, Transient, Unauthorised
from bridge.fhir.itk3 import Coded, Sender
from bridge.partners.mesh import MeshMailbox, Terms, address
from bridge.pipeline.letters import body_of
from tests.domain.test_letter_writing import a_letter
from tests.partners import mesh_server
from tests.partners.mesh_server import KEY, OURS, PASSWORD, PRACTICE, MeshClient, box

SENDER = Sender(
    mailbox=OURS,
    organisation="Z9999",
    name="Example Service",
    telephone="01632 960123",
    document_type=Coded(code="371531000", display="Report of clinical encounter"),
    care_setting=None,
)
FHIR = {"f": "http://hl7.org/fhir"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """The real sandbox; skips with its reason where it is not installed."""
    if not mesh_server.is_here():
        pytest.skip(mesh_server.REASON)
    with mesh_server.running() as url:
        yield url


def a_mailbox(url: str, *, password: str = PASSWORD, looks: bool = True) -> MeshMailbox:
    """Our mailbox at the sandbox."""
    terms = Terms(
        sender=SENDER,
        workflow="GPCONNECT_SEND_DOCUMENT",
        birth_date_form="DDMMYYYY",
        answer_within=timedelta(hours=48),
        look_by_local_id=looks,
    )

    def connect() -> MeshClient:
        return MeshClient(url, OURS, password, shared_key=KEY.encode(), max_retries=0, timeout=30)

    return MeshMailbox("mesh", connect, terms, deadline=timedelta(seconds=30))


def a_delivery(letter: Letter, *, body: bytes = b"", replaces: str = "") -> Delivery:
    """A letter on its way; frozen when its bytes are given."""
    at = datetime(2026, 5, 22, 9, 30, tzinfo=UTC)
    return Delivery(
        id=str(uuid4()),
        referral_id="r-1",
        lane_id=1,
        partner="mesh",
        leg=Leg.WRITE_BACK,
        kind=Kind.FILE,
        state=DeliveryState.SENDING,
        seq=1,
        attempts=1,
        created_at=at,
        first_sent_at=at,
        trying_since=at,
        priority="",
        request_id=str(uuid4()),
        correlation_id="",
        body=body or body_of(letter, replaces),
        frozen=bool(body),
        replaces=False,
        epoch=1,
        patient="p",
    )


async def prepared(mailbox: MeshMailbox, **changes: Any) -> Delivery:
    """A delivery with the bytes that leave."""
    from dataclasses import replace

    made = a_delivery(a_letter(), **changes)
    return replace(made, body=await mailbox.prepare(made), frozen=True)


async def test_a_letter_reaches_the_practice_as_send_document(sandbox: str) -> None:
    """By registration, under the workflow, with our id, the PDF inside."""
    mailbox = a_mailbox(sandbox)
    delivery = await prepared(mailbox)
    receipt = await mailbox.send(delivery)
    got = await asyncio.to_thread(received, sandbox, receipt.reference)

    assert (receipt.level, receipt.answer_within) == ("transport-accepted", timedelta(hours=48))
    assert got["workflow"] == "GPCONNECT_SEND_DOCUMENT"
    assert got["local"] == delivery.id
    assert got["subject"] == (
        "Social prescribing: support has ended for Testgiven Testfamily1, NHS Number: 9990000107, "
        "seen at Example Service, Z9999, Version: 1"
    )
    tree = etree.fromstring(got["content"])
    assert tree.findtext(".//f:Binary", namespaces=FHIR) is not None
    assert tree.find(".//f:MessageHeader/f:event/f:code", FHIR).get("value") == "ITK007C"  # type: ignore[union-attr]


def received(url: str, message_id: str) -> dict[str, Any]:
    """What lies in the practice's mailbox, taken out of it."""
    with box(url, PRACTICE) as practice:
        message = practice.retrieve_message(message_id)
        content = message.read()
        message.acknowledge()
        message.close()
    return {
        "content": content,
        "workflow": message.workflow_id,
        "local": message.local_id,
        "subject": message.subject,
    }


async def test_a_look_finds_what_arrived_by_our_own_id(sandbox: str) -> None:
    """MESH does not de-duplicate: after a crash the look decides."""
    mailbox = a_mailbox(sandbox)
    delivery = await prepared(mailbox)
    before = await mailbox.look(delivery)
    sent = await mailbox.send(delivery)
    found = await mailbox.look(delivery)

    assert (before, mailbox.effect) == (None, Effect.EXACTLY_ONE)
    assert found is not None
    assert (found.reference, found.already_there) == (sent.reference, True)


async def test_without_a_look_the_route_is_at_most_one(sandbox: str) -> None:
    """The deprecated call can be turned off; then a person decides."""
    mailbox = a_mailbox(sandbox, looks=False)

    assert (mailbox.effect, await mailbox.look(await prepared(mailbox))) == (Effect.AT_MOST_ONE, None)


async def test_a_wrong_password_is_about_us_and_not_about_the_letter(sandbox: str) -> None:
    """403 from MESH."""
    mailbox = a_mailbox(sandbox, password="wrong")
    delivery = await prepared(mailbox)

    with pytest.raises(Unauthorised):
        await mailbox.send(delivery)
    with pytest.raises(Unauthorised):
        await mailbox.mail()


async def test_nobody_there_is_surely_not_sent() -> None:
    """A refused connection leaves nothing in doubt."""
    mailbox = a_mailbox(f"http://127.0.0.1:{mesh_server.free_port()}")
    delivery = await prepared(mailbox)

    with pytest.raises(Transient):
        await mailbox.send(delivery)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nhs_number": ""}, "letter-person-incomplete"),
        ({"birth_date": "1950-06"}, "letter-person-incomplete"),
        ({"number_status": "02"}, "letter-person-unverified"),
        ({"family": "Żółć"}, "letter-name-unwritable"),
        ({"family": "Smith\r\nMex-To: X26ABC3"}, "letter-name-unwritable"),
    ],
)
async def test_a_letter_for_whom_is_not_sure_is_a_persons_to_decide(
    changes: dict[str, str], code: str
) -> None:
    """Nothing leaves that MESH could bring to somebody else, and no header is written by a name."""
    from dataclasses import replace

    letter = a_letter()
    odd = replace(letter, person=replace(letter.person, **changes))

    with pytest.raises(Doubtful) as caught:
        await a_mailbox("http://127.0.0.1:1").prepare(a_delivery(odd))
    assert caught.value.code == code


def test_the_address_is_the_registration_and_never_a_mailbox() -> None:
    """Published guides disagree on the form of the date, so it is a setting."""
    person = a_letter().person

    assert address(person, "DDMMYYYY") == "GPPROVIDER_9990000107_15061950_Testfamily1"
    assert address(person, "YYYYMMDD") == "GPPROVIDER_9990000107_19500615_Testfamily1"


async def test_mail_is_read_until_it_is_acknowledged(sandbox: str) -> None:
    """MESH offers it again: what was not kept is not lost."""
    with box(sandbox, PRACTICE) as practice:
        practice.send_message(OURS, b"hello", workflow_id="GPCONNECT_SEND_DOCUMENT_ACK", local_id="x")
    mailbox = a_mailbox(sandbox)
    [mail] = await mailbox.mail()
    again = await mailbox.mail()
    await mailbox.acknowledge(mail.id)

    assert (mail.content, mail.report, mail.workflow) == (b"hello", False, "GPCONNECT_SEND_DOCUMENT_ACK")
    assert [m.id for m in again] == [mail.id]
    assert await mailbox.mail() == ()


SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples" / "mesh-itk3"


async def test_the_message_has_the_elements_of_the_published_example() -> None:
    """Every element that NHS England's generic example has, but for what only a clinician has."""
    example = SAMPLES / "send-document--generic-example.xml"
    if not example.exists():
        pytest.skip("the published samples are not on this machine")
    made = json.loads((await prepared(a_mailbox("http://127.0.0.1:1"))).body)["message"]

    missing = paths(etree.parse(example).getroot()) - paths(etree.fromstring(made.encode()))
    assert {path for path in missing if "Practitioner" not in path} == ALLOWED


ALLOWED = {
    "Bundle/entry/resource/Bundle/entry/resource/Patient/address",
    "Bundle/entry/resource/Bundle/entry/resource/Patient/address/postalCode",
    "Bundle/entry/resource/Bundle/entry/resource/Patient/identifier/extension",
    "Bundle/entry/resource/Bundle/entry/resource/Patient/identifier/extension/valueCodeableConcept",
    "Bundle/entry/resource/Bundle/entry/resource/Patient/identifier/extension/valueCodeableConcept/coding",
    "Bundle/entry/resource/Bundle/entry/resource/Patient/identifier/extension/valueCodeableConcept/text",
}


def paths(root: Any) -> set[str]:
    """The elements of a document by their paths, without values of the simplest kind."""
    found = set()
    for element in root.iter():
        names = [etree.QName(each).localname for each in (*reversed(list(element.iterancestors())), element)]
        if names[-1] not in ("system", "code", "display"):
            found.add("/".join(names))
    return found
