"""The last belt before a log: masks whatever in a free text looks as if it could tell who a person is.

No caller may count on it: messages are value-free where they are written. It goes by shape, so it masks too
much (any ten digits, any full date) rather than too little, and it cannot know a name. What an operator needs
is kept: UUIDs, digests of 32, 40 or 64 hexadecimal characters, instants that cannot be a birthday, and what
`bridge.errors.shape` draws. Values are found as they stand, in URL encoding and as `repr` escapes them.
"""

import re
from collections.abc import Callable

Mask = Callable[[re.Match[str]], str]

# Between the groups of a number: spaces, invisible and printed separators, and how they are escaped.
_GAP = (
    r"(?:[\s\u00ad\u200b-\u200d\u2060\ufeff._/\-\u2010-\u2015\u2212()]"
    r"|%20|\+|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\[nrt])"
)
_ESCAPED = r"(?<=%[0-9a-f]{2})|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})"
_START = rf"(?:(?<!\d)(?<!\d\.)|{_ESCAPED})"
_NUMBER = rf"(?=\d){_START}"  # here a number starts; looking ahead first is faster
_CODE = rf"(?=[A-Z]{{1,2}}\d|BFPO)(?:(?<![^\W_])|(?<=\\[nrt])|{_ESCAPED})"  # here a postcode starts
_NO_DIGIT = r"(?!\d)"
_NO_WORD = r"(?![^\W_])"

_YEAR = r"(?:1[89]|20)\d\d"
_MONTH, _DAY = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_MM, _DD = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_MONTH_NAME = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_SEP = rf"(?:{_GAP}|,|%2f|\\){{1,3}}"
# A birth date written as an instant falls on a whole hour (midnight, or 23:00Z in summer); others are none.
_INSTANT = (
    r"\d{4}-\d\d-\d\d[T ]\d\d:(?:[0-5]\d:(?!00)[0-5]\d|(?!00)[0-5]\d:00)(?:[.,]\d{1,9})?(?:Z|[+\-]\d\d:?\d\d)"
)

_VALUE = r"[^\s,;&\"'\[\](){}<>]+"
_NAMES = (
    r"authorization|token|secret|passw(?:or)?d|passphrase|api[\-_ ]?key|shared[\-_ ]?key|assertion|cookie"
)
_GIVEN = r"(?:[\"']\s*[,:]\s*b?[\"']|\s*[:=]\s*(?:b?[\"'])?)"
_SCHEME = r"(?:bearer|basic|nhsmesh)\s+"

_NUMERIC_DATES = (
    rf"{_YEAR}{_SEP}{_MONTH}{_SEP}{_DAY}{_NO_DIGIT}",
    rf"(?:{_DAY}{_SEP}{_MONTH}|{_MONTH}{_SEP}{_DAY}){_SEP}{_YEAR}{_NO_DIGIT}",
    rf"(?:{_DD}\.{_MM}\.\d\d|{_DAY}[/\-]{_MONTH}[/\-]\d\d){_NO_DIGIT}(?!\.\d)",
    rf"{_DAY}(?:st|[nr]d|th)?{_SEP}?(?:of\s)?{_MONTH_NAME}{_SEP}?(?:{_YEAR}|'?\d\d){_NO_DIGIT}",
    rf"(?:{_YEAR}{_MM}{_DD}|{_DD}{_MM}{_YEAR}|{_MM}{_DD}{_YEAR})(?:\d\d00(?:00)?)?{_NO_DIGIT}",
)
_DATES = (
    rf"{_NUMBER}(?:{'|'.join(_NUMERIC_DATES)})",
    rf"{_MONTH_NAME}{_SEP}?{_DAY}(?:st|[nr]d|th)?{_SEP}{_YEAR}{_NO_DIGIT}",
)
_PHONES = (
    rf"(?:(?=[+%0]){_START}(?:\+|%2b|00)[1-9]|{_NUMBER}4(?=4))(?:{_GAP}{{0,3}}\d){{7,14}}{_NO_DIGIT}",
    rf"{_NUMBER}0\)?\d(?:{_GAP}{{0,3}}\d){{7,9}}{_NO_DIGIT}",
)


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


def _mask(kind: str) -> Mask:
    """Writes `[kind]`, and leaves alone what is a drawn shape (only A and 9)."""

    def masked(match: re.Match[str]) -> str:
        drawn = {c for c in match[0] if c.isalnum()} <= {"A", "9"}
        return match[0] if drawn else f"[{kind}]"

    return masked


_CREDENTIALS: tuple[tuple[re.Pattern[str], Mask | str], ...] = (
    (_any(r"eyJ[\w\-]{4,}(?:\.[\w\-]*){0,4}"), "[token]"),
    (_any(r"rbk_[\w\-]{8,}"), "[key]"),
    (_any(rf"((?:{_NAMES}){_GIVEN})(?:{_SCHEME})?{_VALUE}"), r"\1[secret]"),
    (_any(rf"({_SCHEME})[\w.~+/=:\-]{{8,}}"), r"\1[token]"),
    (
        re.compile(r"(?<![A-Za-z0-9])(?=[A-Z0-9]*[a-z])(?=[a-z0-9]*[A-Z])(?=[A-Za-z]*\d)[A-Za-z0-9]{32,}"),
        "[key]",
    ),
    (_any(r"(?:[^\s@%<>(),;\[\]=/]|%(?!40)){1,128}+(?:@|%40)\w[\w.\-]*"), "[email]"),
)
_KEPT = re.compile(
    r"((?<![^\W_])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    rf"|[0-9a-f]{{64}}|[0-9a-f]{{40}}|[0-9a-f]{{32}}|{_INSTANT})(?![^\W_]))"
)
_PERSON: tuple[tuple[re.Pattern[str], Mask], ...] = (
    (_any(*_DATES), _mask("date")),
    (_any(*_PHONES), _mask("phone")),
    (
        _any(
            rf"{_NUMBER}\d{{3}}{_GAP}{{0,3}}\d{{3}}{_GAP}{{0,3}}\d{{4}}{_NO_DIGIT}",
            rf"{_NUMBER}\d(?:{_GAP}\d){{9}}{_NO_DIGIT}",
        ),
        _mask("nhs-number"),
    ),
    (
        _any(
            rf"{_CODE}(?:[A-Z]{{1,2}}\d[A-Z\d]?{_GAP}{{0,3}}\d[A-Z]{{2}}|BFPO{_GAP}{{0,3}}\d{{1,4}}){_NO_WORD}"
        ),
        _mask("postcode"),
    ),
)


def clean(text: str) -> str:
    """The text with what looks personal or secret replaced by what it looked like, such as `[phone]`."""
    for pattern, mask in _CREDENTIALS:
        text = pattern.sub(mask, text)
    parts = _KEPT.split(text)  # every second part is one to keep
    return "".join(part if n % 2 else _impersonal(part) for n, part in enumerate(parts))


def _impersonal(text: str) -> str:
    for pattern, mask in _PERSON:
        text = pattern.sub(mask, text)
    return text
