"""A record and a mapping become one event, or everything that is wrong at once."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.referral import EventKind
from bridge.sources import Reading, Source, load
from bridge.sources.apply import apply
from bridge.sources.json_record import JsonRecord

ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)

GREENFIELD = """version = 3
format = "json"
[fields]
event.kind = { at = "$.type" }
event.record = { at = "$.id" }
event.time = { at = "$.time", transform = "uk_local_time" }
practice.ods = { at = "$.practice" }
patient.nhs_number = { at = "$.nhs" }
patient.family = { at = "$.name", required = true }
patient.given = { at = "$.given" }
patient.birth_date = { at = "$.born" }
patient.gender = { at = "$.sex", codes = "sex" }
patient.phone = { at = ["$.phones", "$.tel"] }
patient.email = { at = "$.mail", required = true }
referral.priority = { at = "$.urgency", codes = "urgency" }
referral.authored_on = { at = "$.decided" }
referral.recorded_at = { at = "$.typed", transform = "uk_local_time" }
[codes.sex]
"1" = "male"
"X" = ""
[codes.urgency]
"u" = "urgent"
"""
OVERLAY = """version = 2
extends = "greenfield"
practices = ["B99999"]
[codes.urgency]
"soon" = "asap"
"""
MESSAGE: dict[str, Any] = {
    "type": "referred",
    "id": "17",
    "practice": "A99999",
    "name": "Quillfeather",
    "mail": "ada@example.org",
}


@pytest.fixture
def greenfield(tmp_path: Path) -> Source:
    (tmp_path / "greenfield.toml").write_text(GREENFIELD, encoding="utf-8")
    (tmp_path / "leeds.toml").write_text(OVERLAY, encoding="utf-8")
    return load(tmp_path)["greenfield"]


def read(source: Source, **changes: object) -> Reading:
    (reading,) = source.read(json.dumps(MESSAGE | changes).encode(), arrived=ARRIVED)
    return reading


def codes(reading: Reading) -> list[tuple[str, str]]:
    return [(p.code, p.at) for p in reading.problems]


def test_everything_wrong_is_told_at_once_with_place_rule_and_shape(greenfield: Source) -> None:
    """One round trip mends the message; no value is told."""
    reading = read(greenfield, id=None, nhs="999 000 0019", name="", born="2027-01-01", urgency="soon")

    assert reading.event is None
    assert codes(reading) == [
        ("value-missing", "$.id"),
        ("nhs-number-check-digit", "$.nhs"),
        ("value-missing", "$.name"),
        ("birth-date-future", "$.born"),
        ("code-not-in-table", "$.urgency"),
    ]
    nhs = reading.problems[1]
    assert (nhs.rule, nhs.target, nhs.shape) == (
        "greenfield@3 patient.nhs_number",
        "patient.nhs_number",
        "999 999 9999",
    )


def _patient(reading: Reading) -> Any:
    assert reading.event is not None
    assert reading.event.referral is not None
    return reading.event.referral.patient


def phones(reading: Reading) -> list[str]:
    return [t.value for t in _patient(reading).telecoms if t.system == "phone"]


def test_the_first_path_that_holds_something_wins(greenfield: Source) -> None:
    """A blank or an empty list is nothing."""
    assert phones(read(greenfield, phones=[], tel="01632 960001")) == ["01632 960001"]
    assert phones(read(greenfield, phones=["01632 960002"], tel="01632 960001")) == ["01632 960002"]


def test_a_code_the_table_does_not_list_is_never_guessed(greenfield: Source) -> None:
    """An urgency in a practice's own words stops the event until somebody says what it means."""
    assert codes(read(greenfield, urgency="asap")) == [("code-not-in-table", "$.urgency")]


def test_a_code_may_mean_that_nothing_is_said(greenfield: Source) -> None:
    """An empty meaning leaves the field unknown, without a warning."""
    reading = read(greenfield, sex="X")

    assert _patient(reading).gender == ""
    assert reading.warnings == ()


def test_an_unusable_value_of_small_weight_is_left_out_with_a_warning(greenfield: Source) -> None:
    """A referral is not held up by a phone number that is none; and nobody is called at it."""
    reading = read(greenfield, phones=["none", "01632 960001"], sex="7")

    assert phones(reading) == ["01632 960001"]
    assert [(w.code, w.at) for w in reading.warnings] == [
        ("code-not-in-table", "$.sex"),
        ("phone-shape", "$.phones[0]"),
    ]


def test_what_the_mapping_requires_must_also_be_usable(greenfield: Source) -> None:
    """`required` makes a lenient field strict."""
    assert codes(read(greenfield, mail="none")) == [("email-shape", "$.mail")]


def test_two_values_where_one_is_meant_are_a_problem(greenfield: Source) -> None:
    """Which of two NHS numbers is the person's is not ours to choose; the same twice says it once."""
    assert codes(read(greenfield, nhs=["9990000018", "9990000026"])) == [("value-not-single", "$.nhs[1]")]
    assert _patient(read(greenfield, nhs=["9990000018", "999 000 0018"])).nhs_number.digits == "9990000018"


def test_an_object_where_a_value_should_be_is_a_problem(greenfield: Source) -> None:
    """A changed format of the sender is noticed at the first message."""
    assert codes(read(greenfield, name={"family": "Quillfeather"})) == [("value-is-structure", "$.name")]


def test_an_assumption_is_told_and_does_not_stop_the_event(greenfield: Source) -> None:
    """The hour that comes twice in October is taken once."""
    reading = read(greenfield, typed="2026-10-25T01:30:00")

    assert reading.event is not None
    assert [(w.code, w.at) for w in reading.warnings] == [("local-time-repeated-hour", "$.typed")]


