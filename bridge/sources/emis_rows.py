"""Rows of one CSV table (RFC 4180), as a stream: lists of text, or a problem in the place of a row.

The file is read in bytes, line by line, and each line is decoded by itself, so that bytes that are no UTF-8
cost one row and not the table. A row with another number of columns than the header is never looked into: in
shifted columns one person's details stand under another name. A stray quotation mark costs its own line:
the rows it seems to quote are read again line by line, else they would be lost. Only a record larger than
RECORD_LIMIT ends the table early, because what follows inside an endless quoted text could pass for rows;
`broken` then says so.
"""

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeAlias

from bridge.errors import Problem, shape
from bridge.sources.emis_tables import ALWAYS_IGNORED, Table, folded

RECORD_LIMIT = 1 << 20  # bytes of one record; the longest column published is 8,000 characters
NOT_SAID = frozenset({"false", "FALSE", "False", ""})  # how a flag that is not set is written

Row: TypeAlias = "list[str] | Problem"

_BOM = b"\xef\xbb\xbf"
_GUID = re.compile(r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?", re.ASCII)
_FLAG = frozenset({"true", "false", ""})
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_NO_GUID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where each column we know stands, by its name of version 8, and how many columns there are."""

    at: dict[str, int]
    width: int


class _TooLarge(Exception):
    pass


class _Lines:
    """Decoded lines of a file, and what was wrong with those of the current record."""

    __slots__ = ("_again", "_file", "_record", "bytes_read", "ended", "trouble", "used")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._record: list[tuple[str, str]] = []  # lines of the current record, each with its trouble
        self._again: list[tuple[str, str]] = []  # lines to be given once more, the next one last
        self.bytes_read = 0
        self.ended = True  # the last line with a line end
        self.used = 0  # bytes of the current record
        self.trouble = ""

    def begin(self) -> None:
        """The next line is the first of a record."""
        self._record.clear()
        self.used, self.trouble = 0, ""

    def again(self) -> None:
        """Give the lines of the current record once more, but for its first."""
        self._again += reversed(self._record[1:])

    def __iter__(self) -> Iterator[str]:
        for text, trouble in self._each():
            self._record.append((text, trouble))
            self.trouble = self.trouble or trouble
            yield text

    def _each(self) -> Iterator[tuple[str, str]]:
        read = self._file.readline
        while True:
            while self._again:
                yield self._again.pop()
            raw = read(RECORD_LIMIT)
            if not raw:
                return
            self.used += len(raw)
            if self.used > RECORD_LIMIT or (len(raw) == RECORD_LIMIT and raw[-1:] != b"\n"):
                raise _TooLarge
            self.bytes_read += len(raw)
            self.ended = raw[-1:] == b"\n"
            if self.bytes_read == len(raw):
                raw = raw.removeprefix(_BOM)
            trouble = "emis-row-nul" if b"\0" in raw else ""
            try:
                yield raw.decode(), trouble
            except UnicodeDecodeError:
                yield raw.decode(errors="replace"), "emis-row-bytes"


class Rows:
    """An open table. `row` counts the data rows given so far, blank lines not among them.

    Places are told as a spreadsheet shows them: the header is row 1.
    """

    __slots__ = ("_header", "_lines", "_path", "_table", "broken", "row")

    def __init__(self, path: Path, table: Table, header: Header) -> None:
        self._path = path
        self._table = table
        self._header = header
        self._lines: _Lines | None = None
        self.row = 0
        self.broken = False

    @property
    def bytes_read(self) -> int:
        """How far into the file."""
        return 0 if self._lines is None else self._lines.bytes_read

    @property
    def cut(self) -> bool:
        """Whether the file, once read, ends within a line: EMIS ends each, so rows after it are missing."""
        return self._lines is not None and not self._lines.ended

    def after(self, row: int) -> Iterator[Row]:
        """Every row after the first `row`, in order."""
        return islice(self, row, None)

    def __iter__(self) -> Iterator[Row]:
        with _open(self._path) as file:
            lines = self._lines = _Lines(file)
            records = _records(lines)
            next(records, None)  # the header, checked before
            width = self._header.width
            for record in records:
                self.row += 1
                if lines.trouble:
                    yield self._problem(lines.trouble)
                elif isinstance(record, str):
                    self.broken = record == "emis-row-too-large"
                    yield self._problem(record)
                elif len(record) != width:
                    yield self._problem("emis-row-columns")
                else:
                    yield record

    def _problem(self, code: str) -> Problem:
        return Problem(code=code, at=f"{self._table.name} row {self.row + 1}")


def _records(lines: _Lines) -> Iterator[list[str] | str]:
    """Records that are not blank lines, or the code of what was wrong with one."""
    csv.field_size_limit(RECORD_LIMIT)  # a setting of the process; the record's own limit is met first
    reader = csv.reader(lines, strict=True)
    while True:
        lines.begin()
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines.again()
            reader = csv.reader(lines, strict=True)  # the one before may be at the end of the file
            yield "emis-row-syntax"
            continue
        except _TooLarge:
            yield "emis-row-too-large"
            return
        if record:
            yield record


def _open(path: Path) -> BinaryIO:
    """Open for reading; a link put in the file's place meanwhile is not followed."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=1 << 18)


def header_of(path: Path, table: Table) -> tuple[Header, list[Problem], list[Problem]]:
    """The header of a table, what forbids reading it, and what is odd about it.

    A column we do not know is told by its place alone: its name is data.
    """
    with _open(path) as file:
        lines = _Lines(file)
        record = next(_records(lines), "emis-column-missing")
    if isinstance(record, str) or lines.trouble:
        return Header(at={}, width=0), [Problem(code="emis-header", at=table.name)], []
    known = {folded(column): column for column in table.columns}
    at: dict[str, int] = {}
    wrong, odd = [], []
    for n, name in enumerate(record):
        column = known.get(folded(name))
        if column in at:
            wrong.append(Problem(code="emis-column-twice", at=f"{table.name} column {n + 1}"))
        elif column is not None:
            at[column] = n
        elif folded(name) not in ALWAYS_IGNORED:
            odd.append(
                Problem(code="emis-column-unknown", at=f"{table.name} column {n + 1} of {len(record)}")
            )
    wrong += [
        Problem(code="emis-column-missing", at=f"{table.name}.{column}")
        for column in table.needed
        if column not in at
    ]
    return Header(at=at, width=len(record)), wrong, odd


def guid(text: str) -> str:
    """A GUID in one spelling, upper case without braces; "" for none and for the all-zero one."""
    plain = text.strip().strip("{}").upper()
    return "" if plain == _NO_GUID else plain


def values_of(record: list[str], row: int, table: Table, header: Header) -> dict[str, str] | Problem:
    """The columns that hold something, by name, GUIDs in one spelling; or why the row is not what it seems.

    `row` is the number of the data row.
    This is the second net under the column count: a key that is no GUID or a flag that is no boolean means
    that the columns are not where the header says.
    """
    values = {name: text for name, n in header.at.items() if (text := record[n].strip())}
    wrong = next(_misplaced(values, table), None)
    if wrong is not None:
        place = f"{table.name} row {row + 1}, {wrong}"
        return Problem(code="emis-row-value", at=place, shape=shape(values.get(wrong, "")))
    for name in (*table.key, *table.guids):
        if name in values:
            values[name] = guid(values[name])
    return values


def _misplaced(values: dict[str, str], table: Table) -> Iterator[str]:
    for name in table.key:
        if not _GUID.fullmatch(values.get(name, "")):
            yield name
    for name in table.guids:
        if name in values and not _GUID.fullmatch(values[name]):
            yield name
    for name in table.flags:
        if values.get(name, "").casefold() not in _FLAG:
            yield name
    if not _NUMBER.fullmatch(values.get("ProcessingId", "0")):
        yield "ProcessingId"
