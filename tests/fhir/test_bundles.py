"""What is sent is the same bytes each time, and only the partner's ids are filled in later."""

import json
from decimal import Decimal
from typing import Any

import pytest

from bridge.fhir.bundles import (
    cancelled_service_request,
    changed_service_request,
    create_bundle,
    filing_bundle,
    with_partner_ids,
    with_subject,
)
from bridge.fhir.checks import check
from bridge.fhir.observation import observation
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.trees import Json
from bridge.fhir.writing import to_json
from tests.fhir.examples import NAMING, PRACTICE, SERVICE, a_patient, a_referral, an_outcome


def created(**changes: Any) -> Json:
    return create_bundle(a_referral(**changes), service=SERVICE, released=ALL_FIELDS, naming=NAMING)


def changed() -> Json:
    return changed_service_request(a_referral(), service=SERVICE, released=ALL_FIELDS, naming=NAMING)


def filing(**changes: Any) -> Json:
    held = observation(an_outcome(**changes), referral=a_referral(), service=PRACTICE, naming=NAMING)
    return filing_bundle([held])


def test_the_same_version_is_the_same_bytes() -> None:
    """A retry must be byte-identical, also from another process."""
    assert to_json(created()) == to_json(created())
    assert created()["entry"][1]["fullUrl"] == "urn:uuid:491b0fe9-54fa-5952-b620-9bb79bc92e7f"


def test_every_create_is_conditional_and_without_id() -> None:
    """One server kept a client's id and failed on the second POST."""
    requests = [entry["request"] for entry in created()["entry"]]
    ours = f"identifier={NAMING.referral}|{a_referral().key.id}"

    assert [r["ifNoneExist"] for r in requests] == [
        "identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018",
        ours,
        ours,
    ]
    assert not any("id" in entry["resource"] for entry in created()["entry"])


def test_without_an_nhs_number_our_own_identifier_is_the_condition() -> None:
    """No person is matched by half an identity."""
    bundle = created(patient=a_patient(nhs_number=None))

    assert bundle["entry"][0]["request"]["ifNoneExist"].startswith(f"identifier={NAMING.patient}|")
    assert check(bundle) == []


def test_the_task_asks_the_service_to_act() -> None:
    """Status requested, focus on the request, owner the service."""
    bundle = created()
    task = bundle["entry"][2]["resource"]

    assert (task["status"], task["intent"], task["code"]["coding"][0]["code"]) == (
        "requested",
        "order",
        "fulfill",
    )
    assert task["focus"]["reference"] == bundle["entry"][1]["fullUrl"]
    assert task["for"]["reference"] == bundle["entry"][0]["fullUrl"]
    assert task["owner"]["identifier"]["value"] == "A1B2C"


def test_a_change_gets_the_partners_ids_at_send_time() -> None:
    """Also what is contained is then about the partner's Patient."""
    assert check(changed()) == []

    body = with_partner_ids(to_json(changed()), id="77", subject_reference="Patient/9")
    sent = json.loads(body)

    assert (sent["id"], sent["subject"]["reference"]) == ("77", "Patient/9")
    people = [
        r.get("subject") or r.get("patient")
        for r in sent["contained"]
        if r["resourceType"] in ("Flag", "Consent")
    ]
    assert {p["reference"] for p in people} == {"Patient/9"}
    assert check(sent) == []


def test_filling_in_is_the_same_each_time() -> None:
    """A retry after a crash must give the bytes of the first attempt."""
    body = to_json(changed())

    assert len({with_partner_ids(body, id="77", subject_reference="Patient/9") for _ in range(3)}) == 1


@pytest.mark.parametrize("wrong", ["Ada Specimen", "Practitioner/9", "Patient/", "Patient/9/../1", ""])
def test_only_a_patient_can_be_the_subject(wrong: str) -> None:
    """The error names the rule, not the value."""
    with pytest.raises(ValueError, match=r"^fhir-reference-shape$"):
        with_partner_ids(to_json(changed()), id="77", subject_reference=wrong)
    with pytest.raises(ValueError, match=r"^fhir-reference-shape$"):
        with_subject(to_json(filing()), subject_reference=wrong)


@pytest.mark.parametrize("status", ["revoked", "entered-in-error"])
def test_a_cancellation_says_why(status: str) -> None:
    """Machines read the extension, people the note."""
    request = cancelled_service_request(
        a_referral(),
        status=status,
        reason="The practice cancelled it",
        service=SERVICE,
        released=ALL_FIELDS,
        naming=NAMING,
    )

    assert request["status"] == status
    assert request["extension"][0]["valueCodeableConcept"] == {"text": "The practice cancelled it"}
    assert {"text": "The practice cancelled it"} in request["note"]
    assert check(request) == []


def test_a_status_that_is_no_cancellation_is_a_mistake_of_ours() -> None:
    """And no typo can cancel: an update knows active and completed only."""
    terms: dict[str, Any] = {"service": SERVICE, "released": ALL_FIELDS, "naming": NAMING}

    with pytest.raises(ValueError, match="fhir-code"):
        cancelled_service_request(a_referral(), status="active", reason="", **terms)
    with pytest.raises(ValueError, match="fhir-code"):
        changed_service_request(a_referral(), status="revoked", **terms)


def test_a_first_filing_is_created_once() -> None:
    """By an identifier derived from the sender's, so a repeat files nothing."""
    (entry,) = filing()["entry"]
    (identifier,) = entry["resource"]["identifier"]

    assert entry["request"] == {
        "method": "POST",
        "url": "Observation",
        "ifNoneExist": f"identifier={NAMING.outcome}|{identifier['value']}",
    }


@pytest.mark.parametrize("status", ["amended", "corrected", "entered-in-error"])
def test_a_correction_replaces_what_was_filed(status: str) -> None:
    """A conditional create would be answered 200 and leave the wrong value in the record."""
    (first,), (second,) = filing()["entry"], filing(status=status, version="2")["entry"]

    assert second["resource"]["identifier"] == first["resource"]["identifier"]
    assert second["request"]["method"] == "PUT"
    assert second["request"]["url"] == "Observation?" + first["request"]["ifNoneExist"]


def test_a_filing_keeps_its_digits_through_filling_in() -> None:
    """21.50 leaves as 21.50."""
    assert check(filing()) == []

    body = with_subject(to_json(filing()), subject_reference="Patient/9")

    assert b'"value":21.50' in body
    assert json.loads(body)["entry"][0]["resource"]["subject"]["reference"] == "Patient/9"


def test_numbers_are_written_as_they_are() -> None:
    """Also integers wider than 64 bits, which an echo may hold."""
    wide = 2**70

    assert to_json({"a": Decimal("1.10"), "b": [wide], "c": True}) == b'{"a":1.10,"b":[%d],"c":true}' % wide
    with pytest.raises(TypeError):
        to_json({"a": object()})
