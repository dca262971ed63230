"""BaRS messages through the door: the standard's answers, and what reaches the service."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from lxml import etree

from bridge.domain.identifiers import OdsCode
from bridge.domain.referral import Identifier, Organisation
from tests.bars_sender import write_headers
from tests.fhir.examples import BUNDLE_ID, a_bars_message
from tests.journeys.conftest import GP_KEY, PRACTICE, SERVICE_KEY, Site

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
FHIR = "{http://hl7.org/fhir}"
NOW = "2026-03-01T10:15:00+00:00"


def headers(key: str = GP_KEY, **changes: str) -> dict[str, str]:
    """The headers of a BaRS sender, ids fresh unless given; an empty change leaves the header out."""
    sent = write_headers(
        request_id=uuid4(),
        correlation_id=uuid4(),
        target=Identifier(system="https://fhir.nhs.uk/Id/dos-service-id", value="1000000001"),
        organisation=Organisation(ods=OdsCode(PRACTICE), name="Test Surgery"),
        software="Test system",
        software_version="1",
        version="1.1.0",
        use_context="whatever|is|said|here",
    )
    sent |= {"X-API-Key": key} | {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in sent.items() if value}


def a_message(**changes: Any) -> dict[str, Any]:
    """A new referral of this practice."""
    text = json.dumps(a_bars_message(**changes)).replace("A99968", PRACTICE)
    message: dict[str, Any] = json.loads(text)
    patient = next(e["resource"] for e in message["entry"] if e["resource"]["resourceType"] == "Patient")
    patient["birthDate"] = "1951-03-04"
    return message


def a_cancellation(
    identity: str, status: str = "revoked", reason: str = "update", at: str = "2026-03-02T09:00:00+00:00"
) -> dict[str, Any]:
    """The cancellation of the referral the receiver knows by that id."""
    request = {
        "id": identity,
        "status": status,
        "meta": {"lastUpdated": at},
        "reasonCode": [{"text": "No longer needed"}],
    }
    message = a_message(reason=reason, request=request)
    return message | {"id": str(uuid4()), "meta": message["meta"] | {"lastUpdated": at}, "timestamp": at}


async def post(site: Site, message: Any, sent: dict[str, str] | None = None) -> httpx.Response:
    """Send a message, as JSON unless it is bytes already."""
    content = message if isinstance(message, bytes) else json.dumps(message).encode()
    return await site.http.post("/fhir/$process-message", content=content, headers=sent or headers())


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """HTTP status, BaRS code and issue type of a refusal."""
    issue = answer.json()["issue"][0]
    assert "9990000018" not in answer.text
    assert "Specimen" not in answer.text
    return answer.status_code, issue["details"]["coding"][0]["code"], issue["code"]


def identity_of(answer: httpx.Response) -> str:
    """The id our answer gave the ServiceRequest."""
    assert answer.status_code == 200, answer.text
    held = [e["resource"] for e in answer.json()["entry"]]
    return str(next(r["id"] for r in held if r["resourceType"] == "ServiceRequest"))


async def statuses(site: Site) -> list[str]:
    """The status of each ServiceRequest at the service, once everything has left."""
    await site.drain()
    return [held["status"] for held in site.service.resources("ServiceRequest")]


async def test_a_new_referral_is_echoed_with_our_ids_and_reaches_the_service(site: Site) -> None:
    """Every resource has an id, the event stays a request, and both tracing ids come back."""
    sent = headers()
    answer = await post(site, a_message(), sent)

    assert identity_of(answer) == BUNDLE_ID
    assert all(e["resource"]["id"] for e in answer.json()["entry"])
    header = answer.json()["entry"][0]["resource"]
    assert header["eventCoding"]["code"] == "servicerequest-request"
    assert "response" not in header
    for name in ("X-Request-Id", "X-Correlation-Id"):
        assert answer.headers[name] == sent[name]
    assert answer.headers["X-Receipt-ID"]
    assert await statuses(site) == ["active"]


async def test_the_same_request_again_is_a_duplicate_and_sends_nothing(site: Site) -> None:
    """The pair of code and issue that a sender takes for success."""
    sent = headers()
    await post(site, a_message(), sent)
    again = await post(site, a_message(), sent)

    assert error_of(again) == (409, "REC_CONFLICT", "duplicate")
    assert await statuses(site) == ["active"]


async def test_another_message_under_a_used_request_id_is_never_told_as_delivered(site: Site) -> None:
    """A sender takes `duplicate` for success: here a second person would be lost."""
    sent = headers()
    await post(site, a_message(), sent)
    other = await post(site, a_message() | {"id": str(uuid4())}, sent)

    assert error_of(other) == (409, "REC_CONFLICT", "conflict")


async def test_the_same_message_under_a_new_request_id_gets_the_same_answer(site: Site) -> None:
    """The sender lost our answer and its own memory of the request."""
    first = await post(site, a_message())
    second = await post(site, a_message())

    assert identity_of(first) == identity_of(second)
    assert await statuses(site) == ["active"]


async def test_request_ids_of_two_callers_do_not_meet(site: Site) -> None:
    """Each caller counts for itself."""
    sent = headers()
    await post(site, a_message(), sent)
    other = await post(site, a_message(), sent | {"X-API-Key": SERVICE_KEY})

    assert error_of(other) == (403, "REC_FORBIDDEN", "forbidden")


async def test_a_request_still_under_way_is_told_so(site: Site) -> None:
    """The same pair again while the first is being read."""
    sent = headers()
    content = json.dumps(a_message()).encode()
    told = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield content[:100]
        await told.wait()
        yield content[100:]

    first = asyncio.create_task(site.http.post("/fhir/$process-message", content=slowly(), headers=sent))
    await asyncio.sleep(0.3)
    second = await post(site, a_message(), sent)
    told.set()

    assert error_of(second) == (425, "REC_TOO_EARLY", "duplicate")
    assert (await first).status_code == 200
    assert await statuses(site) == ["active"]


async def test_what_failed_before_fails_again_in_the_same_words(site: Site) -> None:
    """The stored failure, byte by byte; nothing is tried a second time."""
    sent = headers()
    first = await post(site, a_message(version="9.9.9"), sent)
    again = await post(site, a_message(version="9.9.9"), sent)

    assert error_of(first) == (422, "REC_UNPROCESSABLE_ENTITY", "not-supported")
    assert (again.status_code, again.content) == (422, first.content)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"X_Request_Id": ""}, (400, "REC_BAD_REQUEST", "required")),
        ({"X_Correlation_Id": ""}, (400, "REC_BAD_REQUEST", "required")),
        ({"X_Request_Id": "17"}, (400, "REC_BAD_REQUEST", "invalid")),
        ({"NHSD_Target_Identifier": ""}, (400, "REC_BAD_REQUEST", "required")),
        ({"NHSD_Target_Identifier": "{}"}, (400, "REC_BAD_REQUEST", "structure")),
        ({"Accept": "application/fhir+xml"}, (406, "REC_NOT_ACCEPTABLE", "processing")),
        ({"X_API_Key": ""}, (401, "REC_UNAUTHORIZED", "security")),
    ],
)
async def test_headers_are_checked_first(
    site: Site, changes: dict[str, str], expected: tuple[int, str, str]
) -> None:
    """And whatever ids came go back."""
    sent = headers(**changes)
    answer = await post(site, b"not even a message", sent)

    status, code, issue = expected
    told = error_of(answer)
    assert told[:2] == (status, code)
    assert told[2] == issue or status == 401
    for name in ("X-Request-Id", "X-Correlation-Id"):
        assert answer.headers.get(name) == sent.get(name)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (a_message(version=None), (400, "REC_BAD_REQUEST", "invariant")),
        (a_message(version="1.0.0-beta"), (422, "REC_UNPROCESSABLE_ENTITY", "not-supported")),
        (a_message(reason="update"), (400, "REC_BAD_REQUEST", "invariant")),
        (a_message(category="validation"), (400, "REC_BAD_REQUEST", "invariant")),
        (a_message(plan="draft"), (400, "REC_BAD_REQUEST", "invariant")),
        (a_message(encounter="planned"), (400, "REC_BAD_REQUEST", "invariant")),
        (a_message(event="booking-request"), (400, "REC_BAD_REQUEST", "invariant")),
        (a_message(event="servicerequest-response"), (400, "REC_BAD_REQUEST", "invariant")),
        (a_message() | {"id": "17"}, (400, "REC_BAD_REQUEST", "required")),
    ],
)
async def test_what_the_decision_table_does_not_list_is_refused(
    site: Site, message: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    """Kept as refused, with a receipt, and nothing leaves."""
    answer = await post(site, message)

    assert error_of(answer) == expected
    kept = await site.get(f"/messages/{answer.headers['X-Receipt-ID']}")
    assert [e["state"] for e in kept.json()["events"]] == ["refused"]
    assert await statuses(site) == []


@pytest.mark.parametrize(("status", "reason"), [("revoked", "update"), ("entered-in-error", "delete")])
async def test_a_cancellation_of_what_we_answered_takes_it_back(site: Site, status: str, reason: str) -> None:
    """By the id we assigned; the service hears of it."""
    identity = identity_of(await post(site, a_message()))
    await site.drain()
    answer = await post(site, a_cancellation(identity, status, reason))

    assert identity_of(answer) == identity
    assert await statuses(site) == [status]


async def test_a_cancellation_is_read_back_first_and_found_active(site: Site) -> None:
    """The sender's own procedure: read, see that it is active, cancel, and see that it is not."""
    identity = identity_of(await post(site, a_message()))
    before = await site.get(f"/fhir/ServiceRequest/{identity}", GP_KEY)
    await post(site, a_cancellation(identity))
    after = await site.get(f"/fhir/ServiceRequest/{identity}", GP_KEY)

    assert (before.json()["id"], before.json()["status"]) == (identity, "active")
    assert after.json()["status"] == "revoked"


