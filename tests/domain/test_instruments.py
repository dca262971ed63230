"""A score is filed only when it can be one, and each refusal says what to mend."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.codes import RETIRED, Mark
from bridge.domain.instruments import (
    INSTRUMENTS,
    SWEMWBS_METRIC,
    Direction,
    Instrument,
    check_items,
    check_respondent,
    check_score,
    find,
    metric_of,
    safety_trigger,
)
from bridge.domain.outcome import ScoreForm
from bridge.errors.catalogue import CATALOGUE

RANGES = {
    "ons4-life-satisfaction": (1, 0, 10, 0, 10),
    "ons4-worthwhile": (1, 0, 10, 0, 10),
    "ons4-happiness": (1, 0, 10, 0, 10),
    "ons4-anxiety": (1, 0, 10, 0, 10),
    "swemwbs": (7, 1, 5, 7, 35),
    "wemwbs": (14, 1, 5, 14, 70),
    "ucla-3": (3, 1, 3, 3, 9),
    "phq-9": (9, 0, 3, 0, 27),
    "gad-7": (7, 0, 3, 0, 21),
    "de-jong-gierveld-6": (6, 0, 1, 0, 6),
    "de-jong-gierveld-6-emotional": (3, 0, 1, 0, 3),
    "de-jong-gierveld-6-social": (3, 0, 1, 0, 3),
}
by_name = pytest.mark.parametrize("name", RANGES)
NUMBERED = [row for row in INSTRUMENTS if not row.items.words]


def refusal(check: Callable[[], object]) -> str:
    """The problem code of a refusal, or "" when it was taken; every code is in the catalogue."""
    try:
        check()
    except ValueError as error:
        return str(error) if str(error) in CATALOGUE else f"not in the catalogue: {error}"
    return ""


# The table


def test_every_figure_is_the_published_one() -> None:
    """Items, their scale and the range of the score, written a second time."""
    told = {
        row.name: (row.items.count, row.items.minimum, row.items.maximum, row.minimum, row.maximum)
        for row in INSTRUMENTS
    }

    assert told == RANGES


@pytest.mark.parametrize("row", INSTRUMENTS, ids=lambda row: row.name)
def test_the_ends_of_a_score_are_all_lowest_and_all_highest_answers(row: Instrument) -> None:
    """Else the table contradicts itself."""
    assert row.minimum == row.items.count * row.items.minimum
    assert row.maximum == row.items.count * row.items.maximum
    assert len(row.items.words) in {0, row.items.count}


def test_only_confirmed_score_codes_are_held() -> None:
    """No code is invented: no ONS, UCLA or De Jong score has one."""
    assert {row.name: row.code for row in INSTRUMENTS if row.code} == {
        "swemwbs": "718466001",
        "wemwbs": "718426000",
        "phq-9": "720433000",
        "gad-7": "445455005",
    }
    assert all((row.mark is Mark.A) == bool(row.code) for row in INSTRUMENTS)


def test_what_a_high_score_means_is_our_own_tested_data() -> None:
    """Published tables have it the wrong way round in places; anxiety is reversed."""
    better = {row.name for row in INSTRUMENTS if row.direction is Direction.HIGH_IS_BETTER}

    assert better == {"ons4-life-satisfaction", "ons4-worthwhile", "ons4-happiness", "swemwbs", "wemwbs"}


def test_scores_that_had_another_code_know_it() -> None:
    """Records of many years hold the old ones."""
    assert {old: row.name for row in INSTRUMENTS for old, new in RETIRED.items() if new == row.code} == {
        "960481000000107": "swemwbs",
        "885541000000103": "wemwbs",
        "506701000000100": "phq-9",
    }


# Finding one


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("SWEMWBS", "swemwbs"),
        ("718466001", "swemwbs"),
        ("960481000000107", "swemwbs"),
        ("PHQ-9", "phq-9"),
        ("phq9", "phq-9"),
        (" PHQ 9 ", "phq-9"),
        ("44261-6", "phq-9"),
        ("506701000000100", "phq-9"),
        ("70274-6", "gad-7"),
        ("UCLA 3-item", "ucla-3"),
        ("DJG-6", "de-jong-gierveld-6"),
        ("ONS4 anxiety", "ons4-anxiety"),
        *((name, name) for name in RANGES),
    ],
)
def test_an_instrument_is_found_by_code_old_code_or_name(asked: str, name: str) -> None:
    """As senders write them."""
    assert find(asked).name == name


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("", "instrument-unknown"),
        ("PAM", "instrument-unknown"),
        ("MYCaW", "instrument-unknown"),
        ("Outcomes Star", "instrument-unknown"),
        ("EQ-5D-5L", "instrument-unknown"),
        ("Personal Wellbeing Score", "instrument-unknown"),
        ("736534008", "instrument-unknown"),
        ("12345-6", "instrument-unknown"),
        ("ONS4", "ons4-not-one-score"),
        ("717440006", "snomed-check-digit"),
        ("960481000000100", "snomed-check-digit"),
        ("9.60481E+14", "snomed-spreadsheet-exponent"),
    ],
)
def test_what_cannot_be_checked_is_refused_by_name(asked: str, problem: str) -> None:
    """A licensed or unknown questionnaire is never scored by guess."""
    assert refusal(lambda: find(asked)) == problem


# Scores


@by_name
def test_the_ends_of_the_range_are_in_and_one_beyond_is_out(name: str) -> None:
    """Each boundary of each instrument."""
    row = find(name)

    assert refusal(lambda: check_score(row, str(row.minimum), ScoreForm.RAW)) == ""
    assert refusal(lambda: check_score(row, str(row.maximum), ScoreForm.RAW)) == ""
    assert refusal(lambda: check_score(row, str(row.minimum - 1), ScoreForm.RAW)) == "score-out-of-range"
    assert refusal(lambda: check_score(row, str(row.maximum + 1), ScoreForm.RAW)) == "score-out-of-range"


@by_name
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "score-missing"),
        ("three", "score-not-number"),
        ("3 ", "score-not-number"),
        ("+3", "score-not-number"),
        ("03", "score-not-number"),
        ("3e0", "score-not-number"),
        ("NaN", "score-not-number"),
        ("1_0", "score-not-number"),
        ("3,5", "score-not-number"),
        ("\u0663", "score-not-number"),
        ("99999999999", "score-not-number"),
        ("-1", "score-out-of-range"),
        ("9999", "score-out-of-range"),
    ],
)
def test_what_is_no_number_or_far_off_is_refused(name: str, value: str, problem: str) -> None:
    """A missing answer is not 0."""
    assert refusal(lambda: check_score(find(name), value)) == problem


@by_name
def test_a_raw_score_has_no_decimals(name: str) -> None:
    """A mean or a metric score under the name of a raw one is a wrong score."""
    row = find(name)

    assert refusal(lambda: check_score(row, f"{row.minimum}.5", ScoreForm.RAW)) == "score-not-whole"
    assert refusal(lambda: check_score(row, f"{row.maximum}.0", ScoreForm.RAW)) == "score-not-whole"


@by_name
def test_only_swemwbs_has_a_metric_form(name: str) -> None:
    """For the others the sender must be wrong about something."""
    row = find(name)

    assert row.metric == (name == "swemwbs")
    assert (
        refusal(lambda: check_score(row, str(row.maximum), ScoreForm.METRIC)) == "score-has-no-metric"
    ) != row.metric


@pytest.mark.parametrize(("raw", "metric"), SWEMWBS_METRIC.items())
def test_each_metric_score_is_recognised_by_the_table(raw: int, metric: str) -> None:
    """Two decimals or one, stated or not; only the two ends could be either."""
    swemwbs = find("swemwbs")
    ambiguous = raw in {7, 35}

    assert metric_of(raw) == metric
    assert check_score(swemwbs, metric, ScoreForm.METRIC) is ScoreForm.METRIC
    assert check_score(swemwbs, str(raw), ScoreForm.RAW) is ScoreForm.RAW
    assert refusal(lambda: check_score(swemwbs, metric)) == ("score-raw-or-metric" if ambiguous else "")
    assert refusal(lambda: check_score(swemwbs, str(raw))) == ("score-raw-or-metric" if ambiguous else "")


def test_an_unstated_score_is_told_apart_by_its_form() -> None:
    """Whole numbers are raw, values of the table are metric, the rest is neither."""
    swemwbs = find("swemwbs")

    assert check_score(swemwbs, "21") is ScoreForm.RAW
    assert check_score(swemwbs, "12.4") is ScoreForm.METRIC
    assert check_score(find("phq-9"), "21") is ScoreForm.RAW
    assert refusal(lambda: check_score(swemwbs, "21.00")) == "score-not-in-metric-table"
    assert refusal(lambda: check_score(swemwbs, "12.41")) == "score-not-in-metric-table"
    assert refusal(lambda: check_score(swemwbs, "21", ScoreForm.METRIC)) == "score-not-in-metric-table"
    assert refusal(lambda: check_score(swemwbs, "36")) == "score-out-of-range"
    assert refusal(lambda: check_score(swemwbs, "7.0")) == "score-raw-or-metric"


def test_the_metric_table_rises_from_end_to_end() -> None:
    """A digit wrong in the table would break the order or the figures known of it."""
    values = [Decimal(value) for value in SWEMWBS_METRIC.values()]

    assert list(SWEMWBS_METRIC) == list(range(7, 36))
    assert values == sorted(set(values))
    assert (SWEMWBS_METRIC[7], SWEMWBS_METRIC[13], SWEMWBS_METRIC[20]) == ("7.00", "14.75", "18.59")
    assert (SWEMWBS_METRIC[27], SWEMWBS_METRIC[34], SWEMWBS_METRIC[35]) == ("24.11", "32.55", "35.00")
    assert refusal(lambda: metric_of(6)) == refusal(lambda: metric_of(36)) == "score-out-of-range"


# Answers


@st.composite
def forms(draw: st.DrawFn) -> tuple[Instrument, list[int]]:
    """A questionnaire answered in full with numbers."""
    row = draw(st.sampled_from(NUMBERED))
    answer = st.integers(row.items.minimum, row.items.maximum)
    return row, draw(st.lists(answer, min_size=row.items.count, max_size=row.items.count))


@given(form=forms(), off=st.integers(-3, 3))
def test_the_total_is_the_sum_and_any_other_is_found(form: tuple[Instrument, list[int]], off: int) -> None:
    """The sender's arithmetic is checked, not trusted."""
    row, answers = form
    items = tuple(map(str, answers))

    assert check_items(row, items) == sum(answers)
    assert refusal(lambda: check_items(row, items, str(sum(answers) + off))) == (
        "items-total-differs" if off else ""
    )


