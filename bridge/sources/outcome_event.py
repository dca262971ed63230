"""Our documented outcome event, for services without a FHIR server: docs/reference/outcomes.md.

One event says one thing about one referral. It is flat, so that a row of a spreadsheet saved as CSV is the
same event: the columns are the names of the fields, `answers` are separated by semicolons.
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.domain import instruments, strict_json
from bridge.domain.codes import ATTENDANCE, Attendance
from bridge.domain.crosswalk import OUTCOMES
from bridge.domain.dates import fhir_date_time, fhir_instant
from bridge.domain.identifiers import NhsNumber
from bridge.domain.outcome import DETAILS, STANDINGS, Outcome, OutcomeKind, ScoreForm, Value
from bridge.errors import IntakeError, Problem, Unreadable, shape
from bridge.fhir.naming import Naming
from bridge.fhir.outcomes import Report
from bridge.fhir.requests import sortable
from bridge.fhir.risks import SAFEGUARDING, SELF_HARM, STATED, Risk
from bridge.sources.json_event import problem_of

LIMIT = 1 << 22  # bytes of one message
MOST = 5000  # events of one message
RULE = "outcome event schema 1"
_SPACE = "urn:outcome-event"  # of the identifiers, which are the sender's own
_LISTS, _NUMBERS = frozenset({"answers"}), frozenset({"session", "sessions"})
_SAYS_WORDS = frozenset(
    {
        *(OutcomeKind.GOAL, OutcomeKind.SUPPORT, OutcomeKind.ONWARD, OutcomeKind.SIGNPOST),
        *(OutcomeKind.UNMET_NEED, OutcomeKind.ACTION),
    }
)
_NEEDS_DETAIL = frozenset({OutcomeKind.GOAL, OutcomeKind.ACTION, OutcomeKind.CONSENT})
_ATTENDANCE = {
    OutcomeKind.ATTENDED: Attendance.ATTENDED,
    OutcomeKind.NOT_ATTENDED: Attendance.NOT_ATTENDED,
    OutcomeKind.CONTACT_CANCELLED: Attendance.CANCELLED,
    OutcomeKind.BOOKED: Attendance.FUTURE,
}


class OutcomeEvent(BaseModel):
    """Version 1 of the event: one thing that happened with one referral. An array holds several."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    schema_version: Literal["1"]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    """The sender's own id of this thing: the same when it is sent again or corrected, never used again."""
    time: str
    """When it was said or last changed: date, time and offset. Of two versions the later one counts."""
    referral: str
    """Our id of the referral, as it came with it."""
    nhs_number: str | None = None
    """The person's NHS number; this or `person`."""
    person: str | None = None
    """Our id of the person, as it came with the referral; for those who are not given NHS numbers."""
    type: Literal[
        "received", "accepted", "rejected", "unreachable", "in-progress", "on-hold", "closed", "failed",
        "cancelled", "reopened", "booked", "attended", "not-attended", "contact-cancelled", "score", "goal",
        "support", "onward", "signpost", "unmet-need", "action", "risk", "consent",
    ]  # fmt: skip
    status: Literal["final", "amended", "corrected", "entered-in-error"] = "final"
    """`entered-in-error` takes back what was said under the same id."""
    on: str | None = None
    """When it happened: a day, or date, time and offset. Left out: `time`."""
    reason: str | None = None
    """Why it was rejected, given up, put on hold or closed; goes to the practice."""
    text: str | None = None
    """The goal, need, action or support in a line; to which group somebody was sent. Nobody's name."""
    detail: str | None = None
    """goal: set, met, partly-met, not-met, dropped. consent: given, refused, withdrawn. action, whose it is:
    professional, person. support: helped, did-not-help. risk: risk, safeguarding."""
    attendance: Literal["0", "2", "3", "4", "5", "6", "7"] | None = None
    """NHS Data Dictionary, attended or did not attend."""
    session: Annotated[int, Field(ge=1, le=999)] | None = None
    sessions: Annotated[int, Field(ge=1, le=999)] | None = None
    """Session n of so many."""
    instrument: str | None = None
    """The questionnaire by name or code: SWEMWBS, ONS4 anxiety, PHQ-9 …"""
    form: Literal["raw", "metric"] | None = None
    """Of SWEMWBS: needed for 7.00 and 35.00, which could be either."""
    value: str | None = None
    """The score, as text."""
    answers: list[str] = []
    """The answers in the order of the form, as text, "" for one left out. They are never filed."""
    answered_by: Literal["person", "somebody-else"] | None = None


