"""What a message held that went nowhere: each element is mapped, ignored for a reason, or named here.

Only names that R4 defines are shown; any other is data and is given by its shape.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from bridge.errors import shape
from bridge.fhir.elements import elements_of
from bridge.fhir.trees import Tree, text

# Ignored in every resource: ids belong to the sender's server, a generated narrative repeats the elements.
_ALWAYS: Final = frozenset({"resourceType", "id", "meta", "language", "implicitRules"})

# Element paths that a reader uses. A path covers everything below it; `[url]` picks an extension.
USED: Final[dict[str, frozenset[str]]] = {
    kind: frozenset(paths.split())
    for kind, paths in {
        "ServiceRequest": (
            "identifier status intent category priority doNotPerform code subject authoredOn requester "
            "performer reasonCode reasonReference supportingInfo note.text contained basedOn "
            "extension[http://hl7.org/fhir/StructureDefinition/request-statusReason]"
        ),
        "Patient": (
            "identifier name.use name.text name.family name.given name.prefix telecom.system telecom.value "
            "telecom.use telecom.rank gender birthDate deceasedBoolean deceasedDateTime address.use "
            "address.line address.city address.district address.state address.postalCode address.text "
            "address.type communication.language communication.preferred generalPractitioner active "
            "extension[https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory] "
            "extension[http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired] "
            "extension[https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSCommunication]"
        ),
        "Practitioner": "identifier name telecom active gender",
        "PractitionerRole": "practitioner organization code specialty telecom active",
        "Organization": "identifier name active type",
        "HealthcareService": "identifier name active providedBy",
        "Condition": "code clinicalStatus verificationStatus category subject encounter",
        "Consent": (
            "status scope category patient policyRule policy provision.type provision.actor"
            " provision.provision.type provision.provision.actor dateTime organization"
        ),
        "Flag": "status category code subject encounter",
        "Task": "status intent code focus for description authoredOn requester owner identifier priority",
        # Of the clinical journey only the words for the service are taken; the rest is the sender's workflow.
        "CarePlan": (
            "status intent subject encounter addresses activity.outcomeCodeableConcept activity.reference"
        ),
        "Encounter": "status class subject identifier period episodeOfCare",
        "MessageHeader": "eventCoding destination sender source reason focus definition response extension",
    }.items()
}


def unmapped(resource: Tree, at: str) -> Iterator[str]:
    """Places in one resource that hold something nobody reads; a resource type nobody reads is one place."""
    kind = text(resource, "resourceType")
    used = USED.get(kind)
    if used is None:
        yield at
    else:
        yield from _below(resource, kind, "", at, used)


def _below(tree: Tree, kind: str, path: str, at: str, used: frozenset[str]) -> Iterator[str]:
    table = elements_of(kind)
    for name, value in tree.items():
        plain = name.removeprefix("_")
        inner = f"{path}.{plain}" if path else plain
        if (not path and plain in _ALWAYS) or inner in used or _is_generated(plain, value):
            continue
        element = table.get(plain)
        place = f"{at}.{plain}" if element else f"{at}.({shape(name)})"
        if plain == "extension":
            yield from _extensions(value, inner, place, used)
        elif element and any(u.startswith(f"{inner}.") for u in used):
            for index, item in enumerate(_objects(value)):
                yield from _below(
                    item, element.kind, inner, f"{place}[{index}]" if element.many else place, used
                )
        else:
            yield place


def _extensions(value: Any, path: str, place: str, used: Iterable[str]) -> Iterator[str]:
    for index, item in enumerate(_objects(value)):
        if f"{path}[{text(item, 'url')}]" not in used:
            yield f"{place}[{index}]"


def _is_generated(name: str, value: Any) -> bool:
    return name == "text" and isinstance(value, dict) and value.get("status") == "generated"


def _objects(value: Any) -> list[Tree]:
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, dict)]
