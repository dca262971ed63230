"""FHIR datatypes as plain dicts, keys in the order of the specification; what is empty is left out."""

from collections.abc import Iterable
from typing import Any, Final

from bridge.domain import systems
from bridge.domain.referral import Coding, Concept, Identifier, Organisation
from bridge.fhir.trees import Json

_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {}, ())


def filled(**elements: Any) -> Json:
    """The elements that hold something, in order; a trailing `_` of a Python keyword is dropped."""
    return {name.rstrip("_"): value for name, value in elements.items() if value not in _EMPTY}


def coding(system: str, code: str, display: str = "") -> Json:
    """One Coding."""
    return filled(system=system, code=code, display=display)


def codeable(system: str, code: str, display: str = "", text: str = "") -> Json:
    """A CodeableConcept of one coding."""
    return filled(coding=[coding(system, code, display)], text=text)


def concept(meaning: Concept) -> Json:
    """A CodeableConcept with all codings of a meaning and its words."""
    return filled(coding=[_coding(c) for c in meaning.codings], text=meaning.text)


def _coding(held: Coding) -> Json:
    return coding(held.system, held.code, held.display)


def concepts(meanings: Iterable[Concept]) -> list[Json]:
    """Those meanings that say anything."""
    return [made for meaning in meanings if (made := concept(meaning))]


def identifier(held: Identifier, kind: str = "") -> Json:
    """An Identifier; `kind` is a code of HL7 table 0203 (PLAC, FILL)."""
    return filled(
        type=codeable(systems.IDENTIFIER_TYPE, kind) if kind else None,
        system=held.system,
        value=held.value,
    )


def logical(kind: str, held: Identifier | None, display: str = "") -> Json:
    """A reference by business identifier, which creates nothing at the partner; {} when nothing is known."""
    if held is None and not display:
        return {}
    return filled(type=kind, identifier=identifier(held) if held else None, display=display)


def organisation(held: Organisation) -> Json:
    """A logical reference to an organisation by its ODS code."""
    ods = Identifier(system=systems.ODS_ORGANISATION, value=held.ods.code) if held.ods else None
    return logical("Organization", ods, held.name)


def extension(url: str, **value: Any) -> Json:
    """An extension holding one value."""
    return {"url": url, **value}
