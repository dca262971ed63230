"""What a partner says no to is read; what it says about a person is not passed on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.fhir.elements import elements_of, is_resource
from bridge.partners.operation_outcome import Voice, known_path, problems_in, voice_of


def outcome(*issues: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def issue(code: str, severity: str = "error", text: str = "", **more: Any) -> dict[str, Any]:
    return {"severity": severity, "code": code, "diagnostics": text, **more}


@pytest.mark.parametrize(
    ("resource", "voice"),
    [
        (outcome(issue("required")), Voice.VALIDATION),
        (outcome(issue("processing", "fatal")), Voice.VALIDATION),
        (outcome(issue("not-found")), Voice.ERROR),
        (outcome(issue("too costly")), Voice.ERROR),  # a code BaRS examples use and FHIR does not have
        (outcome(issue("transient")), Voice.INFRASTRUCTURE),
        (outcome(issue("required"), issue("timeout")), Voice.INFRASTRUCTURE),
        (outcome(issue("required", "warning")), Voice.RESOURCE),
        (outcome(issue("informational", "information")), Voice.RESOURCE),
        (outcome(), Voice.RESOURCE),
        ({"resourceType": "Bundle", "issue": [issue("required")]}, Voice.RESOURCE),
        (outcome({"code": "invalid"}), Voice.VALIDATION),
        ({"resourceType": "OperationOutcome", "issue": ["no", 7, None]}, Voice.RESOURCE),
    ],
)
def test_an_outcome_is_heard_by_its_codes(resource: dict[str, Any], voice: Voice) -> None:
    """Errors count, remarks do not; what is not FHIR is not heard."""
    assert voice_of(resource) is voice


@pytest.mark.parametrize(
    "text",
    [
        "connect ECONNREFUSED 127.0.0.1:5432",
        "HAPI-0550: Could not connect to the database",
        "Connection is closed",
        "Query timed out",
        "statement timeout",
        "FATAL: sorry, too many clients already",
        "could not serialize access due to concurrent update",
        "deadlock detected",
        "No space left on device",
        "ER_OPTION: cannot execute INSERT in a read-only transaction",
    ],
)
def test_a_server_in_trouble_is_heard_by_its_words(text: str) -> None:
    """Whatever code it gives itself."""
    assert voice_of(outcome(issue("invalid", text=text))) is Voice.INFRASTRUCTURE
    assert voice_of(outcome(issue("invalid", details={"text": text}))) is Voice.INFRASTRUCTURE


@pytest.mark.parametrize(
    "text",
    [
        "Patient.name is required",
        "Invalid value in Timing.repeat: the timeout of the query parameter",
        "ServiceRequest.note: 'patient lost connection with family'",
        "",
    ],
)
def test_a_mistake_of_ours_stays_one(text: str) -> None:
    """Words of daily life are not an outage."""
    assert voice_of(outcome(issue("invalid", text=text))) is Voice.VALIDATION


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("Patient.name[0].family", "Patient.name[0].family"),
        ("ServiceRequest.contained[2]", "ServiceRequest.contained[2]"),
        ("Bundle.entry[1].resource.ofType(Patient).name", "Bundle.entry[1].resource"),
        ("Patient.name.where(family = 'Specimen')", "Patient.name"),
        ("Patient.Specimen", "Patient"),
        ("Patient.9990000018", "Patient"),
        ("Patient.identifier[9990000018]", "Patient.identifier"),
        ("Specimen.Ada", "Specimen"),  # a resource type, by bad luck
        ("Ada.Specimen", ""),
        ("/f:Patient/f:name", ""),
        ("", ""),
    ],
)
def test_a_place_keeps_what_walks_elements(expression: str, kept: str) -> None:
    """Names of elements say nothing of a person; anything else might."""
    assert known_path(expression) == kept


@given(
    st.text() | st.lists(st.sampled_from(["Patient", "name", "family", "[1]", "Ada", "999"])).map(".".join)
)
def test_nothing_but_elements_passes(expression: str) -> None:
    """Whatever a partner writes."""
    kind = ""
    for step in filter(None, known_path(expression).split(".")):
        name = step.partition("[")[0]
        kind = name if not kind else elements_of(kind)[name].kind
        assert is_resource(kind) or kind


def test_a_problem_holds_place_path_and_code_and_no_text() -> None:
    """`location` of older servers counts where `expression` says nothing; unknown codes are dropped."""
    said = outcome(
        issue("required", text="Ada Specimen", expression=["Patient.name"]),
        issue("Ada", details={"text": "9990000018"}, location=["Patient.birthDate"]),
    )
    first, second = problems_in(said, "partner-refused")

    assert (first.at, first.target, first.rule) == (
        "OperationOutcome.issue[0]", "Patient.name", "issue-type required",
    )  # fmt: skip
    assert (second.target, second.rule) == ("Patient.birthDate", "")
    assert "Ada" not in repr((first, second))


def test_a_flood_of_issues_is_told_in_five() -> None:
    """More would drown the person who has to mend it."""
    assert len(problems_in(outcome(*[issue("value")] * 90), "partner-refused")) == 5
