"""How systems write things becomes how we write them, or a reason without the value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.dates import Said
from bridge.errors.catalogue import CATALOGUE
from bridge.sources.transforms import TRANSFORMS

UNDERSTOOD = {
    "an NHS number in groups": ("nhs_number", "999 000-0018", "9990000018"),
    "an ODS code in small letters": ("ods_code", "a99999", "A99999"),
    "a wall clock in winter": ("uk_local_time", "2026-01-05T09:30:00", "2026-01-05T09:30:00+00:00"),
    "a wall clock in summer": ("uk_local_time", "2026-07-05 09:30", "2026-07-05T09:30:00+01:00"),
    "a time with its own offset": ("uk_local_time", "2026-07-05T09:30:00Z", "2026-07-05T09:30:00Z"),
    "a day without a time": ("uk_local_time", "2026-07-05", "2026-07-05"),
    "a month": ("uk_local_time", "2026-07", "2026-07"),
    "day, month, year": ("uk_date", "1/3/2026", "2026-03-01"),
    "a short month name": ("uk_date", "01-Mar-2026", "2026-03-01"),
    "a long month name and a time": ("uk_date", "1 March 2026 10:05", "2026-03-01T10:05:00+00:00"),
    "a month by its name": ("uk_date", "Mar 2026", "2026-03"),
    "a month by its number": ("uk_date", "3/2026", "2026-03"),
    "a year alone": ("uk_date", "1951", "1951"),
    "an HL7-like time": ("compact_time", "202607050930", "2026-07-05T09:30:00+01:00"),
    "a yes": ("yes_no", "Y", "true"),
    "a no": ("yes_no", "0", "false"),
    "a gender letter": ("gender", "F", "female"),
    "a gender number": ("gender", "1", "male"),
    "capitals": ("lower", "URGENT", "urgent"),
}

REFUSED = {
    "an impossible day": ("uk_local_time", "2026-02-30T09:00:00", "date-impossible"),
    "an hour that is none": ("uk_local_time", "2026-02-03 25:00", "date-impossible"),
    "month and day in American order": ("uk_date", "12/31/2026", "date-impossible"),
    "a year of two digits": ("uk_date", "01/03/26", "uk-date-shape"),
    "a thirteenth month": ("uk_date", "13/2026", "date-impossible"),
    "a month that is none": ("uk_date", "1 Smarch 2026", "uk-date-shape"),
    "a maybe": ("yes_no", "maybe", "word-unknown"),
    "the nine of two gender lists": ("gender", "9", "word-unknown"),
}


@pytest.mark.parametrize(("name", "written", "ours"), UNDERSTOOD.values(), ids=UNDERSTOOD.keys())
def test_what_systems_write_is_understood(name: str, written: str, ours: str) -> None:
    """The same moment, number or word, in our notation."""
    said = TRANSFORMS[name](written)

    assert (said.text if isinstance(said, Said) else said) == ours


@pytest.mark.parametrize(("name", "written", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_certain_is_refused(name: str, written: str, code: str) -> None:
    """Nothing is mended and nothing is guessed."""
    with pytest.raises(ValueError, match=f"^{code}$"):
        TRANSFORMS[name](written)


def test_the_hour_that_comes_twice_is_taken_once_and_warned_of() -> None:
    """On the last Sunday of October a wall clock does not say which hour it means."""
    said = TRANSFORMS["uk_local_time"]("2026-10-25T01:30:00")

    assert said == Said(text="2026-10-25T01:30:00+01:00", warning="local-time-repeated-hour")


@given(st.sampled_from(sorted(TRANSFORMS)), st.text(max_size=30))
def test_no_transform_tells_a_value(name: str, written: str) -> None:
    """A transform answers, or raises a code of the catalogue and nothing else."""
    try:
        TRANSFORMS[name](written)
    except ValueError as error:
        assert str(error) in CATALOGUE  # noqa: PT017