@given(form=forms(), place=st.integers(0, 20))
def test_a_numbered_form_with_a_gap_is_not_scored(form: tuple[Instrument, list[int]], place: int) -> None:
    """No average stands in for what a person did not say."""
    row, answers = form
    items = [str(answer) for answer in answers]
    items[place % len(items)] = ""

    assert refusal(lambda: check_items(row, tuple(items))) == "items-incomplete"


@pytest.mark.parametrize("row", NUMBERED, ids=lambda row: row.name)
def test_answers_off_the_scale_or_off_the_form_are_refused(row: Instrument) -> None:
    """Each rule of the answers, for each instrument."""
    lowest = (str(row.items.minimum),) * row.items.count

    def with_first(answer: str) -> str:
        return refusal(lambda: check_items(row, (answer, *lowest[1:])))

    assert refusal(lambda: check_items(row, (*lowest, "1"))) == "items-count"
    assert refusal(lambda: check_items(row, lowest[1:])) == "items-count"
    assert with_first(str(row.items.minimum - 1)) == "items-out-of-range"
    assert with_first(str(row.items.maximum + 1)) == "items-out-of-range"
    assert with_first(f"{row.items.maximum}.0") == "items-not-answer"
    assert with_first("often") == "items-not-answer"


def test_a_stated_total_may_be_the_metric_one() -> None:
    """SWEMWBS senders often state it so."""
    swemwbs = find("swemwbs")
    items = ("3",) * 7

    assert check_items(swemwbs, items, "19.25") == 21
    assert check_items(swemwbs, ("1",) * 7, "7.00") == 7
    assert refusal(lambda: check_items(swemwbs, items, "19.98")) == "items-total-differs"
    assert refusal(lambda: check_items(find("phq-9"), ("1",) * 9, "nine")) == "score-not-number"


