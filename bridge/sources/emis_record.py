"""The joined record: an Observation, its referral half, patient, practice, people and code, by plain paths.

`Observation.AssociatedText` is a column of a joined row (see `ALIASES`), and `Joined.AuthoredOn` is what only
several columns together say. Practice, Author and Target are all rows of Admin_Organisation.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bridge.domain import dates
from bridge.domain.dates import Said
from bridge.domain.identifiers import OdsCode
from bridge.errors import Problem, shape
from bridge.sources.emis_tables import CODING, OBSERVATION, ORGANISATION, PATIENT, REFERRAL, USER, Table
from bridge.sources.record import Found
from bridge.store.held import Fields

EmisPath = tuple[str, str]

ALIASES: dict[str, Table] = {
    "Observation": OBSERVATION,
    "Referral": REFERRAL,
    "Patient": PATIENT,
    "Practice": ORGANISATION,
    "Author": ORGANISATION,  # of the clinician who made the entry
    "Target": ORGANISATION,  # whom the referral names
    "Clinician": USER,
    "Code": CODING,
}

# What is said by several columns together, and which they are.
JOINED: dict[str, tuple[str, ...]] = {
    "Kind": (),
    "Shape": (),
    "ExtractedAt": (),
    "AuthoredOn": ("Observation.EffectiveDate", "Observation.EffectiveDatePrecision"),
    "RecordedAt": ("Observation.EnteredDate", "Observation.EnteredTime"),
    "GivenNames": ("Patient.GivenName", "Patient.MiddleNames"),
    "AddressLines": ("Patient.HouseNameFlatNumber", "Patient.NumberAndStreet", "Patient.Village"),
    "Registered": ("Patient.Deleted", "Patient.DateOfDeactivation"),
    "ClinicianName": ("Clinician.Title", "Clinician.GivenName", "Clinician.Surname"),
}


def parse_path(text: str) -> EmisPath:
    """Parse `Observation.CodeId` or `Joined.AuthoredOn`; a row's name alone stands for all its columns."""
    alias, _, column = text.partition(".")
    if alias == "Joined":
        known = column in JOINED
    else:
        known = alias in ALIASES and (column in ALIASES[alias].columns or text == alias)
    if not known:
        raise ValueError("not a column of the joined record such as Observation.AssociatedText")
    return alias, column


def emis_day(text: str) -> Said:
    """A FHIR date from yyyy-mm-dd; the days EMIS writes where it has none say nothing."""
    return dates.emis_date(text, "YMD")


def ods_if_one(text: str) -> Said:
    """An ODS code; what practices type where there is none is left out, with a warning."""
    try:
        return Said(text=OdsCode.parse(text).code)
    except ValueError as error:
        return Said(warning=str(error))


def emis_read(text: str) -> Said:
    """A ReadTermId as a Read v2 code: `8T09-1`, the first synonym of `8T09.`; other codes say nothing here.

    EMIS writes Read codes without their dots, and local codes in the same column (see `emis_local`).
    """
    code, _, _ = text.partition("-")
    return Said(text=code.ljust(5, ".")) if _is_read(code) else Said()


def emis_local(text: str) -> Said:
    """A ReadTermId that is a local code: `EMISNQRE582`, `^ESCTRE651604`; Read codes say nothing here."""
    return Said() if _is_read(text.partition("-")[0]) else Said(text=text)


def _is_read(code: str) -> bool:
    return _READ.fullmatch(code) is not None and not code.startswith(_LOCAL)


