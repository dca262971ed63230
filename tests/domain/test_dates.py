"""A date says what the source said: its precision, its offset, and nothing more."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.dates import (
    LONDON,
    NULL_DATES,
    Precision,
    Said,
    age_on,
    birth_date_problem,
    compare,
    emis_date,
    fhir_date,
    fhir_date_time,
    fhir_instant,
    hl7_time,
    london,
    london_day,
    precision_of,
)
from bridge.errors.catalogue import CATALOGUE

MOMENTS = st.datetimes(datetime(1850, 1, 2), datetime(2150, 12, 30), timezones=st.just(UTC))
DAYS = st.dates(date(1850, 1, 1), date(2150, 12, 31))
FHIR_TIMES = st.one_of(
    MOMENTS.map(lambda moment: moment.isoformat(timespec="microseconds")),
    MOMENTS.map(lambda moment: moment.astimezone(LONDON).isoformat(timespec="seconds")),
    DAYS.map(date.isoformat),
    DAYS.map(lambda day: day.isoformat()[:7]),
    DAYS.map(lambda day: day.isoformat()[:4]),
)
HOSTILE = st.text("0123456789-:.TZ+^DY ", max_size=30) | st.text(max_size=30)


def refusal(read: Callable[..., object], *arguments: str) -> str:
    """The problem code of a refusal, or "" when it was taken."""
    try:
        read(*arguments)
    except ValueError as error:
        return str(error)
    return ""


# London


def test_a_plain_wall_clock_gets_its_offset() -> None:
    """Winter is UTC, summer an hour ahead."""
    assert london(datetime(2026, 1, 5, 9)).at.isoformat() == "2026-01-05T09:00:00+00:00"
    assert london(datetime(2026, 7, 5, 9)).at.isoformat() == "2026-07-05T09:00:00+01:00"
    assert london(datetime(2026, 7, 5, 9)).warning == ""


@pytest.mark.parametrize(
    ("wall", "at", "warning"),
    [
        (datetime(2026, 10, 25, 0, 59, 59), "2026-10-25T00:59:59+01:00", ""),
        (datetime(2026, 10, 25, 1), "2026-10-25T01:00:00+01:00", "local-time-repeated-hour"),
        (datetime(2026, 10, 25, 1, 30, fold=1), "2026-10-25T01:30:00+01:00", "local-time-repeated-hour"),
        (datetime(2026, 10, 25, 1, 59, 59), "2026-10-25T01:59:59+01:00", "local-time-repeated-hour"),
        (datetime(2026, 10, 25, 2), "2026-10-25T02:00:00+00:00", ""),
        (datetime(2026, 3, 29, 0, 59, 59), "2026-03-29T00:59:59+00:00", ""),
        (datetime(2026, 3, 29, 1), "2026-03-29T02:00:00+01:00", "local-time-skipped-hour"),
        (datetime(2026, 3, 29, 1, 59, 59), "2026-03-29T02:59:59+01:00", "local-time-skipped-hour"),
        (datetime(2026, 3, 29, 2), "2026-03-29T02:00:00+01:00", ""),
        (datetime(1970, 1, 1), "1970-01-01T00:00:00+01:00", ""),  # British Standard Time all year
        (datetime(1943, 7, 1, 12), "1943-07-01T12:00:00+02:00", ""),  # double summer time
        (datetime(1850, 1, 1), "1850-01-01T00:00:00+00:00", ""),
    ],
)
def test_the_hours_the_clocks_repeat_or_skip_are_warned_of(wall: datetime, at: str, warning: str) -> None:
    """The first of two, and forward over the gap: never silently."""
    local = london(wall)

    assert (local.at.isoformat(), local.warning) == (at, warning)


@given(moment=MOMENTS)
def test_reading_londons_clock_gives_the_moment_or_a_warning(moment: datetime) -> None:
    """Only the repeated hour may be an hour early, and then it says so."""
    moment = moment.replace(microsecond=0)
    local = london(moment.astimezone(LONDON).replace(tzinfo=None))

    assert local.at == moment or (
        local.warning == "local-time-repeated-hour" and moment - local.at <= timedelta(hours=1)
    )


def test_a_time_with_an_offset_is_no_wall_clock() -> None:
    """Overwriting its offset would move it."""
    with pytest.raises(TypeError):
        london(datetime(2026, 7, 5, 9, tzinfo=UTC))


def test_the_day_in_london_may_be_the_next() -> None:
    """23:30 UTC in summer is half past midnight."""
    assert london_day(datetime(2026, 7, 5, 23, 30, tzinfo=UTC)) == date(2026, 7, 6)
    assert london_day(datetime(2026, 1, 5, 23, 30, tzinfo=UTC)) == date(2026, 1, 5)
    assert refusal(lambda: london_day(datetime(2026, 1, 5))) == "date-time-no-offset"


# FHIR


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("2026", Precision.YEAR),
        ("2026-03", Precision.MONTH),
        ("2024-02-29", Precision.DAY),
        ("1850-01-01", Precision.DAY),
        ("2150-12-31", Precision.DAY),
        ("2026-03-01T09:00:00Z", Precision.TIME),
        ("2026-03-01T09:00:00+01:00", Precision.TIME),
        ("2026-03-01T09:00:00.1234567+00:00", Precision.TIME),
        ("2026-03-01T09:00:00.123456789012-14:00", Precision.TIME),
    ],
)
def test_a_fhir_date_time_keeps_its_text_and_tells_its_precision(text: str, precision: Precision) -> None:
    """Nothing is padded and nothing is cut."""
    assert fhir_date_time(text) == text
    assert precision_of(text) is precision


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "date-not-fhir"),
        ("26", "date-not-fhir"),
        ("2026-3-1", "date-not-fhir"),
        ("2026-03-01 09:00:00Z", "date-not-fhir"),
        ("2026-03-01T09:00Z", "date-not-fhir"),
        ("2026-03-01T09:00:00+0100", "date-not-fhir"),
        ("2026-03-01T09:00:00+15:00", "date-not-fhir"),
        ("2026-03-01T09:00:00+01:60", "date-not-fhir"),
        ("2026-03-01Z", "date-not-fhir"),
        ("2026-03-01\n", "date-not-fhir"),
        ("٢٠٢٦", "date-not-fhir"),
        ("01/03/2026", "date-not-fhir"),
        ("2026-13", "date-impossible"),
        ("2026-00", "date-impossible"),
        ("2025-02-29", "date-impossible"),
        ("2026-03-01T24:00:00Z", "date-impossible"),
        ("2026-03-01T09:00:60Z", "date-impossible"),
        ("1849", "date-year-range"),
        ("2151-01-01", "date-year-range"),
        ("0000", "date-year-range"),
        ("9999-12-31", "date-year-range"),
        ("2019-05-01T10:38:00", "date-time-no-offset"),
    ],
)
def test_each_broken_date_has_its_code(text: str, problem: str) -> None:
    """A time without its offset is not a moment; an impossible day is never mended."""
    assert refusal(fhir_date_time, text) == problem
    assert problem in CATALOGUE


def test_a_date_has_no_time_and_an_instant_has_one() -> None:
    """Each element takes its own type."""
    assert fhir_date("2026-03") == "2026-03"
    assert refusal(fhir_date, "2026-03-01T09:00:00Z") == "date-not-fhir"
    assert refusal(fhir_instant, "2026-03-01") == "date-not-fhir"
    assert fhir_instant("2026-03-01T09:00:00.1234567+01:00") == datetime(
        2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC
    )


@given(moment=MOMENTS)
def test_an_instant_is_the_moment_it_says(moment: datetime) -> None:
    """To the microsecond, whatever offset it was written in."""
    assert fhir_instant(moment.isoformat()) == moment
    assert fhir_instant(moment.astimezone(LONDON).isoformat()) == moment


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("2025", "2026", -1),
        ("2026-03", "2026-03", 0),
        ("2026", "2026-03", None),
        ("2026-03-01", "2026-03-01T00:00:00Z", None),
        ("2026-03-01", "2026-03-02T00:00:00Z", -1),
        ("2026-07-01", "2026-07-01T23:30:00Z", -1),  # in London that is the second of July
        ("2026-07-01", "2026-06-30T23:30:00Z", None),
        ("2026-12", "2027-01-01", -1),
        ("2024-02", "2024-02-29", None),
        ("2024-02", "2024-03-01", -1),
        ("2026-03-01T09:00:00Z", "2026-03-01T10:00:00+01:00", 0),
        ("2026-03-01T09:00:00.1234567Z", "2026-03-01T09:00:00.1234568Z", -1),
        ("2026-03-01T09:00:00.10Z", "2026-03-01T09:00:00.1Z", 0),
        ("2026-03-01T09:00:01Z", "2026-03-01T09:00:00.9999999Z", 1),
    ],
)
def test_dates_are_compared_as_far_as_their_precision_goes(left: str, right: str, order: int | None) -> None:
    """A month is neither before nor after its own days; the seventh digit of a second counts."""
    assert compare(left, right) == order


@given(left=FHIR_TIMES, right=FHIR_TIMES)
def test_comparing_is_fair_to_both_sides(left: str, right: str) -> None:
    """Turned round, the answer turns round."""
    order = compare(left, right)

    assert compare(right, left) == (order if order is None else -order)
    assert compare(left, left) == 0


@given(text=HOSTILE)
def test_whatever_is_sent_is_a_date_or_a_known_problem(text: str) -> None:
    """No input escapes as another error, and no error holds the input."""
    assert {
        refusal(fhir_date_time, text),
        refusal(hl7_time, text),
        refusal(emis_date, text, "YMDT", text),
    } <= {
        "",
        *CATALOGUE,
    }


# EMIS


@pytest.mark.parametrize(
    ("day", "precision", "clock", "text"),
    [
        ("2026-03-14", "U", "", ""),
        ("", "YMD", "", ""),
        ("2026-01-01", "Y", "", "2026"),
        ("2026-03-01", "YM", "", "2026-03"),
        ("2026-03-14", "YMD", "", "2026-03-14"),
        ("2026-03-14", "YMD", "09:00:00", "2026-03-14"),
        ("2026-03-14", "YMDT", "", "2026-03-14"),
        ("2026-03-14", "YMDT", "09:00:00", "2026-03-14T09:00:00+00:00"),
        ("2026-07-14", "YMDT", "09:00:00", "2026-07-14T09:00:00+01:00"),
        ("1899-12-31", "YMD", "", ""),
        ("1899-01-01", "YMD", "00:00:00", ""),
        ("1900-01-01", "YMD", "", "1900-01-01"),
    ],
)
def test_a_padded_day_says_no_more_than_its_precision(
    day: str, precision: str, clock: str, text: str
) -> None:
    """The first of January of a year that alone is known was never said."""
    assert emis_date(day, precision, clock) == Said(text=text)


@pytest.mark.parametrize(
    ("day", "precision", "clock", "problem"),
    [
        ("2026-03-14", "", "", "date-precision-unknown"),
        ("2026-03-14", "ymd", "", "date-precision-unknown"),
        ("2026-03-14", "YMDTX", "", "date-precision-unknown"),
        ("14/03/2026", "YMD", "", "emis-date-shape"),
        ("2026-03", "YM", "", "emis-date-shape"),
        ("2026-03-14", "YMDT", "9:00", "emis-date-shape"),
        ("2026-02-30", "YMD", "", "date-impossible"),
        ("2026-03-14", "YMDT", "25:00:00", "date-impossible"),
        ("1753-01-01", "YMD", "", "date-year-range"),
    ],
)
def test_an_emis_date_that_cannot_be_is_refused(day: str, precision: str, clock: str, problem: str) -> None:
    """A column that has slipped shows here."""
    assert refusal(emis_date, day, precision, clock) == problem
    assert problem in CATALOGUE


def test_an_emis_time_in_the_repeated_hour_is_warned_of() -> None:
    """The extract has no zone anywhere."""
    said = emis_date("2026-10-25", "YMDT", "01:30:00")

    assert said == Said(text="2026-10-25T01:30:00+01:00", warning="local-time-repeated-hour")


def test_only_the_dates_known_to_mean_nothing_mean_nothing() -> None:
    """Any other old date is somebody's."""
    assert {date(1899, 12, 31), date(1899, 1, 1)} == NULL_DATES


