"""The files of one EMIS extract: are they all there, of one moment, and do their headers say what we need?

    {processing ids}_{Schema}_{Table}_{yyyyMMddHHmmss}_{sharing agreement}.csv

(file name grammar: endeavourhealth/SFTPReader, implementations/emis, commit 61099b5). Tables are told apart
by their whole name: CareRecord_Observation is also the beginning of CareRecord_ObservationReferral. Nothing
is parsed before every name and every header of the batch has been checked.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bridge.domain.dates import LONDON
from bridge.errors import Problem, Unacceptable, Unreadable, shape
from bridge.sources.emis_rows import Header, Rows, header_of
from bridge.sources.emis_tables import IN_ORDER, TABLES, Need, Table

_NAME = re.compile(
    r"(?P<ids>\d{1,19}(?:-\d{1,19})?)_(?P<table>[A-Za-z]{1,40}_[A-Za-z]{1,60})_(?P<stamp>\d{14})"
    r"_(?P<agreement>\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?)\.csv(?P<sealed>\.gpg)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """A file name of an extract, read."""

    table: str
    stamp: str  # yyyyMMddHHmmss, London wall clock
    agreement: str
    encrypted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """One table of the extract with its checked header; `size` in bytes."""

    table: Table
    path: Path
    size: int
    header: Header

    def rows(self) -> Rows:
        """Open the file anew at its first row."""
        return Rows(self.path, self.table, self.header)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A complete extract. `files` are the tables we read, by name; `size` is theirs, in bytes."""

    id: str  # hash over the names of its files
    stamp: str
    agreement: str
    files: dict[str, TableFile]
    warnings: tuple[Problem, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the tables that are taken in order."""
        return sum(self.files[table.name].size for table in IN_ORDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Files of one extract in a drop folder where several may lie; `missing` are tables still to come."""

    stamp: str
    agreement: str
    files: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    names: dict[str, FileName] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def read_name(name: str) -> FileName | None:
    """The parts of a file name; None when it is not of the grammar or its time cannot be."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        moment_of(match["stamp"])
    except ValueError:
        return None
    return FileName(
        table=match["table"],
        stamp=match["stamp"],
        agreement=match["agreement"].strip("{}").upper(),
        encrypted=match["sealed"] is not None,
    )


def moment_of(stamp: str) -> datetime:
    """The naive London wall clock reading of a file name's time."""
    return datetime.strptime(stamp, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the zone is given where it is used


def cut_off(stamp: str) -> datetime:
    """What an extract knows ends at the midnight that begins its date, in London (EmisBatchSequencer)."""
    day = moment_of(stamp).replace(hour=0, minute=0, second=0)
    return day.replace(tzinfo=LONDON)


def open_batch(folder: Path, *, after: datetime | None = None) -> Batch:
    """Check names and headers of the one extract in `folder`.

    Unreadable when the folder cannot be read; Unacceptable when the batch is not whole, not of one moment,
    encrypted, lacks a needed column, or its cut-off lies before `after`, that of the last one done.
    """
    found = _listed(folder)
    _check_together(found)
    _check_complete(found)
    if found.problems:
        raise Unacceptable(problems=tuple(found.problems))
    first = next(iter(found.names.values()))
    stamp = first.stamp
    if after is not None and cut_off(stamp) < after:
        raise Unacceptable(problems=(Problem(code="emis-batch-old"),))
    files = _opened(folder, found)
    names = "\n".join(sorted(found.names))
    return Batch(
        id=hashlib.sha256(names.encode()).hexdigest(),
        stamp=stamp,
        agreement=first.agreement,
        files=files,
        warnings=tuple(found.warnings),
    )


def extracts_in(folder: Path) -> list[Dropped]:
    """The extracts in a drop folder, oldest first; Unreadable when the folder cannot be read."""
    names: dict[tuple[str, str], list[FileName]] = {}
    files: dict[tuple[str, str], list[str]] = {}
    for name, _ in _listing(folder):
        if read := read_name(name):
            names.setdefault((read.stamp, read.agreement), []).append(read)
            files.setdefault((read.stamp, read.agreement), []).append(name)
    return [
        Dropped(
            stamp=key[0],
            agreement=key[1],
            files=tuple(files[key]),
            missing=_missing({read.table for read in names[key]}, Need.NEEDED),
        )
        for key in sorted(names)
    ]


def strays_in(folder: Path) -> list[str]:
    """The files in a drop folder that belong to no extract, by name; Unreadable when it cannot be read."""
    return [name for name, is_file in _listing(folder) if is_file and read_name(name) is None]


def _missing(there: set[str], need: Need) -> tuple[str, ...]:
    return tuple(table.name for table in TABLES.values() if table.need is need and table.name not in there)


def _listing(folder: Path) -> list[tuple[str, bool]]:
    """Names in order, each with whether it is a plain file."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, entry.is_file(follow_symlinks=False)) for entry in entries)
    except OSError:
        raise Unreadable(problems=(Problem(code="emis-folder"),)) from None


def _listed(folder: Path) -> _Found:
    found = _Found()
    for n, (name, is_file) in enumerate(_listing(folder), 1):
        read = read_name(name)
        if read is None:
            found.warnings.append(Problem(code="emis-file-name", at=f"file {n}", shape=shape(name)))
        elif not is_file:
            found.problems.append(Problem(code="emis-file-kind", at=read.table))
        elif read.encrypted:
            found.problems.append(Problem(code="emis-encrypted", at=f"file {n}"))
        else:
            found.names[name] = read
    return found


def _check_together(found: _Found) -> None:
    """One moment, one agreement, one file for each table."""
    names = found.names.values()
    if len({(name.stamp, name.agreement) for name in names}) > 1:
        found.problems.append(Problem(code="emis-batch-mixed"))
    for table, count in Counter(name.table for name in names).items():
        if table not in TABLES:
            found.warnings.append(Problem(code="emis-table-unknown", at=_place(table, found)))
        elif count > 1:
            found.problems.append(Problem(code="emis-table-twice", at=table))


def _place(table: str, found: _Found) -> str:
    """Which file of the sorted listing it is: an unknown table's name is data."""
    return f"file {1 + [name.table for _, name in sorted(found.names.items())].index(table)}"


def _check_complete(found: _Found) -> None:
    there = {name.table for name in found.names.values()}
    for need, told in ((Need.NEEDED, found.problems), (Need.WANTED, found.warnings)):
        told += [Problem(code="emis-table-missing", at=table) for table in _missing(there, need)]


def _opened(folder: Path, found: _Found) -> dict[str, TableFile]:
    """The tables we read, once all their headers are known to be good."""
    files: dict[str, TableFile] = {}
    problems: list[Problem] = []
    for path, table in _used(folder, found.names.items()):
        header, wrong, odd = header_of(path, table)
        problems += wrong
        found.warnings += odd
        files[table.name] = TableFile(table=table, path=path, size=path.stat().st_size, header=header)
    if problems:
        raise Unacceptable(problems=tuple(problems))
    return files


def _used(folder: Path, names: Iterable[tuple[str, FileName]]) -> Iterator[tuple[Path, Table]]:
    for name, read in names:
        table = TABLES.get(read.table)
        if table is not None and table.need is not Need.IGNORED:
            yield folder / name, table
