"""What a service reports becomes outcomes that name their referral and their person."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import systems
from bridge.domain.identifiers import NhsNumber
from bridge.domain.outcome import OutcomeKind, Value
from bridge.errors.catalogue import CATALOGUE
from bridge.fhir.outcomes import reports_of
from bridge.fhir.trees import Json
from tests.fhir.examples import NAMING
from tests.fhir.reporting import (
    ARRIVED,
    NUMBER,
    OUR_NAME,
    OURS,
    a_bundle,
    a_task,
    an_observation,
    outcome_of,
    problems_of,
    report_of,
)
from tests.fhir.spoiling import anything, places, spoilt

WRONG = {"identifier": NUMBER | {"value": "9990000019"}}


def test_a_task_is_an_outcome() -> None:
    """Our identifier names the referral; the clock orders its versions."""
    outcome = outcome_of(a_task())

    assert (outcome.kind, outcome.status) == (OutcomeKind.ACCEPTED, "accepted")
    assert outcome.referral_ref == outcome.identifier == OUR_NAME
    assert outcome.version == "2026-04-01T09:00:00"
    assert outcome.subject == NhsNumber("9990000018")
    assert outcome.subject_ref == "Patient/9"
    assert outcome.performer == "Elm Link Workers"


@pytest.mark.parametrize(
    ("status", "business", "kind"),
    [
        ("received", None, OutcomeKind.RECEIVED),
        ("in-progress", None, OutcomeKind.IN_PROGRESS),
        ("in-progress", "5.1.4", OutcomeKind.ATTENDED),
        ("in-progress", "5.1.2", OutcomeKind.NOT_ATTENDED),
        ("on-hold", "5.1.2", OutcomeKind.NOT_ATTENDED),
        ("accepted", "5.1.1", OutcomeKind.BOOKED),
        ("requested", None, None),
        ("draft", None, None),
        ("completed", "5.1.4", OutcomeKind.CLOSED),
        ("rejected", "7.0", OutcomeKind.REJECTED),
        ("failed", None, OutcomeKind.FAILED),
        ("entered-in-error", None, OutcomeKind.ENTERED_IN_ERROR),
    ],
)
def test_a_business_status_counts_where_it_fits(
    status: str, business: str | None, kind: OutcomeKind | None
) -> None:
    """A published example says requested and completed at once: the status decides. Ours say nothing yet."""
    concept = {"coding": [{"system": systems.BUSINESS_STATUS, "code": business}]} if business else None
    found = reports_of(a_task(status=status, businessStatus=concept), naming=NAMING, arrived=ARRIVED)

    assert [r.outcome.kind for r in found if r.outcome] == ([kind] if kind else [])


def test_a_refusal_without_a_reason_is_warned_of() -> None:
    """The GP needs the reason."""
    told = outcome_of(a_task(status="rejected", statusReason={"text": "Lives out of area"}))
    silent = report_of(a_task(status="rejected"))

    assert told.reason == "Lives out of area"
    assert [p.at for p in silent.warnings] == ["Task.statusReason.text"]


def test_an_observation_is_a_measure_with_its_digits() -> None:
    """21.50 stays 21.50, and the repeat of it is the same version wherever it comes from."""
    outcome = outcome_of(an_observation())
    elsewhere = outcome_of(
        an_observation(id="5", meta={"versionId": "8", "lastUpdated": "2026-05-01T00:00:00Z"})
    )
    corrected = outcome_of(an_observation(status="corrected"))

    assert outcome.kind is OutcomeKind.MEASURE
    assert outcome.value == Value(quantity="21.50", unit="score", unit_code="{score}")
    assert outcome.identifier == "https://elm.test.nhs.uk/Id/outcome|77"
    assert outcome.referral_ref == OUR_NAME
    assert (outcome.effective, outcome.issued) == ("2026-04-01", datetime(2026, 4, 1, 9, 30, tzinfo=UTC))
    assert outcome.version == elsewhere.version != corrected.version


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ({"valueInteger": 0}, Value(integer=0)),
        ({"valueBoolean": False}, Value(boolean=False)),
        ({"valueString": "often"}, Value(text="often")),
        ({"dataAbsentReason": {"coding": [{"code": "asked-declined"}]}}, Value(absent="asked-declined")),
        ({"valueQuantity": {"value": 7, "comparator": "<"}}, Value(quantity="7", comparator="<")),
    ],
)  # fmt: skip
def test_each_form_of_value_is_read(element: Json, value: Value) -> None:
    """Nought, no and a refusal are three things."""
    assert outcome_of(an_observation(valueQuantity=None) | element).value == value


@pytest.mark.parametrize(
    ("element", "code", "at"),
    [
        ({"valueRange": {"low": {"value": 1}}}, "fhir-outcome-value", "Observation.value"),
        ({"valueQuantity": {}, "valueString": "x"}, "fhir-outcome-value", "Observation.value"),
        ({"valueQuantity": {"value": "seven"}}, "fhir-value", "Observation.valueQuantity.value"),
        ({"valueQuantity": {"unit": "h"}}, "fhir-value", "Observation.valueQuantity.value"),
        ({"valueInteger": True}, "fhir-value", "Observation.valueInteger"),
        ({"status": "preliminary"}, "fhir-outcome-not-final", "Observation.status"),
        ({"identifier": None}, "fhir-outcome-no-identifier", "Observation"),
        ({"basedOn": None}, "fhir-outcome-no-referral", "Observation"),
        ({"effectiveDateTime": "2026-02-30"}, "date-impossible", "Observation.effectiveDateTime"),
        ({"subject": WRONG}, "nhs-number-check-digit", "Observation.subject.identifier[0].value"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_says_why(element: Json, code: str, at: str) -> None:
    """By place and rule; the value stays with the sender."""
    observation = an_observation(valueQuantity=None) | element

    assert (code, at) in problems_of({k: v for k, v in observation.items() if v is not None})


def test_parts_keep_their_own_values() -> None:
    """A part that says nothing is left out with a warning."""
    parts = [{"code": {"text": "raw"}, "valueInteger": 24}, {"code": {"text": "metric"}}]
    report = report_of(an_observation(valueQuantity=None, component=parts))

    assert report.outcome is not None
    assert [(c.code.text, c.value) for c in report.outcome.components] == [("raw", Value(integer=24))]
    assert [p.at for p in report.warnings] == ["Observation.component[1].value"]


def test_a_code_alone_says_that_it_happened() -> None:
    """Seen by link worker is attendance; with a value it would be a measure."""
    seen = {"coding": [{"system": systems.SNOMED, "code": "1362931000000106"}]}

    assert outcome_of(an_observation(code=seen, valueQuantity=None)).kind is OutcomeKind.ATTENDED
    assert outcome_of(an_observation(code=seen)).kind is OutcomeKind.MEASURE


def test_a_task_lends_its_referral_to_what_it_gives_out() -> None:
    """Observations in Task.output or contained in it need no basedOn of their own."""
    bare = an_observation(basedOn=None)
    output = [{"type": {"text": "score"}, "valueReference": {"reference": "urn:uuid:1"}}]
    beside = reports_of(
        a_bundle(a_task(status="completed", output=output), bare), naming=NAMING, arrived=ARRIVED
    )
    inside = reports_of(a_task(contained=[bare | {"id": "o"}]), naming=NAMING, arrived=ARRIVED)

    assert [r.outcome.referral_ref for r in (*beside, *inside) if r.outcome] == [OUR_NAME] * 4
    assert inside[1].position == "Task.contained[0]"


def test_a_reference_of_the_service_is_kept_as_it_is() -> None:
    """The pipeline knows under which id we were created there."""
    task = a_task(identifier=None)

    assert outcome_of(task).referral_ref == "ServiceRequest/77"
    assert outcome_of(task).identifier == "Task/5"


def test_our_identifier_on_the_request_is_found_through_the_reference() -> None:
    """A searchset with _include brings the ServiceRequest along."""
    request = {"resourceType": "ServiceRequest", "id": "77", "identifier": [OURS]}
    found = reports_of(a_bundle(a_task(identifier=None), request), naming=NAMING, arrived=ARRIVED)

    assert [r.outcome.referral_ref for r in found if r.outcome] == [OUR_NAME]


def test_the_person_may_come_along_as_a_patient() -> None:
    """And must be the one the reference names."""
    same = {"resourceType": "Patient", "id": "9", "identifier": [NUMBER]}
    other = {"resourceType": "Patient", "id": "9", "identifier": [NUMBER | {"value": "9990000026"}]}
    reference = {"reference": "Patient/9"}
    (found,) = reports_of(a_bundle(a_task(**{"for": reference}), same), naming=NAMING, arrived=ARRIVED)
    (differs,) = reports_of(a_bundle(a_task(), other), naming=NAMING, arrived=ARRIVED)

    assert found.outcome is not None
    assert found.outcome.subject == NhsNumber("9990000018")
    assert [p.code for p in differs.problems] == ["fhir-patient-differs"]


@pytest.mark.parametrize(
    ("performer", "told"),
    [
        ({"reference": "Practitioner/3", "display": "Vol Unteer"}, ""),
        ({"display": "Vol Unteer"}, ""),
        ({"reference": "Organization/3", "display": "Elm Link Workers"}, "Elm Link Workers"),
        ({"type": "CareTeam", "display": "North team"}, "North team"),
    ],
)
def test_a_persons_name_is_never_taken(performer: Json, told: str) -> None:
    """A volunteer's name has no place in a GP record."""
    assert outcome_of(an_observation(performer=[performer])).performer == told


