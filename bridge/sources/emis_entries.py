"""Entries and their referral halves: does a row refer, can it be told yet, may it be told at all?

Either half may come days before the other, so each is joined to what is held and not only to what is in the
same extract. An entry with a trigger code needs no half; a half alone says nothing.
"""

from dataclasses import replace

from bridge.domain.consents import STANCES
from bridge.domain.referral import EventKind, ReferralKey
from bridge.sources.emis_background import WITHHELD
from bridge.sources.emis_desk import Desk
from bridge.sources.emis_extract import Line
from bridge.sources.emis_record import is_set
from bridge.sources.emis_shelf import HALF, KNOWN, LISTED, PRIVATE, STUCK, WAITING
from bridge.sources.emis_survey import is_gone
from bridge.sources.emis_tables import OBSERVATION, REFERRAL
from bridge.sources.emis_telling import LIVING, Entry, Half, cancel, clock_in, flat, part, tell, tell_person

# Halves


def halves(desk: Desk) -> None:
    """Join each half to its entry, or keep it for the entry to come."""
    for line in desk.chunk.lines:
        owner = line.values["OrganisationGuid"]
        if not desk.is_off(owner):
            _half(desk, line, desk.key_of(owner, line.values["ObservationGuid"]))


def _half(desk: Desk, line: Line, key: ReferralKey) -> None:
    owner, record = key.owner, key.record
    patient = line.values.get("PatientGuid", "")
    if WITHHELD in (desk.patient(owner, patient) or {}):
        desk.counts["half-withheld"] += 1
        return
    half = Half(fields=line.values, clock=desk.clock_of(line.values))
    before = desk.held(KNOWN, owner, record)
    if before is not None and (owner, record) not in desk.survey.coded:
        _join(desk, Entry.of(before, key, line.at), half, Half.of(before))
    elif (owner, record) in desk.survey.watched or (owner, record) in desk.survey.early:
        desk.counts["half-kept"] += 1
        fields = flat("Referral", desk.shelf.only(REFERRAL, half.fields), half.clock)
        fields["Wait.At"] = desk.place(line.at)
        desk.keep(HALF, owner, record, fields, half.clock, also=patient)
    else:
        desk.counts["half-of-no-referral"] += 1


def _join(desk: Desk, entry: Entry, half: Half, earlier: Half) -> None:
    kind, _ = _kind(desk, entry)
    if half.clock < earlier.clock:
        desk.counts["older-row"] += 1
    elif kind is not None:
        tell(desk, entry, half, kind)


# Entries


def entries(desk: Desk) -> None:
    """Work through the Observation rows that matter."""
    lines = [line for line in desk.chunk.lines if not desk.is_off(line.values["OrganisationGuid"])]
    keys = [desk.key_of(line.values["OrganisationGuid"], line.values["ObservationGuid"]) for line in lines]
    desk.prepare(keys)
    for line, key in zip(lines, keys, strict=True):
        entry = Entry(key=key, fields=line.values, clock=desk.clock_of(line.values), at=line.at)
        if not is_set(line.values, "Deleted"):
            _present(desk, entry)
        elif (key.owner, key.record) in desk.survey.watched or desk.last_kind(key):
            _deleted(desk, entry)
        else:
            desk.counts["deleted-unknown"] += 1


def waiting(desk: Desk) -> None:
    """Look again at what waited before this extract, and at entries that nothing came of yet.

    The missing row, or a corrected one, may be in this extract; the entry itself is not sent again for it.
    """
    keys = [
        desk.key_of(line.values["OrganisationGuid"], line.values["ObservationGuid"])
        for line in desk.chunk.lines
        if line.values["OrganisationGuid"] not in desk.survey.off
    ]
    desk.prepare(keys)
    waited, known = desk.survey.known.waiting, desk.survey.known.entries
    for key in keys:
        row = desk.held(WAITING, key.owner, key.record) if (key.owner, key.record) in waited else None
        if row is not None:
            _present(desk, Entry.of(row, key, row.fields["Wait.At"]))
        elif not desk.last_kind(key) or ((entry := known.get((key.owner, key.record))) and entry.stuck):
            _look_again(desk, key)


def _look_again(desk: Desk, key: ReferralKey) -> None:
    """At an entry of which nothing came, or whose last change could not be told."""
    row = desk.held(KNOWN, key.owner, key.record)
    if row is None:
        return
    entry = Entry.of(row, key, row.fields["Told.At"])
    if not desk.last_kind(key) or (STUCK in row.fields and _kind(desk, entry)[0] is not None):
        _present(desk, entry)


