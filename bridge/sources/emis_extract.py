"""An extract as a stream of chunks: a bounded number of rows that matter, and how far the files were read.

The caller commits what a chunk did together with its resume point (`table`, `row`), so that nothing is lost
or done twice when the process dies between two chunks. Memory does not grow with the extract.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bridge.errors import Problem, Unreadable
from bridge.sources.emis_files import Batch, TableFile, cut_off, open_batch
from bridge.sources.emis_known import Context, Known
from bridge.sources.emis_rows import NOT_SAID, Rows, guid, values_of
from bridge.sources.emis_survey import Survey, survey
from bridge.sources.emis_tables import CODING, CONSULTATION, IN_ORDER, OBSERVATION, REFERRAL
from bridge.store.held import Fields

# Rows that matter in one chunk: nobody else writes while it is taken, and an entry costs what a message does.
ROWS, ENTRIES = 200, 25
SPAN = 100_000  # rows read in one chunk, so that the resume point moves on
WAITING_ROWS = "waiting"  # the last "table": what earlier extracts left unfinished
START = ("", 0)

Wanted = Callable[[list[str]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row that matters: its place for people, and the columns that hold something."""

    at: str
    values: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some rows of one table; (`table`, `row`) is where to go on once their effects are committed.

    `bytes_read` counts from the beginning of the extract. `problems` are rows that could not be read.
    """

    table: str
    row: int
    bytes_read: int
    stamp: str
    extracted_at: datetime
    survey: Survey
    lines: tuple[Line, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A complete batch with good headers. `extracted_at` (aware) is the cut-off; `size` is in bytes."""

    batch: Batch

    @property
    def id(self) -> str:
        """A hash over the names of its files: the same for the same extract."""
        return self.batch.id

    @property
    def agreement(self) -> str:
        """The GUID of the sharing agreement it comes under; extracts of one agreement follow each other."""
        return self.batch.agreement

    @property
    def extracted_at(self) -> datetime:
        """Up to when it knows: the London midnight that begins the date in the file names."""
        return cut_off(self.batch.stamp)

    @property
    def size(self) -> int:
        """Bytes of the tables that are read."""
        return self.batch.size

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is odd about names and headers."""
        return self.batch.warnings

    def prescan(self, known: Known, context: Context) -> Survey:
        """Read everything once without effect (see `emis_survey`).

        Unreadable when a table cannot be read to its end, Unacceptable when the coding table is not whole.
        """
        return survey(self.batch, known, context)

    def chunks(self, found: Survey, resume: tuple[str, int] = START) -> Iterator[Chunk]:
        """What follows the resume point, in the order of the tables."""
        tables = [table.name for table in IN_ORDER]
        table, row = resume
        first = len(tables) if table == WAITING_ROWS else tables.index(table or tables[0])
        done = sum(self.batch.files[name].size for name in tables[:first])
        for name in tables[first:]:
            file = self.batch.files[name]
            yield from self._table(file, found, row if name == table else 0, done)
            done += file.size
        yield from self._waiting(found)

    def _table(self, file: TableFile, found: Survey, start: int, done: int) -> Iterator[Chunk]:
        rows = file.rows()
        lines: list[Line] = []
        problems: list[Problem] = []
        last = start
        most = ENTRIES if file.table in (REFERRAL, OBSERVATION) else ROWS
        for row in _matching(rows, start, _wanted(file, found), file):
            if isinstance(row, Line):
                lines.append(row)
            elif isinstance(row, Problem):
                problems.append(row)
            if row is None or len(lines) + len(problems) >= most:
                yield self._chunk(file, rows, found, done, lines, problems)
                lines, problems, last = [], [], rows.row
        if rows.broken:
            raise Unreadable(problems=tuple(problems))
        if lines or problems or rows.row > last:
            yield self._chunk(file, rows, found, done, lines, problems)

    def _chunk(
        self,
        file: TableFile,
        rows: Rows,
        found: Survey,
        done: int,
        lines: list[Line],
        problems: list[Problem],
    ) -> Chunk:
        return Chunk(
            table=file.table.name,
            row=rows.row,
            bytes_read=done + rows.bytes_read,
            stamp=self.batch.stamp,
            extracted_at=self.extracted_at,
            survey=found,
            lines=tuple(lines),
            problems=tuple(problems),
        )

    def _waiting(self, found: Survey) -> Iterator[Chunk]:
        """What was known before this extract is looked at again; from the start after a restart."""
        waiting = [
            Line(at="", values={"ObservationGuid": key, "OrganisationGuid": owner})
            for owner, key in (*found.known.waiting, *found.known.entries)
        ]
        for start in range(0, len(waiting), ROWS):
            yield Chunk(
                table=WAITING_ROWS,
                row=0,
                bytes_read=self.size,
                stamp=self.batch.stamp,
                extracted_at=self.extracted_at,
                survey=found,
                lines=tuple(waiting[start : start + ROWS]),
            )


def open_extract(folder: Path, *, after: datetime | None = None) -> Extract:
    """Open the one extract in a folder, raising as `open_batch`; `after` is the cut-off of the last one."""
    return Extract(batch=open_batch(folder, after=after))


def _matching(rows: Rows, start: int, wanted: Wanted, file: TableFile) -> Iterator[Line | Problem | None]:
    """Rows that matter and rows that cannot be read; None where a long stretch held neither."""
    pause = start + SPAN
    for row in rows.after(start):
        if isinstance(row, Problem):
            yield row
        elif wanted(row):
            values = values_of(row, rows.row, file.table, file.header)
            if isinstance(values, Problem):
                yield values
            else:
                yield Line(at=f"{file.table.name} row {rows.row + 1}", values=values)
        if rows.row >= pause:
            pause += SPAN
            yield None


def _wanted(file: TableFile, found: Survey) -> Wanted:
    """Which rows of a table matter; every row of organisations, staff and patients does."""
    at = file.header.at
    match file.table.name:
        case CODING.name:
            return _coding(at, found)
        case CONSULTATION.name:
            return _consultations(at, found)
        case REFERRAL.name:
            return _referrals(at, found)
        case OBSERVATION.name:
            return _observations(at, found)
    return lambda _row: True


# A key that is no GUID matters too: the row is then told to be not what it seems.
_GUID_LENGTHS = (36, 38)


def _coding(at: dict[str, int], found: Survey) -> Wanted:
    code = at["CodeId"]
    return lambda row: row[code] in found.coding


def _consultations(at: dict[str, int], found: Survey) -> Wanted:
    key, flag = at["ConsultationGuid"], at["IsConfidential"]
    private = found.known.private

    def wanted(row: list[str]) -> bool:
        if row[flag] not in NOT_SAID or len(row[key]) not in _GUID_LENGTHS:
            return True
        return bool(private) and guid(row[key]) in private

    return wanted


def _referrals(at: dict[str, int], found: Survey) -> Wanted:
    key = at["ObservationGuid"]
    ours = {record for _, record in found.watched | found.early}
    return lambda row: guid(row[key]) in ours or len(row[key]) not in _GUID_LENGTHS


def _observations(at: dict[str, int], found: Survey) -> Wanted:
    key, code, deleted = at["ObservationGuid"], at["CodeId"], at["Deleted"]
    meant, watched = found.coding.keys() | found.unknown, {record for _, record in found.watched}

    def wanted(row: list[str]) -> bool:
        own = row[key]
        if row[code] in meant or row[deleted] not in NOT_SAID or len(own) not in _GUID_LENGTHS:
            return True
        return own.strip("{}").upper() in watched

    return wanted