def schema() -> str:
    """The JSON Schema, as published in docs/reference/outcomes.schema.json."""
    published = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **OutcomeEvent.model_json_schema(),
    }
    return json.dumps(published, indent=2) + "\n"


def reports_of(body: bytes, *, is_csv: bool, naming: Naming, arrived: datetime) -> tuple[Report, ...]:
    """What each event of a message reports, or why it cannot be used; Unreadable when it holds none."""
    return tuple(_report(at, event, naming, arrived) for at, event in _events(body, is_csv=is_csv))


def risks_of(body: bytes, *, is_csv: bool) -> list[Risk]:
    """The risks in a message, before anything of it is checked; none of what cannot be read at all."""
    try:
        events = list(_events(body, is_csv=is_csv))
    except IntakeError:
        return []
    found = ((at, event, _risk(event)) for at, event in events if isinstance(event, dict))
    return [Risk(kind=kind, position=at, resource=event) for at, event, kind in found if kind]


def _risk(event: dict[str, Any]) -> str:
    if event.get("status") == "entered-in-error":
        return ""
    if event.get("type") == "risk":
        return SAFEGUARDING if event.get("detail") == "safeguarding" else STATED
    answers = event.get("answers")
    try:
        found = instruments.find(str(event.get("instrument") or ""))
    except ValueError:
        return ""
    said = tuple(map(str, answers)) if isinstance(answers, list) else ()
    return SELF_HARM if instruments.safety_trigger(found, said) else ""


# Events and rows


def _events(body: bytes, *, is_csv: bool) -> Iterator[tuple[str, Any]]:
    events = list(_rows(body)) if is_csv else list(_objects(body))
    if not events or len(events) > MOST:
        raise Unreadable(problems=(Problem(code="outcome-count", rule=f"1 to {MOST}"),))
    yield from events


def _objects(body: bytes) -> Iterator[tuple[str, Any]]:
    value = strict_json.loads(body, limit=LIMIT)
    many = isinstance(value, list)
    for n, event in enumerate(value if isinstance(value, list) else [value], 1):
        yield (f"event {n}" if many else "$"), event


def _rows(body: bytes) -> Iterator[tuple[str, Any]]:
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
    except UnicodeDecodeError:
        raise Unreadable(problems=(Problem(code="outcome-csv-unreadable"),)) from None
    try:
        rows = list(reader)
    except csv.Error:
        at = f"line {reader.line_num}"
        raise Unreadable(problems=(Problem(code="outcome-csv-unreadable", at=at),)) from None
    columns = [name.strip() for name in rows[0]] if rows else []
    unknown = [n for n, name in enumerate(columns, 1) if name not in OutcomeEvent.model_fields]
    if unknown or len(set(columns)) < len(columns):
        places = (Problem(code="outcome-csv-column", at=f"column {n}") for n in unknown or [len(columns)])
        raise Unreadable(problems=tuple(places))
    for n, row in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in row):
            yield f"row {n}", _row(columns, row)


def _row(columns: list[str], row: list[str]) -> Any:
    """A row as an event; one with too many or too few cells says so by a field nobody knows."""
    if len(row) != len(columns):
        return None
    event: dict[str, Any] = {"schema_version": "1"}
    for name, cell in zip(columns, (cell.strip() for cell in row), strict=True):
        if name in _LISTS:
            event[name] = [part.strip() for part in cell.split(";")] if cell else []
        elif cell:
            event[name] = int(cell) if name in _NUMBERS and cell.isascii() and cell.isdigit() else cell
    return event


# One event


