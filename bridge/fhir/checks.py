"""Everything that leaves is checked first.

One walk over the tree, driven by the element tables, tells what the R4B models would refuse (elements,
cardinality, choices, primitives; no object is made for it) and what they let pass: closed code sets, wrong or
dangling references, invariants, UK Core, check digits. A problem names the place by FHIRPath and the rule; of
a value it tells the shape.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from bridge.domain.dates import fhir_date, fhir_date_time, fhir_instant
from bridge.errors import Problem, shape
from bridge.fhir.elements import (
    PRIMITIVE_EXTENSION,
    R4B_ONLY_DATATYPES,
    Element,
    elements_of,
    is_resource,
    needs_of,
    parser_of,
)
from bridge.fhir.invariants import INVARIANTS, broken
from bridge.fhir.reference_checks import Surroundings, local_references, reference_problems
from bridge.fhir.required_codes import REQUIRED_CODES
from bridge.fhir.trees import Json, Tree, text, tree_at, trees
from bridge.fhir.uk_core import UK_RULES, profile_problems

_DATES: Final[dict[str, Callable[[str], object]]] = {
    "date": fhir_date,
    "dateTime": fhir_date_time,
    "instant": fhir_instant,
}
_TEXT: Final = (str,)
_JSON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "boolean": (bool,),
    "decimal": (int, Decimal, float),
    "integer": (int,),
    "positiveInt": (int,),
    "unsignedInt": (int,),
}
_ANY_TEXT: Final = frozenset({"boolean", "markdown", "string", "xhtml"})  # whose content is not looked at
_CODE: Final = re.compile(r"\S+(\s\S+)*")  # http://hl7.org/fhir/R4/datatypes.html#code
_UNSPACED: Final = frozenset({"canonical", "uri"})  # http://hl7.org/fhir/R4/datatypes.html#uri


def check(resource: Json) -> list[Problem]:
    """What is wrong with a resource or a Bundle as UK Core R4; empty when nothing is."""
    walk = _Walk(surroundings=Surroundings.of(resource))
    kind = text(resource, "resourceType")
    walk.resource(resource, kind if is_resource(kind) else "")
    return walk.problems


@dataclass(slots=True)
class _Walk:
    """One pass over a tree."""

    surroundings: Surroundings
    problems: list[Problem] = field(default_factory=list)

    def resource(self, tree: Tree, at: str) -> None:
        kind = tree.get("resourceType")
        if not isinstance(kind, str) or not is_resource(kind):
            self.problems.append(Problem(code="fhir-not-a-resource", at=at, shape=shape(kind)))
            return
        self.problems += _resource_problems(tree, kind, at)
        outer = self.surroundings
        self.surroundings = outer.inside(tree) if kind != "Bundle" and not outer.contained else outer
        self.node(tree, kind, at)
        self.surroundings = outer

    def node(self, tree: Tree, kind: str, at: str) -> None:
        if kind in INVARIANTS:
            self.problems += broken(tree, kind, at)
        if kind in UK_RULES:
            self.problems += UK_RULES[kind](tree, at)
        if not tree:
            self.problems.append(Problem(code="fhir-empty", at=at))
        self.problems += _lacks(tree, kind, at)
        table = elements_of(kind)
        forms = set()
        for name, value in tree.items():
            element = table.get(name)
            if element is not None:
                if element.choice:
                    if element.choice in forms:
                        self.problems.append(Problem(code="fhir-choice", at=at))
                    forms.add(element.choice)
                self.element(value, element, kind, f"{at}.{name}")
            elif name[:1] == "_" and (beside := table.get(name[1:])) and beside.primitive:
                self.beside(value, beside, f"{at}.{name[1:]}")
            elif name != "resourceType":
                self.problems.append(_unknown(name, at))

    def element(self, value: Any, element: Element, kind: str, at: str) -> None:
        if not element.many:
            self.one(value, element, kind, at)
        elif isinstance(value, list):
            if not value:
                self.problems.append(Problem(code="fhir-empty", at=at))
            for index, item in enumerate(value):
                self.one(item, element, kind, f"{at}[{index}]")
        else:
            self.problems.append(Problem(code="fhir-value", at=at, rule="a list"))

    def one(self, value: Any, element: Element, kind: str, at: str) -> None:
        if element.primitive:
            if type(value) not in _JSON_TYPES.get(element.kind, _TEXT):
                if value is not None or not element.many:  # in a list null keeps the place of an extension
                    self.problems.append(Problem(code="fhir-value", at=at, rule=f"a {element.kind}"))
            elif element.kind not in _ANY_TEXT or (isinstance(value, str) and not value.strip()):
                self.problems += _primitive_problems(value, element, kind, at)
        elif not isinstance(value, dict):
            self.problems.append(Problem(code="fhir-value", at=at, rule="an object"))
        elif element.kind == "Resource":
            self.resource(value, at)
        else:
            if element.kind == "Reference":
                self.problems += reference_problems(value, element, self.surroundings, at)
            self.node(value, element.kind, at)

    def beside(self, value: Any, element: Element, at: str) -> None:
        """What stands under `_name`: an object, or one for each value of a list, null where there is none."""
        listed = element.many and isinstance(value, list)
        for item in value if listed else [value]:
            if isinstance(item, dict):
                self.node(item, PRIMITIVE_EXTENSION, at)
            elif item is not None or not listed:
                self.problems.append(Problem(code="fhir-value", at=at, rule="an object"))


def _lacks(tree: Tree, kind: str, at: str) -> Iterator[Problem]:
    """What an object of its type cannot go without."""
    for need in needs_of(kind):
        if all(tree.get(name) is None for name in need.names):
            name = need.names[0]
            if len(need.names) > 1:
                yield Problem(code="fhir-choice", at=at)
            elif not (need.primitive and tree_at(tree, f"_{name}").get("extension")):
                yield Problem(code="fhir-required", at=f"{at}.{name}")


def _primitive_problems(value: Any, element: Element, kind: str, at: str) -> Iterator[Problem]:
    if isinstance(value, str) and not value.strip():
        yield Problem(code="fhir-empty", at=at)
    elif element.kind == "code":
        allowed = REQUIRED_CODES.get(f"{kind}.{element.name}")
        if value not in allowed if allowed else not _CODE.fullmatch(value):
            yield Problem(code="fhir-code", at=at, shape=shape(value), rule=f"{kind}.{element.name}")
    elif parse := _DATES.get(element.kind):
        try:
            parse(value)
        except ValueError as error:
            yield Problem(code=str(error), at=at, shape=shape(value))
    elif not _is_one(value, element.kind):
        yield Problem(code="fhir-value", at=at, rule=f"a {element.kind}", shape=shape(value))


def _is_one(value: Any, kind: str) -> bool:
    """Whether a value is one of a primitive type."""
    if kind in _UNSPACED:
        return not any(map(str.isspace, value))
    try:
        parser_of(kind)(value)
    except ValidationError:
        return False
    return True


def _resource_problems(tree: Tree, kind: str, at: str) -> Iterator[Problem]:
    """Profile of the right type, and the rules of contained resources (dom-2 to dom-5)."""
    yield from profile_problems(tree, kind, at)
    if "contained" not in tree:
        return
    used = local_references(tree)
    for index, inner in enumerate(trees(tree, "contained")):
        place = f"{at}.contained[{index}]"
        meta = tree_at(inner, "meta")
        if inner.get("contained"):
            yield _contained("dom-2: a contained resource contains none", place)
        if f"#{text(inner, 'id')}" not in used:
            yield _contained("dom-3: a contained resource is referred to", place)
        if meta.get("versionId") or meta.get("lastUpdated") or meta.get("security"):
            yield _contained("dom-4, dom-5: a contained resource has no version and no labels", place)


def _contained(rule: str, at: str) -> Problem:
    return Problem(code="fhir-invariant", at=at, rule=rule)


def _unknown(name: str, at: str) -> Problem:
    only_r4b = any(name.endswith(kind) for kind in R4B_ONLY_DATATYPES)
    code = "fhir-r4b-only" if only_r4b else "fhir-unknown-element"
    return Problem(code=code, at=at, shape=shape(name))
