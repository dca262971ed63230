"""Everything that leaves is checked first, and everything that arrives is described by the same rules.

One walk over the tree, driven by the element tables, does what the R4B models do not: closed code sets,
reference targets, references that lead nowhere, invariants, UK Core, check digits. The models do the rest.
A problem names the place by FHIRPath and the rule; of a value it tells the shape.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bridge.domain.dates import fhir_date, fhir_date_time, fhir_instant
from bridge.errors import Problem, shape
from bridge.fhir.elements import (
    PRIMITIVE_EXTENSION,
    R4B_ONLY_DATATYPES,
    Element,
    elements_of,
    is_resource,
    model_of,
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
_CLOSER: Final = frozenset({*_DATES, "code"})  # primitives whose content is looked at
_MISSING: Final = frozenset({"missing", "model_field_validation.missing"})


def check(resource: Json) -> list[Problem]:
    """What is wrong with a resource or a Bundle as UK Core R4; empty when nothing is."""
    problems, readable = beyond_models(resource)
    if not readable:
        return problems
    told = {p.at for p in problems}
    kind = text(resource, "resourceType")
    return problems + [p for p in _model_problems(resource, kind) if p.at not in told]


def beyond_models(resource: Json) -> tuple[list[Problem], bool]:
    """What the models would not find, and whether they can read the resource at all."""
    walk = _Walk(surroundings=Surroundings.of(resource))
    kind = text(resource, "resourceType")
    walk.resource(resource, kind if is_resource(kind) else "")
    return walk.problems, walk.readable


def mandated(resource: Json) -> None:
    """The parse by the R4B models alone; pydantic's ValidationError when they refuse."""
    model_of(resource["resourceType"]).model_validate(resource)


@dataclass(slots=True)
class _Walk:
    """One pass over a tree. `readable` turns false where the models would fail instead of refusing."""

    surroundings: Surroundings
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True

    def resource(self, tree: Tree, at: str) -> None:
        kind = tree.get("resourceType")
        if not isinstance(kind, str) or not is_resource(kind):
            self.readable = False
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
        table = elements_of(kind)
        if not tree:
            self.problems.append(Problem(code="fhir-empty", at=at))
        for name, value in tree.items():
            element = table.get(name)
            if element is not None:
                self.element(value, element, kind, f"{at}.{name}")
            elif name[:1] == "_" and (beside := table.get(name[1:])) and beside.primitive:
                self.beside(value, f"{at}.{name[1:]}")
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
            elif element.kind in _CLOSER or (isinstance(value, str) and not value.strip()):
                self.problems += _primitive_problems(value, element, kind, at)
        elif not isinstance(value, dict):
            self.problems.append(Problem(code="fhir-value", at=at, rule="an object"))
        elif element.kind == "Resource":
            self.resource(value, at)
        else:
            if element.kind == "Reference":
                self.problems += reference_problems(value, element, self.surroundings, at)
            self.node(value, element.kind, at)

    def beside(self, value: Any, at: str) -> None:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                self.node(item, PRIMITIVE_EXTENSION, at)


def _primitive_problems(value: str, element: Element, kind: str, at: str) -> Iterator[Problem]:
    if not value.strip():
        yield Problem(code="fhir-empty", at=at)
        return
    if element.kind == "code":
        allowed = REQUIRED_CODES.get(f"{kind}.{element.name}")
        if allowed and value not in allowed:
            yield Problem(code="fhir-code", at=at, shape=shape(value), rule=f"{kind}.{element.name}")
    elif parse := _DATES.get(element.kind):
        try:
            parse(value)
        except ValueError as error:
            yield Problem(code=str(error), at=at, shape=shape(value))


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


# What the models say


def _model_problems(resource: Json, kind: str) -> Iterator[Problem]:
    try:
        mandated(resource)
    except (AttributeError, KeyError, TypeError):
        # They ask some values for methods before their type; the walk has told which value that is.
        yield Problem(code="fhir-value", at=kind)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False):
            if detail["type"] != "extra_forbidden":  # the walk has told of it, by shape
                yield _translated(detail, kind)


def _translated(detail: ErrorDetails, kind: str) -> Problem:
    steps = [step for step in detail["loc"] if step != "root"]  # "root" is the object itself
    at = kind + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    if detail["type"] in _MISSING:
        return Problem(code="fhir-required", at=at)
    value = detail["input"]
    if isinstance(value, dict | list):
        return Problem(code="fhir-choice" if _is_choice(detail) else "fhir-value", at=at)
    return Problem(code="fhir-value", at=at, shape=shape(value))


def _is_choice(detail: ErrorDetails) -> bool:
    """The models say "one of these, not several" in words only."""
    return detail["type"] == "value_error" and "from this list" in detail["msg"]
