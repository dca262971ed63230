"""What a score has to pass before it is filed: eleven checks, in this order, in one table.

Each answers with a code of the problem catalogue, or "". Checks 7 and 8 look at other versions of the same
thing, 9 at other scores; what 11 finds was told to a person before anything else was looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bridge.domain import instruments
from bridge.domain.codes import problem_of
from bridge.domain.dates import age_on, fhir_instant, london_day
from bridge.domain.episode import instrument_of, stated
from bridge.domain.instruments import Instrument
from bridge.domain.outcome import Outcome, OutcomeKind, ScoreForm
from bridge.domain.systems import LOINC, SNOMED

EARLIEST = timedelta(days=14)  # before the referral
ITEMS_FROM = 3  # so many whole numbers are answers; fewer are a raw and a metric score, or parts


class Fails(StrEnum):
    """What follows when a check fails."""

    QUARANTINE = "quarantine"  # kept, shown, never filed until a person releases it
    REFUSE = "refuse"  # the sender is told no
    DROP = "drop"  # said before: counted, nothing done
    CHAIN = "chain"  # kept as a correction of what was said before, and flagged
    MARK = "mark"  # filed, with a remark
    KEEP = "keep"  # kept and not filed
    TELL = "tell"  # a person heard of it first; filed after


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Case:
    """A score with all that the checks look at. Days are London's.

    `versions` are the earlier ones of the same thing, `others` what else counts for the referral.
    """

    outcome: Outcome
    born: str
    referred_on: date
    now: datetime
    closed_on: date | None = None
    versions: tuple[Outcome, ...] = ()
    others: tuple[Outcome, ...] = ()
    follow_up_days: int = 0
    sharing_refused: bool = False

    @property
    def instrument(self) -> Instrument:
        """The questionnaire; ValueError says why there is none."""
        return found_instrument(self.outcome)

    @property
    def day(self) -> date | None:
        """When it was taken; None when that is not said."""
        return day_of(self.outcome.effective)

    @property
    def answers(self) -> tuple[str, ...]:
        """The answers to its questions, where they came with it."""
        return answers_of(self.outcome)


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table."""

    asks: str
    of: Callable[[Case], str]
    fails: Fails


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The first check that stops it, and the remarks of those that do not."""

    fails: Fails | None = None
    code: str = ""
    marks: tuple[str, ...] = ()


def found_instrument(outcome: Outcome) -> Instrument:
    """The questionnaire a score is of; ValueError, whose text is a problem code, says why there is none."""
    found = instrument_of(outcome)
    if found is not None:
        return found
    given = (outcome.instrument, outcome.code.code_in(SNOMED), outcome.code.code_in(LOINC))
    return instruments.find(next((name for name in given if name), ""))


def answers_of(outcome: Outcome) -> tuple[str, ...]:
    """The answers that came with a score: as such, or as components that are whole numbers."""
    if outcome.answers:
        return outcome.answers
    numbers = [part.value.quantity or part.value.integer for part in outcome.components]
    whole = ["" if n is None else str(n) for n in numbers]
    if len(whole) < ITEMS_FROM or any("." in text for text in whole):
        return ()
    return tuple(whole)


def form_of(outcome: Outcome) -> ScoreForm | None:
    """The form the sender says it is in; a number written without decimals is a raw score."""
    value = stated(outcome)
    return outcome.form or (ScoreForm.RAW if value and "." not in value else None)


def day_of(effective: str) -> date | None:
    """The London day of a FHIR date or dateTime; None where it says no day."""
    try:
        return london_day(fhir_instant(effective))
    except ValueError:
        pass
    try:
        return date.fromisoformat(effective)
    except ValueError:
        return None


def _raised(check: Callable[[], object]) -> str:
    try:
        check()
    except ValueError as error:
        return str(error)
    return ""


def _known(case: Case) -> str:
    code = case.outcome.code.code_in(SNOMED)
    return (problem_of(code) or "" if code else "") or _raised(lambda: case.instrument)


def _value(case: Case) -> str:
    outcome, value = case.outcome, stated(case.outcome)
    if not value:
        return "" if case.answers and outcome.value is None else _no_number(outcome)
    if outcome.value is not None and outcome.value.comparator:
        return "score-not-number"
    return _raised(lambda: instruments.check_score(case.instrument, value, form_of(outcome)))


def _no_number(outcome: Outcome) -> str:
    return "score-missing" if outcome.value is None else "score-not-number"


def _items(case: Case) -> str:
    problem = _items_problem(case)
    return "" if problem == "items-incomplete" else problem


def _missing(case: Case) -> str:
    problem = _items_problem(case)
    return problem if problem == "items-incomplete" else ""


def _items_problem(case: Case) -> str:
    if not case.answers:
        return ""
    return _raised(lambda: instruments.check_items(case.instrument, case.answers, stated(case.outcome)))


def _respondent(case: Case) -> str:
    taken = case.day or london_day(case.now)
    noon = datetime(taken.year, taken.month, taken.day, 12, tzinfo=case.now.tzinfo)
    age = age_on(case.born, noon) if len(case.born) == len("2000-01-01") else None
    if age is None:
        return ""
    return _raised(lambda: instruments.check_respondent(case.instrument, age=age, proxy=case.outcome.proxy))


def _date(case: Case) -> str:
    day = case.day
    if day is None:
        return "score-date-missing"
    if day > london_day(case.now):
        return "score-date-future"
    if day < case.referred_on - EARLIEST:
        return "score-date-before-referral"
    return "score-date-after-closure" if case.closed_on and day > case.closed_on else ""


def _repeated(case: Case) -> str:
    return "repeated" if any(_same_score(case.outcome, v) for v in case.versions) else ""


def _same_score(told: Outcome, other: Outcome) -> bool:
    same_version = not told.clock or told.clock == other.clock
    return same_version and same_content(told, other)


def same_content(told: Outcome, other: Outcome) -> bool:
    """Whether two versions say the same, whenever they were issued."""
    return content_of(told) == content_of(other)


def content_of(told: Outcome) -> tuple[object, ...]:
    """All that it says, without when and in which version it was said."""
    return (
        *(told.kind, told.status, told.effective, told.code, told.value, told.components, told.reason),
        *(told.business_status, told.instrument, told.form, told.answers, told.proxy),
        *(told.attendance, told.session, told.sessions, told.detail, told.words),
    )


def _corrected(case: Case) -> str:
    differs = any(not same_content(case.outcome, v) for v in case.versions)
    return "outcome-corrected" if differs else ""


def _pair(case: Case) -> str:
    day = case.day
    days = sorted(d for o in case.others if _is_pair(case, o) and (d := day_of(o.effective)))
    if day is None:
        return ""
    if days and case.follow_up_days and days[0] < day < days[0] + timedelta(days=case.follow_up_days):
        return "score-follow-up-early"
    contacts = [d for o in case.others if o.kind is OutcomeKind.ATTENDED and (d := day_of(o.effective))]
    return "score-baseline-late" if not days and contacts and day > min(contacts) else ""


def _is_pair(case: Case, other: Outcome) -> bool:
    same_thing = other.identifier == case.outcome.identifier
    return other.kind is OutcomeKind.MEASURE and not same_thing and instrument_of(other) == case.instrument


def _shared(case: Case) -> str:
    return "sharing-refused" if case.sharing_refused else ""


def _safety(case: Case) -> str:
    return "risk-told-first" if instruments.safety_trigger(case.instrument, case.answers) else ""


CHECKS: tuple[Check, ...] = (
    Check("The questionnaire is known; its code is whole and a concept", _known, Fails.QUARANTINE),
    Check(
        "The value is a number of its form, in range, and not raw or metric alike", _value, Fails.QUARANTINE
    ),
    Check("The answers are of the form, and their total is the stated one", _items, Fails.QUARANTINE),
    Check("No more answers are missing than the questionnaire allows", _missing, Fails.QUARANTINE),
    Check("The person is old enough and answered in person where that is needed", _respondent, Fails.REFUSE),
    Check("It was taken inside the episode and not in the future", _date, Fails.QUARANTINE),
    Check("It was not said before", _repeated, Fails.DROP),
    Check("It does not contradict what was said before", _corrected, Fails.CHAIN),
    Check("The first one is before the first contact, the next after the gap", _pair, Fails.MARK),
    Check("The person lets it be shared", _shared, Fails.KEEP),
    Check("No answer is one that a person must hear of now", _safety, Fails.TELL),
)
_STOPS = frozenset({Fails.QUARANTINE, Fails.REFUSE, Fails.DROP, Fails.KEEP})


def judge(case: Case) -> Judgement:
    """Put a score through the table: it ends at the first check that stops it.

    A score that is absent for a stated reason has nothing to check and is kept.
    """
    if case.outcome.value is not None and case.outcome.value.absent:
        return Judgement(fails=Fails.KEEP, code="score-absent")
    marks: list[str] = []
    for check in CHECKS:
        code = check.of(case)
        if code and check.fails in _STOPS:
            return Judgement(fails=check.fails, code=code, marks=tuple(marks))
        if code:
            marks.append(code)
    return Judgement(marks=tuple(marks))