def test_what_has_no_clock_of_its_own_has_that_of_its_arrival(greenfield: Source) -> None:
    """Both sort in one order: a later arrival is newer than an earlier time."""
    arrival, told = read(greenfield), read(greenfield, time="2026-11-21T11:59:59")

    assert arrival.event is not None
    assert told.event is not None
    assert arrival.event.clock == "t2026-11-21T12:00:00.000000"
    assert told.event.clock < arrival.event.clock


def test_a_practice_is_read_with_its_own_codes(greenfield: Source) -> None:
    """And the reading says so."""
    ours, others = read(greenfield, practice="b99999", urgency="soon"), read(greenfield, urgency="u")

    assert ours.event is not None
    assert ours.event.referral is not None
    assert ours.event.referral.priority == "asap"
    assert (ours.mapping, others.mapping) == ("greenfield@3+leeds@2", "greenfield@3")


@pytest.mark.parametrize("kind", [EventKind.CANCELLED, EventKind.ENTERED_IN_ERROR])
def test_what_ends_a_referral_may_be_its_key_alone(greenfield: Source, kind: EventKind) -> None:
    """A withdrawal is never lost because the message lacks the details of what it withdraws."""
    reading = read(greenfield, type=kind, name=None, mail=None)

    assert reading.event is not None
    assert (reading.event.kind, reading.event.referral) == (kind, None)
    assert (reading.problems, reading.warnings) == ((), ())


def test_what_ends_a_referral_is_not_stopped_by_what_it_says_of_the_patient(greenfield: Source) -> None:
    """But what it says is then not used, and the sender is told."""
    reading = read(greenfield, type="cancelled", nhs="9990000019")

    assert reading.event is not None
    assert reading.event.referral is None
    assert [w.code for w in reading.warnings] == ["nhs-number-check-digit"]


@pytest.mark.parametrize(
    ("missing", "place"),
    [({"id": ""}, "$.id"), ({"practice": None}, "$.practice"), ({"type": None}, "$.type")],
)
def test_without_its_key_nothing_can_be_ended(
    greenfield: Source, missing: dict[str, object], place: str
) -> None:
    """A cancellation of nobody knows what needs a person."""
    reading = read(greenfield, **({"type": "cancelled"} | missing))

    assert reading.event is None
    assert ("value-missing", place) in codes(reading)


def test_a_decline_needs_the_person(greenfield: Source) -> None:
    """It has a key of its own and withdraws by patient, so it cannot be its key alone."""
    assert codes(read(greenfield, type="declined", name=None)) == [("value-missing", "$.name")]


def test_a_time_that_cannot_be_read_is_never_replaced_by_arrival(greenfield: Source) -> None:
    """An old cancellation must not become the newest word because its clock was broken."""
    assert codes(read(greenfield, type="cancelled", time="yesterday")) == [("date-not-fhir", "$.time")]


def test_a_clock_that_runs_ahead_is_refused(greenfield: Source) -> None:
    """Else every later change and cancellation would be an older word than this one."""
    assert codes(read(greenfield, time="2026-11-23T12:00:01")) == [("date-ahead", "$.time")]
    assert codes(read(greenfield, time="2026-11-22T11:00:00")) == []


def test_a_decision_that_lies_ahead_is_left_out_with_a_warning(greenfield: Source) -> None:
    """Nobody has decided in the future; the referral goes without that date."""
    reading = read(greenfield, decided="2062-03-01")

    assert reading.event is not None
    assert reading.event.referral is not None
    assert reading.event.referral.authored_on == ""
    assert [(w.code, w.at) for w in reading.warnings] == [("date-ahead", "$.decided")]


def test_what_was_typed_in_the_future_is_left_out_with_a_warning(greenfield: Source) -> None:
    """Else it would never be too old, and every decline of the person would be an older word."""
    reading = read(greenfield, typed="2062-03-01T10:00:00")

    assert reading.event is not None
    assert reading.event.referral is not None
    assert reading.event.referral.recorded_at is None
    assert [(w.code, w.at) for w in reading.warnings] == [("date-ahead", "$.typed")]


def test_a_careless_transform_cannot_tell_a_value(greenfield: Source) -> None:
    """Only codes of the catalogue leave, whatever a site's own transform raises."""
    rules = tuple(
        replace(rule, transform=lambda text: str(int(text))) if rule.target.name == "patient.family" else rule
        for rule in greenfield.mapping.rules
    )

    reading = apply(JsonRecord(root=MESSAGE), replace(greenfield.mapping, rules=rules), arrived=ARRIVED)

    assert codes(reading) == [("value-unusable", "$.name")]
    assert "Quillfeather" not in str(reading.problems)


def test_lines_and_names_with_places_of_their_own_are_put_together(tmp_path: Path) -> None:
    """Most systems have a member for each line of an address; the order is ours, and a gap closes."""
    lines = """
patient.middle_names = { at = "$.middle" }
patient.address.line_1 = { at = "$.a1" }
patient.address.line_2 = { at = "$.a2" }
patient.address.line_3 = { at = "$.a3" }
[codes.sex]"""
    text = GREENFIELD.replace("\n[codes.sex]", lines, 1)
    (tmp_path / "greenfield.toml").write_text(text, encoding="utf-8")
    said = {"given": "Ada", "middle": "Rose", "a3": "Harbour Row", "a1": "Flat 2", "a2": ""}
    (reading,) = load(tmp_path)["greenfield"].read(json.dumps(MESSAGE | said).encode(), arrived=ARRIVED)

    assert reading.event
    assert reading.event.referral
    patient = reading.event.referral.patient
    assert patient.given == ("Ada", "Rose")
    assert patient.address
    assert patient.address.lines == ("Flat 2", "Harbour Row")
