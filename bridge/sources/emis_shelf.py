"""What is kept of EMIS rows between extracts, sealed: each kind with its reason and its time.

See docs/decisions/0003-emis-extract.md. A patient row is held as long as the patient may be referred, because
an unchanged row is never sent again; of a confidential, S-flagged or dummy patient only the mark is held that
makes later rows of the same patient stop here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.domain.identifiers import OdsCode
from bridge.domain.referral import ReferralKey
from bridge.sources.emis_record import ALIASES, JOINED
from bridge.sources.emis_tables import CODING, OBSERVATION, ORGANISATION, PATIENT, REFERRAL, USER, Table
from bridge.sources.mapping import Mapping as FieldMapping
from bridge.store import held, leaving, recall
from bridge.store.held import Fields, Row
from bridge.store.unit import Tx

LISTED = "Wait.Listed"  # in a row that waited too long: a person was told
STUCK = "Told.Stuck"  # in a known entry that could not be told as it stands
DAY = 86_400_000  # milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of held row: for how many days. Without `days` it is held until something replaces it."""

    name: str
    days: int | None = None


CODE = Kind(name="emis.code")
PLACE = Kind(name="emis.organisation")
STAFF = Kind(name="emis.user")
PERSON = Kind(name="emis.patient")
LEFT = Kind(name="emis.patient", days=800)  # gone or dead: rolling deletes follow about a year later
PRIVATE = Kind(name="emis.consultation", days=400)
HALF = Kind(name="emis.half", days=30)
WAITING = Kind(name="emis.waiting", days=14)
KNOWN = Kind(name="emis.observation", days=800)

KINDS = (CODE, PLACE, STAFF, PERSON, LEFT, PRIVATE, HALF, WAITING, KNOWN)

# Columns the reader needs itself, besides those the mapping and the joined names use.
_READ: dict[str, str] = {
    CODING.name: "CodeId Term SnomedCTConceptId SnomedCTDescriptionId",
    ORGANISATION.name: "OrganisationGuid OrganisationName ODSCode",
    USER.name: "UserInRoleGuid OrganisationGuid",
    PATIENT.name: "PatientGuid OrganisationGuid NhsNumber DateOfDeath DateOfDeactivation Deleted",
    REFERRAL.name: "ObservationGuid PatientGuid OrganisationGuid ReferralTargetOrganisationGuid ReferralUBRN",
    OBSERVATION.name: "ObservationGuid PatientGuid OrganisationGuid ClinicianUserInRoleGuid CodeId "
    "ConsultationGuid",
}


def kept_columns(mapping: FieldMapping) -> dict[str, frozenset[str]]:
    """By table, the columns that are held: those the mapping uses and those the reader needs."""
    kept = {name: set(columns.split()) for name, columns in _READ.items()}
    for rule in mapping.rules:
        for place in rule.places:
            for path in JOINED.get(place.text.removeprefix("Joined."), (place.text,)):
                alias, _, column = path.partition(".")
                if alias in ALIASES:
                    kept[ALIASES[alias].name].add(column)
    return {name: frozenset(columns) for name, columns in kept.items()}


def ods_code(organisation: Fields | None) -> str:
    """The ODS code of a held organisation; "" when it is not known or is none."""
    try:
        return OdsCode.parse((organisation or {}).get("ODSCode", "")).code
    except ValueError:
        return ""


def ods_of(tx: Tx, owner: str) -> str:
    """The ODS code of an OrganisationGuid; "" when it is not known or is none."""
    row = held.get(tx, PLACE.name, "", owner)
    return ods_code(None if row is None else row.fields)


def owners_of(tx: Tx, practice: str) -> list[str]:
    """As whom rows of a practice (ODS code) are held: its OrganisationGuids."""
    return [owner for owner in leaving.owners_held(tx) if ods_of(tx, owner) == practice]


def patient_behind(tx: Tx, practice: str, source: str, key_id: str) -> list[tuple[str, str]]:
    """What an extract said of the patient of an entry that is named by the id of its key, as written there.

    Names and words for people to read; none when the entry or the patient is not held.
    """
    patient = _patient_of(tx, practice, source, key_id)
    facts = ((name, " ".join(patient.get(column, "") for column in columns)) for name, columns in _WRITTEN)
    return [(name, " ".join(words.split())) for name, words in facts if words.strip()]


def _patient_of(tx: Tx, practice: str, source: str, key_id: str) -> Fields:
    for owner in owners_of(tx, practice):
        for kind in (KNOWN, WAITING):
            for row in recall.of_owner(tx, kind.name, owner):
                if str(ReferralKey(source=source, owner=owner, record=row.key).id) == key_id:
                    patient = held.get(tx, PERSON.name, owner, row.fields.get("Observation.PatientGuid", ""))
                    return {} if patient is None else patient.fields
    return {}


_WRITTEN = (
    ("Name", ("Title", "GivenName", "MiddleNames", "Surname")),
    ("Date of birth", ("DateOfBirth",)),
    ("NHS number", ("NhsNumber",)),
    ("Id in the GP system", ("PatientGuid",)),
)


def people_held(tx: Tx) -> Iterator[tuple[str, str, str]]:
    """Practice (ODS code), PatientGuid and NhsNumber as text, "" without, of each patient that is held."""
    practices: dict[str, str] = {}
    for row in recall.every(tx, PERSON.name):
        if row.owner not in practices:
            practices[row.owner] = ods_of(tx, row.owner)
        if practices[row.owner]:
            yield practices[row.owner], row.key, row.fields.get("NhsNumber", "")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Held rows by what they are, inside one transaction."""

    tx: Tx
    kept: Mapping[str, frozenset[str]]

    def row(self, kind: Kind, owner: str, key: str, fields: Fields, clock: str, *, also: str = "") -> Row:
        """A row of a kind, to be put."""
        until = None if kind.days is None else self.tx.now + kind.days * DAY
        return Row(kind=kind.name, owner=owner, key=key, fields=fields, clock=clock, also=also, until=until)

    def get(self, kind: Kind, owner: str, key: str) -> Row | None:
        """One held row."""
        return held.get(self.tx, kind.name, owner, key) if key else None

    def drop(self, kind: Kind, owner: str, key: str) -> bool:
        """Forget one row."""
        return held.drop(self.tx, kind.name, owner, key)

    def only(self, table: Table, values: Fields) -> Fields:
        """The columns of a row that may be held."""
        kept = self.kept[table.name]
        return {name: text for name, text in values.items() if name in kept}