# HL7 v2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1976", "1976"),
        ("197601", "1976-01"),
        ("19760121", "1976-01-21"),
        ("19760121+^D", "1976-01-21"),
        ("19760121^D", "1976-01-21"),
        ("19760121+0000", "1976-01-21"),
        ("20260314120000^M", "2026-03-14T12:00:00+00:00"),
        ("20260314120055.5^M", "2026-03-14T12:00:00+00:00"),
        ("20260314120000^D", "2026-03-14"),
        ("20260314^Y", "2026"),
        ("20260314^", "2026-03-14"),
        ("202603141205", "2026-03-14T12:05:00+00:00"),
        ("20260714120530", "2026-07-14T12:05:30+01:00"),
        ("20260714120530.1234", "2026-07-14T12:05:30.1234+01:00"),
        ("20250702085450+0000", "2025-07-02T08:54:50+00:00"),
        ("20250702085450+0100", "2025-07-02T08:54:50+01:00"),
        ("202507020854-0530", "2025-07-02T08:54:00-05:30"),
        ("20250702085450.1234567+0100", "2025-07-02T08:54:50.1234567+01:00"),
    ],
)
def test_an_hl7_time_keeps_precision_and_offset(text: str, said: str) -> None:
    """What other converters pad or drop stays as it was."""
    assert hl7_time(text) == Said(text=said)


