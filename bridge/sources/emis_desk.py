"""The desk at which the rows of one chunk are worked on: look-ups, tallies, and what comes of it.

One desk lives inside one transaction; everything it looks up twice it remembers.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bridge.domain.identifiers import NhsNumber
from bridge.domain.referral import EventKind, ReferralKey
from bridge.errors import Problem
from bridge.sources.emis_extract import Chunk
from bridge.sources.emis_known import Context
from bridge.sources.emis_record import JoinedRecord
from bridge.sources.emis_shelf import (
    HALF,
    KNOWN,
    PERSON,
    PLACE,
    STAFF,
    WAITING,
    Kind,
    Shelf,
    kept_columns,
    ods_code,
)
from bridge.sources.emis_survey import Survey
from bridge.sources.mapping import Mapping as FieldMapping
from bridge.sources.reading import Reading
from bridge.store import held, recall
from bridge.store.held import Fields, Row
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """What an extract says of one patient, for the last look before anything is sent.

    `practice` is an ODS code, `known_at` (aware) the extract's cut-off. `withheld`: the patient is marked as
    confidential, S-flagged or dummy; then nothing else of this means anything, and nothing else is kept.
    """

    local_key: str
    nhs_number: NhsNumber | None
    practice: str
    registered: bool
    deceased: bool
    known_at: datetime
    withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one chunk came to, besides its own problems. `counts` are rows by reason."""

    readings: tuple[Reading, ...] = ()
    people: tuple[PersonFacts, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    joined: tuple[JoinedRecord, ...] = ()  # what the mapping was applied to, in the order of the readings


class Desk:
    """See the module."""

    def __init__(self, tx: Tx, chunk: Chunk, mapping: FieldMapping, context: Context) -> None:
        self.tx = tx
        self.chunk = chunk
        self.mapping = mapping
        self.context = context
        self.shelf = Shelf(tx, kept_columns(mapping))
        self.now = datetime.fromtimestamp(tx.now / 1000, UTC)
        self.counts: Counter[str] = Counter()
        self.readings: list[Reading] = []
        self.people: list[PersonFacts] = []
        self.problems: list[Problem] = []
        self.joined: list[JoinedRecord] = []
        self._rows: dict[tuple[str, str, str], Row | None] = {}
        self._kinds: dict[str, str] = {}

    @property
    def survey(self) -> Survey:
        """What the first pass found."""
        return self.chunk.survey

    def taken(self) -> Taken:
        """What it came to."""
        return Taken(
            readings=tuple(self.readings),
            people=tuple(self.people),
            counts=dict(self.counts),
            problems=tuple(self.problems),
            joined=tuple(self.joined),
        )

    def is_off(self, owner: str) -> bool:
        """Whether the practice's sharing agreement is off; its rows are then counted and left alone."""
        if owner in self.survey.off:
            self.counts["agreement-off"] += 1
            return True
        return False

    # Clocks

    def clock_of(self, values: Fields) -> str:
        """Extract time, then ProcessingId: sortable as text."""
        return f"{self.chunk.stamp}.{int(values.get('ProcessingId', '0')):019}"

    def place(self, at: str) -> str:
        """A place that is still found when the next extract has other rows there."""
        return at if ", extract " in at else f"{at}, extract {self.chunk.stamp}"

    # Look-ups

    def held(self, kind: Kind, owner: str, key: str) -> Row | None:
        """A held row, looked up once."""
        place = (kind.name, owner, key)
        if place not in self._rows:
            self._rows[place] = self.shelf.get(kind, owner, key)
        return self._rows[place]

    def patient(self, owner: str, key: str) -> Fields | None:
        """What is held of a patient; None for one we never heard of."""
        row = self.held(PERSON, owner, key)
        return None if row is None else row.fields

    def organisation(self, key: str) -> Fields | None:
        """An organisation by its GUID."""
        row = self.held(PLACE, "", key)
        return None if row is None else row.fields

    def ods_of(self, owner: str) -> str:
        """The practice's ODS code; "" when it is not known or is none."""
        return ods_code(self.organisation(owner))

    def clinician(self, owner: str, key: str) -> Fields | None:
        """Who a UserInRoleGuid is; None when two organisations use it and neither is the entry's own."""
        rows = held.by_second_key(self.tx, STAFF.name, "", key) if key else []
        own = [row.fields for row in rows if row.fields.get("OrganisationGuid") == owner]
        return own[0] if own else rows[0].fields if len(rows) == 1 else None if rows else {}

    # What is known of keys

    def key_of(self, owner: str, record: str) -> ReferralKey:
        """The key of an entry: GUIDs are unique inside an organisation only."""
        return ReferralKey(source=self.mapping.source, owner=owner, record=record)

    def prepare(self, keys: list[ReferralKey]) -> None:
        """Look up what the newest event of each key said, all at once."""
        ids = {str(key.id) for key in keys}
        self._kinds |= dict.fromkeys(ids, "") | recall.last_kinds(self.tx, ids)

    def last_kind(self, key: ReferralKey) -> str:
        """What the newest event of this key said (EventKind); "" when there was none."""
        if str(key.id) not in self._kinds:
            self.prepare([key])
        return self._kinds[str(key.id)]

    def said(self, key: ReferralKey, reading: Reading) -> None:
        """Give a reading on; its event is the newest of its key from now on."""
        if reading.event is None:
            self.readings.append(replace(reading, key=key, practice=self.ods_of(key.owner)))
        else:
            self.readings.append(reading)
            self._kinds[str(key.id)] = reading.event.kind.value

    # Keeping and forgetting

    def keep(self, kind: Kind, owner: str, key: str, fields: Fields, clock: str, *, also: str = "") -> None:
        """Hold one row."""
        self.put([self.shelf.row(kind, owner, key, fields, clock, also=also)])

    def put(self, rows: list[Row]) -> None:
        """Hold rows."""
        held.put(self.tx, rows)
        self._rows |= {(row.kind, row.owner, row.key): row for row in rows}

    def drop(self, kind: Kind, owner: str, key: str) -> bool:
        """Forget one row; whether it was held."""
        self._rows[kind.name, owner, key] = None
        return self.shelf.drop(kind, owner, key)

    def forget_entry(self, owner: str, key: str) -> bool:
        """Forget everything held of one entry; whether there was anything."""
        return sum(self.drop(kind, owner, key) for kind in (KNOWN, HALF, WAITING)) > 0

    def forget_entries_of(self, owner: str, patient: str) -> bool:
        """Forget everything held of a patient's entries; whether there was anything."""
        self._rows.clear()
        kinds = (KNOWN, HALF, WAITING)
        return sum(recall.forget(self.tx, kind.name, owner, patient) for kind in kinds) > 0

    def withhold(self, key: ReferralKey, at: str) -> None:
        """Forget an entry that may not be kept; one that became a referral before is told to a person."""
        if not self.forget_entry(key.owner, key.record):
            return
        self.counts["forgotten"] += 1
        if self.last_kind(key) in (EventKind.REFERRED, EventKind.CHANGED):
            late = Problem(code="emis-became-confidential", at=at)
            self.said(key, Reading(position=at, problems=(late,), mapping=self.mapping.label))
