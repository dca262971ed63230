"""The CapabilityStatement: built from the list of what the doors really answer, so it cannot promise more."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.fhir.datatypes import filled
from bridge.fhir.trees import Json
from bridge.fhir.vocabulary import PROFILE

_PROFILED: Final = frozenset(
    {"Patient", "ServiceRequest", "Task", "Observation", "OperationOutcome", "Bundle"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What is answered for one resource type, or for the whole server when `resource` is ""."""

    resource: str = ""
    interactions: tuple[str, ...] = ()  # R4 restful-interaction codes: read, create, search-type, transaction
    searches: tuple[tuple[str, str], ...] = ()  # name and R4 search parameter type
    operations: tuple[tuple[str, str], ...] = ()  # name and canonical of its definition
    conditional_create: bool = False
    documentation: str = ""


def capability_statement(
    capabilities: Iterable[Capability],
    *,
    base: str,
    software: str,
    version: str,
    date: str,
    formats: tuple[str, ...],
) -> Json:
    """A CapabilityStatement of kind instance for R4; `date` is the FHIR date of the release."""
    told = tuple(capabilities)
    whole = [c for c in told if not c.resource]
    return filled(
        resourceType="CapabilityStatement",
        status="active",
        date=date,
        kind="instance",
        software={"name": software, "version": version},
        implementation={"description": software, "url": base},
        fhirVersion="4.0.1",
        format=list(formats),
        rest=[
            filled(
                mode="server",
                resource=[_resource(c) for c in told if c.resource],
                interaction=[{"code": code} for c in whole for code in c.interactions],
                operation=[_operation(o) for c in whole for o in c.operations],
            )
        ],
    )


def _resource(capability: Capability) -> Json:
    known = capability.resource in _PROFILED
    return filled(
        type=capability.resource,
        supportedProfile=[PROFILE + capability.resource] if known else None,
        documentation=capability.documentation,
        interaction=[{"code": code} for code in capability.interactions],
        conditionalCreate=capability.conditional_create or None,
        searchParam=[{"name": name, "type": kind} for name, kind in capability.searches],
        operation=[_operation(o) for o in capability.operations],
    )


def _operation(operation: tuple[str, str]) -> Json:
    return {"name": operation[0], "definition": operation[1]}
