"""What a search of the simulated FHIR server matches (hl7.org/fhir/R4/search.html, the part partners use)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

Resource = dict[str, Any]
Lookup = Callable[[str], Resource | None]

# Reference parameters of R4, as parameter -> element.
_REFERENCES: dict[str, dict[str, str]] = {
    "ServiceRequest": {
        "patient": "subject",
        "subject": "subject",
        "based-on": "basedOn",
        "requester": "requester",
        "performer": "performer",
    },
    "Task": {
        "patient": "for",
        "subject": "for",
        "based-on": "basedOn",
        "focus": "focus",
        "owner": "owner",
        "requester": "requester",
        "part-of": "partOf",
    },
    "Observation": {
        "patient": "subject",
        "subject": "subject",
        "based-on": "basedOn",
        "performer": "performer",
        "focus": "focus",
    },
}
_TOKENS = {"status": "status", "code": "code", "category": "category", "birthdate": "birthDate"}
# They shape the answer and select nothing.
RESULT_PARAMETERS = frozenset({"_count", "_offset", "_sort", "_format", "_total"})
_BEFORE_AND_AFTER: dict[str, Callable[[datetime, datetime], bool]] = {
    "gt": lambda held, asked: held > asked,
    "ge": lambda held, asked: held >= asked,
    "lt": lambda held, asked: held < asked,
    "le": lambda held, asked: held <= asked,
}


def check(kind: str, pairs: list[tuple[str, str]]) -> None:
    """ValueError for a parameter that this type does not have or a date that is none."""
    for name, value in pairs:
        if not _known(kind, name):
            raise ValueError("an unknown search parameter")
        if name == "_lastUpdated":
            instant(value[2:] if value[:2] in _BEFORE_AND_AFTER else value)


def _known(kind: str, name: str) -> bool:
    plain = name.removesuffix(":identifier").removesuffix(".identifier")
    return (
        name in RESULT_PARAMETERS
        or name in {"_id", "_lastUpdated", "identifier"}
        or name in _TOKENS
        or plain in _REFERENCES.get(kind, {})
    )


def matches(resource: Resource, pairs: list[tuple[str, str]], lookup: Lookup) -> bool:
    """Whether a resource fits every parameter; commas mean or. `lookup` follows a relative reference."""
    return all(
        any(_fits(resource, name, value, lookup) for value in values.split(","))
        for name, values in pairs
        if name not in RESULT_PARAMETERS
    )


def _fits(resource: Resource, name: str, value: str, lookup: Lookup) -> bool:
    if name == "_id":
        return bool(resource["id"] == value)
    if name == "_lastUpdated":
        return _changed(str(resource["meta"]["lastUpdated"]), value)
    if name == "identifier":
        return any(_is_token(i, "value", value) for i in _listed(resource.get("identifier")))
    if name in _TOKENS:
        return any(_is_code(held, value) for held in _listed(resource.get(_TOKENS[name])))
    return _refers(resource, name, value, lookup)


def _changed(held: str, asked: str) -> bool:
    compare = _BEFORE_AND_AFTER.get(asked[:2])
    moment = instant(asked[2:] if compare else asked)
    return compare(instant(held), moment) if compare else instant(held) == moment


def instant(text: str) -> datetime:
    """A FHIR date or dateTime as an aware instant, UTC when it has no zone; ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refers(resource: Resource, name: str, value: str, lookup: Lookup) -> bool:
    parameter, _, way = name.replace(".", ":").partition(":")
    element = _REFERENCES.get(str(resource["resourceType"]), {}).get(parameter, "")
    holders = _listed(resource.get(element))
    if way != "identifier":
        return any(_same_place(str(h.get("reference", "")), value) for h in holders)
    if ":" in name:  # the reference's own logical identifier
        return any(_is_token(h.get("identifier") or {}, "value", value) for h in holders)
    targets = (lookup(str(h.get("reference", ""))) for h in holders)
    return any(_is_token(i, "value", value) for t in targets if t for i in _listed(t.get("identifier")))


def _same_place(held: str, wanted: str) -> bool:
    place = held.partition("/_history/")[0]
    return place == wanted or place.endswith("/" + wanted)


def _is_code(held: object, value: str) -> bool:
    if not isinstance(held, dict):
        return held == value
    return any(_is_token(c, "code", value) for c in _listed(held.get("coding")))


def _is_token(held: Resource, key: str, value: str) -> bool:
    system, bar, code = value.rpartition("|")
    return held.get(key) == code and (not bar or held.get("system", "") == system)


def _listed(value: object) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value
