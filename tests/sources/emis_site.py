"""A practice for tests of the EMIS source: rows with obvious values, extracts of them, and how they are read.

Everyone is synthetic. Keys are told by short names: `guid("Bea")` is always the same GUID.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bridge.errors import Problem
from bridge.simulators import emis_coding
from bridge.simulators.emis_tables import Batch, Extract, Version, guid
from bridge.sources import Reading, load
from bridge.sources.emis import (
    START,
    Chunk,
    Context,
    PersonFacts,
    Survey,
    Taken,
    known_of,
    open_extract,
    take,
    would_cancel,
)
from bridge.sources.mapping import Mapping as FieldMapping
from bridge.store import Store, Tx
from bridge.store.keys import Key, put_key

ROOT = Path(__file__).resolve().parents[2]
MAPPING = load(ROOT / "mappings" / "sources")["emis"].mapping

Row = tuple[str, dict[str, str]]

PRACTICE, ELSEWHERE, PROVIDER = guid("practice"), guid("elsewhere"), guid("provider")
GP, OTHER_GP = guid("gp"), guid("other gp")
AGREEMENT = guid("agreement")[1:-1]
SOCIAL = emis_coding.SOCIAL
LONELY = emis_coding.ORDINARY[0]


def key(name: str) -> str:
    """A GUID as the bridge keeps it."""
    return guid(name)[1:-1]


def patient(name: str = "Bea", **changes: str) -> Row:
    values = {
        "PatientGuid": guid(name),
        "OrganisationGuid": PRACTICE,
        "Sex": "F",
        "DateOfBirth": "1948-05-17",
        "Title": "Mrs",
        "GivenName": name,
        "MiddleNames": "Ann",
        "Surname": "Testperson",
        "DateOfRegistration": "2001-02-03",
        "NhsNumber": "9990000018",
        "PatientTypeDescription": "  Regular",
        "HouseNameFlatNumber": "Rose Cottage",
        "NumberAndStreet": "1 Mill View",
        "Town": "Mockford",
        "Postcode": "ZZ99 1AB",
        "DummyType": "false",
        "Deleted": "false",
        "SpineSensitive": "false",
        "IsConfidential": "false",
        "MobilePhone": "07700 900123",
    }
    return "Admin_Patient", values | changes


def observation(name: str = "entry", of: str = "Bea", code: str = "referral", **changes: str) -> Row:
    values = {
        "ObservationGuid": guid(name),
        "PatientGuid": guid(of),
        "OrganisationGuid": PRACTICE,
        "EffectiveDate": "2026-03-01",
        "EffectiveDatePrecision": "YMD",
        "EnteredDate": "2026-03-01",
        "EnteredTime": "10:15:00",
        "ClinicianUserInRoleGuid": GP,
        "EnteredByUserInRoleGuid": GP,
        "CodeId": SOCIAL[code].code_id if code in SOCIAL else code,
        "ObservationType": "Referral",
        "AssociatedText": "Lives alone, would like company",
        "Deleted": "false",
        "IsConfidential": "false",
    }
    return "CareRecord_Observation", values | changes


def deleted(name: str = "entry", **changes: str) -> Row:
    """A deleted Observation that holds its keys alone."""
    keys = {"ObservationGuid": guid(name), "OrganisationGuid": PRACTICE, "Deleted": "true"}
    return "CareRecord_Observation", keys | changes


def half(name: str = "entry", of: str = "Bea", **changes: str) -> Row:
    values = {
        "ObservationGuid": guid(name),
        "PatientGuid": guid(of),
        "OrganisationGuid": PRACTICE,
        "ReferralTargetOrganisationGuid": PROVIDER,
        "ReferralUrgency": "Routine",
        "ReferralServiceType": "Community Care",
        "ReferralMode": "Written",
        "TransportRequired": "None Required",
    }
    return "CareRecord_ObservationReferral", values | changes


def consultation(name: str = "visit", of: str = "Bea", **changes: str) -> Row:
    values = {
        "ConsultationGuid": guid(name),
        "PatientGuid": guid(of),
        "OrganisationGuid": PRACTICE,
        "Deleted": "false",
        "IsConfidential": "false",
    }
    return "CareRecord_Consultation", values | changes


def agreement(**changes: str) -> Row:
    values = {"OrganisationGuid": PRACTICE, "IsActivated": "true", "Disabled": "false", "Deleted": "false"}
    return "Agreements_SharingOrganisation", values | changes


def organisation(which: str, name: str, ods: str) -> Row:
    values = {"OrganisationGuid": which, "OrganisationName": name, "ODSCode": ods, "CDB": "90001"}
    return "Admin_Organisation", values


def user(which: str, of: str, surname: str) -> Row:
    values = {
        "UserInRoleGuid": which,
        "OrganisationGuid": of,
        "Title": "Dr",
        "GivenName": " Ada ",
        "Surname": surname,
        "JobCategoryCode": "R0260",
        "JobCategoryName": "General Medical Practitioner",
        "ContractStartDate": "1899-12-31",
    }
    return "Admin_UserInRole", values


PLACES = (
    organisation(PRACTICE, "Mockford Surgery", "ZZ9901"),
    organisation(ELSEWHERE, "Upper Fixture Medical Centre", "ZZ9902"),
    organisation(PROVIDER, "Mockford Community Connectors", ""),
)
STAFF = (user(GP, PRACTICE, "Lindqvist"), user(OTHER_GP, ELSEWHERE, "Farrant"))
CODES = tuple(("Coding_ClinicalCode", c.row()) for c in (*SOCIAL.values(), *emis_coding.ORDINARY))
BACKGROUND: tuple[Row, ...] = (agreement(), *PLACES, *STAFF, *CODES)


def write(
    folder: Path,
    *rows: Row,
    day: int = 2,
    background: Iterable[Row] = BACKGROUND,
    version: Version = "8.2",
    quote_all: bool = False,
) -> Path:
    """A complete extract of 2026-03-`day`, 02:15, with these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    batch = Batch(number=day, extracted=datetime(2026, 3, day, 2, 15), agreement=AGREEMENT)
    with Extract(folder, batch, version, quote_all=quote_all) as extract:
        for table, values in (*background, *rows):
            extract.row(table, values)
    return folder


