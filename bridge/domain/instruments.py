"""Outcome questionnaires: what a score may be before it is filed.

A score without a SNOMED CT code that two public sources confirm has none here. The whole text of a ValueError
raised here is a key of the problem catalogue. Scores and answers are text as the sender wrote them; "" is an
unanswered item, and nothing missing is ever filled in.

Every figure has its source beside it: ons = ONS guidance on personal well-being and loneliness
(analysisfunction.civilservice.gov.uk, gss.civilservice.gov.uk) · warwick = warwick.ac.uk, WEMWBS platform ·
vu = home.fsw.vu.nl/tg.van.tilburg, manual_loneliness_scale_1999.html (2022) · cam = the camcops project of
ucam-department-of-psychiatry, docs/source/tasks · mhsds = NHSDigital/mental-health-monthly-statistics,
04_mhsds_ref_tables.py.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bridge.domain.codes import Mark, current_code, problem_of
from bridge.domain.outcome import ScoreForm


class Direction(StrEnum):
    """What a high score means."""

    HIGH_IS_BETTER = "high-is-better"
    HIGH_IS_WORSE = "high-is-worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """The answers behind a score: `count` of them, each a whole number in range.

    `words` takes the place of numbers where published forms number their answers differently: for each item,
    which of `ANSWERS` score a point. `missing` says how many items may be unanswered.
    """

    count: int
    minimum: int = 0
    maximum: int = 1
    missing: int = 0
    words: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One questionnaire with one score."""

    name: str
    aliases: tuple[str, ...] = ()
    items: Items
    minimum: int
    maximum: int
    direction: Direction
    metric: bool = False  # a transformed form exists
    minimum_age: int = 0
    proxy_refused: bool = False
    code: str = ""  # SNOMED CT, of the score; "" where none is confirmed
    loinc: str = ""
    mark: Mark | None = None  # how sure `code` is
    safety_item: int = 0  # counted from one: any answer but the lowest is for a person, now


ANSWERS = frozenset({"yes", "more or less", "no"})  # vu
_EMOTIONAL = frozenset({"yes", "more or less"})  # vu: the answers that score
_SOCIAL = frozenset({"no", "more or less"})  # vu: the answers that score


def _ons(question: str, direction: Direction, *aliases: str) -> Instrument:
    return Instrument(
        name=f"ons4-{question}",
        aliases=aliases,
        items=Items(count=1, minimum=0, maximum=10),  # ons: whole numbers 0 to 10; a form without 0 is not it
        minimum=0,
        maximum=10,  # ons: four separate scores, never summed
        direction=direction,
        minimum_age=16,  # ons: asked of people of 16 and over
        proxy_refused=True,  # ons: in person only
    )


def _de_jong(
    part: str, words: tuple[frozenset[str], ...], *, missing: int, aliases: tuple[str, ...]
) -> Instrument:
    return Instrument(
        name=f"de-jong-gierveld-6{part}",
        aliases=aliases,
        items=Items(count=len(words), missing=missing, words=words),
        minimum=0,
        maximum=len(words),  # vu: one point an item
        direction=Direction.HIGH_IS_WORSE,  # vu
    )


INSTRUMENTS: tuple[Instrument, ...] = (
    _ons("life-satisfaction", Direction.HIGH_IS_BETTER, "ons4-satisfied"),
    _ons("worthwhile", Direction.HIGH_IS_BETTER),
    _ons("happiness", Direction.HIGH_IS_BETTER, "ons4-happy"),
    _ons("anxiety", Direction.HIGH_IS_WORSE, "ons4-anxious"),
    Instrument(
        name="swemwbs",
        items=Items(count=7, minimum=1, maximum=5),  # warwick
        minimum=7,
        maximum=35,  # warwick: raw sum; the metric form has the same ends
        direction=Direction.HIGH_IS_BETTER,  # warwick
        metric=True,
        code="718466001",  # mhsds
        mark=Mark.A,
    ),
    Instrument(
        name="wemwbs",
        items=Items(count=14, minimum=1, maximum=5),  # warwick, cam
        minimum=14,
        maximum=70,  # warwick, cam
        direction=Direction.HIGH_IS_BETTER,  # warwick
        code="718426000",  # mhsds
        mark=Mark.A,
    ),
    Instrument(
        name="ucla-3",
        aliases=("ucla 3-item", "ucla-3 loneliness scale"),
        items=Items(count=3, minimum=1, maximum=3),  # ons
        minimum=3,
        maximum=9,  # ons
        direction=Direction.HIGH_IS_WORSE,  # ons
    ),
    Instrument(
        name="phq-9",
        items=Items(count=9, minimum=0, maximum=3),  # cam
        minimum=0,
        maximum=27,  # cam
        direction=Direction.HIGH_IS_WORSE,  # cam
        code="720433000",  # mhsds
        loinc="44261-6",
        mark=Mark.A,
        safety_item=9,  # cam: thoughts of being better off dead, or of self-harm
    ),
    Instrument(
        name="gad-7",
        items=Items(count=7, minimum=0, maximum=3),  # cam
        minimum=0,
        maximum=21,  # cam
        direction=Direction.HIGH_IS_WORSE,  # cam
        code="445455005",  # mhsds
        loinc="70274-6",
        mark=Mark.A,
    ),
    # vu: the total stands with one answer missing, a subscale with none. Published forms print the items in
    # different orders: here the three emotional ones come first, and the caller puts them so.
    _de_jong("", (_EMOTIONAL,) * 3 + (_SOCIAL,) * 3, missing=1, aliases=("djg-6", "de jong gierveld 6-item")),
    _de_jong("-emotional", (_EMOTIONAL,) * 3, missing=0, aliases=("djg-6-emotional",)),
    _de_jong("-social", (_SOCIAL,) * 3, missing=0, aliases=("djg-6-social",)),
)

