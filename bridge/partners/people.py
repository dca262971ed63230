"""The Patient a partner already holds, beside the one we release: the same person, and up to date?

What we release is laid over what is held: a name, number or address of ours takes the place of the one held
for the same use, and everything else the partner knows stays. What we no longer release is not taken away:
nobody can tell whether it came from us.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from bridge.fhir.trees import text, trees
from bridge.partners.answers import Resource

_NOT_OURS_TO_SAY = frozenset({"resourceType", "id", "meta", "text", "contained"})
# What makes two entries of a repeating element stand for the same thing; other elements are replaced whole.
_SAME_USE = {
    "identifier": ("system", "value"),
    "extension": ("url",),
    "name": ("use",),
    "telecom": ("system", "use"),
    "address": ("use",),
}
_FORMER_NAMES = frozenset({"old", "maiden", "nickname", "anonymous"})  # R4 name-use


def same_person(held: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    """False when date of birth and family name both differ: the NHS number then found somebody else.

    One of them alone may be a marriage or a mended date. What either side does not say does not differ.
    """
    return not (_births_differ(held, ours) and _families_differ(held, ours))


def is_person(held: Mapping[str, Any], *, born: str, family: str) -> bool:
    """Whether date of birth and current family name are both exactly these."""
    return text(held, "birthDate") == born != "" and plain(family) in _families(held) - {""}


def is_closed(held: Mapping[str, Any]) -> bool:
    """Whether the record is of someone who died, is not in use, or gave way to another record."""
    if held.get("active") is False or held.get("deceasedBoolean") is True or text(held, "deceasedDateTime"):
        return True
    return any(text(link, "type") == "replaced-by" for link in trees(held, "link"))


def plain(name: str) -> str:
    """A name as people compare it: case, width, spaces and the shape of an apostrophe do not matter."""
    folded = unicodedata.normalize("NFKC", name).replace("\u2019", "'").casefold()
    return " ".join(folded.split())


def updated(held: Resource, ours: Mapping[str, Any]) -> Resource | None:
    """What is held with the details we release laid over it; None when it says them all already."""
    changed = {
        name: _laid_over(name, held.get(name), said)
        for name, said in ours.items()
        if name not in _NOT_OURS_TO_SAY and not _says(name, held.get(name), said)
    }
    if not changed:
        return None
    # A narrative would go on showing the older details.
    return {name: value for name, value in {**held, **changed}.items() if name != "text"}


def _laid_over(name: str, held: Any, ours: Any) -> Any:
    uses = _SAME_USE.get(name)
    if uses is None or not isinstance(held, list) or not isinstance(ours, list):
        return ours
    taken = {_use(entry, uses) for entry in ours}
    return [*ours, *(entry for entry in held if _use(entry, uses) not in taken)]


def _use(entry: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text(entry, name) for name in names) if isinstance(entry, dict) else ()


def _says(name: str, held: Any, ours: Any) -> bool:
    """Whether what is held of one element says what we say; a fuller date of birth says more."""
    if name == "birthDate" and isinstance(held, str) and held.startswith(f"{ours}-"):
        return True
    return _covers(held, ours)


def _covers(held: Any, ours: Any) -> bool:
    if isinstance(ours, dict):
        return isinstance(held, dict) and all(_covers(held.get(name), said) for name, said in ours.items())
    if isinstance(ours, list) and all(isinstance(said, dict) for said in ours):
        return isinstance(held, list) and all(any(_covers(h, said) for h in held) for said in ours)
    return bool(held == ours)


def _births_differ(held: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    left, right = sorted((text(held, "birthDate"), text(ours, "birthDate")), key=len)
    return bool(left) and left != right and not right.startswith(f"{left}-")


def _families_differ(held: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    left, right = _families(held), _families(ours)
    return bool(left and right) and not left & right


def _families(person: Mapping[str, Any]) -> set[str]:
    """The family names in use, in plain form."""
    named = (n for n in trees(person, "name") if text(n, "use") not in _FORMER_NAMES)
    return {plain(text(n, "family")) for n in named if text(n, "family")}