@pytest.mark.parametrize(
    ("emotional", "social", "total"),
    [
        (("no", "no", "no"), ("yes", "yes", "yes"), 0),
        (("yes", "more or less", "no"), ("yes", "more or less", "no"), 4),
        (("Yes", "More-or-less", "YES"), ("No", "no", " more or less "), 6),
    ],
)
def test_de_jong_scores_a_doubt_as_lonely_on_both_sides(
    emotional: tuple[str, ...], social: tuple[str, ...], total: int
) -> None:
    """Emotional items score on yes, social ones on no, both on more or less."""
    whole, feeling, company = (find(f"de-jong-gierveld-6{part}") for part in ("", "-emotional", "-social"))

    assert check_items(whole, emotional + social, str(total)) == total
    assert check_items(feeling, emotional) + check_items(company, social) == total


def test_de_jong_stands_one_gap_in_the_total_and_none_in_a_part() -> None:
    """As its manual has it; numbers are refused, because published forms number the answers differently."""
    whole, part = find("djg-6"), find("djg-6-social")

    assert check_items(whole, ("yes", "", "no", "no", "yes", "yes")) == 2
    assert refusal(lambda: check_items(whole, ("yes", "", "", "no", "yes", "yes"))) == "items-incomplete"
    assert refusal(lambda: check_items(part, ("no", "", "yes"))) == "items-incomplete"
    assert refusal(lambda: check_items(part, ("1", "0", "1"))) == "items-not-answer"


