"""The elements of each FHIR R4 type, read from the R4B models (equal to R4 4.0.1 for what we use).

The differences between R4B and R4 that matter are taken out here, so everything above this file sees R4:
choices that only R4B has, resource types that only R4B has, and the wider targets of Observation.subject
(http://hl7.org/fhir/R4B/diff.html).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from fhir_core import types as primitives
from fhir_core.fhirabstractmodel import FHIRAbstractModel
from fhir_core.utils import get_fhir_type_name, is_list_type, is_primitive_type
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

PRIMITIVE_EXTENSION = "FHIRPrimitiveExtension"  # what stands under `_name` beside a primitive
_R4B_PREFIX = "R4."  # how fhir_core names the R4B family of models

R4B_ONLY_DATATYPES = frozenset({"CodeableReference", "RatioRange"})
R4B_ONLY_RESOURCES = frozenset(
    {
        "AdministrableProductDefinition",
        "Citation",
        "ClinicalUseDefinition",
        "EvidenceReport",
        "Ingredient",
        "ManufacturedItemDefinition",
        "MedicinalProductDefinition",
        "NutritionProduct",
        "PackagedProductDefinition",
        "RegulatedAuthorization",
        "SubscriptionStatus",
        "SubscriptionTopic",
        "SubstanceDefinition",
    }
)
_R4_TARGETS = {("Observation", "subject"): frozenset({"Patient", "Group", "Device", "Location"})}


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type: `kind` is its FHIR type name, `targets` the types a Reference may point at.

    `choice` is the stem of value[x], of which an object holds one form.
    """

    name: str
    kind: str
    many: bool
    primitive: bool
    targets: frozenset[str] = frozenset()
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """What an object cannot lack: one of `names`. An extension beside a `primitive` says why it does."""

    names: tuple[str, ...]
    primitive: bool = False


@cache
def elements_of(kind: str) -> Mapping[str, Element]:
    """The elements of a resource, datatype or backbone type by JSON name; empty when R4 has no such type."""
    model = _model(kind)
    if model is None:
        return MappingProxyType({})
    found = (_element(kind, field) for name, field in model.model_fields.items() if _is_element(name, field))
    return MappingProxyType({e.name: e for e in found if e.kind not in R4B_ONLY_DATATYPES})


@cache
def in_order(kind: str) -> tuple[str, ...]:
    """The JSON names of a type's elements as the specification orders them; none for no type of R4."""
    model = _model(kind)
    return tuple(model.elements_sequence()) if model else ()


@cache
def needs_of(kind: str) -> tuple[Need, ...]:
    """What an object of a type holds at least (minimum cardinality 1)."""
    model = _model(kind)
    if model is None:
        return ()
    fields = model.model_fields
    whole = [Need((str(field.alias),)) for field in fields.values() if field.is_required()]
    blank = model.model_construct()
    simple = [Need((name,), primitive=beside is not None) for name, beside in blank.get_required_fields()]
    forms = [
        Need(tuple(str(fields[name].alias) for name in names))
        for names in blank.get_one_of_many_fields().values()
        if _extra(fields[names[0]]).get("one_of_many_required")
    ]
    return (*whole, *simple, *forms)


@cache
def parser_of(kind: str) -> Callable[[Any], Any]:
    """What reads the JSON value of a primitive type; pydantic's ValidationError when it is none."""
    held: Any = getattr(primitives, f"{kind[:1].upper()}{kind[1:]}Type")
    return TypeAdapter[Any](held).validate_python


@cache
def is_resource(kind: str) -> bool:
    """Whether R4 has a resource type of this name."""
    model = _model(kind)
    return model is not None and model.has_resource_base() and kind not in ("Resource", "DomainResource")


def _model(kind: str) -> type[FHIRAbstractModel] | None:
    # The look-up below takes any attribute of a module, so only plain type names may reach it.
    if not (kind.isascii() and kind.isalpha()) or kind in R4B_ONLY_RESOURCES:
        return None
    try:
        return get_fhir_model_class(kind)
    except ValueError:
        return None


def _is_element(name: str, field: FieldInfo) -> bool:
    return name != "fhir_comments" and not name.endswith("__ext") and field.alias != "resourceType"


def _element(kind: str, field: FieldInfo) -> Element:
    name = str(field.alias)
    extra = _extra(field)
    targets = _R4_TARGETS.get((kind, name)) or frozenset(extra.get("enum_reference_types", ()))
    return Element(
        name=name,
        kind=get_fhir_type_name(field, prefix=_R4B_PREFIX),
        many=is_list_type(field),
        primitive=is_primitive_type(field),
        targets=targets,
        choice=extra.get("one_of_many", ""),
    )


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra: Any = field.json_schema_extra
    return extra or {}