def test_a_resource_we_cannot_use_is_named() -> None:
    """Nothing a service sends disappears; what only surrounds says nothing."""
    found = reports_of(
        a_bundle({"resourceType": "Procedure"}, {"resourceType": "Patient"}), naming=NAMING, arrived=ARRIVED
    )

    assert [(p.code, p.at) for r in found for p in r.problems] == [
        ("fhir-outcome-unknown", "Bundle.entry[0].resource")
    ]


def test_what_we_filed_ourselves_says_nothing_when_a_shared_record_shows_it() -> None:
    """Else each poll would file it once more, as another outcome of the service."""
    filed = an_observation(identifier=[{"system": NAMING.outcome, "value": "8f0e"}])
    found = reports_of(a_bundle(filed, an_observation()), naming=NAMING, arrived=ARRIVED)

    assert [r.position for r in found] == ["Bundle.entry[1].resource"]


WHOLE = a_bundle(a_task(contained=[an_observation(id="o")]), an_observation(), {"resourceType": "Patient"})


@given(st.sampled_from([p for p in places(WHOLE) if len(p) > 1]), anything)
def test_one_odd_value_anywhere_never_breaks_the_reading(path: tuple[Any, ...], value: Any) -> None:
    """It is an outcome or a problem, and the problem has a meaning."""
    for report in reports_of(spoilt(WHOLE, path, value), naming=NAMING, arrived=ARRIVED):
        assert (report.outcome is None) == bool(report.problems)
        assert all(p.code in CATALOGUE for p in (*report.problems, *report.warnings))
