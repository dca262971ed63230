"""Who is eligible: each check stops one thing, in its order."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bridge.domain import systems
from bridge.domain.content import content_hash
from bridge.domain.identifiers import OdsCode
from bridge.domain.referral import (
    Coding,
    Concept,
    Consent,
    ConsentScope,
    EventKind,
    Organisation,
    Patient,
    Referral,
    ReferralEvent,
    Shape,
)
from bridge.schemes import Case, Mode, PracticeRule, Scheme, Verdict, decide
from tests.conftest import NOW, a_patient, a_referral

SCHEME = Scheme.model_validate(
    {
        "name": "test",
        "version": "1",
        "title": "Test",
        "service": {"name": "sp", "title": "SP", "endpoint": "http://127.0.0.1/fhir", "ods": "Z9999"},
        "practices": [{"ods": "A99999", "mode": "live", "live_from": date(2026, 1, 1)}],
        "risk_contact": {"name": "Duty clinician", "telephone": "01632 960000"},
        "disclosure": {"direct-care": ["name"]},
    }
)
RULE = SCHEME.practices[0]


def a_case(
    *, record: Referral | None = None, rule: PracticeRule = RULE, environment: str = "test", **said: Any
) -> Case:
    """An ordinary referral that passes, with changes."""
    record = record or replace(a_referral(), recorded_at=NOW - timedelta(days=1), shape=Shape.RECORD, **said)
    event = ReferralEvent(
        kind=EventKind.REFERRED,
        key=record.key,
        clock="v1",
        content=content_hash(EventKind.REFERRED, record.key, record),
        referral=record,
        extracted_at=NOW,
    )
    return Case(event=event, record=record, scheme=SCHEME, practice=rule, now=NOW, environment=environment)


def with_patient(**changes: Any) -> Patient:
    """The ordinary patient, changed."""
    return replace(a_patient(), **changes)


def an_organisation(ods: str) -> Organisation:
    """An organisation by code."""
    return Organisation(ods=OdsCode(ods))


OFFERED = Concept(codings=(Coding(system=systems.SNOMED, code="871691000000100"),))
PARK, NOT_SENT = Verdict.PARK, Verdict.NOT_SENT

STOPPED: list[tuple[Case, Verdict, str]] = [
    (a_case(rule=RULE.model_copy(update={"mode": Mode.OFF})), NOT_SENT, "practice-off"),
    (a_case(patient=with_patient(test=True)), NOT_SENT, "test-patient"),
    (a_case(environment="live"), NOT_SENT, "test-patient"),  # 999…
    (a_case(requested=OFFERED), NOT_SENT, "not-a-trigger"),
    (a_case(consent=Consent.REFUSED), NOT_SENT, "consent-refused"),
    (a_case(consent=Consent.WITHDRAWN), NOT_SENT, "consent-refused"),
    (replace(a_case(), stance="objected"), NOT_SENT, "person-objected"),
    (replace(a_case(consent=Consent.GIVEN), stance="objected"), NOT_SENT, "person-objected"),
    (a_case(patient=with_patient(deceased=True)), NOT_SENT, "patient-deceased"),
    (a_case(patient=with_patient(registered=False)), NOT_SENT, "patient-not-registered"),
    (a_case(author=an_organisation("B88888")), NOT_SENT, "author-elsewhere"),
    (a_case(author=Organisation(name="Somewhere")), PARK, "author-unknown"),
    (a_case(patient=with_patient(birth_date="2010-06-15")), NOT_SENT, "under-age"),
    (a_case(patient=with_patient(birth_date="")), PARK, "age-unknown"),
    (a_case(patient=with_patient(birth_date="2008")), PARK, "age-unknown"),
    (a_case(patient=with_patient(nhs_number=None)), PARK, "nhs-number-missing"),
    *(
        (a_case(patient=with_patient(nhs_number_status=status)), PARK, "nhs-number-not-verified")
        for status in ("03", "04", "05", "06", "07", "08")
    ),
]


def recorded(at: datetime | None) -> Case:
    """The ordinary referral, recorded then."""
    return a_case(record=replace(a_referral(), recorded_at=at, shape=Shape.RECORD))


def test_an_ordinary_referral_passes() -> None:
    """Nothing stops it."""
    assert decide(a_case()) == (Verdict.PASS, "")


@pytest.mark.parametrize(("case", "verdict", "code"), STOPPED)
def test_each_check_stops_its_own(case: Case, verdict: Verdict, code: str) -> None:
    """Left on the list with a reason, or parked for a person."""
    assert decide(case) == (verdict, code)


@pytest.mark.parametrize("status", ["", "01", "02"])
def test_these_number_states_may_go_to_a_service(status: str) -> None:
    """Filing into a record asks for more."""
    assert decide(a_case(patient=with_patient(nhs_number_status=status))).verdict is Verdict.PASS


def test_history_counts_from_the_extracts_own_time_not_from_today() -> None:
    """An extract that arrives a month late still brings its own fresh referrals."""
    case = recorded(NOW - timedelta(days=13))
    late = replace(case, now=NOW + timedelta(days=30))

    assert decide(late).verdict is Verdict.PASS
    assert decide(recorded(NOW - timedelta(days=15))) == (NOT_SENT, "too-old")


def a_single_message(said_at: datetime, came: datetime, **record: Any) -> Case:
    """A message that says when it was made, and came at another time."""
    nobody = with_patient(nhs_number=None)  # live refuses every number that a test may use
    case = a_case(record=replace(a_referral(), **{"recorded_at": None, "patient": nobody} | record))
    return replace(case, event=replace(case.event, extracted_at=said_at), now=came, environment="live")


@pytest.mark.parametrize("days", [13, 15])
def test_history_counts_from_its_arrival_for_a_single_message(days: int) -> None:
    """A queue that is played again a year later would pass by its own time, every message of it."""
    case = a_single_message(NOW, NOW + timedelta(days=days), authored_on="")
    dated = replace(case, record=replace(case.record, recorded_at=NOW))
    expected = (PARK, "nhs-number-missing") if days < 14 else (NOT_SENT, "too-old")

    assert decide(case) == expected
    assert decide(dated) == expected
    assert decide(replace(case, environment="test")) == (PARK, "nhs-number-missing")


def test_an_old_decision_in_a_new_message_waits_for_a_person() -> None:
    """A server that was moved gives each of its requests the time of the move."""
    case = a_single_message(NOW, NOW, authored_on="2025-11-01")

    assert decide(case) == (PARK, "recorded-date-missing")
    assert decide(case, released=True).verdict is Verdict.PASS


def test_a_release_answers_only_what_asked_for_a_person() -> None:
    """Whoever says that it is new has not said that a child may be referred."""
    child = with_patient(birth_date="2020-06-15", nhs_number=None)
    case = a_single_message(NOW, NOW, authored_on="2025-11-01", patient=child)

    assert decide(case, released=True) == (NOT_SENT, "under-age")


def test_nothing_from_before_the_practice_went_live_is_sent() -> None:
    """The day itself counts, in London."""
    rule = RULE.model_copy(update={"live_from": date(2026, 3, 2)})
    yesterday = a_case(rule=rule, record=replace(a_referral(), recorded_at=NOW - timedelta(days=1)))

    assert decide(yesterday) == (NOT_SENT, "before-live")
    today = replace(yesterday, record=replace(yesterday.record, recorded_at=NOW))
    assert decide(today).verdict is Verdict.PASS


def test_a_record_without_a_recorded_date_is_parked() -> None:
    """History could not be told from news."""
    assert decide(recorded(None)) == (PARK, "recorded-date-missing")


def undated(decided: str) -> Case:
    """A message that says when the decision to refer was made, and not when it was written."""
    case = a_case(record=replace(a_referral(), recorded_at=None, authored_on=decided, author=Organisation()))
    return replace(case, event=replace(case.event, extracted_at=None))


@pytest.mark.parametrize("decided", ["2026-03-01", "2026-02-20T09:30:00+00:00"])
def test_a_message_without_a_date_of_its_own_is_news_when_the_decision_is(decided: str) -> None:
    """It was written between the decision and its arrival."""
    assert decide(undated(decided)).verdict is Verdict.PASS


@pytest.mark.parametrize("decided", ["", "2026", "2026-03", "2026-02-01"])
def test_a_message_that_may_be_history_waits_for_a_person(decided: str) -> None:
    """An old decision may have been written yesterday, or have lain there for years."""
    assert decide(undated(decided)) == (PARK, "recorded-date-missing")


def test_a_further_author_organisation_may_be_named() -> None:
    """A branch surgery or hub, as the practice decides."""
    rule = RULE.model_copy(update={"authors": ("B88888",)})

    assert decide(a_case(rule=rule, author=an_organisation("B88888"))).verdict is Verdict.PASS


def test_a_practice_may_add_triggers_of_its_own() -> None:
    """Beside the scheme's."""
    rule = RULE.model_copy(update={"triggers": ("871691000000100",)})

    assert decide(a_case(rule=rule, requested=OFFERED)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("born", "at", "passes"),
    [
        ("2008-03-02", datetime(2026, 3, 2, 12, tzinfo=UTC), True),  # the birthday itself
        ("2008-03-03", datetime(2026, 3, 2, 12, tzinfo=UTC), False),
        ("2008-02-29", datetime(2026, 2, 28, 12, tzinfo=UTC), False),  # 29 February ages on 1 March
        ("2008-02-29", datetime(2026, 3, 1, 12, tzinfo=UTC), True),
        ("2008-06-16", datetime(2026, 6, 15, 23, 30, tzinfo=UTC), True),  # London is a day ahead
    ],
)
def test_age_is_counted_on_the_day_it_was_recorded_in_london(
    born: str,
    at: datetime,
    passes: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Birthdays, leap days and summer time."""
    record = replace(a_referral(), recorded_at=at, patient=with_patient(birth_date=born))
    case = a_case(record=record)
    case = replace(case, event=replace(case.event, extracted_at=at + timedelta(hours=1)))

    assert (decide(case).verdict is Verdict.PASS) is passes


BROADER = Scheme.model_validate(
    SCHEME.model_dump()
    | {
        "service": SCHEME.service.model_dump() | {"kind": "broader"},
        "disclosure": {"broader": ["name"]},
    }
)
AGREED: dict[str, Any] = {"consent": Consent.GIVEN, "consent_scope": ConsentScope.BROADER}


@pytest.mark.parametrize(
    ("said", "stance", "code"),
    [
        ({}, "", "consent-needed"),
        ({"consent": Consent.GIVEN}, "", "consent-needed"),
        ({"consent": Consent.GIVEN, "consent_scope": ConsentScope.DIRECT_CARE}, "", "consent-needed"),
        (AGREED, "", ""),
        (AGREED | {"consent_recipients": ("Z9999",)}, "", ""),
        (AGREED | {"consent_recipients": ("Y1111",)}, "", "consent-needed"),
        (AGREED | {"consent_recipients": ("",)}, "", "consent-needed"),
        (AGREED | {"consent": Consent.WITHDRAWN}, "", "consent-refused"),
        ({}, "agreed", ""),
        (AGREED, "objected", "person-objected"),
    ],
)
def test_a_service_outside_care_needs_a_consent_that_reaches_it(
    said: dict[str, Any], stance: str, code: str
) -> None:
    """Implied consent is for those who care; debt advice is told nothing until the person says so."""
    case = replace(a_case(**said), scheme=BROADER, stance=stance)

    assert decide(case).code == code