def _report(at: str, event: Any, naming: Naming, arrived: datetime) -> Report:
    named = event.get("referral") if isinstance(event, dict) else None
    referral = f"{naming.referral}|{named}" if isinstance(named, str) else ""
    if not isinstance(event, dict):
        return Report(position=at, problems=(Problem(code="json-no-event", at=at),))
    try:
        told = OutcomeEvent.model_validate(event)
    except ValidationError as errors:
        found = errors.errors(include_url=False, include_context=False)[:20]
        problems = tuple(problem_of(error, event, RULE) for error in found)
        return Report(position=at, problems=problems, referral_ref=referral)
    problems = tuple(_problems(told))
    if problems:
        return Report(position=at, problems=problems, referral_ref=referral)
    outcome = _outcome(told, at, naming, arrived)
    return Report(position=at, outcome=outcome, referral_ref=referral)


def _kind(told: OutcomeEvent) -> OutcomeKind:
    return OutcomeKind.MEASURE if told.type == "score" else OutcomeKind(told.type)


def _problems(told: OutcomeEvent) -> Iterator[Problem]:
    """What the model cannot see: a missing partner, a word of another type, a date that cannot be."""
    kind, withdrawn = _kind(told), told.status == "entered-in-error"
    yield from _dates(told)
    if not (told.nhs_number or told.person):
        yield Problem(code="value-missing", at="$.nhs_number", rule=RULE)
    if told.nhs_number and (code := _number_problem(told.nhs_number)):
        yield Problem(code=code, at="$.nhs_number", shape=shape(told.nhs_number))
    if kind in _SAYS_WORDS and not told.text and not withdrawn:
        yield Problem(code="value-missing", at="$.text", rule=RULE)
    if kind in _NEEDS_DETAIL and not told.detail and not withdrawn:
        yield Problem(code="value-missing", at="$.detail", rule=RULE)
    if told.detail and told.detail not in DETAILS.get(kind, ()):
        yield Problem(code="word-unknown", at="$.detail", shape=shape(told.detail), rule=RULE)
    if told.attendance and ATTENDANCE[told.attendance] is not _ATTENDANCE.get(kind):
        yield Problem(code="outcome-attendance", at="$.attendance", rule=RULE)
    if kind is OutcomeKind.MEASURE and not told.instrument:
        yield Problem(code="value-missing", at="$.instrument", rule=RULE)


def _dates(told: OutcomeEvent) -> Iterator[Problem]:
    for at, value, check in (("$.time", told.time, fhir_instant), ("$.on", told.on, fhir_date_time)):
        try:
            if value is not None:
                check(value)
        except ValueError as error:
            yield Problem(code=str(error), at=at, shape=shape(value))


def _number_problem(text: str) -> str:
    try:
        NhsNumber.parse(text)
    except ValueError as error:
        return str(error)
    return ""


def _outcome(told: OutcomeEvent, at: str, naming: Naming, arrived: datetime) -> Outcome:
    kind = _kind(told)
    if told.status == "entered-in-error" and kind in STANDINGS:
        kind = OutcomeKind.ENTERED_IN_ERROR
    status = (*OUTCOMES[kind].task, "in-progress")[0] if kind in STANDINGS else told.status
    clock = sortable(told.time, arrived)
    return Outcome(
        kind=kind,
        identifier=f"{_SPACE}|{told.id}",
        version=clock,
        clock=clock,
        status=status,
        referral_ref=f"{naming.referral}|{told.referral}",
        subject=NhsNumber.parse(told.nhs_number) if told.nhs_number else None,
        subject_ref=f"{naming.patient}|{told.person}" if told.person else "",
        effective=told.on or told.time,
        issued=fhir_instant(told.time),
        value=None if told.value is None else Value(quantity=told.value),
        reason=told.reason or "",
        instrument=told.instrument or "",
        form=ScoreForm(told.form) if told.form else None,
        answers=tuple(told.answers),
        proxy=told.answered_by == "somebody-else",
        attendance=told.attendance or "",
        session=told.session or 0,
        sessions=told.sessions or 0,
        detail=told.detail or ("risk" if kind is OutcomeKind.RISK else ""),
        words=told.text or "",
        position=at,
    )
