"""How systems write things: named pure functions from a source's notation to ours.

Each takes the trimmed text of one value and answers in our notation, with a warning where something had to be
assumed. The whole text of a ValueError raised here is a key of the problem catalogue, never a value. A format
may bring further ones in its module's `TRANSFORMS`.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from bridge.domain import dates
from bridge.domain.code_forms import ctv3, read_v2
from bridge.domain.dates import Said
from bridge.domain.identifiers import NhsNumber, OdsCode

Transform: TypeAlias = Callable[[str], str | Said]

_CLOCK = r"(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?"
_ISO_WALL = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d){_CLOCK}", re.ASCII)
_UK_WALL = re.compile(rf"(\d{{1,2}})[-/. ](\d{{1,2}}|[A-Za-z]{{3,9}})[-/. ](\d{{4}}){_CLOCK}", re.ASCII)
_UK_MONTH = re.compile(r"(?:(\d{1,2}|[A-Za-z]{3,9})[-/. ])?(\d{4})", re.ASCII)
_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_YES_NO = {"yes": "true", "y": "true", "true": "true", "1": "true"} | dict.fromkeys(
    ("no", "n", "false", "0"), "false"
)
# 0 and 9 mean different things in the two gender lists of the NHS Data Dictionary: a mapping must say.
_GENDERS = {
    "m": "male", "1": "male", "male": "male", "f": "female", "2": "female", "female": "female",
    "o": "other", "other": "other", "u": "unknown", "unknown": "unknown",
}  # fmt: skip


def nhs_number(text: str) -> str:
    """Ten digits without spaces or hyphens, proven by the check digit."""
    return NhsNumber.parse(text).digits


def ods_code(text: str) -> str:
    """An ODS code in upper case."""
    return OdsCode.parse(text).code


def uk_local_time(text: str) -> str | Said:
    """A FHIR dateTime from `2026-03-01[T10:00[:00]]`: without an offset the wall clock is London's."""
    wall = _ISO_WALL.fullmatch(text)
    return (
        dates.hl7_time("".join(part or "" for part in wall.groups())) if wall else dates.fhir_date_time(text)
    )


def uk_date(text: str) -> str | Said:
    """A FHIR date or London dateTime from `1/3/2026`, `1 March 2026 10:00`; `3/2026`, `2026` stay partial."""
    wall = _UK_WALL.fullmatch(text)
    if wall is None:
        partial = _UK_MONTH.fullmatch(text)
        if partial is None:
            raise ValueError("uk-date-shape")
        return dates.hl7_time(partial[2] + (_month(partial[1]) if partial[1] else ""))
    day, month, year, *clock = wall.groups()
    return dates.hl7_time("".join((year, _month(month), f"{int(day):02}", *(part or "" for part in clock))))


def _month(text: str) -> str:
    if text.isdigit():
        return f"{int(text):02}"
    named = [n for n, name in enumerate(_MONTHS, 1) if text.lower() in (name, name[:3])]
    if not named:
        raise ValueError("uk-date-shape")
    return f"{named[0]:02}"


def yes_no(text: str) -> str:
    """`true` or `false` from yes, y, 1, no, n, 0 and the words themselves, in any case."""
    return _of(_YES_NO, text)


def gender(text: str) -> str:
    """A FHIR administrative gender from its word or first letter, or from 1 and 2, in any case."""
    return _of(_GENDERS, text)


def _of(table: Mapping[str, str], text: str) -> str:
    try:
        return table[text.lower()]
    except KeyError:
        raise ValueError("word-unknown") from None


TRANSFORMS: Mapping[str, Transform] = {
    "nhs_number": nhs_number,
    "ods_code": ods_code,
    "fhir_date": dates.fhir_date,
    "fhir_date_time": dates.fhir_date_time,
    "compact_time": dates.hl7_time,
    "uk_local_time": uk_local_time,
    "uk_date": uk_date,
    "yes_no": yes_no,
    "gender": gender,
    "lower": str.lower,
    "read_v2": read_v2,
    "ctv3": ctv3,
}
