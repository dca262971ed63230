"""Taking values out of a FHIR tree nobody has checked: what is not of the expected type counts as absent.

The checks report it; code that reads a message never meets a surprise and never raises over one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Tree: TypeAlias = Mapping[str, Any]

EMPTY: Tree = {}


def text(tree: Tree, *path: str) -> str:
    """The string at a path of single elements, trimmed; "" when there is none."""
    value = _inner(tree, path[:-1]).get(path[-1])
    return value.strip() if isinstance(value, str) else ""


def texts(tree: Tree, name: str) -> tuple[str, ...]:
    """The non-empty strings of a repeating primitive."""
    return tuple(v.strip() for v in _listed(tree, name) if isinstance(v, str) and v.strip())


def tree_at(tree: Tree, *path: str) -> Tree:
    """The object at a path of single elements; empty when there is none."""
    return _inner(tree, path)


def trees(tree: Tree, name: str) -> tuple[Json, ...]:
    """The objects of a repeating element; one that was not put in an array counts too."""
    return tuple(v for v in _listed(tree, name) if isinstance(v, dict))


def placed(tree: Tree, name: str, at: str) -> Iterator[tuple[str, Json]]:
    """Each object of a repeating element with its place: `at.name[2]`."""
    for index, value in enumerate(_listed(tree, name)):
        if isinstance(value, dict):
            yield f"{at}.{name}[{index}]", value


def codings(concept: Tree) -> tuple[tuple[str, str], ...]:
    """System and code of each coding of a CodeableConcept."""
    return tuple((text(c, "system"), text(c, "code")) for c in trees(concept, "coding"))


def labels(resource: Tree) -> frozenset[tuple[str, str]]:
    """System and code of each security label of a resource."""
    held = trees(tree_at(resource, "meta"), "security")
    return frozenset((text(label, "system"), text(label, "code")) for label in held)


def has_code(concepts: Iterable[Tree], systems: Iterable[str], code: str) -> bool:
    """Whether any concept carries that code of one of the systems."""
    wanted = frozenset(systems)
    return any(c == code and s in wanted for concept in concepts for s, c in codings(concept))


def extension(tree: Tree, url: str) -> Tree:
    """The first extension of that url; empty when there is none."""
    return next((e for e in trees(tree, "extension") if e.get("url") == url), EMPTY)


def _inner(tree: Tree, path: Iterable[str]) -> Tree:
    for name in path:
        value = tree.get(name)
        if not isinstance(value, dict):
            return EMPTY
        tree = value
    return tree


def _listed(tree: Tree, name: str) -> list[Any]:
    value = tree.get(name)
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
