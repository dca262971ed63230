"""A first pass over a whole extract, before anything is done with it.

Two things must be known before the first row takes effect: that every file can be read to its end, and how
many referrals the extract would cancel, so that a person is asked first when a feed goes wrong. The same pass
finds what makes a row of interest, so that the second pass lays the rest aside unread: the codes that trigger
and who uses them, codes that nobody explains yet, and referral halves that are here before their Observation.

What is held here grows with referrals, not with rows: HALVES and UNKNOWN bound what a strange feed could add.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.domain.codes import spreadsheet_damage
from bridge.errors import Problem, Unacceptable, Unreadable, shape
from bridge.sources.emis_files import Batch, TableFile
from bridge.sources.emis_known import Context, Entry, Known, OwnedKey
from bridge.sources.emis_record import day_of, is_registered, is_set
from bridge.sources.emis_rows import NOT_SAID, Rows, guid, values_of
from bridge.sources.emis_shelf import PERSON, ods_of
from bridge.sources.emis_tables import (
    AGREEMENT,
    CODING,
    CONSULTATION,
    IN_ORDER,
    OBSERVATION,
    PATIENT,
    REFERRAL,
)
from bridge.store import held
from bridge.store.held import Fields
from bridge.store.unit import Tx

HALVES = 200_000  # more rows than this in the referral table is a bulk, in which both halves are there
_NOT_HERE = "-"
_PEOPLES = (PATIENT, CONSULTATION, REFERRAL, OBSERVATION)
UNKNOWN = 1_000  # more unexplained codes than this: the coding table is not the whole one it should be


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What the first pass found.

    `ending` are the known referrals that the extract deletes or gives another code (see `would_cancel`).
    `damaged` counts rows that cannot be read; `problems` do not stop the extract.
    """

    known: Known
    watched: frozenset[OwnedKey]  # everything known or coded: their rows matter whatever they say
    patients: frozenset[OwnedKey]  # of whom entries or halves are held
    in_consultation: Mapping[OwnedKey, tuple[str, ...]]  # ObservationGuids of known entries
    coding: Mapping[str, Fields]  # rows of the concepts of interest, by CodeId
    unknown: frozenset[str]  # CodeIds in use that the coding table does not explain
    coded: frozenset[OwnedKey]  # with a code of interest in this extract
    early: frozenset[OwnedKey]  # halves whose Observation is not here, or of unknown code
    publishers: frozenset[str]  # OrganisationGuids whose rows are here or whose agreement is
    off: frozenset[str]  # OrganisationGuids whose sharing agreement is switched off
    ending: Mapping[OwnedKey, Entry]
    gone: frozenset[OwnedKey]  # of known entries, whom this extract takes out of scope
    rows: Mapping[str, int]
    damaged: int
    problems: tuple[Problem, ...]

    @property
    def empty(self) -> bool:
        """Nobody's rows at all: an outage of the feed, not news."""
        return not any(self.rows[table.name] for table in _PEOPLES)


def would_cancel(tx: Tx, survey: Survey) -> int:
    """How many referrals the extract would cancel; what belongs to people who left or died is not counted."""
    ending = survey.ending.values()
    return sum((e.owner, e.patient) not in survey.gone and not _left(tx, e) for e in ending)


def _left(tx: Tx, entry: Entry) -> bool:
    patient = held.get(tx, PERSON.name, entry.owner, entry.patient) if entry.patient else None
    return patient is not None and is_gone(patient.fields)


def practices_in(tx: Tx, found: Survey) -> tuple[str, ...]:
    """ODS codes of the practices the extract speaks for: their feed is alive, with or without news."""
    return tuple(
        sorted({ods_of(tx, owner) for owner in found.publishers - found.off if not found.empty} - {""})
    )


def is_gone(patient: Fields) -> bool:
    """Out of scope at the practice: left, deactivated or dead. A delete of their rows cancels nothing."""
    return not is_registered(patient) or bool(day_of(patient, "DateOfDeath"))


