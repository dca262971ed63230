"""Telling what an entry says: everything held is joined to it, the mapping reads it, and it is held in turn.

An entry is an Observation row; a half is its row in ObservationReferral.
"""

from dataclasses import dataclass, replace

from bridge.domain.content import content_hash
from bridge.domain.referral import EventKind, ReferralEvent, ReferralKey, Shape
from bridge.errors import Problem
from bridge.sources.apply import apply
from bridge.sources.emis_desk import Desk
from bridge.sources.emis_record import JoinedRecord, joined
from bridge.sources.emis_shelf import HALF, KNOWN, STUCK, WAITING
from bridge.sources.emis_tables import OBSERVATION, REFERRAL
from bridge.sources.reading import Reading
from bridge.sources.unmapped_codes import remarked
from bridge.store.held import Fields, Row

LIVING = (EventKind.REFERRED, EventKind.CHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """A referral half with its own clock; without fields there is none."""

    fields: Fields
    clock: str

    @classmethod
    def of(cls, row: Row | None) -> "Half":
        """The half that is in a held row, of whichever kind."""
        return (
            cls(fields={}, clock="")
            if row is None
            else cls(fields=part(row, "Referral"), clock=clock_in(row, "Referral"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An Observation row at work; `at` is the place told to people."""

    key: ReferralKey
    fields: Fields
    clock: str
    at: str

    @property
    def patient(self) -> str:
        """The PatientGuid; "" in a deleted row of keys alone."""
        return self.fields.get("PatientGuid", "")

    @classmethod
    def of(cls, row: Row, key: ReferralKey, at: str) -> "Entry":
        """The entry that is in a held row."""
        return cls(key=key, fields=part(row, "Observation"), clock=clock_in(row, "Observation"), at=at)


def flat(alias: str, fields: Fields, clock: str) -> Fields:
    """A row and its clock as part of a held row."""
    return {f"{alias}.{name}": text for name, text in fields.items()} | {f"Clock.{alias}": clock}


def part(row: Row, alias: str) -> Fields:
    """The row that was made part of a held one."""
    prefix = f"{alias}."
    return {name.removeprefix(prefix): text for name, text in row.fields.items() if name.startswith(prefix)}


def clock_in(row: Row, alias: str) -> str:
    """The clock of that part."""
    return row.fields.get(f"Clock.{alias}", "")


def tell(desk: Desk, entry: Entry, half: Half, kind: EventKind) -> None:
    """Make the event of an entry and its half, and hold both for what comes later.

    What nothing came of yet, because a value is wrong or a person has to look, is told again only when it
    says something else: a corrected NHS number is news, the same row once more is not. So is a change that
    could not be told of what was told before.
    """
    last = desk.last_kind(entry.key)
    if kind is EventKind.REFERRED and last in LIVING:
        kind = EventKind.CHANGED
    clock = joined_clock(entry.clock, half.clock)
    record = _joined(desk, entry, half, kind, clock)
    reading = _same_content(remarked(apply(record, desk.mapping, arrived=desk.now)))
    told_as = reading.event.content if reading.event else " ".join(p.code for p in reading.problems)
    before = desk.held(KNOWN, entry.key.owner, entry.key.record)
    _hold(desk, entry, half, clock, {"Told.As": told_as} | ({} if reading.event else {STUCK: "true"}))
    waits = before is not None and (not last or STUCK in before.fields)
    if before is not None and waits and before.fields["Told.As"] == told_as:
        desk.counts["nothing-new"] += 1
    else:
        desk.counts["told"] += 1
        desk.joined.append(record)
        desk.said(entry.key, reading)


def cancel(desk: Desk, entry: Entry) -> None:
    """Say that the record no longer refers."""
    event = ReferralEvent(
        kind=EventKind.CANCELLED,
        key=entry.key,
        clock=joined_clock(entry.clock, ""),
        content=content_hash(EventKind.CANCELLED, entry.key, None),
        position=entry.at,
        extracted_at=desk.chunk.extracted_at,
    )
    desk.said(entry.key, Reading(position=entry.at, event=event, mapping=desk.mapping.label))


def tell_person(desk: Desk, key: ReferralKey, at: str, code: str) -> None:
    """Say nothing of the referral, but that somebody must look."""
    problem = Problem(code=code, at=at)
    desk.said(key, Reading(position=at, problems=(problem,), mapping=desk.mapping.label))


def _hold(desk: Desk, entry: Entry, half: Half, clock: str, told: Fields) -> None:
    owner, record = entry.key.owner, entry.key.record
    fields = flat("Observation", desk.shelf.only(OBSERVATION, entry.fields), entry.clock)
    fields |= flat("Referral", desk.shelf.only(REFERRAL, half.fields), half.clock)
    fields |= told | {"Told.At": desk.place(entry.at)}
    desk.keep(KNOWN, owner, record, fields, clock, also=entry.patient)
    desk.drop(WAITING, owner, record)
    desk.drop(HALF, owner, record)


def _joined(desk: Desk, entry: Entry, half: Half, kind: EventKind, clock: str) -> JoinedRecord:
    owner = entry.key.owner
    clinician = desk.clinician(owner, entry.fields.get("ClinicianUserInRoleGuid", ""))
    parts = {
        "Observation": entry.fields,
        "Referral": half.fields,
        "Code": desk.survey.coding[entry.fields["CodeId"]],
        "Patient": desk.patient(owner, entry.patient) or {},
        "Practice": desk.organisation(owner) or {},
        "Clinician": clinician or {},
        "Author": desk.organisation((clinician or {}).get("OrganisationGuid", "")) or {},
        "Target": desk.organisation(half.fields.get("ReferralTargetOrganisationGuid", "")) or {},
    }
    record = joined(
        parts,
        kind=kind,
        shape_is=Shape.RECORD if half.fields else Shape.CODE,
        extracted_at=desk.chunk.extracted_at.isoformat(),
        position=entry.at,
        clock=clock,
    )
    if clinician is None:
        odd = Problem(code="emis-staff-ambiguous", at="Observation.ClinicianUserInRoleGuid")
        record = replace(record, warnings=(*record.warnings, odd))
    return record


def _same_content(reading: Reading) -> Reading:
    """Whether a row is new or sent again is no part of what it says: a re-bulk hashes as the first time."""
    event = reading.event
    if event is None or event.kind is not EventKind.CHANGED:
        return reading
    content = content_hash(EventKind.REFERRED, event.key, event.referral)
    return replace(reading, event=replace(event, content=content))


def joined_clock(entry: str, half: str) -> str:
    """The newer extract time, then each row's ProcessingId where it came in that extract.

    One row after the other makes it grow, in whichever table: what is said later is never the same version.
    """
    newest = max(entry[:14], half[:14])
    return ".".join([newest, *((row[15:] if row[:14] == newest else "").zfill(19) for row in (entry, half))])