def file_of(folder: Path, table: str) -> Path:
    """The file of one table of the extract in a folder."""
    (found,) = folder.glob(f"*_{table}_2*")
    return found


@dataclass
class Came:
    """What came of an extract."""

    survey: Survey
    would_cancel: int
    readings: list[Reading] = field(default_factory=list)
    people: list[PersonFacts] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    resume: tuple[str, int] = START

    @property
    def kinds(self) -> list[str]:
        """The kinds of the events, and the codes of what a person must look at."""
        return [r.event.kind.value if r.event else r.problems[0].code for r in self.readings]


def effects(tx: Tx, chunk: Chunk, mapping: FieldMapping, context: Context, *, remember: bool) -> Taken:
    """A chunk inside one unit, with the keys remembered as the pipeline does of what it does not park."""
    taken = take(tx, chunk, mapping, context)
    for event in (reading.event for reading in taken.readings if reading.event and remember):
        put_key(
            tx,
            Key(
                id=str(event.key.id),
                referral_id=None,
                clock=event.clock,
                content=event.content,
                kind=event.kind.value,
                event_id="event",
            ),
        )
    return taken


async def read(
    store: Store,
    folder: Path,
    *,
    context: Context | None = None,
    mapping: FieldMapping = MAPPING,
    resume: tuple[str, int] = START,
    stop_after: int | None = None,
    remember: bool = True,
) -> Came:
    """Read an extract as its caller does; `stop_after` so many chunks the process dies."""
    context = context or Context()
    extract = open_extract(folder)
    survey = extract.prescan(await store.read(known_of), context)
    came = Came(survey, await store.read(lambda tx: would_cancel(tx, survey)), resume=resume)
    for n, chunk in enumerate(extract.chunks(survey, resume), 1):
        taken = await store.run(
            lambda tx, chunk=chunk: effects(tx, chunk, mapping, context, remember=remember)
        )
        came.readings += taken.readings
        came.people += taken.people
        came.counts.update(taken.counts)
        came.problems += (*chunk.problems, *taken.problems)
        came.resume = (chunk.table, chunk.row)
        if n == stop_after:
            break
    return came


def by_code(rows: Mapping[str, int]) -> dict[str, int]:
    """Tallies without zeros, in order."""
    return {name: n for name, n in sorted(rows.items()) if n}
