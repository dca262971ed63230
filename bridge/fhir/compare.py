"""Two FHIR trees beside each other: elements by their path, and what differs between them.

Repeating elements are put beside each other by what names them (the url of an extension, the system of an
identifier, the type of an entry), so that one more in front does not make all of them differ.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridge.fhir.trees import Json

_CHOSEN = re.compile(r"\[[^\]]*\]")
# What Meta holds are sets (https://hl7.org/fhir/R4/resource.html#Meta), and a transaction must not depend on
# the order of its entries (https://hl7.org/fhir/R4/http.html#trules). The others are found by url and by id.
_UNORDERED = frozenset({"profile", "security", "tag", "extension", "modifierExtension", "contained", "entry"})
_NAMED_BY = ("url", "system", "use", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One element that is not the same; None where it is missing."""

    path: str
    left: Any = None
    right: Any = None


def elements(tree: Json) -> dict[str, Any]:
    """Every primitive value by its path, each resource's from its own type on: `Patient.name[0].family`.

    Contained resources stand under their own type too, and what an entry asks for under `Bundle.entry`.
    """
    return dict(_elements(tree, str(tree.get("resourceType", ""))))


def differences(left: Json, right: Json) -> list[Difference]:
    """What two trees do not say alike, in the order of the first."""
    if _ordered(left) == _ordered(right):
        return []
    here, there = elements(left), elements(right)
    paths = dict.fromkeys((*here, *there))
    found = [
        Difference(path=path, left=here.get(path), right=there.get(path))
        for path in paths
        if here.get(path) != there.get(path)
    ]
    return found or [
        Difference(path=str(left.get("resourceType", "")), left="an order", right="another order")
    ]


def _ordered(value: Any, name: str = "") -> Any:
    """The tree with what has no order in FHIR in one order: sets of Meta, extensions, contained, entries."""
    if isinstance(value, dict):
        return {key: _ordered(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        inner = [_ordered(each) for each in value]
        return sorted(inner, key=repr) if name in _UNORDERED else inner
    return value


def plain_path(path: str) -> str:
    """A path without the names and numbers of repeating elements: `Patient.identifier.value`."""
    return _CHOSEN.sub("", path)


def _elements(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "entry" and at == "Bundle" and _are_trees(inner):
                yield from _entries(inner)
            elif name == "contained" and _are_trees(inner):
                for kind, held in _numbered_kinds(inner):
                    yield from _elements(held, kind)
            elif name != "resourceType":
                yield from _elements(inner, f"{at}.{name}")
    elif isinstance(value, list):
        seen: dict[str, int] = {}
        for inner in value:
            name = _name_of(inner)
            seen[name] = seen.get(name, 0) + 1
            again = f"#{seen[name]}" if name and seen[name] > 1 else "" if name else str(seen[name] - 1)
            yield from _elements(inner, f"{at}[{name}{again}]")
    else:
        yield at, value


def _entries(entries: list[Json]) -> Iterator[tuple[str, Any]]:
    held = [entry.get("resource", {}) for entry in entries]
    resources = held if _are_trees(held) else [{} for _ in entries]
    for entry, (kind, resource) in zip(entries, _numbered_kinds(resources), strict=True):
        asked = {name: value for name, value in entry.items() if name != "resource"}
        yield from _elements(asked, f"Bundle.entry[{kind}]")
        yield from _elements(resource, kind)


def _are_trees(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _numbered_kinds(resources: list[Json]) -> Iterator[tuple[str, Json]]:
    """Resources by type and, where there are several of it, by id: `Flag[risk-1]`."""
    kinds = [str(r.get("resourceType")) for r in resources]
    for kind, resource in zip(kinds, resources, strict=True):
        yield (f"{kind}[{resource.get('id')}]" if kinds.count(kind) > 1 else kind), resource


def _name_of(value: Any) -> str:
    """What names one of several: short, and the same when another value of it changes."""
    if not isinstance(value, dict):
        return ""
    named = (str(value[key]).rpartition("/")[2] for key in _NAMED_BY if isinstance(value.get(key), str))
    return "|".join(named)