def survey(batch: Batch, known: Known, context: Context) -> Survey:
    """Read every table once; Unreadable or Unacceptable when nothing of it may be used."""
    scan = _Scan(batch, known, context.concepts())
    scan.agreements()
    scan.codes()
    for table, read in (
        (PATIENT, scan.patients),
        (REFERRAL, scan.referrals),
        (OBSERVATION, scan.observations),
    ):
        read(batch.files[table.name])
    for table in IN_ORDER:
        if table.name not in scan.rows:
            scan.count(batch.files[table.name])
    scan.explain()
    return scan.result()


def _refuse_unfinished(rows: Rows, file: TableFile) -> None:
    """Unreadable when a table that was read has no end of its own."""
    code = "emis-row-too-large" if rows.broken else "emis-file-cut" if rows.cut else ""
    if code:
        raise Unreadable(problems=(Problem(code=code, at=f"{file.table.name} row {rows.row + 1}"),))


class _Scan:
    """The first pass at work."""

    def __init__(self, batch: Batch, known: Known, concepts: frozenset[str]) -> None:
        self._batch = batch
        self._known = known
        self._concepts = concepts
        self._patients = frozenset((entry.owner, entry.patient) for _, entry in known.all_entries())
        self._coding = {
            code: row for code, row in known.coding.items() if row["SnomedCTConceptId"] in concepts
        }
        self._used = {entry.code for entry in known.waiting.values()}
        self._coded: set[OwnedKey] = set()
        self._halves: dict[OwnedKey, str] = {}  # CodeId of the Observation, _NOT_HERE without one
        self._publishers: set[str] = set()
        self._off: set[str] = set()
        self._gone: set[OwnedKey] = set()
        self._deleted: set[OwnedKey] = set()
        self._recoded: dict[OwnedKey, str] = {}
        self._owners: dict[str, str] = {}  # OrganisationGuids as they are written, each in our spelling
        self._problems: list[Problem] = []
        self._damaged = 0
        self._rounded = False  # a code of no interest, told once
        self._row = 0  # of the table that is read
        self.rows: Counter[str] = Counter()

    def _read(self, file: TableFile) -> Iterator[list[str]]:
        rows = file.rows()
        for row in rows:
            self._row = rows.row
            if isinstance(row, Problem):
                self._damaged += 1
            else:
                yield row
        self.rows[file.table.name] = rows.row
        _refuse_unfinished(rows, file)

    def _owner(self, written: str) -> str:
        return self._owners.get(written) or self._owners.setdefault(written, guid(written))

    def count(self, file: TableFile) -> None:
        """Only see that it can be read."""
        for _ in self._read(file):
            pass

    def agreements(self) -> None:
        """Whose agreement is switched off: whatever their rows then say is an outage."""
        file = self._batch.files.get(AGREEMENT.name)
        if file is None:
            return
        rows = file.rows()
        for row in rows:
            values = row if isinstance(row, Problem) else values_of(row, rows.row, AGREEMENT, file.header)
            if isinstance(values, Problem):
                self._problems.append(values)
                continue
            self._publishers.add(values["OrganisationGuid"])
            if is_set(values, "Disabled") or is_set(values, "Deleted"):
                self._off.add(values["OrganisationGuid"])
                at = f"{AGREEMENT.name} row {rows.row + 1}"
                self._problems.append(Problem(code="emis-agreement-off", at=at))
        _refuse_unfinished(rows, file)

    def codes(self) -> None:
        """The coding rows of the concepts of interest; the table is whole in every extract."""
        file = self._batch.files[CODING.name]
        concept, code = file.header.at["SnomedCTConceptId"], file.header.at["CodeId"]
        for row in self._read(file):
            if row[concept] in self._concepts:
                self._coding[row[code]] = {name: row[n] for name, n in file.header.at.items() if row[n]}
                continue
            if row[concept][-1:] == "0" or not row[concept].isdigit():
                self._look_for_damage(row[concept], known=row[code] in self._coding)
            if row[code] in self._coding:
                del self._coding[row[code]]

    def _look_for_damage(self, concept: str, *, known: bool) -> None:
        """A spreadsheet in between turns a trigger into a code of no interest, and so into a cancellation.

        A database writes no exponents; zeros at the end of one code among a million may be somebody's slip.
        """
        damage = spreadsheet_damage(concept)
        if not damage:
            return
        found = Problem(
            code=damage, at=f"{CODING.name} row {self._row + 1}, SnomedCTConceptId", shape=shape(concept)
        )
        if known or "exponent" in damage or any(concept[:6] == each[:6] for each in self._concepts):
            raise Unacceptable(problems=(found,))
        if not self._rounded:
            self._rounded = True
            self._problems.append(found)

    def patients(self, file: TableFile) -> None:
        """Who of those with known entries leaves."""
        at, owner = file.header.at["PatientGuid"], file.header.at["OrganisationGuid"]
        for row in self._read(file):
            key = (self._owner(row[owner]), guid(row[at]))
            if key in self._patients:
                values = {name: row[n] for name, n in file.header.at.items()}
                if is_gone(values):
                    self._gone.add(key)

    def referrals(self, file: TableFile) -> None:
        """Which entries have a referral half here."""
        at, owner = file.header.at["ObservationGuid"], file.header.at["OrganisationGuid"]
        for row in self._read(file):
            if len(self._halves) <= HALVES:
                self._halves[self._owner(row[owner]), guid(row[at])] = _NOT_HERE

    def observations(self, file: TableFile) -> None:
        """Who uses the codes, what is deleted, and which halves have their Observation here."""
        header = file.header.at
        key, code, deleted = header["ObservationGuid"], header["CodeId"], header["Deleted"]
        owner, coding, entries = header["OrganisationGuid"], self._coding, self._known.entries
        bulk, halves = len(self._halves) > HALVES, self._halves
        for row in self._read(file):
            own, used = (self._owner(row[owner]), row[key].strip("{} ").upper()), row[code]
            self._publishers.add(own[0])
            self._used.add(used)
            if own in halves:
                halves[own] = used
            if row[deleted] not in NOT_SAID:
                if own in entries:
                    self._deleted.add(own)
            elif used in coding:
                self._coded.add(own)
            elif own in entries:
                self._recoded[own] = used
        if bulk:
            halves.clear()
            self._problems.append(Problem(code="emis-halves-unpaired", at=REFERRAL.name))

    def explain(self) -> None:
        """Which of the codes in use no coding row explains."""
        self._used -= {"", *self._coding}
        file = self._batch.files[CODING.name]
        code = file.header.at["CodeId"]
        for row in file.rows():
            if not self._used:
                return
            if not isinstance(row, Problem):
                self._used.discard(row[code])
        damaged = {damage for used in self._used if (damage := spreadsheet_damage(used))}
        self._problems += [Problem(code=code, at=f"{OBSERVATION.name}.CodeId") for code in damaged]
        if any("exponent" in code for code in damaged):
            raise Unacceptable(problems=tuple(self._problems[-len(damaged) :]))
        if len(self._used) > UNKNOWN:
            raise Unacceptable(problems=(Problem(code="emis-coding-incomplete", at=CODING.name),))

    def result(self) -> Survey:
        """What was found."""
        if not any(self.rows[table.name] for table in _PEOPLES):
            self._problems.append(Problem(code="emis-extract-empty"))
        recoded = {own for own, used in self._recoded.items() if used not in self._used}
        ending = (self._deleted | recoded) - self._coded
        return Survey(
            known=self._known,
            watched=frozenset(self._coded.union(dict(self._known.all_entries()))),
            patients=self._patients,
            in_consultation=self._in_consultation(),
            coding=self._coding,
            unknown=frozenset(self._used),
            coded=frozenset(self._coded),
            early=frozenset(own for own, used in self._halves.items() if used in self._used | {_NOT_HERE}),
            publishers=frozenset(self._publishers),
            off=frozenset(self._off),
            ending={own: self._known.entries[own] for own in ending if own[0] not in self._off},
            gone=frozenset(self._gone),
            rows=self.rows,
            damaged=self._damaged,
            problems=tuple(self._problems),
        )

    def _in_consultation(self) -> dict[OwnedKey, tuple[str, ...]]:
        found: dict[OwnedKey, tuple[str, ...]] = {}
        for (owner, own), entry in self._known.all_entries():
            if entry.consultation:
                place = (owner, entry.consultation)
                found[place] = (*found.get(place, ()), own)
        return found