def test_an_hour_without_minutes_is_left_out_and_said() -> None:
    """FHIR has no such time, and minutes are not invented."""
    assert hl7_time("2026031412") == Said(text="2026-03-14", warning="hl7-time-hour-only")
    assert hl7_time("202603141205^H") == Said(text="2026-03-14", warning="hl7-time-hour-only")


def test_an_hl7_wall_clock_in_a_doubtful_hour_is_warned_of() -> None:
    """With an offset there is no doubt."""
    assert hl7_time("20260329013000").warning == "local-time-skipped-hour"
    assert hl7_time("202610250130").warning == "local-time-repeated-hour"
    assert hl7_time("202610250130+0000").warning == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "hl7-time-shape"),
        ("197", "hl7-time-shape"),
        ("19761", "hl7-time-shape"),
        ("1976012", "hl7-time-shape"),
        ("19760121123", "hl7-time-shape"),
        ("2026031412053", "hl7-time-shape"),
        ("20220316140542+00", "hl7-time-shape"),
        ("20220316140542+9900", "hl7-time-shape"),
        ("20220316140542-", "hl7-time-shape"),
        ("2026031412.5", "hl7-time-shape"),
        ("2025-05-05 23:23:32", "hl7-time-shape"),
        ("19760121^X", "hl7-time-shape"),
        ("@@date@@", "hl7-time-shape"),
        ("196513121515", "date-impossible"),  # these are in published examples: month and day changed places
        ("19761325", "date-impossible"),
        ("19962501", "date-impossible"),
        ("202144161244", "date-impossible"),
        ("20250229", "date-impossible"),
        ("20260314240000", "date-impossible"),
        ("20260314126000", "date-impossible"),
        ("00000000", "date-year-range"),
        ("99991231", "date-year-range"),
    ],
)
def test_an_hl7_time_that_cannot_be_is_refused(text: str, problem: str) -> None:
    """A swapped month and day is a person's to correct."""
    assert refusal(hl7_time, text) == problem
    assert problem in CATALOGUE


