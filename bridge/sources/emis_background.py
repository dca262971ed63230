"""What entries point at: codes, organisations, staff, patients, confidential consultations. Held, no events.

An extract that a person let through late comes after those that followed it: what an older row says of a
patient or a consultation is then over, and nobody is told of it.

A patient who is confidential, S-flagged or a dummy is counted; of what was held before only a mark stays.
"""

from collections.abc import Iterator

from bridge.domain.identifiers import NhsNumber
from bridge.errors import Problem
from bridge.sources.emis_desk import Desk, PersonFacts
from bridge.sources.emis_extract import Line
from bridge.sources.emis_record import day_of, is_registered, is_set
from bridge.sources.emis_shelf import CODE, LEFT, PERSON, PLACE, PRIVATE, STAFF
from bridge.sources.emis_survey import is_gone
from bridge.sources.emis_tables import CODING, ORGANISATION, PATIENT, USER
from bridge.store import recall
from bridge.store.held import Fields, Row

WITHHELD = "Withheld"  # the mark of a patient of whom nothing else is held; its value is the reason counted

_REASONS = (
    ("DummyType", "dummy-patient"),
    ("SpineSensitive", "s-flag"),
    ("IsConfidential", "confidential-patient"),
)


def codes(desk: Desk) -> None:
    """Keep the coding rows of the concepts of interest: a later extract may lack them."""
    desk.put([_row(desk, line) for line in desk.chunk.lines if line.values.get("CodeId")])


def _row(desk: Desk, line: Line) -> Row:
    fields = desk.shelf.only(CODING, line.values)
    return desk.shelf.row(CODE, "", line.values["CodeId"], fields, desk.clock_of(line.values))


def organisations(desk: Desk) -> None:
    """Keep every organisation; the table only ever adds and changes."""
    desk.put(
        [
            desk.shelf.row(
                PLACE,
                "",
                line.values["OrganisationGuid"],
                desk.shelf.only(ORGANISATION, line.values),
                desk.clock_of(line.values),
            )
            for line in desk.chunk.lines
        ]
    )


def staff(desk: Desk) -> None:
    """Keep every user in role, under their own GUID and that of their organisation."""
    rows = []
    for line in desk.chunk.lines:
        who, where = line.values["UserInRoleGuid"], line.values.get("OrganisationGuid", "")
        fields = desk.shelf.only(USER, line.values)
        rows.append(desk.shelf.row(STAFF, "", f"{who}/{where}", fields, desk.clock_of(line.values), also=who))
    desk.put(rows)


def patients(desk: Desk) -> None:
    """Keep every patient, or the mark of one of whom nothing may be kept."""
    rows = []
    for line in _news(desk):
        values = line.values
        owner = values["OrganisationGuid"]
        reason = next((reason for flag, reason in _REASONS if is_set(values, flag)), "")
        if is_set(values, "Deleted"):
            rows += _left(desk, values)
        elif reason:
            rows.append(_withheld(desk, values, reason))
        else:
            kind = LEFT if is_gone(values) else PERSON
            fields = desk.shelf.only(PATIENT, values)
            rows.append(desk.shelf.row(kind, owner, values["PatientGuid"], fields, desk.clock_of(values)))
            _tell(desk, owner, fields)
    desk.put(rows)
    strangers = {place.owner for place in rows if not desk.ods_of(place.owner)}
    for owner in sorted(strangers):
        at = next(line.at for line in desk.chunk.lines if line.values["OrganisationGuid"] == owner)
        desk.problems.append(Problem(code="emis-practice-unknown", at=at))


def _news(desk: Desk) -> Iterator[Line]:
    """The patient rows that no newer one is held of."""
    lines = [line for line in desk.chunk.lines if not desk.is_off(line.values["OrganisationGuid"])]
    newest: dict[tuple[str, str], str] = {}
    for owner in sorted({line.values["OrganisationGuid"] for line in lines}):
        keys = {line.values["PatientGuid"] for line in lines if line.values["OrganisationGuid"] == owner}
        held = recall.clocks(desk.tx, PERSON.name, owner, keys)
        newest |= {(owner, key): clock for key, clock in held.items()}
    for line in lines:
        place = (line.values["OrganisationGuid"], line.values["PatientGuid"])
        clock = desk.clock_of(line.values)
        if clock < newest.get(place, ""):
            desk.counts["older-row"] += 1
        else:
            newest[place] = clock
            yield line


def _left(desk: Desk, values: Fields) -> list[Row]:
    """Out of scope: a deleted row may hold keys only, so the facts are what was held before.

    The mark of a withheld patient stays: the flag is not in a row of keys.
    """
    owner, key = values["OrganisationGuid"], values["PatientGuid"]
    desk.counts["patient-left"] += 1
    before = desk.patient(owner, key) or {}
    if WITHHELD in before:
        return []
    keys = {"PatientGuid": key, "OrganisationGuid": owner, "Deleted": "true"}
    died = {"DateOfDeath": before["DateOfDeath"]} if "DateOfDeath" in before else {}
    _tell(desk, owner, {**before, **keys})
    return [desk.shelf.row(LEFT, owner, key, keys | died, desk.clock_of(values))]


def _withheld(desk: Desk, values: Fields, reason: str) -> Row:
    owner, key = values["OrganisationGuid"], values["PatientGuid"]
    desk.counts[reason] += 1
    if (owner, key) in desk.survey.patients and desk.forget_entries_of(owner, key):
        desk.counts["forgotten"] += 1
    _tell(desk, owner, {"PatientGuid": key}, withheld=True)
    return desk.shelf.row(PERSON, owner, key, {WITHHELD: reason}, desk.clock_of(values))


def _tell(desk: Desk, owner: str, patient: Fields, *, withheld: bool = False) -> None:
    practice = desk.ods_of(owner)
    if not practice:
        desk.counts["person-of-unknown-practice"] += 1
        return
    desk.people.append(
        PersonFacts(
            local_key=patient["PatientGuid"],
            nhs_number=_number(patient),
            practice=practice,
            registered=is_registered(patient),
            deceased=bool(day_of(patient, "DateOfDeath")),
            known_at=desk.chunk.extracted_at,
            withheld=withheld,
        )
    )


def _number(patient: Fields) -> NhsNumber | None:
    try:
        return NhsNumber.parse(patient.get("NhsNumber", ""))
    except ValueError:
        return None


def consultations(desk: Desk) -> None:
    """Remember which consultations are confidential; what is known of their entries is forgotten."""
    for line in desk.chunk.lines:
        owner, key = line.values["OrganisationGuid"], line.values["ConsultationGuid"]
        if desk.is_off(owner):
            continue
        before = desk.held(PRIVATE, owner, key)
        if before is not None and before.clock > desk.clock_of(line.values):
            desk.counts["older-row"] += 1
        elif is_set(line.values, "IsConfidential"):
            desk.counts["confidential-consultation-marked"] += 1
            desk.keep(PRIVATE, owner, key, {}, desk.clock_of(line.values))
            _forget_entries_in(desk, line, owner, key)
        elif not is_set(line.values, "Deleted"):
            desk.drop(PRIVATE, owner, key)


def _forget_entries_in(desk: Desk, line: Line, owner: str, consultation: str) -> None:
    for record in desk.survey.in_consultation.get((owner, consultation), ()):
        desk.withhold(desk.key_of(owner, record), line.at)
