"""NHS numbers and ODS codes: parsed at the door, never shown."""

import re
from dataclasses import dataclass
from typing import Self

_SEPARATORS = re.compile(r"[ \-\u00a0\u2010-\u2015]")
_ODS = re.compile(r"[A-Z0-9]{3,12}\Z")


@dataclass(frozen=True, slots=True, repr=False)
class NhsNumber:
    """Ten digits with a right check digit that is no placeholder (NHS Data Dictionary, NHS NUMBER, Modulus 11).

    All ten numbers of one repeated digit pass Modulus 11 and are refused as placeholders. `repr` hides the
    number; read `digits` only where it must leave.
    """

    digits: str

    def __post_init__(self) -> None:
        if not _is_proven(self.digits):
            raise ValueError("nhs-number-check-digit")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Strip spaces and hyphens and check; ValueError says which rule, never the value."""
        digits = _SEPARATORS.sub("", text.strip())
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("nhs-number-not-digits")
        if len(digits) != 10:
            raise ValueError("nhs-number-length")
        if len(set(digits)) == 1:
            raise ValueError("nhs-number-placeholder")
        if not _is_proven(digits):
            raise ValueError("nhs-number-check-digit")
        return cls(digits)

    @property
    def is_test(self) -> bool:
        """999 000 0000 to 999 999 9999 are never issued: the range for synthetic patients."""
        return self.digits.startswith("999")

    def __repr__(self) -> str:
        return "NhsNumber(***)"

    __str__ = __repr__


def _is_proven(digits: str) -> bool:
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        return False
    weighted = sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=False))
    return (11 - weighted % 11) % 11 == int(digits[9])


@dataclass(frozen=True, slots=True)
class OdsCode:
    """An Organisation Data Service code, upper case (https://digital.nhs.uk/services/organisation-data-service)."""

    code: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Trim and upper-case; ValueError when the shape is not letters and digits, 3 to 12 of them."""
        code = text.strip().upper()
        if not _ODS.match(code):
            raise ValueError("ods-code-shape")
        return cls(code)

    def __str__(self) -> str:
        return self.code
