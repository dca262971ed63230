"""An Observation for the GP record tells the score or the event, and never a person's words."""

from typing import Any

import pytest

from bridge.domain import systems
from bridge.domain.outcome import Component, Value
from bridge.domain.referral import Coding, Concept
from bridge.fhir.checks import check
from bridge.fhir.observation import observation
from tests.fhir.examples import NAMING, PRACTICE, a_patient, a_referral, an_outcome

SEEN = Concept(codings=(Coding(system=systems.SNOMED, code="1362931000000106"),))


def made(code: Concept | None = None, *, corrects: bool = False, **changes: Any) -> dict[str, Any]:
    return observation(
        an_outcome(**changes),
        referral=a_referral(),
        service=PRACTICE,
        naming=NAMING,
        code=code,
        corrects=corrects,
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Value(quantity="21.50", unit="score", unit_code="{score}", comparator=">="), "valueQuantity"),
        (Value(integer=0), "valueInteger"),
        (Value(concept=SEEN), "valueCodeableConcept"),
        (Value(text="often"), "valueString"),
        (Value(boolean=False), "valueBoolean"),
        (Value(absent="asked-declined"), "dataAbsentReason"),
    ],
)
def test_each_value_has_its_form(value: Value, expected: str) -> None:
    """Nought and no are values; a refusal to answer is a reason, not a nought."""
    held = made(value=value)

    assert [name for name in held if name.startswith("value") or name == "dataAbsentReason"] == [expected]
    assert check(held) == []


def test_parts_of_a_score_are_components() -> None:
    """Raw and metric never stand under one code."""
    held = made(
        value=None,
        components=(Component(code=Concept(text="raw"), value=Value(integer=24)),),
    )

    assert held["component"] == [{"code": {"text": "raw"}, "valueInteger": 24}]
    assert check(held) == []


def test_it_names_the_referral_and_the_service_by_identifier() -> None:
    """The record needs no resource of the service to understand it."""
    held = made()

    assert held["basedOn"][0]["identifier"]["value"] == str(a_referral().key.id)
    assert held["performer"][0]["identifier"]["value"] == "A99968"
    assert "note" not in held


def test_one_outcome_under_two_codes_has_two_identifiers() -> None:
    """A closing score and the closing code are two entries in the record."""
    score, event = made(), made(SEEN, value=None)

    assert score["identifier"] != event["identifier"]
    assert event["code"]["coding"][0]["code"] == "1362931000000106"
    assert score["identifier"] == made(version="9")["identifier"]


@pytest.mark.parametrize(
    ("status", "corrects", "expected"),
    [
        ("final", False, "final"),
        ("final", True, "corrected"),
        ("amended", True, "amended"),
        ("entered-in-error", True, "entered-in-error"),
        ("completed", False, "final"),
    ],
)
def test_the_status_is_true(status: str, corrects: bool, expected: str) -> None:  # noqa: FBT001
    """What a Task said is final; a second final one is a correction."""
    assert made(corrects=corrects, status=status)["status"] == expected


def test_without_a_number_the_subject_waits_for_the_record() -> None:
    """It is never guessed from a name."""
    held = observation(
        an_outcome(),
        referral=a_referral(patient=a_patient(nhs_number=None)),
        service=PRACTICE,
        naming=NAMING,
    )

    assert held["subject"] == {"type": "Patient"}
