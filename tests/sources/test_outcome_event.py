"""The outcome event: JSON and CSV say the same, and what cannot be used is told with its place."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.outcome import Outcome, OutcomeKind, ScoreForm
from bridge.errors import Unreadable
from bridge.errors.catalogue import CATALOGUE
from bridge.fhir.naming import Naming
from bridge.fhir.outcomes import Report
from bridge.sources.outcome_event import OutcomeEvent, reports_of, risks_of, schema

ROOT = Path(__file__).parents[2]
NAMING = Naming(base="https://bridge.test")
ARRIVED = datetime(2026, 3, 9, 12, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "schema_version": "1",
    "id": "A-1",
    "time": "2026-03-02T10:00:00+00:00",
    "referral": "6b1f3a0e-5f0c-5c3b-9d52-3f6f6a1f0b11",
    "nhs_number": "9990000018",
    "type": "accepted",
}
SCORED = {"type": "score", "instrument": "SWEMWBS", "value": "21"}


def read(*events: Any) -> tuple[Report, ...]:
    """Read JSON events."""
    body = json.dumps(events[0] if len(events) == 1 else events).encode()
    return reports_of(body, is_csv=False, naming=NAMING, arrived=ARRIVED)


def the_one(**changes: Any) -> Outcome:
    """The outcome of one event."""
    (report,) = read(EVENT | changes)
    assert report.outcome is not None, report.problems
    return report.outcome


def test_the_published_schema_is_current() -> None:
    """Renew it: python -c "from bridge.sources.outcome_event import schema; print(schema(), end='')"."""
    published = ROOT / "docs" / "reference" / "outcomes.schema.json"

    assert published.read_text(encoding="utf-8") == schema()


def test_the_page_names_every_field() -> None:
    """A field nobody can look up is not used, or used wrongly."""
    page = (ROOT / "docs" / "reference" / "outcomes.md").read_text(encoding="utf-8")

    assert [name for name in OutcomeEvent.model_fields if f"`{name}`" not in page] == []


def test_the_examples_of_the_page_can_be_read() -> None:
    """As somebody copies them."""
    page = (ROOT / "docs" / "reference" / "outcomes.md").read_text(encoding="utf-8")
    as_json, as_csv = (page.partition(f"```{form}\n")[2].partition("```")[0] for form in ("json", "csv"))
    told = reports_of(as_json.encode(), is_csv=False, naming=NAMING, arrived=ARRIVED)
    rows = reports_of(as_csv.encode(), is_csv=True, naming=NAMING, arrived=ARRIVED)

    assert [r.problems for r in (*told, *rows)] == [()] * (len(told) + len(rows))
    assert len(told) > 1 < len(rows)


def test_a_standing_is_a_standing_and_a_contact_is_none() -> None:
    """A report of one session does not move the referral."""
    closed, attended = the_one(type="closed", reason="goals met"), the_one(type="attended", attendance="5")
    taken_back = the_one(type="closed", status="entered-in-error")

    assert (closed.is_standing, closed.status, closed.reason) == (True, "completed", "goals met")
    assert (attended.is_standing, attended.kind) == (False, OutcomeKind.ATTENDED)
    assert taken_back.kind is OutcomeKind.ENTERED_IN_ERROR


def test_a_score_keeps_its_form_and_its_digits() -> None:
    """7.00 is not 7, and who answered is told."""
    told = the_one(**(SCORED | {"value": "7.00", "form": "metric", "answered_by": "somebody-else"}))
    assert told.value is not None

    assert (told.value.quantity, told.form, told.proxy) == ("7.00", ScoreForm.METRIC, True)


def test_a_row_says_what_an_event_says() -> None:
    """Columns in any order, blank cells and a mark of the spreadsheet program's."""
    columns = "type,id,time,referral,nhs_number,instrument,value,answers,session,reason"
    row = "score,A-1,{time},{referral},{nhs_number},PHQ-9,1,0;0;0;0;0;0;0;0;1,,".format(**EVENT)
    body = f"\ufeff{columns}\r\n{row}\r\n,,,,,,,,,\r\n".encode()
    (report,) = reports_of(body, is_csv=True, naming=NAMING, arrived=ARRIVED)
    answers = ["0"] * 8 + ["1"]
    event = the_one(type="score", instrument="PHQ-9", value="1", answers=answers)
    assert report.outcome is not None

    assert report.position == "row 2"
    assert (report.outcome.answers, report.outcome.identifier) == (event.answers, event.identifier)
    assert [risk.kind for risk in risks_of(body, is_csv=True)] == ["phq-9-item-9"]


