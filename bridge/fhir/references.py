"""Following references inside one message: by fullUrl, by Type/id, and into contained resources.

http://hl7.org/fhir/R4/bundle.html#references. An absolute reference is met only by the same fullUrl, and one
that fits two resources leads nowhere: a guess could join a person to another person's referral.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.fhir.trees import EMPTY, Json, Tree, placed, text, trees

_AMBIGUOUS: Json = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One resource of a message and its place in it."""

    at: str
    full_url: str
    resource: Json

    @property
    def kind(self) -> str:
        """The resource type as it says itself."""
        return text(self.resource, "resourceType")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """All resources of a Bundle, or the one resource that came alone, indexed for references."""

    whole: Json
    entries: tuple[Entry, ...]
    index: Mapping[str, Json]

    @classmethod
    def of(cls, resource: Json) -> "Message":
        """Index a Bundle's entries, or a lone resource as its own only entry."""
        entries = tuple(_entries(resource))
        index: dict[str, Json] = {}
        for entry in entries:
            for key in {entry.full_url, _type_and_id(entry.resource)} - {""}:
                index[key] = _AMBIGUOUS if key in index else entry.resource
        return cls(whole=resource, entries=entries, index=index)

    def all(self, kind: str) -> tuple[Entry, ...]:
        """The entries of one resource type, in order."""
        return tuple(e for e in self.entries if e.kind == kind)

    def follow(self, reference: Tree, owner: Tree = EMPTY) -> Tree:
        """The resource a Reference of `owner` leads to; empty when it leads out of the message."""
        target = text(reference, "reference")
        if target.startswith("#"):
            return _contained(owner, target[1:])
        return self.index.get(target.partition("/_history/")[0]) or EMPTY


def _entries(resource: Json) -> Iterator[Entry]:
    if resource.get("resourceType") != "Bundle":
        yield Entry(at=text(resource, "resourceType"), full_url="", resource=resource)
        return
    for at, entry in placed(resource, "entry", "Bundle"):
        inner: Any = entry.get("resource")
        if isinstance(inner, dict):
            yield Entry(at=f"{at}.resource", full_url=text(entry, "fullUrl"), resource=inner)


def _type_and_id(resource: Tree) -> str:
    kind, identity = text(resource, "resourceType"), text(resource, "id")
    return f"{kind}/{identity}" if kind and identity else ""


def _contained(owner: Tree, identity: str) -> Tree:
    matches = [r for r in trees(owner, "contained") if text(r, "id") == identity]
    return matches[0] if len(matches) == 1 else EMPTY
