"""Answers to a questionnaire become a score, whichever way the form writes them; ONS4 becomes four."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.fhir.naming import Naming
from bridge.fhir.outcomes import Report, reports_of
from tests.security.requests import a_form, an_observation

NAMING = Naming(base="https://bridge.test")
ARRIVED = datetime(2026, 3, 9, tzinfo=UTC)
REFERRAL = "6b1f3a0e-5f0c-5c3b-9d52-3f6f6a1f0b11"


def read(resource: dict[str, Any]) -> tuple[Report, ...]:
    """Read one resource."""
    return reports_of(resource, naming=NAMING, arrived=ARRIVED)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"valueInteger": 3}, "3"),
        ({"valueString": "more or less"}, "more or less"),
        ({"valueCoding": {"code": "LA6569-3"}}, "1"),
        (
            {
                "valueCoding": {
                    "code": "b",
                    "extension": [
                        {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 2}
                    ],
                }
            },
            "2",
        ),
        ({}, ""),
    ],
)
def test_each_way_to_write_an_answer_is_read(answer: dict[str, Any], said: str) -> None:
    """In groups or not."""
    inner = {"linkId": "1", "answer": [answer]}
    (report,) = read(a_form(1, REFERRAL) | {"item": [{"linkId": "g", "item": [inner, inner]}]})
    assert report.outcome is not None, report.problems

    assert report.outcome.answers == (said, said)
    assert report.outcome.instrument == "swemwbs"
    assert report.outcome.referral_ref == f"https://bridge.test/Id/referral|{REFERRAL}"


def test_the_stated_total_is_no_answer() -> None:
    """It stands under the LOINC code of the score."""
    items = [{"linkId": str(n), "answer": [{"valueInteger": 1}]} for n in range(9)]
    total = {"linkId": "/44261-6", "answer": [{"valueInteger": 9}]}
    (report,) = read(
        a_form(1, REFERRAL) | {"questionnaire": "https://s.test/phq-9|1", "item": [*items, total]}
    )
    assert report.outcome is not None
    assert report.outcome.value is not None

    assert (len(report.outcome.answers), report.outcome.value.quantity) == (9, "9")


@pytest.mark.parametrize("status", ["in-progress", "stopped", "nonsense"])
def test_a_form_that_is_not_finished_is_refused(status: str) -> None:
    """It may still change."""
    (report,) = read(a_form(1, REFERRAL) | {"status": status})

    assert [p.code for p in report.problems] == ["fhir-outcome-not-final"]


def test_somebody_elses_answers_are_known_as_such() -> None:
    """ONS questions are for the person alone."""
    (report,) = read(a_form(1, REFERRAL) | {"source": {"reference": "RelatedPerson/1"}})
    assert report.outcome is not None

    assert report.outcome.proxy


def test_ons4_in_one_observation_is_four_scores() -> None:
    """Never one, and never summed."""
    names = ("life satisfaction", "worthwhile", "happiness", "anxiety")
    parts = [{"code": {"text": name}, "valueInteger": n} for n, name in enumerate(names)]
    made = an_observation(1, REFERRAL) | {"code": {"text": "ONS4"}, "component": parts}
    del made["valueQuantity"]
    told = [report.outcome for report in read(made) if report.outcome]

    assert [o.instrument for o in told] == [
        "ons4-life-satisfaction",
        "ons4-worthwhile",
        "ons4-happiness",
        "ons4-anxiety",
    ]
    assert [o.value.integer for o in told if o.value] == [0, 1, 2, 3]
    assert len({o.identifier for o in told}) == 4
