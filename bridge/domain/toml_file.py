"""A TOML file: what it says and where each key stands, or the place where it cannot be read.

The parser of the standard library tells a fault in one English text with line and column at its end. Its
words are about its own grammar, so each is said again here for whoever edits the file; the place is kept.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.domain.toml_lines import line_of, lines_of
from bridge.errors import ConfigError, Problem

_LONG_NUMBER = re.compile(r"\d[\d_]{4300}")  # Python reads no longer one as a number
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")

# How each text of the parser begins, and what is wrong for whoever wrote the file.
_WORDS: Final = (
    ("Expected '=' after a key", "= is expected behind the name of a key"),
    ("Expected newline", "the line goes on after its value: one key and one value to a line"),
    ("Expected ']'", "] or ]] is expected at the end of the [table]"),
    ("Expected ", "a text has no closing quotation mark"),
    ("Unterminated string", "a text has no closing quotation mark"),
    ("Illegal character", "a text holds a line end or a control character; is its quotation mark closed?"),
    ("Found invalid character", "a control character stands here"),
    ("Invalid statement", "a key, a [table] or a # comment is expected; odd letters in a key need quotes"),
    (
        "Invalid initial character for a key part",
        "a key is expected; a { table } stands on one line without a comma at its end, odd keys need quotes",
    ),
    ("Invalid value", 'a value is expected: "text", a number, true, false, [list] or { table }'),
    ("Invalid date or datetime", "there is no such date or time"),
    ("Unclosed array", "a [list] is not closed, or a comma is missing in it"),
    ("Unclosed inline table", "a { table } is not closed, or a comma is missing in it"),
    ("Cannot declare", "this [table] is there already"),
    ("Cannot overwrite a value", "this key has a value already"),
    ("Duplicate inline table key", "this key has a value already"),
    ("Cannot redefine namespace", "this table was completed before; its keys belong together there"),
    ("Cannot mutate immutable namespace", "this table or list was completed before; its keys belong there"),
    ("Unescaped '\\'", "a backslash begins an escape that TOML does not know; write two of them"),
    ("Invalid hex value", "an escape such as \\u00e9 needs all its hexadecimal digits"),
    ("Escaped character is not a Unicode scalar", "an escape stands for no character"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """What the file says, and the line of each key by its dotted name."""

    file: Path
    said: dict[str, Any]
    lines: dict[str, int]

    def place(self, key: str) -> str:
        """`file:line` of a key, or of the table where it should stand."""
        return f"{self.file}:{line_of(key, self.lines)}"


def read_toml(file: Path) -> TomlFile:
    """Read it, a byte order mark or none; ConfigError names file, line, column and fault."""
    text = _text_of(file)
    try:
        return TomlFile(file=file, said=tomllib.loads(text), lines=lines_of(text))
    except tomllib.TOMLDecodeError as fault:
        line, column = _where(str(fault), text)
        raise _refused("toml-syntax", f"{file}:{line}, column {column}", _in_our_words(str(fault))) from None
    except ValueError:
        raise _refused("toml-number-too-long", f"{file}:{_line_of_number(text)}") from None
    except RecursionError:
        raise _refused("toml-too-deep", str(file)) from None


def _text_of(file: Path) -> str:
    try:
        held = file.read_bytes()
    except OSError:
        raise _refused("toml-unreadable", str(file)) from None
    try:
        return held.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = held.count(b"\n", 0, fault.start) + 1
        raise _refused("toml-not-utf-8", f"{file}:{line}") from None


def _refused(code: str, at: str, rule: str = "") -> ConfigError:
    return ConfigError(problems=(Problem(code=code, at=at, rule=rule),))


def _where(told: str, text: str) -> tuple[int, int]:
    """Line and column, both from 1; the end of the text where the parser ran out of it."""
    found = _PLACE.search(told)
    if found is not None and found[1]:
        return int(found[1]), int(found[2])
    last = text.rstrip().split("\n")
    return len(last), len(last[-1]) + 1


def _in_our_words(told: str) -> str:
    return next((words for begins, words in _WORDS if told.startswith(begins)), "this is not TOML")


def _line_of_number(text: str) -> int:
    long = _LONG_NUMBER.search(text)
    return text.count("\n", 0, long.start()) + 1 if long else 1
