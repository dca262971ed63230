"""What is known before an extract is read: which codes mean something, and what earlier extracts left."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bridge.domain import codes, consents
from bridge.domain.referral import EventKind
from bridge.sources.emis_shelf import CODE, HALF, KNOWN, PRIVATE, STUCK, WAITING
from bridge.store import recall
from bridge.store.held import Fields, Row
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Which SNOMED CT concepts say what. `by_practice` adds to `triggers`, by ODS code."""

    triggers: frozenset[str] = frozenset({codes.REFERRAL})
    declines: frozenset[str] = frozenset({codes.DECLINED})
    objections: frozenset[str] = frozenset(consents.OBJECTIONS)
    agreements: frozenset[str] = frozenset(consents.AGREEMENTS)
    by_practice: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def concepts(self) -> frozenset[str]:
        """Every concept that means something at any practice."""
        return self.triggers.union(
            self.declines, self.objections, self.agreements, *self.by_practice.values()
        )

    def kind_of(self, concept: str, practice: str) -> EventKind | None:
        """What an entry with that concept says at that practice (ODS code); None for nothing."""
        if concept in self.declines:
            return EventKind.DECLINED
        if concept in self.objections:
            return EventKind.OBJECTED
        if concept in self.agreements:
            return EventKind.AGREED
        if concept in self.triggers or concept in self.by_practice.get(practice, ()):
            return EventKind.REFERRED
        return None


OwnedKey: TypeAlias = tuple[str, str]
"""OrganisationGuid and the GUID of an entry, patient or consultation: two practices may use one GUID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Whose an entry is, by GUIDs; `code` is its CodeId. `stuck`: as it stands it could not be told."""

    owner: str
    patient: str
    consultation: str = ""
    code: str = ""
    stuck: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What earlier extracts left.

    It is as large as the referrals of the time they are held, not as the extract.
    """

    coding: Mapping[str, Fields] = field(default_factory=dict)  # by CodeId
    entries: Mapping[OwnedKey, Entry] = field(default_factory=dict)  # referrals and declines
    waiting: Mapping[OwnedKey, Entry] = field(default_factory=dict)
    halves: Mapping[OwnedKey, Entry] = field(default_factory=dict)
    private: frozenset[str] = frozenset()  # ConsultationGuids

    def all_entries(self) -> tuple[tuple[OwnedKey, Entry], ...]:
        """Every entry and half anything is held of."""
        return (*self.entries.items(), *self.waiting.items(), *self.halves.items())


def known_of(tx: Tx) -> Known:
    """Read it, once for each extract."""
    return Known(
        coding={row.key: row.fields for row in recall.every(tx, CODE.name)},
        entries={(row.owner, row.key): _entry(row) for row in recall.every(tx, KNOWN.name)},
        waiting={(row.owner, row.key): _entry(row) for row in recall.every(tx, WAITING.name)},
        halves={(row.owner, row.key): _entry(row) for row in recall.every(tx, HALF.name)},
        private=frozenset(row.key for row in recall.every(tx, PRIVATE.name)),
    )


def _entry(row: Row) -> Entry:
    said = row.fields
    return Entry(
        owner=row.owner,
        patient=said.get("Observation.PatientGuid") or said.get("Referral.PatientGuid", ""),
        consultation=said.get("Observation.ConsultationGuid", ""),
        code=said.get("Observation.CodeId", ""),
        stuck=STUCK in said,
    )
