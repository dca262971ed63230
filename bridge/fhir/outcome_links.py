"""What a Task or Observation is about: which referral, which person, and who says so.

Our own identifier wins wherever it stands; else the reference as the service wrote it, for the pipeline to
match. A name of a person is never taken: performers are organisations and roles.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bridge.domain.identifiers import NhsNumber
from bridge.domain.referral import Identifier
from bridge.fhir.naming import Naming
from bridge.fhir.people import People
from bridge.fhir.references import Message
from bridge.fhir.trees import Tree, text, tree_at, trees

_INSIDE = ("urn:", "#")


@dataclass(frozen=True, slots=True)
class Links:
    """Follows the references of one message."""

    message: Message
    people: People
    naming: Naming

    def referral(self, references: Iterable[Tree], owner: Tree, own: Iterable[Tree] = ()) -> str:
        """Our identifier as system|value, else the service's reference or identifier; "" when there is none.

        `own` are the identifiers of the resource itself.
        """
        held = list(references)
        found = [self.message.follow(reference, owner) for reference in held]
        named = [*own, *(i for r in held for i in trees(r, "identifier"))]
        named += [i for request in found for i in trees(request, "identifier")]
        identifiers = [i for tree in named if (i := self.people.meanings.identifier(tree))]
        ours = (_joined(i) for i in identifiers if i.system == self.naming.referral)
        return next(ours, "") or next(self._theirs(held, found), "")

    def _theirs(self, references: list[Tree], found: list[Tree]) -> Iterator[str]:
        literal = (text(r, "reference") for r in references)
        yield from (target for target in literal if target and not target.startswith(_INSIDE))
        known = (text(request, "id") for request in found)
        yield from (f"ServiceRequest/{identity}" for identity in known if identity)
        for reference in references:
            for tree in trees(reference, "identifier"):
                if (held := self.people.meanings.identifier(tree)) and held.system:
                    yield _joined(held)

    def person(self, reference: Tree, owner: Tree, at: str) -> tuple[NhsNumber | None, str]:
        """The NHS number of a subject, here or at the Patient it leads to, and the reference itself."""
        number, _ = self.people.nhs_number(reference, at)
        found = self.message.follow(reference, owner)
        if text(found, "resourceType") == "Patient":
            theirs, _ = self.people.nhs_number(found, at)
            if number and theirs and number != theirs:
                self.people.findings.refuse("fhir-patient-differs", at)
            number = number or theirs
        target = text(reference, "reference")
        if target.startswith(_INSIDE):
            target = f"Patient/{identity}" if (identity := text(found, "id")) else ""
        return number, target

    def performer(self, references: Iterable[Tree], owner: Tree, at: str) -> str:
        """The first organisation or role among the performers, in words."""
        return next((words for r in references if (words := self._performer(r, owner, at))), "")

    def _performer(self, reference: Tree, owner: Tree, at: str) -> str:
        found = self.message.follow(reference, owner)
        kind = (
            text(found, "resourceType") or text(reference, "type") or _kind_of(text(reference, "reference"))
        )
        if kind in ("Organization", "HealthcareService", "CareTeam"):
            return text(found, "name") or text(reference, "display")
        if kind == "PractitionerRole":
            organisation = self.people.organisation(tree_at(found, "organization"), found, at)
            role = next((text(c, "text") for c in trees(found, "code") if text(c, "text")), "")
            return ", ".join(words for words in (role, organisation.name) if words)
        return ""


def _kind_of(target: str) -> str:
    parts = target.partition("/_history/")[0].rsplit("/", 2)
    return parts[-2] if len(parts) > 1 else ""


def _joined(held: Identifier) -> str:
    return f"{held.system}|{held.value}"
