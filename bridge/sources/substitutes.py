"""Other values in the place of one: of the same kind, so that most of them can be used where it could be.

They show what a value is used for: what changes when it does, came from it.
"""

import re
from collections.abc import Iterator
from itertools import chain, islice

_NHS_NUMBERS = ("9990000026", "9990000034")  # synthetic, with good check digits
_CONCEPTS = ("1362721000000106", "871691000000100", "422650009", "160303001")
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[A-Za-z]")
# The words of code tables and value sets: one of them may stand where another stood.
_WORDS = (
    ("routine", "urgent", "asap"), ("male", "female", "other"), ("true", "false"), ("home", "temp"),
    ("referred", "changed"), ("active", "completed"), ("01", "02"), ("NSTS01", "NSTS02"), ("R", "S", "A"),
    ("M", "F", "U"), ("1", "2"), ("P", "C", "T"), ("A", "C"), ("given", "not-said"), ("I12", "I13"),
    ("H", "C"), ("direct-care", "broader"),
)  # fmt: skip
_MOST = 10


def substitutes(value: str) -> Iterator[str]:
    """Some other values, the likeliest to be usable first; none is equal to the value."""
    offered = chain(_known(value), _digits(value), _letters(value))
    yield from islice(dict.fromkeys(other for other in offered if other != value), _MOST)


def _known(value: str) -> Iterator[str]:
    digits = value.replace(" ", "").replace("-", "")
    if len(digits) == 10 and digits.isdigit():
        yield from _NHS_NUMBERS
    if 6 <= len(digits) <= 18 and digits.isdigit():
        yield from _CONCEPTS
    for words in _WORDS:
        if value in words:
            yield from words


def _digits(value: str) -> Iterator[str]:
    """The last digit, and the fourth (a year's), one up or one down."""
    found = list(_DIGIT.finditer(value))
    for match in (*found[-1:], *found[3:4]):
        digit = int(match.group())
        for other in (digit - 1, digit + 1):
            if 0 <= other <= 9:
                yield value[: match.start()] + str(other) + value[match.end() :]


def _letters(value: str) -> Iterator[str]:
    """The last letter, and the first, exchanged for the next of the alphabet."""
    found = list(_LETTER.finditer(value))
    for match in (*found[-1:], *found[:1]):
        letter = match.group()
        other = chr(ord(letter) + 1) if letter not in "zZ" else chr(ord(letter) - 1)
        yield value[: match.start()] + other + value[match.end() :]
    if not found:
        yield f"{value}a"
