"""Codes of a message as the domain holds them: mapped coding first, then the sender's own.

A damaged code is left out, never mended; the words beside it stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bridge.domain import systems
from bridge.domain.code_forms import coding_of
from bridge.domain.identifiers import LONGEST_KEY
from bridge.domain.referral import Coding, Concept, Identifier
from bridge.fhir.findings import Findings
from bridge.fhir.trees import Tree, placed, text


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_codes() -> Mapping[tuple[str, str], Coding]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirAliases:
    """What one source calls things: its spellings of systems, its local codes, the system of its own key."""

    systems: Mapping[str, str] = field(default_factory=_nothing)
    codes: Mapping[tuple[str, str], Coding] = field(default_factory=_no_codes)
    key_system: str = ""
    tpp: str = ""  # the system of local codes of TPP

    def system(self, uri: str) -> str:
        """The spelling we keep of a system."""
        return systems.canonical_system(self.systems.get(uri, uri))


@dataclass(frozen=True, slots=True)
class Meanings:
    """Reads CodeableConcepts and Identifiers under the aliases of one source."""

    aliases: FhirAliases
    findings: Findings

    def concept(self, tree: Tree, at: str) -> Concept:
        """The meaning of a CodeableConcept; empty when it says nothing.

        Where nothing is left of it but a damaged code, that code's own words are its text.
        """
        given = tuple(placed(tree, "coding", at))
        held = [c for place, coding in given if (c := self._coding(coding, place))]
        mapped = [m for c in held if (m := self.aliases.codes.get((c.system, c.code)))]
        told = {(c.system, c.code): c for c in (*mapped, *held)}
        words = (text(tree, "text"), *("" if told else text(coding, "display") for _, coding in given))
        return Concept(codings=tuple(told.values()), text=next(filter(None, words), ""))

    def _coding(self, tree: Tree, at: str) -> Coding | None:
        system, code = self.aliases.system(text(tree, "system")), text(tree, "code")
        if not code:
            return None
        try:
            return coding_of(system, code, display=text(tree, "display"), tpp=self.aliases.tpp)
        except ValueError as damage:
            self.findings.warn(str(damage), f"{at}.code", value=code)
            return None

    def identifier(self, tree: Tree) -> Identifier | None:
        """An Identifier with a value, or None."""
        value = text(tree, "value")
        return Identifier(system=self.aliases.system(text(tree, "system")), value=value) if value else None

    def is_key(self, named: Identifier, at: str) -> bool:
        """Whether system and value are short enough for a key of the source; one that is not is refused."""
        too_long = next((part for part in (named.system, named.value) if len(part) > LONGEST_KEY), "")
        if too_long:
            self.findings.refuse("key-too-long", at, value=too_long)
        return not too_long
