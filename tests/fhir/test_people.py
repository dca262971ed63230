"""People and organisations are taken as they are said, and nobody is mixed up."""

from pathlib import Path
from typing import Any

import pytest

from bridge.domain import systems
from bridge.domain.identifiers import NhsNumber
from bridge.domain.referral import Address, Patient
from bridge.fhir.findings import Findings
from bridge.fhir.inbound import read
from bridge.fhir.meanings import FhirAliases, Meanings
from bridge.fhir.people import People
from bridge.fhir.references import Message
from bridge.fhir.trees import Json
from bridge.fhir.vocabulary import NHS_COMMUNICATION_EXTENSION, NHS_NUMBER_STATUS_EXTENSION, ROLE_CODE

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def people(resource: Json) -> People:
    findings = Findings()
    return People(Message.of(resource), Meanings(FhirAliases(), findings), findings)


def patient_of(**elements: Any) -> Patient:
    resource = {"resourceType": "Patient", **elements}
    return people(resource).patient(resource, "Patient")


def test_the_official_name_wins_and_the_usual_one_is_preferred() -> None:
    """Old and maiden names are nobody's name now."""
    person = patient_of(
        name=[
            {"use": "maiden", "family": "Before"},
            {"use": "usual", "text": "Addie"},
            {"use": "official", "family": "Specimen", "given": ["Ada", "May"], "prefix": ["Mrs"]},
        ]
    )

    assert (person.family, person.given, person.prefix) == ("Specimen", ("Ada", "May"), "Mrs")
    assert person.preferred_name == "Addie"


def test_a_whole_name_is_never_taken_apart() -> None:
    """Which part is the family name nobody can know."""
    person = patient_of(name=[{"text": "Ada May Specimen"}])

    assert (person.family, person.given, person.preferred_name) == ("", (), "Ada May Specimen")


def test_an_old_number_is_the_persons_no_more() -> None:
    """After two records were found to be of one person the earlier number stays beside the new one."""
    old = {"system": systems.NHS_NUMBER, "use": "old", "value": "9990000026"}
    new = {"system": systems.NHS_NUMBER, "value": "999 000 0018"}

    assert patient_of(identifier=[old, new]).nhs_number == NhsNumber("9990000018")
    assert patient_of(identifier=[new, new]).nhs_number == NhsNumber("9990000018")
    assert patient_of(identifier=[old]).nhs_number is None


def test_the_home_address_is_taken_and_never_an_old_one() -> None:
    """A letter to the old flat tells the wrong person."""
    old = {"use": "old", "line": ["2 Gone Street"]}
    home = {
        "use": "home",
        "line": ["1 Test Street"],
        "city": "Leeds",
        "district": "WY",
        "postalCode": "LS1 1ZZ",
    }

    assert patient_of(address=[old, home]).address == Address(
        lines=("1 Test Street",), town="Leeds", county="WY", postcode="LS1 1ZZ", use="home"
    )
    assert patient_of(address=[old]).address is None
    assert patient_of(address=[{"text": "1 Test Street, Leeds"}]).address == Address(
        lines=("1 Test Street, Leeds",)
    )


def test_numbers_of_other_people_are_not_the_persons() -> None:
    """Only a contact who is the person counts, and nothing that is old or no telephone."""
    contact = {
        "relationship": [{"coding": [{"system": ROLE_CODE, "code": "ECON"}]}],
        "telecom": [{"system": "phone", "value": "01632 960009"}],
    }
    person = patient_of(
        telecom=[
            {"system": "phone", "value": "01632 960001"},
            {"system": "fax", "value": "01632 960002"},
            {"system": "phone", "value": "01632 960003", "use": "old"},
        ],
        contact=[contact],
    )

    assert [t.value for t in person.telecoms] == ["01632 960001"]


@pytest.mark.parametrize(
    ("system", "code", "status"),
    [
        (systems.NHS_NUMBER_STATUS, "01", "01"),
        (systems.NHS_NUMBER_STATUS_RETIRED, "number-present-and-verified", "01"),
        (systems.NHS_NUMBER_STATUS_RETIRED, "02", "02"),
        (systems.NHS_NUMBER_STATUS_RETIRED, "trace-postponed", "08"),
        (systems.NHS_NUMBER_STATUS, "invented", ""),
    ],
)
def test_both_styles_of_verification_status_are_understood(system: str, code: str, status: str) -> None:
    """BaRS sends the old words, PDS the digits under the old address."""
    coding = {"coding": [{"system": system, "code": code}]}
    identifier = {
        "extension": [{"url": NHS_NUMBER_STATUS_EXTENSION, "valueCodeableConcept": coding}],
        "system": systems.NHS_NUMBER,
        "value": "9990000018",
    }

    assert patient_of(identifier=[identifier]).nhs_number_status == status


def test_language_is_the_preferred_one() -> None:
    """Also where PDS still writes it."""
    spoken = [
        {"language": {"coding": [{"system": systems.BCP_47, "code": "en"}]}},
        {"language": {"coding": [{"system": systems.BCP_47, "code": "cy"}]}, "preferred": True},
    ]
    french = {"system": systems.HUMAN_LANGUAGE_RETIRED, "code": "fr"}
    retired = {
        "url": NHS_COMMUNICATION_EXTENSION,
        "extension": [
            {"url": "language", "valueCodeableConcept": {"coding": [french]}},
            {"url": "interpreterRequired", "valueBoolean": False},
        ],
    }  # fmt: skip

    assert patient_of(communication=spoken).language == "cy"
    assert patient_of(communication=spoken).interpreter_required is None
    told = patient_of(extension=[retired])
    assert (told.language, told.interpreter_required) == ("fr", False)


def test_a_test_patient_is_known_as_one() -> None:
    """By the label HL7 has for test data."""
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}

    assert patient_of(meta={"security": [label]}).test
    assert not patient_of().test


def test_death_is_heard_in_either_form() -> None:
    """As a fact or as a time."""
    assert patient_of(deceasedBoolean=True).deceased
    told = patient_of(deceasedDateTime="2026-03-01")
    assert (told.deceased, told.deceased_on) == (True, "2026-03-01")


def test_two_roles_of_one_person_are_no_role() -> None:
    """Which of them asked nobody said."""
    person: Json = {"resourceType": "Practitioner", "id": "p", "name": [{"text": "Dr B Example"}]}
    roles = [
        {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": "Practitioner/p"},
            "code": [{"text": t}],
        }
        for t in ("GP", "Trainer")
    ]
    entries = [{"resource": held} for held in (person, *roles)]
    reader = people({"resourceType": "Bundle", "entry": entries})

    requester = reader.requester({"reference": "Practitioner/p"}, {}, "x")

    assert (requester.name, requester.role) == ("Dr B Example", "")


PDS = SHARED / "samples" / "pds" / "Patient.json"


@pytest.mark.skipif(not PDS.exists(), reason="the published examples are not on this machine")
def test_the_published_pds_patient_is_understood() -> None:
    """Its placeholder number is refused by place, and the rest is read."""
    resource = read(PDS.read_bytes(), limit=1 << 20)
    reader = people(resource)

    person = reader.patient(resource, "Patient")

    assert person.family
    assert person.birth_date
    assert {p.code for p in reader.findings.problems} <= {"nhs-number-placeholder", "nhs-number-check-digit"}
