"""What UK Core and the NHS add to R4: slices, extension values, identifier systems and check digits.

No FHIR library and no validator without a terminology server sees a misspelt identifier system, a wrong check
digit or a damaged SNOMED CT code (docs of UK Core R4: Patient, Organization, ServiceRequest).
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from bridge.domain import systems
from bridge.domain.codes import problem_of
from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.errors import Problem, shape
from bridge.fhir.trees import Tree, text, texts, tree_at, trees
from bridge.fhir.vocabulary import AT_MOST_ONE, CODES_OF_SYSTEM, EXTENSION_VALUES, PROFILE

Rule = Callable[[Tree, str], Iterator[Problem]]

_RETIRED: Final = frozenset(v for k, v in vars(systems).items() if k.endswith("_RETIRED"))
_KNOWN: Final = (
    frozenset(v for k, v in vars(systems).items() if k.isupper() and isinstance(v, str)) - _RETIRED
)
_NATIONAL: Final = re.compile(r"https?://(fhir\.nhs\.(uk|net)|fhir\.hl7\.org\.uk)/", re.IGNORECASE)
_SNOMED_LIKE: Final = re.compile(r"snomed\.info/?", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*|[xX](-[A-Za-z0-9]{1,8})+")  # BCP 47, 2.1
_SINGLE_SLICES: Final = {
    "Patient": (systems.NHS_NUMBER,),
    "Organization": (systems.ODS_ORGANISATION, systems.ODS_SITE),
}


def _identifier(tree: Tree, at: str) -> Iterator[Problem]:
    system, value = text(tree, "system"), text(tree, "value")
    if systems.canonical_system(system) != system or (_NATIONAL.match(system) and system not in _KNOWN):
        yield Problem(
            code="fhir-system", at=f"{at}.system", rule="a national identifier system, spelt exactly"
        )
    if tree.get("value") != value and isinstance(tree.get("value"), str):
        yield Problem(code="fhir-value", at=f"{at}.value", rule="no spaces around an identifier")
    if not value and system in (systems.NHS_NUMBER, systems.ODS_ORGANISATION, systems.ODS_SITE):
        yield Problem(code="fhir-profile", at=f"{at}.value", rule="UK Core: this slice needs a value")
    elif code := _damage_of(system, value):
        yield Problem(code=code, at=f"{at}.value", shape=shape(value))


def _damage_of(system: str, value: str) -> str:
    """Why the value cannot be one of a system with check digits or a shape; "" when it can."""
    try:
        if system == systems.NHS_NUMBER and NhsNumber.parse(value).digits != value:
            return "nhs-number-not-digits"
        if system in (systems.ODS_ORGANISATION, systems.ODS_SITE) and OdsCode.parse(value).code != value:
            return "ods-code-shape"
    except ValueError as error:
        return str(error)
    return ""


def _coding(tree: Tree, at: str) -> Iterator[Problem]:
    system, code = text(tree, "system"), text(tree, "code")
    if system == systems.SNOMED:
        if damage := problem_of(code):
            yield Problem(code=damage, at=f"{at}.code", shape=shape(code))
    elif system in _RETIRED or systems.canonical_system(system) != system or _SNOMED_LIKE.search(system):
        yield Problem(code="fhir-system", at=f"{at}.system", rule="the current spelling of a code system")
    elif system == systems.BCP_47:
        if not _LANGUAGE.fullmatch(code):
            yield Problem(code="fhir-code", at=f"{at}.code", shape=shape(code), rule="BCP 47")
    elif (allowed := CODES_OF_SYSTEM.get(system)) and code not in allowed:
        yield Problem(code="fhir-code", at=f"{at}.code", shape=shape(code), rule=system)


def _extension(tree: Tree, at: str) -> Iterator[Problem]:
    expected = EXTENSION_VALUES.get(text(tree, "url"))
    if expected and expected not in tree:
        yield Problem(code="fhir-profile", at=at, rule=f"this extension holds {expected}")


def _single_slices(kind: str) -> Rule:
    """At most one identifier of each national system (UK Core Patient and Organization)."""

    def rule(tree: Tree, at: str) -> Iterator[Problem]:
        held = [text(i, "system") for i in trees(tree, "identifier")]
        for system in _SINGLE_SLICES[kind]:
            if held.count(system) > 1:
                yield Problem(code="fhir-profile", at=f"{at}.identifier", rule=f"at most one of {system}")

    return rule


def _repeated_extensions(tree: Tree, kind: str, at: str) -> Iterator[Problem]:
    if "extension" not in tree:
        return
    held = [text(e, "url") for e in trees(tree, "extension")]
    for url in AT_MOST_ONE[kind]:
        if held.count(url) > 1:
            yield Problem(code="fhir-profile", at=f"{at}.extension", rule=f"at most one of {url}")


def _both(kind: str, rule: Rule | None) -> Rule:
    """The rule of a type, and its limits on extensions."""

    def both(tree: Tree, at: str) -> Iterator[Problem]:
        yield from _repeated_extensions(tree, kind, at)
        if rule:
            yield from rule(tree, at)

    return both


def profile_problems(resource: Tree, kind: str, at: str) -> Iterator[Problem]:
    """A UK Core profile of another type than the resource's own."""
    for profile in texts(tree_at(resource, "meta"), "profile"):
        if profile.startswith(PROFILE) and profile != PROFILE + kind:
            yield Problem(code="fhir-profile", at=f"{at}.meta.profile", rule="the profile of this type")


_RULES: Final[dict[str, Rule]] = {
    "Coding": _coding,
    "Extension": _extension,
    "Identifier": _identifier,
    "Organization": _single_slices("Organization"),
    "Patient": _single_slices("Patient"),
}

# What UK Core says against one object of a type.
UK_RULES: Final[dict[str, Rule]] = _RULES | {kind: _both(kind, _RULES.get(kind)) for kind in AT_MOST_ONE}
