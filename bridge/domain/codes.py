"""Clinical codes: is it whole, what kind of code is it, and which social prescribing code means what.

A code is text from end to end and is never mended: one whose last digits a spreadsheet has eaten is refused
with a reason the sender can act on. Sources of the tables, by short name:

- faq: www.transformationpartnersinhealthandcare.nhs.uk, our-work/personalised_care, social prescribing FAQs
- socialrx: www.socialrx.co.uk, "social-prescribing-snomed-codes-why-important"
- ardens: support-ew.ardens.org.uk, article 31000166945 (Network Contract DES)
- codelist: opensafely/dfms-covid19, codelists/user-RachelS99-social-prescribing-in-dependency.csv
- gm: UoM-Data-Science-Platforms/gm-sde, shared/clinical-code-sets, commit 6cf10af
- refset: UK SNOMED CT Primary Care refsets 59.0.0, 2025-12-11
- jmir: https://jmir.org/2020/12/e23721
- mhsds: NHSDigital/mental-health-monthly-statistics, 04_mhsds_ref_tables.py and LoadRefData.sql
- dictionary: NHS Data Dictionary, ATTENDED OR DID NOT ATTEND
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Self

# SNOMED CT identifiers: Verhoeff's check over the dihedral group D5 (SNOMED CT specification, SCTID)

_FIRST_PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_EXPONENT = re.compile(r"\d([.,]\d+)?[eE]\+?\d+", re.ASCII)
_SHEET_DIGITS = 15  # significant digits a spreadsheet keeps of a number
_SHEET_SHOWN = 6  # and how many it shows, and saves, of one of twelve digits or more


class SctKind(StrEnum):
    """What an identifier names, by its partition digits."""

    CONCEPT = "concept"
    DESCRIPTION = "description"
    RELATIONSHIP = "relationship"


_PARTITIONS = {
    "00": SctKind.CONCEPT,
    "10": SctKind.CONCEPT,
    "01": SctKind.DESCRIPTION,
    "11": SctKind.DESCRIPTION,
    "02": SctKind.RELATIONSHIP,
    "12": SctKind.RELATIONSHIP,
}


@dataclass(frozen=True, slots=True)
class SctId:
    """A whole SNOMED CT identifier: 6 to 18 digits, no leading zero, right check digit, known partition."""

    digits: str

    def __post_init__(self) -> None:
        if problem := _damage_of(self.digits):
            raise ValueError(problem)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The identifier exactly as given; ValueError names the rule it breaks."""
        return cls(text)

    @property
    def kind(self) -> SctKind:
        """Whether it names a concept, a description or a relationship."""
        return _PARTITIONS[self.digits[-3:-1]]

    @property
    def namespace(self) -> str:
        """The seven digits that say whose extension it belongs to; "" in the international release."""
        return self.digits[-10:-3] if self.digits[-3] == "1" else ""


def verhoeff_holds(digits: str) -> bool:
    """True when the last digit is the right check digit of those before it; at most 18 digits."""
    check = 0
    for digit, permutation in zip(reversed(digits), _PERMUTATIONS, strict=False):
        check = _PRODUCTS[check][permutation[int(digit)]]
    return check == 0


def _product(left: int, right: int) -> int:
    """Multiplication in D5: 0 to 4 turn the pentagon, 5 to 9 also flip it."""
    flip, turn = divmod(left, 5)
    other_flip, other_turn = divmod(right, 5)
    turned = turn - other_turn if flip else turn + other_turn
    return 5 * (flip ^ other_flip) + turned % 5


_PRODUCTS = [[_product(left, right) for right in range(10)] for left in range(10)]
_PERMUTATIONS = list(
    accumulate(
        range(17), lambda row, _: [_FIRST_PERMUTATION[place] for place in row], initial=list(range(10))
    )
)


def problem_of(code: str) -> str | None:
    """Why this text cannot stand where a SNOMED CT concept is asked for: a problem code, or None."""
    problem = _damage_of(code)
    if problem:
        return problem
    kind = SctId(code).kind
    return None if kind is SctKind.CONCEPT else f"snomed-{kind}-as-concept"


