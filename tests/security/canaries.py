"""Canaries: values that appear nowhere else, put into every place of a message, and where they must not show.

Each canary holds one mark and a number, so one search finds them all and the number says which one it was.
"""

import base64
import copy
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.conftest import nhs_number

MARK = "Zqjxvkwq"

_WORD = re.compile(rf"{MARK}\d{{5}}")
_LETTERS = MARK.encode()
# One base64 text of the mark for each of the three places it may begin at; the edges depend on neighbours.
_BASE64 = tuple(
    base64.b64encode(b"\0" * shift + _LETTERS)[(0, 2, 3)[shift] : -4 if (shift + 8) % 3 else None]
    for shift in range(3)
)


def _joined(form: str) -> bytes:
    return "".join(form.format(ord(letter)) for letter in MARK).lower().encode()


# How the mark looks in lower-cased bytes: as it is, in UTF-16, as hexadecimal, and in the usual escapes.
_LOWERED = (
    _LETTERS.lower(),
    MARK.lower().encode("utf-16-le"),
    _LETTERS.hex().encode(),
    *(_joined(form) for form in ("\\u{:04x}", "\\x{:02x}", "%{:02x}", "&#{};", "&#x{:x};")),
)


def traces(data: bytes) -> list[str]:
    """What of `data` stands around each canary in it, in any encoding; nothing when there is none."""
    found = [
        text[max(0, at - 60) : at + 60]
        for text, needles in ((data.lower(), _LOWERED), (data, _BASE64))
        for needle in needles
        if (at := text.find(needle)) >= 0
    ]
    return [around.decode("utf-8", "replace") for around in found]


class Dress(StrEnum):
    """How the canaries of one message are written."""

    PLAIN = "plain"
    ESCAPED = "escaped"
    BASE64 = "base64"


def dressed(text: str, dress: Dress, escape: str) -> str:
    """A message with its canaries in another dress; `escape` writes a character as its format escapes it."""
    if dress is Dress.PLAIN:
        return text
    if dress is Dress.BASE64:
        return _WORD.sub(lambda m: base64.b64encode(m[0].encode()).decode(), text)
    return _WORD.sub(lambda m: "".join(escape.format(ord(c)) for c in m[0]), text)


@dataclass
class Aviary:
    """Where canaries come from; `said` remembers what each stood for."""

    said: dict[str, str] = field(default_factory=dict)

    def canary(self, place: str) -> str:
        """A fresh one for this place."""
        word = f"{MARK}{len(self.said):05d}"
        self.said[word] = place
        return word

    def dress(self) -> Dress:
        """Each dress in turn."""
        return tuple(Dress)[len(self.said) % 3]


def leaves(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of each value of a JSON tree."""
    items = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if items is None:
        yield at
    else:
        for step, inner in items:
            yield from leaves(inner, (*at, step))


def objects(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of each object of a JSON tree."""
    if isinstance(value, dict):
        yield at
    for step, inner in _inside(value):
        yield from objects(inner, (*at, step))


def _inside(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def inside(tree: Any, at: tuple[str | int, ...]) -> Any:
    """The part of a JSON tree at a place."""
    for step in at:
        tree = tree[step]
    return tree


def json_variants(base: Any, aviary: Aviary, start: int = 0) -> Iterator[Any]:
    """The message again and again: each value once a canary, each object once with an unknown key.

    The n-th has the NHS number `start` + n, so that it is another person's.
    """
    numbers = [at for at in leaves(base) if str(inside(base, at)).replace(" ", "").startswith("99900")]
    changes = [(at, False) for at in leaves(base)] + [(at, True) for at in objects(base)]
    for n, (at, added) in enumerate(changes, start + 1):
        tree = copy.deepcopy(base)
        for place in numbers:
            inside(tree, place[:-1])[place[-1]] = nhs_number(n * 10).digits
        if added:
            inside(tree, at)[aviary.canary(f"key in {at}")] = aviary.canary(f"under a key in {at}")
        else:
            inside(tree, at[:-1])[at[-1]] = aviary.canary(f"{at}")
        yield tree


def json_text(tree: Any, dress: Dress) -> bytes:
    """A JSON tree as a message, its canaries in some dress."""
    return dressed(json.dumps(tree), dress, "\\u{:04x}").encode()


def hl7_variants(text: str, aviary: Aviary, start: int = 0) -> Iterator[bytes]:
    """An HL7 v2 message again and again, of another person and referral: each field once a canary."""
    for n, (s, f) in enumerate(_fields(text), start + 1):
        own = text.replace("9990000018", nhs_number(n * 10).digits)
        segments = _segments(own.replace("SPR-1001", aviary.canary("RF1-6")))
        fields = segments[s].split("|")
        fields[f] = aviary.canary(f"{fields[0]}-{f}")
        segments[s] = "|".join(fields)
        yield dressed("\r".join(segments), aviary.dress(), "\\X{:02X}\\").encode()


def _segments(text: str) -> list[str]:
    return [segment for segment in re.split(r"[\r\n]+", text) if segment]


def _fields(text: str) -> list[tuple[int, int]]:
    return [(s, f) for s, segment in enumerate(_segments(text)) for f in range(segment.count("|") + 1)]