async def test_a_cancellation_of_something_unknown_is_not_found(site: Site) -> None:
    """Nobody is told that something ended which never was."""
    answer = await post(site, a_cancellation(str(uuid4())))

    assert error_of(answer) == (404, "REC_NOT_FOUND", "not-found")


async def test_a_second_cancellation_that_says_something_else_is_a_conflict(site: Site) -> None:
    """It is not active any more."""
    identity = identity_of(await post(site, a_message()))
    await post(site, a_cancellation(identity))
    again = await post(site, a_cancellation(identity))
    other = await post(
        site, a_cancellation(identity, "entered-in-error", "delete", at="2026-03-01T09:00:00+00:00")
    )

    assert again.status_code == 200
    assert error_of(other) == (409, "REC_CONFLICT", "conflict")


async def test_another_practices_referral_cannot_be_cancelled_nor_seen(
    open_site: Callable[..., Any], ground: Any
) -> None:
    """To a stranger it is not there."""
    from bridge.config import CallerSettings

    own = ground.settings().callers
    stranger = CallerSettings(
        name="stranger",
        roles=("system",),
        practices=("B88888",),
        sources=("bars",),
        key=own[2].key,
        key_last_day=own[2].key_last_day,
    )
    site: Site = await open_site(callers=(*own[:2], stranger))
    identity = identity_of(await post(site, a_message()))
    cancelled = await post(site, a_cancellation(identity), headers(key="rbk_operator"))
    seen = await site.get(f"/fhir/ServiceRequest/{identity}", "rbk_operator")

    assert error_of(cancelled) == (404, "REC_NOT_FOUND", "not-found")
    assert seen.status_code == 404
    assert await statuses(site) == ["active"]


