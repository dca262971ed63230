"""Dates and times: what the source said, with its precision and its offset, and nothing it did not say.

A partial date stays partial. A wall clock without a zone is Europe/London. The whole text of a ValueError
raised here is a key of the problem catalogue, so it can never hold a value.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
EARLIEST_YEAR, LATEST_YEAR = 1850, 2150  # beyond these a date is a slip or an attack, not a fact
OLDEST = 130  # years: nobody is known to have lived longer

# Met in GP extracts where no date is meant (ContractStartDate in EMIS test data).
NULL_DATES = frozenset({date(1899, 12, 31), date(1899, 1, 1)})
_NO_YEAR = "9999"  # written for a day that is not to come

# https://hl7.org/fhir/R4/datatypes.html#dateTime, but for the 60th second, which no clock here can hold.
_FHIR = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?P<fraction>\.\d{1,12})?"
    r"(?P<offset>Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?)?)?)?",
    re.ASCII,
)
# HL7 v2 TS and DTM; `+` without digits and the precision after `^` are seen in live NHS Wales feeds.
_HL7 = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)"
    r"(?:(?P<second>\d\d)(?P<fraction>\.\d{1,9})?)?)?)?)?)?"
    r"(?:(?P<offset>[+-](?:(?:0\d|1[0-3])[0-5]\d|1400))|\+)?(?:\^(?P<precision>[YLDHMS]?))?",
    re.ASCII,
)
_FIELDS = ("year", "month", "day", "hour", "minute", "second")
_WHOLE = Fraction()  # of a second: none
_HL7_DEPTH = {"Y": 1, "L": 2, "D": 3, "H": 4, "M": 5, "S": 6}  # HL7 table 0529
_EMIS = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) (?:(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d))?",
    re.ASCII,
)
_EMIS_MEANT = {"Y": 4, "YM": 7, "YMD": 10, "YMDT": 10}  # how much of the padded day is meant


class Precision(StrEnum):
    """How much a date says."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    TIME = "time"