@pytest.mark.parametrize(
    ("changes", "code", "at"),
    [
        ({"type": "vanished"}, "word-unknown", "$.type"),
        ({"time": "2026-03-02"}, "date-not-fhir", "$.time"),
        ({"time": "2026-03-02T10:00:00"}, "date-time-no-offset", "$.time"),
        ({"on": "yesterday"}, "date-not-fhir", "$.on"),
        ({"nhs_number": None}, "value-missing", "$.nhs_number"),
        ({"nhs_number": "9990000019"}, "nhs-number-check-digit", "$.nhs_number"),
        ({"type": "goal", "detail": "set"}, "value-missing", "$.text"),
        ({"type": "goal", "text": "walk"}, "value-missing", "$.detail"),
        ({"type": "goal", "text": "walk", "detail": "helped"}, "word-unknown", "$.detail"),
        ({"type": "attended", "attendance": "3"}, "outcome-attendance", "$.attendance"),
        ({"type": "score", "value": "21"}, "value-missing", "$.instrument"),
        ({"session": 0}, "json-wrong-type", "$.session"),
        ({"id": ""}, "json-wrong-type", "$.id"),
        ({"note": "a link worker's notes"}, "json-unknown-key", "$.{7: AAAA}"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(changes: dict[str, Any], code: str, at: str) -> None:
    """And never with what it says."""
    (report,) = read({k: v for k, v in (EVENT | changes).items() if v is not None})

    assert (code, at) in [(p.code, p.at) for p in report.problems]
    assert report.outcome is None
    assert all(p.code in CATALOGUE for p in report.problems)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"id,type\n1", "json-no-event"),
        (b"id,colour\n1,red", "outcome-csv-column"),
        (b"id,id\n1,2", "outcome-csv-column"),
        (b"id,type\n\xff,accepted", "outcome-csv-unreadable"),
        (b"", "outcome-count"),
    ],
)
def test_a_table_that_is_none_is_refused(body: bytes, code: str) -> None:
    """A column nobody knows may hold what matters."""
    try:
        found = reports_of(body, is_csv=True, naming=NAMING, arrived=ARRIVED)
        codes = [p.code for report in found for p in report.problems]
    except Unreadable as error:
        codes = [p.code for p in error.problems]

    assert code in codes


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"type": "risk"}, "stated"),
        ({"type": "risk", "detail": "safeguarding", "id": 5, "surprise": 1}, "safeguarding"),
        (
            {"type": "score", "instrument": "phq9", "answers": ["0"] * 8 + ["1"], "time": "never"},
            "phq-9-item-9",
        ),
    ],
)
def test_a_risk_is_found_whatever_else_is_wrong(changes: dict[str, Any], kind: str) -> None:
    """Before the event is checked at all."""
    found = risks_of(json.dumps([EVENT, EVENT | changes]).encode(), is_csv=False)

    assert [(r.kind, r.position) for r in found] == [(kind, "event 2")]


@given(body=st.binary(max_size=200), is_csv=st.booleans())
def test_no_bytes_stop_the_reader(body: bytes, is_csv: bool) -> None:  # noqa: FBT001
    """Refused or read, never a fault."""
    risks_of(body, is_csv=is_csv)
    with contextlib.suppress(Unreadable):
        reports_of(body, is_csv=is_csv, naming=NAMING, arrived=ARRIVED)
