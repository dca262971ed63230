"""References: the target's type is allowed, and a reference into the message arrives."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.errors import Problem, shape
from bridge.fhir.elements import Element
from bridge.fhir.trees import Json, Tree, text, trees

# http://hl7.org/fhir/R4/references.html#literal: [base/]Type/id[/_history/version]
_LITERAL: Final = re.compile(r"(?:https?://\S+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/\S+)?")
_INSIDE: Final = ("urn:uuid:", "urn:oid:")
_ANY: Final = "Resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a reference can arrive at: resource types by fullUrl, and by id among the contained."""

    entries: Mapping[str, str]
    contained: Mapping[str, str]

    @classmethod
    def of(cls, resource: Json) -> "Surroundings":
        """The surroundings of a Bundle's entries, or of a lone resource."""
        entries = trees(resource, "entry") if resource.get("resourceType") == "Bundle" else ()
        kinds = {text(e, "fullUrl"): text(e, "resource", "resourceType") for e in entries}
        return cls(entries=kinds, contained={})

    def inside(self, resource: Tree) -> "Surroundings":
        """The same, seen from inside one resource."""
        held = {text(r, "id"): text(r, "resourceType") for r in trees(resource, "contained")}
        return replace(self, contained=held | {"": text(resource, "resourceType")})


def reference_problems(tree: Tree, element: Element, around: Surroundings, at: str) -> Iterator[Problem]:
    """What is wrong with one Reference at `element`."""
    target = text(tree, "reference")
    arrived = _arrival(target, around)
    if arrived is None:
        yield Problem(code="fhir-reference-dangling", at=at)
    kinds = {kind for kind in (arrived, text(tree, "type")) if kind}
    if element.targets and _ANY not in element.targets and not kinds <= element.targets:
        yield Problem(code="fhir-reference-type", at=at, rule=" or ".join(sorted(element.targets)))
    if target and arrived == "":
        yield Problem(code="fhir-reference-shape", at=at, shape=shape(target))


def _arrival(target: str, around: Surroundings) -> str | None:
    """The type a reference arrives at: "" when it says none, None when it should arrive and does not."""
    if target.startswith("#"):
        return around.contained.get(target[1:])
    if target.startswith(_INSIDE):
        return around.entries.get(target)
    literal = _LITERAL.fullmatch(target)
    return literal.group(1) if literal else ""


def local_references(value: Any) -> frozenset[str]:
    """Every `#id` reference at any depth of a tree."""
    found: set[str] = set()
    open_values = [value]
    while open_values:
        tree = open_values.pop()
        if isinstance(tree, dict):
            target = tree.get("reference")
            if isinstance(target, str) and target.startswith("#"):
                found.add(target)
            open_values += tree.values()
        elif isinstance(tree, list):
            open_values += tree
    return frozenset(found)
