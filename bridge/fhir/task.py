"""The Task that asks the service to act on a ServiceRequest; after creating it we never write it again.

Shape: the SDOH Clinical Care referral Task (HL7/fhir-sdoh-clinicalcare 3.0.0) under the UK Core profile.
"""

from bridge.domain import systems
from bridge.domain.referral import Referral
from bridge.fhir.datatypes import codeable, filled, identifier, organisation
from bridge.fhir.naming import Naming
from bridge.fhir.released import Released
from bridge.fhir.service_request import Service
from bridge.fhir.trees import Json
from bridge.fhir.vocabulary import PROFILE


def task(
    referral: Referral, *, focus: Json, subject: Json, service: Service, released: Released, naming: Naming
) -> Json:
    """A Task in status requested: `focus` refers to the ServiceRequest, `subject` to the patient."""
    return filled(
        resourceType="Task",
        meta={"profile": [PROFILE + "Task"]},
        identifier=[identifier(naming.placer(referral), "PLAC")],
        status="requested",
        intent="order",
        priority=referral.priority if "priority" in released else "",
        code=codeable(systems.TASK_CODE, "fulfill", "Fulfill the focal request"),
        focus=focus,
        for_=subject,
        authoredOn=referral.authored_on,
        requester=organisation(referral.practice) if "practice" in released else None,
        owner=service.reference,
    )
