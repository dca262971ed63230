"""Reading requests in a test: the one event, its referral, or its first problem."""

from datetime import UTC, datetime

from bridge.domain.referral import Referral, ReferralEvent
from bridge.fhir.meanings import FhirAliases
from bridge.fhir.requests import Request, requests_of
from bridge.fhir.trees import Json

ARRIVED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def read(resource: Json, aliases: FhirAliases | None = None) -> Request:
    (request,) = requests_of(resource, source="greenfield", arrived=ARRIVED, aliases=aliases or FhirAliases())
    return request


def event_of(resource: Json, aliases: FhirAliases | None = None) -> ReferralEvent:
    request = read(resource, aliases)
    assert request.event is not None, request.problems
    return request.event


def referral_of(resource: Json, aliases: FhirAliases | None = None) -> Referral:
    referral = event_of(resource, aliases).referral
    assert referral is not None
    return referral


def problem_of(resource: Json) -> tuple[str, str]:
    request = read(resource)
    assert request.event is None
    return request.problems[0].code, request.problems[0].at