@given(moment=MOMENTS, length=st.sampled_from([4, 6, 8, 12, 14]))
def test_every_hl7_length_becomes_a_fhir_date_that_covers_the_moment(moment: datetime, length: int) -> None:
    """Cut shorter, it says less and never something else."""
    wall = moment.astimezone(LONDON).replace(tzinfo=None)
    said = hl7_time(wall.strftime("%Y%m%d%H%M%S")[:length])

    assert fhir_date_time(said.text) == said.text
    assert said.warning or said.text.startswith(
        wall.isoformat()[: {4: 4, 6: 7, 8: 10, 12: 16, 14: 19}[length]]
    )


@given(warned=st.sampled_from(["local-time-repeated-hour", "local-time-skipped-hour", "hl7-time-hour-only"]))
def test_every_warning_is_explained(warned: str) -> None:
    """A person finds it in the catalogue."""
    assert warned in CATALOGUE


# People


@pytest.mark.parametrize(
    ("born", "when", "age"),
    [
        ("1960-03-14", datetime(2026, 3, 13, 12, tzinfo=UTC), 65),
        ("1960-03-14", datetime(2026, 3, 14, 0, tzinfo=UTC), 66),
        ("1960-07-14", datetime(2026, 7, 13, 22, 59, tzinfo=UTC), 65),
        ("1960-07-14", datetime(2026, 7, 13, 23, 30, tzinfo=UTC), 66),
        ("1960-01-14", datetime(2026, 1, 13, 23, 30, tzinfo=UTC), 65),
        ("2008-02-29", datetime(2026, 2, 28, 12, tzinfo=UTC), 17),
        ("2008-02-29", datetime(2026, 3, 1, 0, tzinfo=UTC), 18),
        ("2008-02-29", datetime(2028, 2, 29, 0, tzinfo=UTC), 20),
        ("2026-03-14", datetime(2026, 3, 14, 12, tzinfo=UTC), 0),
        ("1960", datetime(2026, 3, 14, 12, tzinfo=UTC), None),
        ("1960-03", datetime(2026, 3, 14, 12, tzinfo=UTC), None),
    ],
)
def test_age_is_counted_on_the_day_in_london(born: str, when: datetime, age: int | None) -> None:
    """Eligibility turns on it; a birth date known to the year only gives no age."""
    assert age_on(born, when) == age