def _present(desk: Desk, entry: Entry) -> None:
    """An entry that stands in the record."""
    owner, record = entry.key.owner, entry.key.record
    before = desk.held(KNOWN, owner, record)
    if before is not None and clock_in(before, "Observation") > entry.clock:
        desk.counts["older-row"] += 1
        return
    reason = _withheld(desk, entry)
    if reason:
        desk.counts[reason] += 1
        desk.withhold(entry.key, entry.at)
        return
    kind, missing = _kind(desk, entry)
    if missing:
        _wait(desk, entry, missing)
    elif kind is None:
        _refers_no_more(desk, entry)
    else:
        tell(desk, entry, Half.of(desk.held(HALF, owner, record) or before), kind)


def _withheld(desk: Desk, entry: Entry) -> str:
    """Why nothing of this entry may be kept; "" when it may."""
    if is_set(entry.fields, "IsConfidential"):
        return "confidential-entry"
    if desk.held(PRIVATE, entry.key.owner, entry.fields.get("ConsultationGuid", "")):
        return "confidential-consultation"
    return (desk.patient(entry.key.owner, entry.patient) or {}).get(WITHHELD, "")


def _kind(desk: Desk, entry: Entry) -> tuple[EventKind | None, str]:
    """What it says at this practice, or which row must come before that is known."""
    used = entry.fields.get("CodeId", "")
    code = desk.survey.coding.get(used)
    if code is None:
        return None, "emis-code-unknown" if used in desk.survey.unknown else ""
    if desk.organisation(entry.key.owner) is None:
        return None, "emis-practice-unknown"
    kind = desk.context.kind_of(code["SnomedCTConceptId"], desk.ods_of(entry.key.owner))
    if kind is not None and desk.patient(entry.key.owner, entry.patient) is None:
        return None, "emis-patient-unknown"
    return kind, ""


def _wait(desk: Desk, entry: Entry, missing: str) -> None:
    """Hold it until the missing row comes, or until its time is over and it is listed."""
    desk.counts[f"waiting: {missing}"] += 1
    owner, record = entry.key.owner, entry.key.record
    fields = flat("Observation", desk.shelf.only(OBSERVATION, entry.fields), entry.clock)
    fields |= {"Wait.For": missing, "Wait.At": desk.place(entry.at)}
    before = desk.held(WAITING, owner, record)
    if before is not None:
        fields |= {name: text for name, text in before.fields.items() if name == LISTED}
    row = desk.shelf.row(WAITING, owner, record, fields, entry.clock, also=entry.patient)
    desk.put([row if before is None else replace(row, until=before.until)])


def _refers_no_more(desk: Desk, entry: Entry) -> None:
    """No code of interest: news only where there was one before."""
    key = entry.key
    last = desk.last_kind(key)
    desk.forget_entry(key.owner, key.record)
    if last in LIVING or last in STANCES:
        desk.counts["recoded"] += 1
        cancel(desk, entry)
    elif last == EventKind.DECLINED:
        tell_person(desk, key, entry.at, "emis-decline-removed")
    else:
        desk.counts["no-referral"] += 1


def _deleted(desk: Desk, entry: Entry) -> None:
    """A deleted row may hold its keys alone: what it was is what is held and what was said before."""
    key = entry.key
    before, last = desk.held(KNOWN, key.owner, key.record), desk.last_kind(key)
    if before is not None and clock_in(before, "Observation") > entry.clock:
        desk.counts["older-row"] += 1
        return
    desk.forget_entry(key.owner, key.record)
    if last == EventKind.CANCELLED or not (before or last):
        desk.counts["deleted-again" if last else "deleted-before-it-was-told"] += 1
        return
    said = {} if before is None else part(before, "Observation")
    patient = desk.patient(key.owner, entry.patient or said.get("PatientGuid", ""))
    if patient is None:
        tell_person(desk, key, entry.at, "emis-delete-unsure")
    elif WITHHELD in patient or is_gone(patient):
        desk.counts["out-of-scope"] += 1
    elif last == EventKind.DECLINED:
        tell_person(desk, key, entry.at, "emis-decline-removed")
    else:
        desk.counts["deleted"] += 1
        cancel(desk, entry)