# ET emis/csv/helpers/EmisCodeHelper.java: the prefixes of local codes, of which no Read code has one.
_LOCAL = ("EMIS", "ESCT", "EGTON", "JHCC", "RAFME")
_READ = re.compile(r"(?=.{1,5}\Z)[A-Za-z0-9]+\.*")
TRANSFORMS: Mapping[str, Callable[[str], str | Said]] = {
    "emis_day": emis_day,
    "ods_if_one": ods_if_one,
    "emis_read": emis_read,
    "emis_local": emis_local,
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class JoinedRecord:
    """Implements `Record`. `parts` are the joined rows by alias, `said` what they say together."""

    position: str
    clock: str
    parts: Mapping[str, Fields]
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def get(self, path: EmisPath) -> list[Found]:
        """The value of one column, or those of a joined name; a row's name alone has no value."""
        alias, column = path
        if alias == "Joined":
            return [Found(value=text, at=f"{alias}.{column}") for text in self.said.get(column, ())]
        row = self.parts.get(alias, {})
        if not column:
            return [Found(value=None, at=alias)] if row else []
        return [Found(value=row[column], at=f"{alias}.{column}")] if column in row else []

    def unused(self, known: Collection[EmisPath]) -> list[str]:
        """Columns of the joined rows that hold something and that no path mentions."""
        return [
            f"{alias}.{column}"
            for alias, row in self.parts.items()
            for column in row
            if (alias, column) not in known and (alias, "") not in known
        ]


def joined(
    parts: Mapping[str, Fields], *, kind: str, shape_is: str, extracted_at: str, position: str, clock: str
) -> JoinedRecord:
    """Put the rows together and say what only several columns together say."""
    warnings: list[Problem] = []
    observation, patient = parts["Observation"], parts.get("Patient", {})
    said = {
        "Kind": kind,
        "Shape": shape_is,
        "ExtractedAt": extracted_at,
        "AuthoredOn": _told(authored_on, observation, "Observation.EffectiveDate", warnings),
        "RecordedAt": _told(recorded_at, observation, "Observation.EnteredDate", warnings),
        "Registered": "true" if is_registered(patient) else "false",
        "ClinicianName": " ".join(_values(parts, "ClinicianName")),
    }
    return JoinedRecord(
        position=position,
        clock=clock,
        parts=parts,
        said={
            **{name: (text,) for name, text in said.items() if text},
            "GivenNames": tuple(_values(parts, "GivenNames")),
            "AddressLines": tuple(_values(parts, "AddressLines")),
        },
        warnings=tuple(warnings),
    )


def authored_on(observation: Fields) -> Said:
    """The clinical date as far as its precision means it."""
    day, _, clock = observation.get("EffectiveDate", "").replace("T", " ").partition(" ")
    return dates.emis_date(day, observation.get("EffectiveDatePrecision", ""), clock)


def recorded_at(observation: Fields) -> Said:
    """When it was typed in: an entry without a time counts from the midnight that begins its day."""
    clock = observation.get("EnteredTime", "") or "00:00:00"
    return dates.emis_date(observation.get("EnteredDate", ""), "YMDT", clock)


def is_registered(patient: Fields) -> bool:
    """With the practice, as far as EMIS says: not fallen out of scope and not deactivated."""
    return not is_set(patient, "Deleted") and not day_of(patient, "DateOfDeactivation")


def is_set(row: Fields, flag: str) -> bool:
    """Whether a checked flag of a row is true."""
    return row.get(flag, "").casefold() == "true"


def day_of(row: Fields, column: str) -> str:
    """The day in a column; a day that cannot be read counts as one, null dates do not."""
    text = row.get(column, "")
    try:
        return emis_day(text.partition(" ")[0]).text
    except ValueError:
        return text


def _told(read: Callable[[Fields], Said], row: Fields, at: str, warnings: list[Problem]) -> str:
    """What a date says; one that cannot be read is left out with a warning."""
    try:
        said = read(row)
    except ValueError as error:
        said = Said(warning=str(error))
    if said.warning:
        warnings.append(Problem(code=said.warning, at=at, shape=shape(row.get(at.partition(".")[2], ""))))
    return said.text


def _values(parts: Mapping[str, Fields], name: str) -> Iterable[str]:
    """What the columns of a joined name hold, inner spaces made single."""
    for place in JOINED[name]:
        alias, column = place.split(".")
        if words := parts.get(alias, {}).get(column, "").split():
            yield " ".join(words)