@given(born=st.dates(date(1900, 1, 1), date(2020, 1, 1)), days=st.integers(0, 40_000))
def test_nobody_grows_younger(born: date, days: int) -> None:
    """From one day to the next, age stays or grows by one."""
    noon = datetime(born.year, born.month, born.day, 12, tzinfo=UTC) + timedelta(days=days)
    today, tomorrow = (age_on(born.isoformat(), noon + timedelta(days=step)) for step in (0, 1))

    assert today is not None
    assert tomorrow in {today, today + 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2026-03-14", None),
        ("2026-03-15", "birth-date-future"),
        ("2026", None),
        ("2026-04", "birth-date-future"),
        ("2027", "birth-date-future"),
        ("1896-03-14", None),
        ("1895-03-15", None),
        ("1895-03-14", "birth-date-too-old"),
        ("1895", None),
        ("1894", "birth-date-too-old"),
        ("1799-01-01", "date-year-range"),
        ("1965-13-12", "date-impossible"),
        ("19650312", "date-not-fhir"),
        ("1965-03-12T00:00:00Z", "date-not-fhir"),
    ],
)
def test_a_birth_date_lies_between_today_and_130_years_ago(text: str, problem: str | None) -> None:
    """A slip in the date of birth matches another person."""
    assert birth_date_problem(text, today=date(2026, 3, 14)) == problem
    assert problem is None or problem in CATALOGUE
