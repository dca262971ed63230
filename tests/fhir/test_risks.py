"""A risk is found wherever it stands, whatever else is wrong with the message."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.fhir.risks import SAFEGUARDING, SELF_HARM, STATED, risks_in

LOINC = "http://loinc.org"


def a_form(*answers: Any, **changes: Any) -> dict[str, Any]:
    """A PHQ-9 as an Observation with its answers as components."""
    components = [{"code": {"text": f"item {n}"}, "valueInteger": a} for n, a in enumerate(answers, 1)]
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "44261-6"}]},
        "component": components,
    } | changes


def a_response(last: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same as a QuestionnaireResponse in two groups, with this last answer."""
    leaves = [{"linkId": str(n), "answer": [{"valueInteger": 0}]} for n in range(1, 9)]
    groups = [
        {"linkId": "a", "item": leaves},
        {"linkId": "b", "item": [{"linkId": "9", "answer": [last]}]},
    ]
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": "https://service.test/Questionnaire/phq-9|2",
        "item": groups,
    } | changes


def a_flag(**changes: Any) -> dict[str, Any]:
    """A stated risk."""
    return {"resourceType": "Flag", "status": "active", "code": {"text": "At risk of self-neglect"}} | changes


ITEM = {"code": {"coding": [{"system": LOINC, "code": "44260-8"}]}}
SEVERAL_DAYS = {"coding": [{"code": "LA6569-3"}]}
ALONE = {"linkId": "/44260-8", "answer": [{"valueDecimal": 1.0}]}
RISKS: list[tuple[dict[str, Any], str]] = [
    (a_flag(), STATED),
    (a_flag(status="nonsense"), STATED),
    (a_flag(code={"text": "Adult safeguarding concern"}), SAFEGUARDING),
    (a_form(0, 0, 0, 0, 0, 0, 0, 0, 1), SELF_HARM),
    (a_form(0, 0, 0, 0, 0, 0, 0, 3), SELF_HARM),  # one answer short: the last may be it
    (a_form(0, 0, 0, 0, 0, 0, 0, 0, 2, status="preliminary"), SELF_HARM),
    (a_form(0, 0, 0, 0, 0, 0, 0, 0, 2, valueQuantity={"value": 99}), SELF_HARM),  # an impossible total
    (a_form(code={"text": "PHQ-9"}, component=[{**ITEM, "valueQuantity": {"value": 1}}]), SELF_HARM),
    ({"resourceType": "Observation", **ITEM, "valueInteger": 1}, SELF_HARM),
    ({"resourceType": "Observation", **ITEM, "valueCodeableConcept": SEVERAL_DAYS}, SELF_HARM),
    (a_response({"valueInteger": 1}), SELF_HARM),
    (a_response({"valueCoding": {"code": "LA6570-1"}}), SELF_HARM),
    ({"resourceType": "QuestionnaireResponse", "item": [ALONE]}, SELF_HARM),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "kind"), RISKS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_each_form_of_a_risk_is_found(resource: dict[str, Any], kind: str, wrapped: bool) -> None:  # noqa: FBT001
    """Alone, in a Bundle, or contained in something else."""
    inside = {"resourceType": "Task", "contained": [resource]}
    message = {"resourceType": "Bundle", "entry": [{"resource": inside}]} if wrapped else resource

    assert [risk.kind for risk in risks_in(message)] == [kind]


@pytest.mark.parametrize(
    "resource",
    [
        a_flag(status="inactive"),
        a_flag(status="entered-in-error"),
        a_form(3, 3, 3, 3, 3, 3, 3, 3, 0),
        a_form(3, 3, 3, 3, 3, 3, 3, 3, 1, status="entered-in-error"),
        a_form(3, 3, 3, 3, 3, 3, 3, code={"coding": [{"code": "70274-6"}]}),
        a_response({"valueCoding": {"code": "LA6568-5"}}),
        a_response({"valueInteger": 0}),
        {"resourceType": "Observation", **ITEM, "valueInteger": 0},
        {"resourceType": "Task", "status": "completed"},
    ],
)
def test_what_is_none_raises_none(resource: dict[str, Any]) -> None:
    """Too many alarms and nobody hears the next one."""
    assert list(risks_in(resource)) == []


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["resourceType", "entry", "resource", "contained", "component", "code", "item", "answer"]
            )
            | st.text(max_size=6),
            inner | st.sampled_from(["Observation", "QuestionnaireResponse", "Flag", "44260-8", "phq-9"]),
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(message=_json)
def test_no_message_stops_the_search(message: Any) -> None:
    """Whatever a sender thinks up."""
    assert isinstance(list(risks_in(message)), list)
