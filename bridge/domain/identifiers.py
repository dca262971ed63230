"""NHS numbers, ODS codes and a source's own keys: parsed at the door, never shown.

The whole text of a ValueError raised here is a key of the problem catalogue, so it can never hold a value.
"""

import re
from dataclasses import dataclass
from typing import Self

LONGEST_KEY = 255  # characters; keys met in real feeds are numbers, GUIDs and short prefixes
_SEPARATORS = re.compile(r"[ \-\u00a0\u2010-\u2015]")
_ODS = re.compile(r"[A-Z0-9]{3,12}")


@dataclass(frozen=True, slots=True, repr=False)
class NhsNumber:
    """Ten digits with a right check digit, and no placeholder (NHS Data Dictionary, NHS NUMBER: Modulus 11).

    All ten numbers of one repeated digit pass Modulus 11 and are refused as placeholders. `repr` hides the
    number; read `digits` only where it must leave.
    """

    digits: str

    def __post_init__(self) -> None:
        if problem := _problem_of(self.digits):
            raise ValueError(problem)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Strip spaces and hyphens and check; ValueError says which rule, never the value."""
        return cls(_SEPARATORS.sub("", text.strip()))

    @property
    def is_test(self) -> bool:
        """999 000 0000 to 999 999 9999 are never issued: the range for synthetic patients."""
        return self.digits.startswith("999")

    def __repr__(self) -> str:
        return "NhsNumber(***)"

    __str__ = __repr__


def _problem_of(digits: str) -> str | None:
    if not (digits.isascii() and digits.isdigit()):
        return "nhs-number-not-digits"
    if len(digits) != 10:
        return "nhs-number-length"
    if len(set(digits)) == 1:
        return "nhs-number-placeholder"
    weighted = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False))
    # A remainder that asks for 10 as check digit is never issued, and no digit equals 10.
    return None if (11 - weighted % 11) % 11 == int(digits[9]) else "nhs-number-check-digit"


def source_key(text: str) -> str:
    """A source's own key as it was written; ValueError for one of more than LONGEST_KEY characters."""
    if len(text) > LONGEST_KEY:
        raise ValueError("key-too-long")
    return text


@dataclass(frozen=True, slots=True)
class OdsCode:
    """An Organisation Data Service code, upper case (https://digital.nhs.uk/services/organisation-data-service)."""

    code: str

    def __post_init__(self) -> None:
        if not _ODS.fullmatch(self.code):
            raise ValueError("ods-code-shape")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Trim and upper-case; ValueError when the shape is not letters and digits, 3 to 12 of them."""
        trimmed = text.strip()
        # Upper-casing some letters outside ASCII makes plain ones out of them: refuse before, not after.
        return cls(trimmed.upper() if trimmed.isascii() else trimmed)

    def __str__(self) -> str:
        return self.code
