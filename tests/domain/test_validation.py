"""Every check a score has to pass, violated by itself; every boundary passed; nothing valid refused."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from bridge.domain.codes import RETIRED, SOCIAL_PRESCRIBING, Mark, problem_of
from bridge.domain.instruments import INSTRUMENTS, SWEMWBS_METRIC, Instrument
from bridge.domain.outcome import Component, Outcome, OutcomeKind, ScoreForm, Value
from bridge.domain.referral import Coding, Concept
from bridge.domain.systems import LOINC, SNOMED
from bridge.domain.validation import CHECKS, Case, Fails, Judgement, judge
from bridge.errors.catalogue import CATALOGUE

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
REFERRED = date(2026, 3, 1)
PASSED = Judgement()


def a_score(total: str = "21", instrument: str = "swemwbs", **changes: Any) -> Outcome:
    """A score taken on 10 March."""
    told = Outcome(
        kind=OutcomeKind.MEASURE,
        identifier="o|1",
        version="1",
        clock="1",
        status="final",
        referral_ref="",
        effective="2026-03-10",
        instrument=instrument,
        value=Value(quantity=total),
    )
    return replace(told, **changes)


def a_case(outcome: Outcome | None = None, **changes: Any) -> Case:
    """A score of a person of 60, in an open referral of 1 March."""
    known: dict[str, Any] = {"born": "1966-01-01", "referred_on": REFERRED, "now": NOW, "follow_up_days": 14}
    return Case(outcome=outcome or a_score(), **(known | changes))


def coded(code: str, system: str = SNOMED, **changes: Any) -> Outcome:
    """A score named by a code alone."""
    return a_score(instrument="", code=Concept(codings=(Coding(system=system, code=code),)), **changes)


PHQ = ("0",) * 8
EARLIER = a_score("19", identifier="o|0", effective="2026-03-05")
# Each check by its number in the table, what violates it, and the reason.
VIOLATIONS: list[tuple[int, Case, str]] = [
    (1, a_case(a_score(instrument="PAM")), "instrument-unknown"),
    (1, a_case(a_score(instrument="MYCaW")), "instrument-unknown"),
    (1, a_case(a_score(instrument="Outcomes Star")), "instrument-unknown"),
    (1, a_case(a_score(instrument="ONS4")), "ons4-not-one-score"),
    (1, a_case(coded("960481000000100")), "snomed-check-digit"),
    (1, a_case(coded("1091081000000100")), "snomed-spreadsheet-rounded"),
    (1, a_case(coded("717440006")), "snomed-check-digit"),
    (1, a_case(coded("9.60481E+14")), "snomed-spreadsheet-exponent"),
    (2, a_case(a_score("36")), "score-out-of-range"),
    (2, a_case(a_score("6")), "score-out-of-range"),
    (2, a_case(a_score("7.00")), "score-raw-or-metric"),
    (2, a_case(a_score("35.00")), "score-raw-or-metric"),
    (2, a_case(a_score("21.5")), "score-not-in-metric-table"),
    (2, a_case(a_score("21.5", "phq-9")), "score-not-whole"),
    (2, a_case(a_score("5.0", "ons4-anxiety")), "score-not-whole"),
    (2, a_case(a_score("11", "ons4-happiness")), "score-out-of-range"),
    (2, a_case(a_score("2", "ucla-3")), "score-out-of-range"),
    (2, a_case(a_score("21", "wemwbs", form=ScoreForm.METRIC)), "score-has-no-metric"),
    (2, a_case(a_score(value=Value(text="good"))), "score-not-number"),
    (2, a_case(a_score(value=None)), "score-missing"),
    (2, a_case(a_score(value=Value(quantity="21", comparator="<"))), "score-not-number"),
    (3, a_case(a_score("22", answers=("3",) * 7)), "items-total-differs"),
    (3, a_case(a_score("21", answers=("3",) * 6)), "items-count"),
    (3, a_case(a_score("21", answers=("6", *("3",) * 5, "0"))), "items-out-of-range"),
    (3, a_case(a_score("21", answers=("often", *("3",) * 6))), "items-not-answer"),
    (4, a_case(a_score("18", answers=("3",) * 6 + ("",))), "items-incomplete"),
    (4, a_case(a_score("2", "djg-6", answers=("yes", "", "", "no", "yes", "yes"))), "items-incomplete"),
    (5, a_case(a_score("7", "ons4-happiness"), born="2010-04-01"), "respondent-too-young"),
    (5, a_case(a_score("7", "ons4-happiness", proxy=True)), "respondent-proxy"),
    (6, a_case(a_score(effective="2026-03-21")), "score-date-future"),
    (6, a_case(a_score(effective="2026-02-14")), "score-date-before-referral"),
    (6, a_case(closed_on=date(2026, 3, 9)), "score-date-after-closure"),
    (6, a_case(a_score(effective="")), "score-date-missing"),
    (6, a_case(a_score(effective="2026-03")), "score-date-missing"),
    (7, a_case(versions=(a_score(version="0"),)), "repeated"),
    (8, a_case(versions=(a_score("22", version="0", clock="0"),)), "outcome-corrected"),
    (9, a_case(others=(EARLIER,)), "score-follow-up-early"),
    (9, a_case(others=(a_score(kind=OutcomeKind.ATTENDED, effective="2026-03-09"),)), "score-baseline-late"),
    (10, a_case(sharing_refused=True), "sharing-refused"),
    (11, a_case(a_score("1", "phq-9", answers=(*PHQ, "1"))), "risk-told-first"),
]


@pytest.mark.parametrize(("number", "case", "code"), VIOLATIONS)
def test_each_check_stops_or_marks_what_violates_it(number: int, case: Case, code: str) -> None:
    """And no check before it says anything."""
    check = CHECKS[number - 1]
    judgement = judge(case)
    stops = check.fails not in (Fails.CHAIN, Fails.MARK, Fails.TELL)

    assert [c.of(case) for c in CHECKS[: number - 1]] == [""] * (number - 1)
    assert check.of(case) == code
    assert code in CATALOGUE
    assert (judgement.code, judgement.fails) == ((code, check.fails) if stops else ("", None))
    assert (code in judgement.marks) != stops


def test_every_check_is_violated_by_some_case() -> None:
    """The table of checks and the table of violations stay together."""
    assert {number for number, _, _ in VIOLATIONS} == set(range(1, len(CHECKS) + 1))


@pytest.mark.parametrize("row", INSTRUMENTS, ids=lambda row: row.name)
def test_both_ends_of_each_instrument_pass(row: Instrument) -> None:
    """As a total, and as the answers behind it where they are numbers."""
    for end, answer in ((row.minimum, row.items.minimum), (row.maximum, row.items.maximum)):
        answers = () if row.items.words or row.safety_item else (str(answer),) * row.items.count
        assert judge(a_case(a_score(str(end), row.name))) == PASSED
        assert judge(a_case(a_score(str(end), row.name, answers=answers))) == PASSED


def test_the_first_and_the_last_day_pass() -> None:
    """Fourteen days before the referral, the day of closing, and today in London."""
    first, last = REFERRED - timedelta(days=14), NOW.date()

    assert judge(a_case(a_score(effective=first.isoformat()))) == PASSED
    assert judge(a_case(a_score(effective=last.isoformat()), closed_on=last)) == PASSED
    midnight = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)  # already 1 July in London
    assert judge(a_case(a_score(effective="2026-07-01"), now=midnight)) == PASSED


def valid_scores() -> list[Outcome]:
    """Every whole total of every instrument, named in each way; every metric score, stated and not."""
    named = [
        made
        for row in INSTRUMENTS
        for total in range(row.minimum, row.maximum + 1)
        for made in (
            a_score(str(total), row.name),
            a_score(str(total), row.name.upper()),
            *((coded(row.code, value=Value(integer=total)),) if row.code else ()),
            *((coded(row.loinc, LOINC, value=Value(quantity=str(total))),) if row.loinc else ()),
            *(coded(old, value=Value(integer=total)) for old, new in RETIRED.items() if new == row.code),
        )
    ]
    metric = [a_score(value, form=ScoreForm.METRIC) for value in SWEMWBS_METRIC.values()]
    unstated = [a_score(v) for v in SWEMWBS_METRIC.values() if v not in ("7.00", "35.00")]
    return named + metric + unstated + answered()


def answered() -> list[Outcome]:
    """UCLA-3 in every way to answer it; GAD-7 and SWEMWBS answered alike throughout, as components too."""
    forms = [a_score(str(sum(map(int, f))), "ucla-3", answers=f) for f in product("123", repeat=3)]
    for name, count, scale in (("gad-7", 7, "0123"), ("swemwbs", 7, "12345"), ("wemwbs", 14, "12345")):
        for answer in scale:
            parts = (Component(code=Concept(text="item"), value=Value(integer=int(answer))),) * count
            total = str(int(answer) * count)
            forms += [
                a_score(total, name, answers=(answer,) * count),
                a_score(total, name, components=parts),
                a_score("", name, value=None, answers=(answer,) * count),
            ]
    words = ("yes", "more or less", "no")
    forms += [a_score("", "djg-6", value=None, answers=f) for f in product(words, repeat=6)]
    return forms


def test_nothing_valid_is_refused() -> None:
    """The false refusals over the whole generated set: none."""
    valid = valid_scores()
    refused = [judge(a_case(score)) for score in valid if judge(a_case(score)) != PASSED]

    assert len(valid) > 1300
    assert refused == []


def test_every_code_of_every_table_is_a_whole_concept() -> None:
    """Verhoeff and partition; only what two sources confirm is marked so."""
    scores = [row.code for row in INSTRUMENTS if row.code]
    tables = (*SOCIAL_PRESCRIBING, *RETIRED, *RETIRED.values(), *scores)

    assert [code for code in tables if problem_of(code)] == []
    assert all(row.source for row in SOCIAL_PRESCRIBING.values())
    assert all(row.mark is Mark.A for row in INSTRUMENTS if row.code)
