"""What reading a Task, an Observation or a BaRS response has in common."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bridge.domain.dates import fhir_date_time, fhir_instant
from bridge.fhir.findings import Findings
from bridge.fhir.meanings import FhirAliases, Meanings
from bridge.fhir.naming import Naming
from bridge.fhir.outcome_links import Links
from bridge.fhir.outcome_values import Values
from bridge.fhir.people import People
from bridge.fhir.references import Message
from bridge.fhir.trees import Json, Tree, text, trees


@dataclass(frozen=True, slots=True)
class OutcomeReading:
    """The means of reading one resource of a message, with findings of its own."""

    message: Message
    arrived: datetime
    findings: Findings
    meanings: Meanings
    links: Links
    values: Values

    @classmethod
    def of(
        cls, message: Message, *, naming: Naming, aliases: FhirAliases, arrived: datetime
    ) -> "OutcomeReading":
        """Fresh means for one resource."""
        findings = Findings()
        meanings = Meanings(aliases, findings)
        links = Links(message, People(message, meanings, findings), naming)
        return cls(message, arrived, findings, meanings, links, Values(meanings, findings))

    def identity(self, held: Json, within: Json | None = None) -> str:
        """A business identifier as system|value, ours first, else the id it has where it lives, else "".

        `within` is the resource that contains it.
        """
        named = [
            i for tree in trees(held, "identifier") if (i := self.meanings.identifier(tree)) and i.system
        ]
        named.sort(key=lambda i: i.system != self.links.naming.referral)
        if named:
            return f"{named[0].system}|{named[0].value}"
        own = text(held, "id")
        if not own:
            return ""
        outer = self.identity(within) if within is not None else ""
        return f"{outer}#{own}" if outer else f"{text(held, 'resourceType')}/{own}"

    def date(self, value: str, at: str) -> str:
        """A FHIR dateTime; one that cannot be is refused."""
        try:
            return fhir_date_time(value) if value else ""
        except ValueError as error:
            self.findings.refuse(str(error), at, value=value)
            return ""

    def instant(self, value: str, at: str) -> datetime | None:
        """A FHIR instant; one that cannot be is left out with a warning."""
        try:
            return fhir_instant(value) if value else None
        except ValueError as error:
            self.findings.warn(str(error), at, value=value)
            return None


def words_of(concepts: Iterable[Tree]) -> str:
    """The first words of CodeableConcepts: text, else the display of a coding."""
    for concept in concepts:
        displays = (text(c, "display") for c in trees(concept, "coding"))
        if words := text(concept, "text") or next((d for d in displays if d), ""):
            return words
    return ""