# Raw to metric (Rasch), the same in three independent public repositories.
_METRICS = (
    "7.00 9.51 11.25 12.40 13.33 14.08 14.75 15.32 15.84 16.36 16.88 17.43 17.98 18.59 19.25 "
    "19.98 20.73 21.54 22.35 23.21 24.11 25.03 26.02 27.03 28.13 29.31 30.70 32.55 35.00"
)
SWEMWBS_METRIC: dict[int, str] = dict(zip(range(7, 36), _METRICS.split(), strict=True))
_METRIC_VALUES = frozenset(map(Decimal, SWEMWBS_METRIC.values()))
_EITHER = frozenset({Decimal(7), Decimal(35)})  # a metric score there looks like a raw one

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,3})(?P<decimals>\.\d{1,6})?", re.ASCII)
_ONS4 = frozenset({"ons4", "onspersonalwellbeing", "onswellbeing"})


def _key(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


_BY_NAME = {_key(name): row for row in INSTRUMENTS for name in (row.name, *row.aliases)}
_BY_CODE = {code: row for row in INSTRUMENTS for code in (row.code, row.loinc) if code}


def find(code_or_name: str) -> Instrument:
    """The instrument of a SNOMED CT code (retired or current), a LOINC code or a name, else ValueError."""
    text = code_or_name.strip()
    if found := _BY_CODE.get(current_code(text)) or _BY_NAME.get(_key(text)):
        return found
    if _key(text) in _ONS4:
        raise ValueError("ons4-not-one-score")
    problem = problem_of(text)
    if problem and (text.isdigit() or problem == "snomed-spreadsheet-exponent"):
        raise ValueError(problem)
    raise ValueError("instrument-unknown")


def check_score(instrument: Instrument, value: str, kind: ScoreForm | None = None) -> ScoreForm:
    """Which kind of score the value is; ValueError when it cannot be one. `kind` is what the sender says."""
    number, whole = _number(value)
    if kind is ScoreForm.METRIC and not instrument.metric:
        raise ValueError("score-has-no-metric")
    if not instrument.minimum <= number <= instrument.maximum:
        raise ValueError("score-out-of-range")
    if kind is None and instrument.metric:
        kind = _kind_of(number, whole=whole)
    if kind is ScoreForm.METRIC:
        if number not in _METRIC_VALUES:
            raise ValueError("score-not-in-metric-table")
        return kind
    if not whole:
        raise ValueError("score-not-whole")
    return ScoreForm.RAW


def _kind_of(number: Decimal, *, whole: bool) -> ScoreForm:
    if number in _EITHER:
        raise ValueError("score-raw-or-metric")
    return ScoreForm.RAW if whole else ScoreForm.METRIC


def _number(text: str) -> tuple[Decimal, bool]:
    """The number, and whether it is written without decimals."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError("score-not-number" if text else "score-missing")
    return Decimal(text), match["decimals"] is None


def metric_of(raw: int) -> str:
    """The metric score of a raw SWEMWBS score, two decimals."""
    if raw not in SWEMWBS_METRIC:
        raise ValueError("score-out-of-range")
    return SWEMWBS_METRIC[raw]


def check_items(instrument: Instrument, items: tuple[str, ...], stated_total: str = "") -> int:
    """The total of the answers, in the order of the form; ValueError when they cannot make one.

    `stated_total` is the sender's own, raw or metric; "" when there is none.
    """
    if len(items) != instrument.items.count:
        raise ValueError("items-count")
    points = [_points(instrument.items, place, answer) for place, answer in enumerate(items) if answer]
    if len(items) - len(points) > instrument.items.missing:
        raise ValueError("items-incomplete")
    total = sum(points)
    if stated_total and not _agrees(instrument, total, _number(stated_total)[0]):
        raise ValueError("items-total-differs")
    return total


def _points(items: Items, place: int, answer: str) -> int:
    if items.words:
        word = answer.strip().casefold().replace("-", " ")
        if word not in ANSWERS:
            raise ValueError("items-not-answer")
        return int(word in items.words[place])
    match = _NUMBER.fullmatch(answer)
    if match is None or match["decimals"]:
        raise ValueError("items-not-answer")
    if not items.minimum <= int(answer) <= items.maximum:
        raise ValueError("items-out-of-range")
    return int(answer)


def _agrees(instrument: Instrument, total: int, stated: Decimal) -> bool:
    return stated == total or (instrument.metric and stated == Decimal(metric_of(total)))


def check_respondent(instrument: Instrument, *, age: int, proxy: bool) -> None:
    """ValueError when a person of that age in whole years, or another for them, may not answer it."""
    if age < instrument.minimum_age:
        raise ValueError("respondent-too-young")
    if proxy and instrument.proxy_refused:
        raise ValueError("respondent-proxy")


def safety_trigger(instrument: Instrument, items: tuple[str, ...]) -> bool:
    """True when an answer must reach a person now, whatever else is wrong with the form.

    Anything but "0" or an answer left out counts. In a form of the wrong length the last answer may be it.
    """
    if not instrument.safety_item or not items:
        return False
    answers = {items[-1], *items[instrument.safety_item - 1 : instrument.safety_item]}
    return any(answer.strip() not in {"", "0"} for answer in answers)
