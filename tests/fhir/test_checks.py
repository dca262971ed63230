"""What leaves is right, and each wrong thing is told by place and rule."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors.catalogue import CATALOGUE
from bridge.fhir.bundles import create_bundle
from bridge.fhir.checks import check
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.trees import Json
from tests.fhir.examples import NAMING, SERVICE, a_referral
from tests.fhir.spoiling import anything, places, spoilt


@pytest.fixture
def bundle() -> Json:
    made = create_bundle(a_referral(), service=SERVICE, released=ALL_FIELDS, naming=NAMING)
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


def resource(bundle: Json, n: int) -> Json:
    found: Json = bundle["entry"][n]["resource"]
    return found


def told(bundle: Json) -> set[tuple[str, str]]:
    return {(p.code, p.at) for p in check(bundle)}


def test_what_we_build_is_right(bundle: Json) -> None:
    """The whole create bundle passes."""
    assert check(bundle) == []


PATIENT, REQUEST, TASK = 0, 1, 2
AT = "Bundle.entry[{}].resource"
SHORT = {"system": "http://snomed.info/sct", "code": "8717"}


@pytest.mark.parametrize(
    ("n", "change", "code", "at"),
    [
        (REQUEST, {"status": "approved"}, "fhir-code", ".status"),
        (TASK, {"status": None}, "fhir-required", ".status"),
        (TASK, {"intent": "directive"}, "fhir-code", ".intent"),
        (PATIENT, {"gender": "F"}, "fhir-code", ".gender"),
        (PATIENT, {"birthDate": "1951-02-30"}, "date-impossible", ".birthDate"),
        (PATIENT, {"birthDate": 1951}, "fhir-value", ".birthDate"),
        (PATIENT, {"birthDate": ""}, "fhir-empty", ".birthDate"),
        (PATIENT, {"name": []}, "fhir-empty", ".name"),
        (PATIENT, {"name": {"family": "Specimen"}}, "fhir-value", ".name"),
        (PATIENT, {"active": "yes and no"}, "fhir-value", ".active"),
        (REQUEST, {"authoredOn": "2026-03-01T10:00:00"}, "date-time-no-offset", ".authoredOn"),
        (REQUEST, {"subject": None}, "fhir-required", ".subject"),
        (REQUEST, {"subject": "Patient/1"}, "fhir-value", ".subject"),
        (REQUEST, {"subject": {"reference": "Practitioner/1"}}, "fhir-reference-type", ".subject"),
        (REQUEST, {"subject": {"reference": "urn:uuid:nowhere"}}, "fhir-reference-dangling", ".subject"),
        (REQUEST, {"subject": {"reference": "Ada Specimen"}}, "fhir-reference-shape", ".subject"),
        (REQUEST, {"requester": {"reference": "#nobody"}}, "fhir-reference-dangling", ".requester"),
        (REQUEST, {"requester": {"reference": "#consent"}}, "fhir-reference-type", ".requester"),
        (REQUEST, {"performer": [{"type": "Encounter"}]}, "fhir-reference-type", ".performer[0]"),
        (REQUEST, {"quantityQuantity": {}, "quantityRange": {}}, "fhir-empty", ".quantityQuantity"),
        (REQUEST, {"surprise": 1}, "fhir-unknown-element", ""),
        (TASK, {"for_fhir": {"display": "x"}}, "fhir-unknown-element", ""),
        (TASK, {"fhir_comments": ["x"]}, "fhir-unknown-element", ""),
        (REQUEST, {"valueCodeableReference": {}}, "fhir-r4b-only", ""),
        (TASK, {"code": {"coding": [SHORT]}}, "snomed-length", ".code.coding[0].code"),
    ],
)
def test_each_defect_is_told_by_its_place(bundle: Json, n: int, change: Json, code: str, at: str) -> None:
    """Servers store any of these without a word; we do not send them."""
    held = resource(bundle, n)
    held.update(change)
    for name in [name for name, value in change.items() if value is None]:
        del held[name]

    assert (code, AT.format(n) + at) in told(bundle)


def test_two_forms_of_one_choice_are_told() -> None:
    """value[x] is one value."""
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "valueString": "a",
        "valueBoolean": True,
    }

    assert told(observation) == {("fhir-choice", "Observation")}


def test_contained_resources_obey_their_rules(bundle: Json) -> None:
    """They are referred to, hold none themselves, and carry no version or label."""
    held = resource(bundle, REQUEST)
    held["contained"][2] |= {"meta": {"versionId": "1"}, "contained": [{"resourceType": "Patient"}]}
    held["supportingInfo"] = held["supportingInfo"][1:]

    rules = {p.rule[:5] for p in check(bundle) if p.code == "fhir-invariant"}

    assert rules == {"dom-2", "dom-3", "dom-4"}


def test_an_unknown_resource_is_told_and_the_rest_still_checked(bundle: Json) -> None:
    """The models would fail on it; we do not."""
    bundle["entry"].append({"resource": {"resourceType": "Citation"}})
    resource(bundle, PATIENT)["gender"] = "F"

    assert ("fhir-not-a-resource", "Bundle.entry[3].resource") in told(bundle)
    assert ("fhir-code", "Bundle.entry[0].resource.gender") in told(bundle)


def test_a_root_that_is_no_resource_is_told() -> None:
    """Its type is a stranger's word and is not repeated."""
    (problem,) = check({"resourceType": "Ada Specimen"})

    assert (problem.code, problem.at, problem.shape) == ("fhir-not-a-resource", "", "AAA AAAAAAAA")


def test_the_wrong_profile_is_told(bundle: Json) -> None:
    """UKCore-Task on a Patient is a slip of the builder."""
    resource(bundle, PATIENT)["meta"]["profile"] = ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Task"]

    assert ("fhir-profile", "Bundle.entry[0].resource.meta.profile") in told(bundle)


def calls_of(bundle: Json) -> int:
    """How many Python functions one check enters."""
    entered = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal entered
        entered += event == "call"

    sys.setprofile(count)
    try:
        check(bundle)
    finally:
        sys.setprofile(None)
    return entered


def test_checking_is_linear(bundle: Json) -> None:
    """Four times as much to check is four times the work, not sixteen times."""
    few, many = ({**bundle, "entry": bundle["entry"] * n} for n in (5, 20))
    check(few)

    assert calls_of(many) < 4.2 * calls_of(few)


def all_values(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for held in value.values() for text in all_values(held)]
    if isinstance(value, list):
        return [text for held in value for text in all_values(held)]
    return [value] if isinstance(value, str) else []


def test_a_problem_never_holds_a_value(bundle: Json) -> None:
    """Every text of a bundle made wrong in every place, and none of it in what is told."""
    secret = "Ada Specimen 999"

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: v if k == "resourceType" else spoil(v) for k, v in value.items()}
        return [spoil(v) for v in value] if isinstance(value, list) else secret

    problems = check(spoil(bundle))

    assert len(problems) > 30
    assert not [t for p in problems for t in (p.code, p.at, p.target, p.rule, p.shape) if secret in t]
    assert secret in all_values(spoil(bundle))


WHOLE = create_bundle(a_referral(), service=SERVICE, released=ALL_FIELDS, naming=NAMING)


@given(st.sampled_from([p for p in places(WHOLE) if p]), anything)
def test_one_odd_value_anywhere_is_told_or_harmless(path: tuple[Any, ...], value: Any) -> None:
    """The models ask some values for methods before their type; a check never fails over it."""
    assert all(p.code in CATALOGUE for p in check(spoilt(WHOLE, path, value)))
