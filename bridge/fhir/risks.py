"""Risks a message speaks of, found before anything of it is checked, and whatever else is wrong with it.

A Flag is a stated risk. An answer to item 9 of the PHQ-9 that is not "not at all" is one, wherever it stands.
Too many found harms less than one missed: in doubt it is a risk. 44260-8 is item 9 in LOINC and LA6568-5 its
answer "Not at all" (example instances of HL7/sdc and of many public questionnaires).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bridge.domain import instruments
from bridge.domain.instruments import Instrument
from bridge.fhir.trees import Json, Tree, text, tree_at, trees

STATED, SAFEGUARDING, SELF_HARM = "stated", "safeguarding", "phq-9-item-9"
_ITEM, _NOT_AT_ALL = "44260-8", frozenset({"", "0", "0.0", "la6568-5", "not at all", "not-at-all"})
_OVER: Final = frozenset({"inactive", "entered-in-error"})  # Flag.status
_NUMBERED: Final = ("valueInteger", "valueDecimal", "valueString", "valueQuantity", "valueCoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """One risk: of which kind, where it stands, and the resource that says so."""

    kind: str
    position: str
    resource: Json


def risks_in(message: Any) -> Iterator[Risk]:
    """Every risk in a JSON tree nobody has checked."""
    for at, held in _resources(message, "$"):
        kind = _kind(held)
        if kind:
            yield Risk(kind=kind, position=at, resource=held)


def _resources(tree: Any, at: str) -> Iterator[tuple[str, Json]]:
    """Every resource, however deep it stands; the path is of element names and numbers only."""
    pending = [(at, tree)]
    while pending:
        place, node = pending.pop()
        if isinstance(node, list):
            pending += [(f"{place}[{n}]", each) for n, each in enumerate(node)]
        elif isinstance(node, dict):
            if isinstance(node.get("resourceType"), str):
                place = node["resourceType"] if node["resourceType"].isalpha() else place
                yield place[:80], node
            inner = ((name, node.get(name)) for name in ("entry", "resource", "contained"))
            pending += [(f"{place}.{name}", held) for name, held in inner if held]


def _kind(held: Json) -> str:
    match held.get("resourceType"):
        case "Flag" if text(held, "status") not in _OVER:
            words = str(
                [*_labels(tree_at(held, "code")), *(w for c in trees(held, "category") for w in _labels(c))]
            )
            return SAFEGUARDING if "safeguard" in words.casefold() else STATED
        case "Observation" if text(held, "status") != "entered-in-error" and _observed(held):
            return SELF_HARM
        case "QuestionnaireResponse" if text(held, "status") != "entered-in-error" and _answered(held):
            return SELF_HARM
    return ""


def _observed(held: Json) -> bool:
    parts = trees(held, "component")
    if any(_asks(tree_at(part, "code")) and _is_raised(_said(part)) for part in (held, *parts)):
        return True
    found = _instrument([*_labels(tree_at(held, "code"))])
    return found is not None and instruments.safety_trigger(found, tuple(map(_score, parts)))


def _answered(held: Json) -> bool:
    leaves = list(_leaves(held))
    if any(_names(leaf) and any(_is_raised(_said(a)) for a in trees(leaf, "answer")) for leaf in leaves):
        return True
    names = [text(held, "questionnaire").partition("|")[0].rstrip("/").rpartition("/")[2]]
    found = _instrument([*names, text(tree_at(held, "_questionnaire"), "display")])
    answers = [_score(next(iter(trees(leaf, "answer")), {})) for leaf in leaves]
    return found is not None and instruments.safety_trigger(found, tuple(answers[: found.items.count]))


def _leaves(held: Tree) -> Iterator[Json]:
    for item in trees(held, "item"):
        inner = [*_leaves(item)]
        yield from inner or [item]


def _names(leaf: Tree) -> bool:
    return text(leaf, "linkId").strip("/") == _ITEM or text(leaf, "definition").endswith(_ITEM)


def _asks(code: Tree) -> bool:
    return any(text(c, "code") == _ITEM for c in trees(code, "coding"))


def _labels(code: Tree) -> list[str]:
    codings = trees(code, "coding")
    return [w for c in codings for w in (text(c, "code"), text(c, "display")) if w] + [text(code, "text")]


def _instrument(names: list[str]) -> Instrument | None:
    for name in names:
        try:
            return instruments.find(name)
        except ValueError:
            continue
    return None


def _said(part: Tree) -> Any:
    return next((part[name] for name in (*_NUMBERED, "valueCodeableConcept") if name in part), None)


def _score(part: Tree) -> str:
    """An answer as text; a coded "not at all" is 0."""
    value = _plain(_said(part))
    return "0" if value.casefold() in _NOT_AT_ALL and value else value


def _is_raised(value: Any) -> bool:
    return _plain(value).casefold() not in _NOT_AT_ALL


def _plain(value: Any) -> str:
    match value:
        case bool() | None:
            return ""
        case int() | float() | Decimal():
            return str(value)
        case str():
            return value.strip()
        case dict() if "value" in value:
            return _plain(value["value"])
        case dict():
            coded = [text(value, "code"), *(text(c, "code") for c in trees(value, "coding"))]
            return next((code for code in coded if code), text(value, "display") or text(value, "text"))
    return ""