def spreadsheet_damage(number: str) -> str:
    """What a spreadsheet has done to a long number with a check digit, as a problem code; "" for nothing."""
    damage = _damage_of(number) or ""
    return damage if damage.startswith("snomed-spreadsheet") else ""


def _damage_of(code: str) -> str | None:
    if not (code.isascii() and code.isdigit()):
        return "snomed-spreadsheet-exponent" if _EXPONENT.fullmatch(code) else "snomed-not-digits"
    if code[0] == "0":
        return "snomed-leading-zero"
    if not 6 <= len(code) <= 18:
        return "snomed-length"
    if not verhoeff_holds(code):
        return "snomed-spreadsheet-rounded" if _looks_rounded(code) else "snomed-check-digit"
    return None if code[-3:-1] in _PARTITIONS else "snomed-partition"


def _looks_rounded(code: str) -> bool:
    """Zeros beyond the 15 digits a spreadsheet keeps, or beyond the six it shows of a long number."""
    kept = _SHEET_DIGITS if len(code) > _SHEET_DIGITS else _SHEET_SHOWN
    return len(code) >= 12 and not code[kept:].strip("0")


# What the codes of social prescribing mean


class Mark(StrEnum):
    """How sure we are of a meaning."""

    A = "two independent public sources"
    B = "one good source"
    D = "seen, but wrong or suspect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A SNOMED CT concept of social prescribing: the event it records and where its meaning was read."""

    code: str
    term: str
    event: str
    mark: Mark
    source: str


REFERRAL = "871731000000106"
DECLINED = "871711000000103"
OFFERED = "871691000000100"
SIGNPOSTED = "1084281000000109"
SEEN = "1362931000000106"
CLOSED = "1362721000000106"
MENTAL_HEALTH = "515721000000104"

SOCIAL_PRESCRIBING: dict[str, Code] = {
    row.code: row
    for row in (
        Code(
            code=REFERRAL,
            term="Referral to social prescribing service",
            event="referred",  # once per episode, at the first interaction only (faq)
            mark=Mark.A,
            source="faq, socialrx, ardens, codelist, gm",
        ),
        Code(
            code=DECLINED,
            term="Social prescribing declined",
            event="declined",
            mark=Mark.A,
            source="faq, socialrx, codelist",
        ),
        Code(
            code=OFFERED,
            term="Social prescribing offered",
            event="offered",  # counts for nothing (ardens)
            mark=Mark.A,
            source="codelist; named in ardens and jmir",
        ),
        Code(
            code=SIGNPOSTED,
            term="Signposting to social prescribing service",
            event="signposted",
            mark=Mark.B,
            source="codelist",
        ),
        Code(
            code=SEEN,
            term="Seen by social prescribing link worker",
            event="attended",
            mark=Mark.B,
            source="codelist",
        ),
        Code(
            code=CLOSED,
            term="Social prescribing case closed",
            event="closed",
            mark=Mark.A,
            source="codelist; refset 999027851000230104",
        ),
        Code(
            code=MENTAL_HEALTH,
            term="Social prescribing for mental health",
            event="need",
            mark=Mark.B,
            source="codelist",
        ),
    )
}

# UK extension ids and the international ones that replaced them (mhsds).
RETIRED: dict[str, str] = {
    "960481000000107": "718466001",  # SWEMWBS score
    "885541000000103": "718426000",  # WEMWBS score
    "506701000000100": "720433000",  # PHQ-9 score, v1 to v2
}


def current_code(code: str) -> str:
    """The code that replaced a retired one; any other comes back as it was."""
    return RETIRED.get(code, code)


class Attendance(StrEnum):
    """How a booked contact counts."""

    ATTENDED = "attended"
    NOT_ATTENDED = "not-attended"
    CANCELLED = "cancelled"
    FUTURE = "future"


# ATTENDED OR DID NOT ATTEND (dictionary).
ATTENDANCE: dict[str, Attendance] = {
    "5": Attendance.ATTENDED,  # on time, or before the professional was ready
    "6": Attendance.ATTENDED,  # late, but seen
    "7": Attendance.NOT_ATTENDED,  # late, and could not be seen
    "2": Attendance.CANCELLED,  # by the patient
    "3": Attendance.NOT_ATTENDED,  # without a warning
    "4": Attendance.CANCELLED,  # by the provider
    "0": Attendance.FUTURE,
}
