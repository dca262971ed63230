"""What a search found, believed only as far as it answers what was asked.

A server may ignore a parameter it does not know and give everything it holds (R4, search.html, errors): each
match is therefore checked for the identifier. "Nothing found" is an answer we act on, so it must be said
plainly, by a searchset without matches and without a total that says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.errors import Doubtful, NotThePartner, Transient
from bridge.fhir.trees import text, tree_at, trees
from bridge.partners.answers import Key, Resource, reference_of
from bridge.partners.failures import failure
from bridge.partners.operation_outcome import Voice, voice_of


@dataclass(frozen=True, slots=True)
class Matches:
    """The resources found for each key asked for, in the order of the keys."""

    by_key: tuple[tuple[Key, tuple[Resource, ...]], ...]

    def only(self, several: str) -> Resource | None:
        """The one resource of a search for one key, None when there is none; Doubtful `several` otherwise."""
        ((_, found),) = self.by_key
        if len(found) > 1:
            raise failure(Doubtful, several)
        return found[0] if found else None

    @property
    def each(self) -> tuple[Resource | None, ...]:
        """One resource of each key, None where there is none. Several of one key count as there."""
        return tuple(found[0] if found else None for _, found in self.by_key)


def matches_of(bundle: Resource, kind: str, keys: Sequence[Key]) -> Matches:
    """The matches in a searchset.

    As `shown_in`, and NotThePartner when it says two things at once; Doubtful when a match was not asked for
    or more were found than it shows.
    """
    found = shown_in(bundle, kind)
    for resource in found:
        if not reference_of(resource) or not any(key.on(resource) for key in keys):
            raise failure(Doubtful, "partner-search-unasked")
    total = bundle.get("total")
    if isinstance(total, int) and total > len(found):
        if not found:
            raise failure(NotThePartner, "partner-answer-unexpected")
        raise failure(Doubtful, "partner-search-cut")
    if any(text(link, "relation") == "next" for link in trees(bundle, "link")):
        raise failure(Doubtful, "partner-search-cut")
    return Matches(tuple((key, tuple(r for r in found if key.on(r))) for key in keys))


def shown_in(bundle: Resource, kind: str) -> tuple[Resource, ...]:
    """The resources of the type asked for; what was included beside them does not count.

    NotThePartner when it is no searchset; Transient when the partner says that it could not look everywhere.
    """
    if text(bundle, "resourceType") != "Bundle" or text(bundle, "type") != "searchset":
        raise failure(NotThePartner, "partner-answer-unexpected")
    entries = trees(bundle, "entry")
    if any(voice_of(tree_at(entry, "resource")) is not Voice.RESOURCE for entry in entries):
        raise failure(Transient, "partner-not-ready", at="Bundle.entry")
    matching = (entry.get("resource") for entry in entries if text(entry, "search", "mode") in ("", "match"))
    return tuple(r for r in matching if isinstance(r, dict) and text(r, "resourceType") == kind)
