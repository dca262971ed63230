"""The values of an Observation as the domain holds them; a form that would lose something is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bridge.domain import systems
from bridge.domain.outcome import Component, Value
from bridge.fhir.findings import Findings
from bridge.fhir.meanings import Meanings
from bridge.fhir.trees import Tree, codings, placed, text, tree_at

_CHOICES: Final = (
    "valueQuantity",
    "valueInteger",
    "valueCodeableConcept",
    "valueString",
    "valueBoolean",
)


@dataclass(frozen=True, slots=True)
class Values:
    """Reads value[x] and components; what it refuses goes to the findings."""

    meanings: Meanings
    findings: Findings

    def value(self, tree: Tree, at: str) -> Value | None:
        """The value of an Observation or component, or why there is none; None when it says nothing."""
        given = [name for name in tree if name.startswith("value")]
        if given and (len(given) > 1 or given[0] not in _CHOICES):
            self.findings.refuse("fhir-outcome-value", f"{at}.value")
            return None
        absent = next((code for _, code in codings(tree_at(tree, "dataAbsentReason"))), "")
        if not given:
            return Value(absent=absent) if absent else None
        return self._of(given[0], tree[given[0]], f"{at}.{given[0]}")

    def _of(self, name: str, held: Any, at: str) -> Value | None:
        match name, held:
            case ("valueQuantity", dict()):
                return self._quantity(held, at)
            case ("valueInteger", int()) if not isinstance(held, bool):
                return Value(integer=held)
            case ("valueCodeableConcept", dict()):
                return Value(concept=self.meanings.concept(held, at))
            case ("valueString", str()) if held.strip():
                return Value(text=held)
            case ("valueBoolean", bool()):
                return Value(boolean=held)
        self.findings.refuse("fhir-value", at)
        return None

    def _quantity(self, held: Tree, at: str) -> Value | None:
        number = held.get("value")
        if isinstance(number, bool) or not isinstance(number, int | Decimal):
            self.findings.refuse("fhir-value", f"{at}.value")
            return None
        ucum = self.meanings.aliases.system(text(held, "system")) == systems.UCUM
        return Value(
            quantity=str(number),
            unit=text(held, "unit"),
            unit_code=text(held, "code") if ucum else "",
            comparator=text(held, "comparator"),
        )

    def components(self, tree: Tree, at: str) -> Iterator[Component]:
        """The components that say anything."""
        for place, held in placed(tree, "component", at):
            value = self.value(held, place)
            if value is None:
                self.findings.warn("fhir-required", f"{place}.value")
                continue
            yield Component(code=self.meanings.concept(tree_at(held, "code"), f"{place}.code"), value=value)