async def test_a_referral_that_is_none_of_the_service_is_refused_aloud(site: Site) -> None:
    """A pharmacy referral sent here by mistake: 200 would tell the surgery that it arrived."""
    message = json.loads(json.dumps(a_message()).replace("871731000000106", "2140231000000104"))
    answer = await post(site, message)

    assert error_of(answer) == (422, "REC_UNPROCESSABLE_ENTITY", "processing")
    assert "not-a-trigger" in answer.text
    assert await statuses(site) == []


async def test_what_waits_for_a_person_can_be_cancelled_and_never_leaves(site: Site) -> None:
    """Without an NHS number it is accepted and parked; the cancellation closes it."""
    message = a_message()
    patient = next(e["resource"] for e in message["entry"] if e["resource"]["resourceType"] == "Patient")
    del patient["identifier"]
    identity = identity_of(await post(site, message))
    shown = await site.get(f"/fhir/ServiceRequest/{identity}", GP_KEY)
    cancelled = await post(site, a_cancellation(identity))
    parked = (await site.bridge.store.read(_parked)) if cancelled.status_code == 200 else ["?"]

    assert shown.json()["status"] == "active"
    assert parked == []
    assert await statuses(site) == []


def _parked(tx: Any) -> list[Any]:
    from bridge.store import views

    return views.parked(tx)


