"""The BaRS decision table, and what a message becomes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import systems
from bridge.domain.referral import EventKind
from bridge.fhir.answers import message_receipt
from bridge.fhir.bars import Workflow, key_of, message_request, workflow_of
from bridge.fhir.inbound import read
from bridge.fhir.meanings import FhirAliases
from bridge.fhir.references import Message
from bridge.fhir.requests import Request
from bridge.fhir.trees import Json
from bridge.fhir.writing import to_json
from tests.fhir.examples import BUNDLE_ID, a_bars_message
from tests.fhir.spoiling import anything, places, spoilt

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
ARRIVED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
VERSIONS = frozenset({"1.1.0", "1.0.0-beta"})


def request_of(message: Json) -> Request:
    return message_request(message, source="elm", arrived=ARRIVED, aliases=FhirAliases(), versions=VERSIONS)


def workflow(**changes: Any) -> str:
    """The workflow, or the code of the problem."""
    found = workflow_of(Message.of(a_bars_message(**changes)), VERSIONS)
    return found.value if isinstance(found, Workflow) else found.code


REVOKED, MISTAKEN = {"status": "revoked"}, {"status": "entered-in-error"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "new referral"),
        ({"encounter": "finished"}, "new referral"),
        ({"version": None}, "bars-version-missing"),
        ({"version": "9.9.9"}, "bars-version-not-supported"),
        ({"plan": "active"}, "bars-workflow"),
        ({"encounter": "planned"}, "bars-workflow"),
        ({"category": "validation"}, "bars-workflow"),
        ({"request": {"status": "draft"}}, "bars-workflow"),
        ({"request": REVOKED}, "bars-workflow"),
        ({"reason": "update"}, "bars-workflow"),
        ({"reason": "update", "request": REVOKED}, "cancelled referral"),
        ({"reason": "update", "request": MISTAKEN}, "cancelled referral"),
        ({"reason": "delete", "request": MISTAKEN}, "cancelled referral"),
        ({"reason": "delete"}, "bars-workflow"),
        ({"reason": "invented"}, "bars-workflow"),
        ({"event": "booking-request"}, "bars-workflow"),
        ({"event": "servicerequest-response"}, "bars-workflow"),
        ({"event": "servicerequest-response", "answers": BUNDLE_ID, "request": REVOKED}, "response"),
    ],
)
def test_each_combination_is_one_workflow_or_none(changes: dict[str, Any], expected: str) -> None:
    """BaRS Core, Bundle-Processing; what it does not list is refused."""
    assert workflow(**changes) == expected


def test_a_message_has_one_header_and_one_request() -> None:
    """Two requests in one message are two referrals nobody could cancel."""
    message = a_bars_message()
    message["entry"].append(message["entry"][1])

    assert request_of(message).problems[0].code == "bars-workflow"


def test_a_new_message_becomes_a_referral() -> None:
    """What BaRS says in other places than UK Core is found there."""
    event = request_of(a_bars_message()).event
    assert event is not None
    referral = event.referral
    assert referral is not None

    assert event.key == key_of("elm", BUNDLE_ID)
    assert referral.requested.code_in(systems.SNOMED) == "871731000000106"
    assert (referral.reason_text, referral.note) == ("Feeling lonely", "Prefers mornings")
    assert referral.patient.nhs_number_status == "01"
    assert [t.value for t in referral.patient.telecoms] == ["07700 900001", "01632 960001"]
    assert (referral.requester.name, referral.requester.role) == ("Bo Example", "General practitioner")
    assert str(referral.practice.ods) == str(referral.author.ods) == "A99968"
    assert referral.recipient.name == "Elm Link Workers"


@pytest.mark.parametrize(
    ("reason", "status", "kind"),
    [
        ("update", "revoked", EventKind.CANCELLED),
        ("delete", "entered-in-error", EventKind.ENTERED_IN_ERROR),
    ],
)
def test_a_cancellation_finds_the_referral_by_the_id_we_answered(
    reason: str, status: str, kind: EventKind
) -> None:
    """The receipt gives the ServiceRequest the id of its first Bundle; the cancellation brings it back."""
    first = request_of(a_bars_message()).event
    assert first is not None
    receipt = message_receipt(a_bars_message(), identity=first.key.record, updated=ARRIVED)
    given = receipt["entry"][1]["resource"]["id"]

    cancel = a_bars_message(reason=reason, request={"id": given, "status": status}) | {"id": str(uuid4())}
    event = request_of(cancel).event

    assert event is not None
    assert (event.key, event.kind, event.referral) == (first.key, kind, None)


def test_a_cancellation_without_our_id_is_refused() -> None:
    """It would cancel nothing, and the sender would believe it had."""
    request = request_of(a_bars_message(reason="update", request=REVOKED))

    assert (request.problems[0].code, request.problems[0].at) == (
        "fhir-required",
        "Bundle.entry[1].resource.id",
    )


@pytest.mark.parametrize("wrong", ["", "17", "Ada Specimen"])
def test_a_bundle_needs_a_uuid(wrong: str) -> None:
    """It names the referral for ever."""
    request = request_of(a_bars_message() | {"id": wrong})

    assert (request.problems[0].code, request.problems[0].at) == ("bars-bundle-id", "Bundle.id")


def test_the_earlier_names_of_the_systems_are_understood() -> None:
    """The API repository still publishes them."""
    message = a_bars_message()
    header = message["entry"][0]["resource"]
    header["eventCoding"]["system"] = "https://fhir.nhs.uk/CodeSystem/message-event-servicerequest"
    header["reason"]["coding"][0]["system"] = "https://fhir.nhs.uk/CodeSystem/message-reason-servicerequest"

    assert request_of(message).event is not None


def test_a_response_is_no_request() -> None:
    """It belongs to the other door."""
    response = a_bars_message(event="servicerequest-response", answers=BUNDLE_ID)

    assert request_of(response).problems[0].code == "bars-workflow"


EXAMPLE = (
    "REFREQ03_-_Referral_Service_Request_New_Full_-_Primary_Care_to_Community_Pharmacy_-_Minor_Illness.xml"
)
FOUND = SHARED / "samples" / "bars" / EXAMPLE


@pytest.mark.skipif(not FOUND.exists(), reason="the published examples are not on this machine")
def test_the_published_gp_referral_is_understood() -> None:
    """With a number that passes its check digit, which the published one does not."""
    body = FOUND.read_bytes()

    as_published = request_of(read(body, limit=1 << 20))
    mended = request_of(read(body.replace(b"3478526985", b"9990000018"), limit=1 << 20))

    assert [p.code for p in as_published.problems] == ["nhs-number-check-digit"]
    assert mended.event is not None
    assert mended.event.referral is not None
    assert mended.event.referral.reason_text == "Vomiting"
    assert mended.event.referral.requester.role == "Administrative healthcare staff"


@given(st.sampled_from([p for p in places(a_bars_message()) if p]), anything)
def test_one_odd_value_anywhere_never_breaks_the_answer(path: tuple[Any, ...], value: Any) -> None:
    """It is an event or a problem, and a receipt can be written either way."""
    message = spoilt(a_bars_message(), path, value)
    request = request_of(message)

    assert (request.event is None) == bool(request.problems)
    assert to_json(message_receipt(message, identity=BUNDLE_ID, updated=ARRIVED))
