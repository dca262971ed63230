"""The text of an HL7 v2 message: which characters divide it, which charset it is in, how it escapes.

A parser that rewrites escapes loses clinical text, so escapes are read in one pass from left to right and
what cannot be read with certainty stays as it stood (HL7 v2.9 chapter 2.7).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bridge.errors import Problem, Unreadable, shape

# HL7 table 0211, and the spellings senders use for it; "UNICODE" is never UTF-16 in practice: MSH is ASCII.
_CODECS = {
    "ASCII": "ascii",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    **{f"ISO8859{part}": f"iso8859-{part}" for part in (1, 15)},
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "CP1252": "cp1252",
    "WINDOWS1252": "cp1252",
}
_C1 = re.compile("[\x80-\x9f]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """MSH-1 and MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @classmethod
    def of(cls, separator: str, others: str) -> "Delimiters":
        """Read MSH-1 and MSH-2 (a fifth character is truncation, 2.7); ValueError when they cannot divide."""
        chosen = separator + others[:4] + r"|^~\&"[len(others[:4]) + 1 :]
        ours = [c for c in chosen if c.isascii() and c.isprintable() and not c.isalnum() and c not in ' "']
        if not others or len(set(ours)) != 5:
            raise ValueError("hl7-delimiters")
        return cls(
            field=chosen[0],
            component=chosen[1],
            repetition=chosen[2],
            escape=chosen[3],
            subcomponent=chosen[4],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The text, the Python codec that gave it, and what was odd on the way."""

    text: str
    charset: str
    warnings: tuple[Problem, ...] = ()


def decode(raw: bytes, *, declared: str, forced: str = "") -> Decoded:
    """Decode by the sender's profile alone (`forced`), else MSH-18, else UTF-8, else Windows-1252.

    Unreadable when nothing fits. Control characters that no text may hold become U+FFFD, visibly.
    """
    candidates, warnings = _candidates(declared, forced)
    for codec in candidates:
        text = _tried(raw, codec)
        if text is not None:
            odd = () if forced else _doubts(raw, text, codec, declared)
            cleaned = _CONTROL.sub("\ufffd", text)
            return Decoded(text=cleaned, charset=codec, warnings=(*warnings, *odd, *_control(text)))
    raise Unreadable(problems=(Problem(code="hl7-charset", at="MSH-18", shape=shape(declared)),))


def _candidates(declared: str, forced: str) -> tuple[list[str], tuple[Problem, ...]]:
    if forced:
        return [forced], ()
    known = _CODECS.get(re.sub(r"[\s_-]", "", declared.upper()))
    if known:
        return [known, "utf-8", "cp1252"], ()
    odd = (Problem(code="hl7-charset-unknown", at="MSH-18", shape=shape(declared)),) if declared else ()
    return ["utf-8", "cp1252"], odd


def _tried(raw: bytes, codec: str) -> str | None:
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError:
        return None
    # ISO 8859 has no printable characters there: these bytes are Windows-1252 or UTF-8 under a wrong name.
    return None if codec.startswith("iso8859") and _C1.search(text) else text


def _doubts(raw: bytes, text: str, codec: str, declared: str) -> Iterator[Problem]:
    if declared and _CODECS.get(re.sub(r"[\s_-]", "", declared.upper()), codec) != codec:
        yield Problem(code="hl7-charset-mismatch", at="MSH-18", shape=shape(declared))
    elif not declared and codec == "cp1252":
        yield Problem(code="hl7-charset-guessed", at="MSH-18")
    elif codec.startswith("iso8859") and not text.isascii() and _tried(raw, "utf-8") is not None:
        yield Problem(code="hl7-charset-mismatch", at="MSH-18", shape=shape(declared))


def _control(text: str) -> Iterator[Problem]:
    found = _CONTROL.search(text)
    if found:
        line = len(_LINE_END.findall(text, 0, found.start())) + 1
        yield Problem(code="hl7-control-character", at=f"line {line}")


def escape(text: str, delimiters: Delimiters) -> str:
    """The text as a field may carry it: delimiters escaped, line ends as `.br`."""
    names = {
        delimiters.field: "F",
        delimiters.component: "S",
        delimiters.subcomponent: "T",
        delimiters.repetition: "R",
        delimiters.escape: "E",
        "\n": ".br",
    }
    mark = delimiters.escape
    table = str.maketrans({character: f"{mark}{name}{mark}" for character, name in names.items()})
    return _LINE_END.sub("\n", text).translate(table)


def unescape(text: str, delimiters: Delimiters, charset: str) -> tuple[str, bool]:
    """The text with its escapes read, and whether any escape was kept as it stood.

    Kept: highlighting, local and charset escapes, bytes that are no text in `charset`, a lone escape mark.
    """
    if delimiters.escape not in text:
        return text, False
    plain = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
    }
    marks = text.count(delimiters.escape)

    def read(found: re.Match[str]) -> str:
        nonlocal marks
        meant = (
            plain.get(found["name"], "\n") if found["name"] else _from_hex(found, delimiters.escape, charset)
        )
        marks -= found.group().count(delimiters.escape) if meant else 0
        return meant or found.group()

    return _escapes(delimiters.escape).sub(read, text), marks > 0


@lru_cache(maxsize=8)
def _escapes(mark: str) -> re.Pattern[str]:
    m = re.escape(mark)
    return re.compile(rf"(?:{m}X(?:[0-9A-Fa-f]{{2}})+{m})+|{m}(?P<name>[FSTRE]|\.br|\.BR){m}")


def _from_hex(found: re.Match[str], mark: str, charset: str) -> str:
    """The text of neighbouring `X` escapes (one character may be spread over two), or "" when it is none."""
    try:
        text = bytes.fromhex(found.group().replace(mark, "").replace("X", "")).decode(charset)
    except UnicodeDecodeError:
        return ""
    return "" if _CONTROL.search(text) else _LINE_END.sub("\n", text)
