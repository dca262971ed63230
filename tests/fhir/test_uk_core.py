"""UK Core and NHS rules that no FHIR library knows."""

from typing import Any

import pytest

from bridge.domain import systems
from bridge.fhir.checks import check
from bridge.fhir.vocabulary import (
    ETHNIC_CATEGORY_EXTENSION,
    NHS_NUMBER_STATUS_EXTENSION,
)


def told(resource: dict[str, Any]) -> set[tuple[str, str]]:
    return {(p.code, p.at) for p in check(resource)}


def identified(system: str, value: str, **more: Any) -> set[tuple[str, str]]:
    patient = {"resourceType": "Patient", "identifier": [{"system": system, "value": value, **more}]}
    return told(patient)


@pytest.mark.parametrize(
    ("system", "value", "code", "at"),
    [
        (systems.NHS_NUMBER, "9990000019", "nhs-number-check-digit", "value"),
        (systems.NHS_NUMBER, "0000000000", "nhs-number-placeholder", "value"),
        (systems.NHS_NUMBER, "999 000 0018", "nhs-number-not-digits", "value"),
        (systems.NHS_NUMBER, "99900", "nhs-number-length", "value"),
        (systems.ODS_ORGANISATION, "a99968", "ods-code-shape", "value"),
        (systems.ODS_SITE, "A9", "ods-code-shape", "value"),
        ("https://fhir.nhs.uk/id/nhs-number", "9990000018", "fhir-system", "system"),
        ("http://fhir.nhs.uk/Id/nhs-number", "9990000018", "fhir-system", "system"),
        ("https://fhir.nhs.uk/Id/nhs-numbr", "9990000018", "fhir-system", "system"),
        ("https://fhir.hl7.org.uk/Id/gmc", "9999999", "fhir-system", "system"),
        ("https://elm.test.nhs.uk/Id/x", " 17", "fhir-value", "value"),
    ],
)
def test_identifiers_are_what_their_system_says(system: str, value: str, code: str, at: str) -> None:
    """A misspelt system is another system, and no validator sees it."""
    assert (code, f"Patient.identifier[0].{at}") in identified(system, value)


@pytest.mark.parametrize(
    ("system", "value"),
    [
        (systems.NHS_NUMBER, "9990000018"),
        (systems.ODS_SITE, "A9996801"),
        ("https://elm.test.nhs.uk/Id/x", "1 7"),
    ],
)
def test_right_identifiers_pass(system: str, value: str) -> None:
    """And a stranger's system is the stranger's business."""
    assert identified(system, value) == set()


@pytest.mark.parametrize(
    ("system", "code", "problem", "at"),
    [
        (systems.SNOMED, "1362931000000100", "snomed-spreadsheet-rounded", "code"),
        (systems.SNOMED, "717440006", "snomed-check-digit", "code"),
        ("http://snomed.info/sct/", "871731000000106", "fhir-system", "system"),
        ("https://snomed.info/sct", "871731000000106", "fhir-system", "system"),
        (systems.ETHNIC_CATEGORY, "I", "fhir-code", "code"),
        (systems.ETHNIC_CATEGORY_RETIRED, "A", "fhir-system", "system"),
        (systems.BCP_47, "not a language", "fhir-code", "code"),
        (systems.NHS_NUMBER_STATUS, "1", "fhir-code", "code"),
    ],
)
def test_codes_are_what_their_system_says(system: str, code: str, problem: str, at: str) -> None:
    """Damaged, retired and misspelt codes never leave."""
    patient = {"resourceType": "Patient", "maritalStatus": {"coding": [{"system": system, "code": code}]}}

    assert told(patient) == {(problem, f"Patient.maritalStatus.coding[0].{at}")}


def test_a_patient_has_one_nhs_number() -> None:
    """UK Core slices identifier: nhsNumber 0..1."""
    number = {"system": systems.NHS_NUMBER, "value": "9990000018"}

    assert ("fhir-profile", "Patient.identifier") in told(
        {"resourceType": "Patient", "identifier": [number, number]}
    )


def test_an_organisation_has_one_ods_code() -> None:
    """Two codes are two organisations."""
    codes = [{"system": systems.ODS_ORGANISATION, "value": v} for v in ("A99968", "A99969")]

    assert ("fhir-profile", "Organization.identifier") in told(
        {"resourceType": "Organization", "identifier": codes}
    )


def test_extensions_stand_once_and_hold_their_type() -> None:
    """Two ethnic categories, or one as text, are no ethnic category."""
    right = {"url": ETHNIC_CATEGORY_EXTENSION, "valueCodeableConcept": {"text": "x"}}
    wrong = {"url": NHS_NUMBER_STATUS_EXTENSION, "valueString": "01"}

    assert told({"resourceType": "Patient", "extension": [right, right]}) == {
        ("fhir-profile", "Patient.extension")
    }
    assert told({"resourceType": "Patient", "extension": [wrong]}) == {
        ("fhir-profile", "Patient.extension[0]")
    }


def test_a_national_identifier_needs_a_value() -> None:
    """An NHS number without a number helps nobody."""
    patient = {"resourceType": "Patient", "identifier": [{"system": systems.NHS_NUMBER}]}

    assert ("fhir-profile", "Patient.identifier[0].value") in told(patient)
