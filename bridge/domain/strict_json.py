"""JSON as RFC 8259 and RFC 7493 (I-JSON) mean it: one meaning per message, or a located refusal.

The standard library keeps the last of two equal keys, accepts NaN and half a surrogate pair, and follows any
depth. Here each is a problem with line and column. The fast parser only notes that something is odd; a second
walk over the tokens then finds where. Keys are data too: a place is a line and a column, never a name.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import TypeAlias

from bridge.errors import Problem, Unreadable, shape

JsonValue: TypeAlias = "bool | int | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"

DEPTH = 64
DIGITS = 64  # characters of one number; far above any quantity or key a GP system sends
FAULTS = 50  # problems told of one message; enough to mend it, too few to drown in

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ODD_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_ODD_CHARACTER = re.compile("[\0\ud800-\udfff]")
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_CONSTANTS = ("NaN", "Infinity", "-Infinity")


def loads(body: bytes, *, limit: int, depth: int = DEPTH) -> JsonValue:
    """The value of a UTF-8 JSON text of at most `limit` bytes; fractions are Decimals, so 1.10 stays 1.10.

    Unreadable carries what is wrong (the first 50 problems), each with line and column or byte offset.
    """
    text = _decoded(body, limit)
    suspicion = _Suspicion(found=_ODD_ESCAPE.search(text) is not None)
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=suspicion.members,
            parse_constant=suspicion.constant,
            parse_int=suspicion.integer,
            parse_float=suspicion.fraction,
        )
    except json.JSONDecodeError as error:
        raise _unreadable("json-syntax", f"line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        faults = tuple(islice(_faults(text, depth), FAULTS))
        raise Unreadable(problems=faults or (Problem(code="json-depth"),)) from None
    if suspicion.found or _deeper_than(value, depth):
        faults = tuple(islice(_faults(text, depth), FAULTS))
        if faults:
            raise Unreadable(problems=faults)
    return value


@dataclass(slots=True)
class _Suspicion:
    """Whether the fast parser met anything that needs the slow walk."""

    found: bool = False

    def members(self, pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        members = dict(pairs)
        self.found |= len(members) != len(pairs)
        return members

    def constant(self, _name: str) -> None:
        self.found = True

    def integer(self, digits: str) -> int:
        self.found |= len(digits) > DIGITS
        return int(digits[:DIGITS])

    def fraction(self, digits: str) -> Decimal:
        bad = _bad_number(digits)
        self.found |= bad
        return Decimal(0) if bad else Decimal(digits)


def _decoded(body: bytes, limit: int) -> str:
    if len(body) > limit:
        raise _unreadable("json-too-large", f"byte {limit}")
    if body.startswith(_BOMS):
        raise _unreadable("json-byte-order-mark", "byte 0")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise _unreadable("json-not-utf8", f"byte {error.start}") from None


def _unreadable(code: str, at: str) -> Unreadable:
    return Unreadable(problems=(Problem(code=code, at=at),))


def _bad_number(digits: str) -> bool:
    if len(digits) > DIGITS:
        return True
    try:
        return not -400 < Decimal(digits).adjusted() < 400
    except InvalidOperation:
        return True


def _deeper_than(value: JsonValue, depth: int) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(depth):
        if not level:
            return False
        level = [child for node in level for child in _children(node) if isinstance(child, (dict, list))]
    return bool(level)


def _children(node: JsonValue) -> Iterator[JsonValue]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node


@dataclass(slots=True)
class _Walk:
    """Where the slow walk stands: the keys seen in each open object, None for an open array."""

    depth: int
    open: list[set[str] | None] = field(default_factory=list)
    key_next: bool = False
    too_deep: bool = False

    def step(self, mark: str) -> str:
        """Move over one token and answer the code of what is wrong with it, or ""."""
        if mark in "{[":
            return self._enter(mark)
        if mark in "}]":
            del self.open[-1:]
        elif mark == ",":
            self.key_next = bool(self.open) and self.open[-1] is not None
        elif mark[0] == '"':
            return self._string(mark)
        elif mark in _CONSTANTS:
            return "json-constant"
        elif mark[0] in "-0123456789" and _bad_number(mark):
            return "json-number"
        return ""

    def _enter(self, mark: str) -> str:
        self.open.append(set() if mark == "{" else None)
        self.key_next = mark == "{"
        if len(self.open) <= self.depth or self.too_deep:
            return ""
        self.too_deep = True
        return "json-depth"

    def _string(self, mark: str) -> str:
        try:
            text: str = json.loads(mark)
        except json.JSONDecodeError:
            return "json-syntax"
        seen = self.open[-1] if self.open and self.key_next else None
        self.key_next = False
        if _ODD_CHARACTER.search(text):
            return "json-character"
        if seen is None:
            return ""
        repeated = text in seen
        seen.add(text)
        return "json-duplicate-key" if repeated else ""


def _faults(text: str, depth: int) -> Iterator[Problem]:
    walk = _Walk(depth)
    for token in _TOKEN.finditer(text):
        code = walk.step(token.group())
        if code:
            yield Problem(code=code, at=_place(text, token.start()), shape=_shown(code, token.group()))


def _shown(code: str, token: str) -> str:
    return shape(token.strip('"')) if code in ("json-duplicate-key", "json-number") else ""


def _place(text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    return f"line {line}, column {offset - text.rfind(chr(10), 0, offset)}"