# What a service answers


def a_response(referral: str, **changes: Any) -> dict[str, Any]:
    """A response of the service: it is being worked on."""
    message = a_message(event="servicerequest-response", encounter="in-progress", answers=referral)
    stamp = "2026-03-05T10:00:00+00:00"
    for entry in message["entry"]:
        if entry["resource"]["resourceType"] == "Encounter":
            entry["resource"]["meta"] = {"lastUpdated": stamp}
    return (
        message
        | {"id": str(uuid4()), "meta": {"versionId": "1.1.0", "lastUpdated": stamp}, "timestamp": stamp}
        | changes
    )


async def referred(site: Site) -> str:
    """A referral that is at its service; our id of it."""
    await post(site, a_message())
    await site.drain()
    placer = site.service.resources("ServiceRequest")[0]["identifier"][0]
    return str(placer["value"])


async def test_a_response_of_the_service_becomes_an_outcome(site: Site) -> None:
    """By our id of the referral as the message it answers."""
    referral = await referred(site)
    answer = await post(site, a_response(referral), headers(SERVICE_KEY))
    story = (await site.get(f"/referrals/{referral}")).json()
    kept = (await site.get(f"/messages/{answer.headers['X-Receipt-ID']}")).json()

    assert answer.status_code == 200, answer.text
    assert story["task_status"] == "in-progress"
    assert {(e["state"], e["code"]) for e in kept["events"]} == {
        ("applied", ""),
        ("parked", "fhir-outcome-unknown"),  # its Condition waits for a person
    }


async def test_a_response_to_nothing_we_know_is_not_found(site: Site) -> None:
    """The standard's step 3."""
    answer = await post(site, a_response(str(uuid4())), headers(SERVICE_KEY))

    assert error_of(answer) == (404, "REC_NOT_FOUND", "not-found")


async def test_a_response_about_another_person_is_refused(site: Site) -> None:
    """Wrong patient is worse than no patient."""
    referral = await referred(site)
    other = json.loads(json.dumps(a_response(referral)).replace("9990000018", "9990000026"))
    answer = await post(site, other, headers(SERVICE_KEY))

    assert error_of(answer)[:2] == (422, "REC_UNPROCESSABLE_ENTITY")
    assert "outcome-not-yours" in answer.text


async def test_a_surgery_cannot_speak_for_the_service(site: Site) -> None:
    """Only a caller bound to a service reports."""
    referral = await referred(site)
    answer = await post(site, a_response(referral))

    assert error_of(answer) == (403, "REC_FORBIDDEN", "forbidden")


