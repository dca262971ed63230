"""What must be understood before a request may be acted on stops the event."""

import pytest

from bridge.domain import systems
from bridge.fhir.trees import Json
from tests.fhir.examples import a_uk_core_bundle
from tests.fhir.requesting import problem_of

AT = "Bundle.entry[1].resource"
NUMBER = {"system": systems.NHS_NUMBER}
HIDDEN = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "NOPAT"}
LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


@pytest.mark.parametrize(
    ("request_", "code", "at"),
    [
        ({"status": "draft"}, "fhir-status-not-sendable", f"{AT}.status"),
        ({"status": "completed"}, "fhir-status-not-sendable", f"{AT}.status"),
        ({"intent": "proposal"}, "fhir-intent", f"{AT}.intent"),
        ({"doNotPerform": True}, "fhir-do-not-perform", f"{AT}.doNotPerform"),
        ({"doNotPerform": "true"}, "fhir-do-not-perform", f"{AT}.doNotPerform"),
        ({"modifierExtension": [{"url": "u", "valueBoolean": True}]}, "fhir-modifier", "Bundle"),
        ({"implicitRules": "https://x.test"}, "fhir-modifier", f"{AT}.implicitRules"),
        ({"meta": {"security": [LABEL]}}, "fhir-confidential", f"{AT}.meta.security"),
        ({"identifier": None}, "fhir-no-business-identifier", f"{AT}.identifier"),
        ({"identifier": [{"value": "R-17"}]}, "fhir-no-business-identifier", f"{AT}.identifier"),
        ({"subject": {"reference": "Patient/9"}}, "fhir-no-patient", f"{AT}.subject"),
        (
            {"subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111",
                         "identifier": {"system": systems.NHS_NUMBER, "value": "9990000026"}}},
            "fhir-patient-differs", f"{AT}.subject",
        ),
        (
            {"code": {"coding": [{"system": systems.SNOMED, "code": "1362931000000100"}], "text": "x"}},
            "snomed-spreadsheet-rounded", f"{AT}.code.coding[0].code",
        ),
    ],
)  # fmt: skip
def test_what_must_be_understood_stops_the_event(request_: Json, code: str, at: str) -> None:
    """Each would send a person somewhere nobody wanted, or nobody could answer for."""
    assert problem_of(a_uk_core_bundle(request_)) == (code, at)


@pytest.mark.parametrize(
    ("person", "code", "at"),
    [
        ({"identifier": [NUMBER | {"value": "9990000019"}]}, "nhs-number-check-digit", "identifier[0].value"),
        ({"identifier": [NUMBER | {"value": "9999999999"}]}, "nhs-number-placeholder", "identifier[0].value"),
        ({"birthDate": "1951-02-30"}, "date-impossible", "birthDate"),
        ({"deceasedBoolean": "true"}, "fhir-value", "deceasedBoolean"),
        (
            {"identifier": [NUMBER | {"value": "9990000018"}, NUMBER | {"value": "9990000026"}]},
            "value-not-single", "identifier",
        ),
    ],
)  # fmt: skip
def test_a_doubtful_person_stops_the_event(person: Json, code: str, at: str) -> None:
    """Wrong patient is worse than no patient."""
    assert problem_of(a_uk_core_bundle(person=person)) == (code, f"Bundle.entry[0].resource.{at}")


@pytest.mark.parametrize(
    "person", [{"active": False}, {"link": [{"other": {"reference": "Patient/9"}, "type": "replaced-by"}]}]
)
def test_a_patient_record_that_is_not_in_use_stops_the_event(person: Json) -> None:
    """Both are modifier elements of FHIR R4: another record is the person's."""
    assert problem_of(a_uk_core_bundle(person=person)) == (
        "fhir-patient-not-in-use",
        "Bundle.entry[0].resource",
    )


@pytest.mark.parametrize("label", [LABEL, HIDDEN])
def test_a_restricted_patient_stops_the_event(label: Json) -> None:
    """Nothing of a sensitive record may be kept, and a service shows its people what it holds."""
    assert problem_of(a_uk_core_bundle(person={"meta": {"security": [label]}}))[0] == "fhir-confidential"


def test_a_restricted_reason_stops_the_event() -> None:
    """It would leave as a reason, and its label would not."""
    bundle = a_uk_core_bundle({"reasonReference": [{"reference": "urn:uuid:why"}]})
    reason = {"resourceType": "Condition", "code": {"text": "Private"}, "meta": {"security": [LABEL]}}
    bundle["entry"].append({"fullUrl": "urn:uuid:why", "resource": reason})

    assert problem_of(bundle) == ("fhir-confidential", "Bundle.entry[2].resource.meta.security")


def test_a_deletion_beside_a_request_is_not_passed_over() -> None:
    """What it would have deleted might be another referral."""
    bundle = a_uk_core_bundle()
    bundle["entry"].append({"request": {"method": "DELETE", "url": "ServiceRequest/9"}})

    assert problem_of(bundle) == ("fhir-method", "Bundle.entry[2].request.method")


def test_two_that_could_name_it_are_refused() -> None:
    """A guess could change with the next version and refer the person twice."""
    two = [{"system": "a", "value": "1"}, {"system": "b", "value": "2"}]

    assert problem_of(a_uk_core_bundle({"identifier": two}))[0] == "fhir-business-identifier-unclear"


def test_a_message_without_a_request_says_so() -> None:
    """The sender learns what is missing."""
    assert problem_of({"resourceType": "Patient"}) == ("fhir-no-request", "Patient")