@given(
    row=st.sampled_from(INSTRUMENTS),
    items=st.lists(st.text(max_size=4) | st.sampled_from(["0", "1", "3", "yes", ""]), max_size=15),
    value=st.text(max_size=8),
)
def test_whatever_is_sent_is_scored_or_refused_by_a_known_code(
    row: Instrument, items: list[str], value: str
) -> None:
    """No input escapes as another error, and no error holds the input."""
    told = {refusal(lambda: check_items(row, tuple(items), value)), refusal(lambda: check_score(row, value))}

    assert told <= {"", *CATALOGUE}
    assert refusal(lambda: find(value)) in {"", *CATALOGUE}


# People


def test_the_ons_questions_are_for_the_person_and_from_sixteen() -> None:
    """Others may be asked of anyone."""
    anxiety, phq = find("ons4-anxiety"), find("phq-9")

    assert refusal(lambda: check_respondent(anxiety, age=16, proxy=False)) == ""
    assert refusal(lambda: check_respondent(anxiety, age=15, proxy=False)) == "respondent-too-young"
    assert refusal(lambda: check_respondent(anxiety, age=70, proxy=True)) == "respondent-proxy"
    assert refusal(lambda: check_respondent(phq, age=15, proxy=True)) == ""


@pytest.mark.parametrize(
    ("items", "alarm"),
    [
        (("0",) * 9, False),
        (("3",) * 8 + ("0",), False),
        (("3",) * 8 + ("",), False),
        (("0",) * 8 + ("1",), True),
        (("0",) * 8 + ("3",), True),
        (("",) * 8 + ("1",), True),
        (("0",) * 8 + ("several days",), True),
        (("0",) * 8 + ("9",), True),
        (("0",) * 7 + ("1",), True),
        (("0",) * 8 + ("1", "0"), True),
        (("0",) * 9 + ("1",), True),
        ((), False),
    ],
)
def test_the_ninth_answer_of_phq_9_reaches_a_person_whatever_else_is_wrong(
    items: tuple[str, ...],
    alarm: bool,  # noqa: FBT001  a table column
) -> None:
    """Thoughts of self-harm must not wait in a queue behind a wrong total."""
    assert safety_trigger(find("phq-9"), items) is alarm


def test_no_other_questionnaire_raises_the_alarm() -> None:
    """An alarm that is usually nothing is soon ignored."""
    assert [row.name for row in INSTRUMENTS if safety_trigger(row, ("3",) * row.items.count)] == ["phq-9"]