# Bad input


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        (b'<!DOCTYPE Bundle><Bundle xmlns="http://hl7.org/fhir"/>', 400, "line 1"),
        (b'{"resourceType":"Bundle","id":"Specimen","id":"9990000018"}', 400, "column 42"),
        ('{"resourceType":"Bundle","id":"Müller"}'.encode("latin-1"), 400, "byte"),
        ("{}".encode("utf-16"), 400, ""),
        (b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Pat', 400, "line 1"),
        (b"", 400, ""),
        (b'{"resourceType":"Specimen"}', 400, "resourceType"),
    ],
)
async def test_what_cannot_be_read_is_refused_at_its_place(
    site: Site, body: bytes, status: int, place: str
) -> None:
    """Where and which rule; never what stood there."""
    answer = await post(site, body)

    assert error_of(answer)[:2] == (status, "REC_BAD_REQUEST")
    assert "Müller" not in answer.text
    assert place in answer.text
    assert answer.headers["X-Receipt-ID"]


async def test_fifty_megabytes_are_refused_unread(site: Site) -> None:
    """By what the request says of itself, before it is taken in."""
    sent = headers() | {"Content-Length": "50000000"}
    reader, writer = await asyncio.open_connection(site.http.base_url.host, site.http.base_url.port)
    lines = ["POST /fhir/$process-message HTTP/1.1", "Host: bridge", *(f"{n}: {v}" for n, v in sent.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + b"{")
    answer = (await reader.readuntil(b"\r\n\r\n")).decode() + (await reader.read(2000)).decode()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith("HTTP/1.1 422 ")
    assert "too-costly" in answer
    assert sent["X-Request-Id"] in answer


# The published messages


def sample(name: str, **changes: str) -> bytes:
    """A published message with what must differ here: surgery, number and, where given, version and code."""
    files = sorted((SHARED / "samples" / "bars").glob(f"{name}*.xml"))
    if not files:
        pytest.skip("the published BaRS messages are not on this machine")
    root = etree.parse(files[0], etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    for organisation in root.iter(f"{FHIR}Organization"):
        for value in organisation.iterfind(f"{FHIR}identifier/{FHIR}value"):
            value.set("value", PRACTICE)
    for system in root.iter(f"{FHIR}system"):
        if system.get("value") == "https://fhir.nhs.uk/Id/nhs-number":
            next_to(system, "value").set("value", "9990000018")
    if "version" in changes:
        root.find(f"{FHIR}meta/{FHIR}versionId").set("value", changes["version"])
    for code in root.iterfind(f".//{FHIR}Task/{FHIR}code/{FHIR}coding/{FHIR}code"):
        code.set("value", changes.get("code", str(code.get("value"))))
    return etree.tostring(root)


def next_to(element: Any, name: str) -> Any:
    """The sibling of that name."""
    return element.getparent().find(f"{FHIR}{name}")


@pytest.mark.parametrize("name", ["REFREQ03", "REFREQ07"])
async def test_a_published_referral_is_taken_in_as_xml(site: Site, name: str) -> None:
    """The nearest public kin of a social prescribing referral, asked for by our code."""
    body = sample(name, version="1.1.0", code="871731000000106")
    answer = await post(site, body, headers(Content_Type="application/fhir+xml"))

    assert identity_of(answer)
    assert await statuses(site) == ["active"]


async def test_a_published_referral_to_a_pharmacy_is_not_ours(site: Site) -> None:
    """As it was published: another service is meant."""
    answer = await post(site, sample("REFREQ03", version="1.1.0"))

    assert error_of(answer) == (422, "REC_UNPROCESSABLE_ENTITY", "processing")


async def test_a_published_referral_of_a_beta_version_is_not_supported(site: Site) -> None:
    """1.0.0-beta is none we accept."""
    answer = await post(site, sample("REFREQ03"))

    assert error_of(answer) == (422, "REC_UNPROCESSABLE_ENTITY", "not-supported")


async def test_a_published_cancellation_for_validation_is_no_workflow_of_ours(site: Site) -> None:
    """SERVREQ01 is of the validation category, which the table of referrals does not list."""
    answer = await post(site, sample("SERVREQ01"))

    assert error_of(answer) == (400, "REC_BAD_REQUEST", "invariant")