_PARTIAL = (Precision.YEAR, Precision.MONTH, Precision.DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A FHIR date or dateTime ("" when the source says none), and a warning when something had to be assumed.

    The warning is a key of the problem catalogue.
    """

    text: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """A wall clock reading with its offset; the warning is a key of the problem catalogue or ""."""

    at: datetime
    warning: str = ""


def london(wall: datetime) -> LocalTime:
    """A naive wall clock reading in Europe/London.

    Of the hour that comes twice in autumn the first is taken, and an hour that spring skips is moved forward;
    both are warned of.
    """
    if wall.tzinfo is not None:
        raise TypeError("a wall clock reading has no zone yet")
    first = wall.replace(tzinfo=LONDON, fold=0)
    second = first.replace(fold=1)
    if first.timestamp() == second.timestamp():
        return LocalTime(at=first)
    if first.timestamp() < second.timestamp():
        return LocalTime(at=first, warning="local-time-repeated-hour")
    return LocalTime(at=first.astimezone(UTC).astimezone(LONDON), warning="local-time-skipped-hour")


def london_day(when: datetime) -> date:
    """The calendar day in London at an aware instant: 23:30 UTC in summer is already the next."""
    if when.tzinfo is None:
        raise ValueError("date-time-no-offset")
    return when.astimezone(LONDON).date()


# FHIR


def fhir_date(text: str) -> str:
    """The same text when it is a FHIR date (year, month or day)."""
    if precision_of(text) is Precision.TIME:
        raise ValueError("date-not-fhir")
    return text


def fhir_date_time(text: str) -> str:
    """The same text when it is a FHIR dateTime; one with a time must have an offset."""
    _read(text)
    return text


def fhir_instant(text: str) -> datetime:
    """The aware datetime of a FHIR instant, to the microsecond; keep the text where all digits matter."""
    precision, start, fraction = _read(text)
    if precision is not Precision.TIME:
        raise ValueError("date-not-fhir")
    return start.replace(microsecond=int(fraction * 1_000_000))


def beginning(text: str) -> datetime | None:
    """The first moment, aware, of a FHIR date or dateTime; None when the text is none."""
    try:
        return _read(text)[1]
    except ValueError:
        return None


def is_ahead(text: str, arrived: datetime) -> bool:
    """Whether a FHIR date begins more than a day after an aware instant, which no wrong zone explains."""
    start = beginning(text)
    return start is not None and start - timedelta(days=1) > arrived


def precision_of(text: str) -> Precision:
    """How much a FHIR date or dateTime says."""
    return _read(text)[0]


def compare(left: str, right: str) -> int | None:
    """-1, 0 or 1 for two FHIR dates or dateTimes; None when their precision cannot tell.

    A date without a time is a whole day, month or year in London.
    """
    left_first, left_last = _span(left)
    right_first, right_last = _span(right)
    if left_last < right_first:
        return -1
    if right_last < left_first:
        return 1
    return 0 if (left_first, left_last) == (right_first, right_last) else None


def _read(text: str) -> tuple[Precision, datetime, Fraction]:
    """Precision, aware start to the second, and the fraction of that second."""
    match = _FHIR.fullmatch(text)
    if match is None:
        raise ValueError("date-not-fhir")
    depth = _depth(match)
    start = _datetime_of(match)
    if depth <= 3:
        return _PARTIAL[depth - 1], start.replace(tzinfo=LONDON), _WHOLE
    if match["offset"] is None:
        raise ValueError("date-time-no-offset")
    fraction = Fraction(f"0{match['fraction']}") if match["fraction"] else _WHOLE
    return Precision.TIME, start.replace(tzinfo=_zone(match["offset"])), fraction


def _depth(match: re.Match[str]) -> int:
    """How many of year, month, day, hour, minute and second are said."""
    return 6 - match.group(*_FIELDS).count(None)


def _datetime_of(match: re.Match[str]) -> datetime:
    """The naive start of what the fields say; ValueError for a year or a day that cannot be."""
    year, month, day, hour, minute, second = match.group(*_FIELDS)
    if not EARLIEST_YEAR <= int(year or 0) <= LATEST_YEAR:
        raise ValueError("date-year-range")
    try:
        return datetime(  # noqa: DTZ001  the caller gives it its zone
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0)
        )
    except ValueError:
        raise ValueError("date-impossible") from None


def _zone(offset: str) -> timezone:
    if offset == "Z":
        return UTC
    sign = -1 if offset[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:])))


_Bound = tuple[Fraction, int]


def _span(text: str) -> tuple[_Bound, _Bound]:
    """First and last moment, in seconds since 1970; -1 beside a moment means just before it."""
    precision, start, fraction = _read(text)
    first = int(start.timestamp()) + fraction
    if precision is Precision.TIME:
        return (first, 0), (first, 0)
    return (first, 0), (Fraction(int(_after(start, precision).timestamp())), -1)


def _after(start: datetime, precision: Precision) -> datetime:
    if precision is Precision.YEAR:
        return start.replace(year=start.year + 1)
    if precision is Precision.MONTH:
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start + timedelta(days=1)


# What sources write


def emis_date(day: str, precision: str, clock: str = "") -> Said:
    """An EMIS day (yyyy-mm-dd, padded) at its precision: U, Y, YM, YMD or YMDT; `clock` is HH:mm:ss or ""."""
    if not day or precision == "U":
        return Said()
    if precision not in _EMIS_MEANT:
        raise ValueError("date-precision-unknown")
    match = _EMIS.fullmatch(f"{day} {clock}")
    if match is None:
        raise ValueError("emis-date-shape")
    if match["year"] == _NO_YEAR:
        return Said()
    start = _datetime_of(match)
    if start.date() in NULL_DATES:
        return Said()
    if precision == "YMDT" and clock:
        return _said_in_london(start)
    return Said(text=day[: _EMIS_MEANT[precision]])


def hl7_time(text: str) -> Said:
    """An HL7 v2 time (yyyy[mm[dd[HH[MM[SS[.f]]]]]][+zzzz][^precision]) as FHIR date or dateTime.

    Without an offset it is a London wall clock. FHIR has no hour without minutes: an hour alone is left out,
    with a warning.
    """
    match = _HL7.fullmatch(text)
    if match is None:
        raise ValueError("hl7-time-shape")
    start = _datetime_of(match)
    depth = min(_depth(match), _HL7_DEPTH[match["precision"] or "S"])
    if depth <= 4:
        day = start.date().isoformat()[: (4, 7, 10, 10)[depth - 1]]
        return Said(text=day, warning="hl7-time-hour-only" if depth == 4 else "")
    if depth == 5:
        start = start.replace(second=0)
    fraction = (match["fraction"] or "") if depth == 6 else ""
    if match["offset"]:
        return Said(text=_fhir_text(start.replace(tzinfo=_zone(match["offset"])), fraction))
    return _said_in_london(start, fraction)


def _said_in_london(wall: datetime, fraction: str = "") -> Said:
    local = london(wall)
    return Said(text=_fhir_text(local.at, fraction), warning=local.warning)


def _fhir_text(at: datetime, fraction: str) -> str:
    """An aware datetime of whole seconds as a FHIR dateTime, its offset in digits."""
    whole = at.isoformat(timespec="seconds")
    return whole[:19] + fraction + whole[19:]


# People


def age_on(birth_date: str, when: datetime) -> int | None:
    """Whole years on the London day of an aware instant; None when the birth date is not known to the day.

    Who was born on 29 February is a year older on 1 March of a common year.
    """
    if precision_of(birth_date) is not Precision.DAY:
        return None
    return _years(date.fromisoformat(birth_date), london_day(when))


def _years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def birth_date_problem(text: str, *, today: date) -> str | None:
    """Why a FHIR date cannot be a birth date as of `today` in London, as a problem code; None when it can."""
    try:
        precision, start, _ = _read(fhir_date(text))
    except ValueError as error:
        return str(error)
    if start.date() > today:
        return "birth-date-future"
    last = (_after(start, precision) - timedelta(days=1)).date()
    return "birth-date-too-old" if _years(last, today) > OLDEST else None
