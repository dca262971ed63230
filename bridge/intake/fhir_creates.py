"""One resource at a time: a ServiceRequest from a GP system, a Task or an Observation from a service."""

from typing import Literal

from fastapi import Request, Response

from bridge.errors import Forbidden, Problem
from bridge.fhir.answers import success
from bridge.fhir.trees import Json, text
from bridge.intake.answers import fhir, refusal
from bridge.intake.desk import Desk
from bridge.intake.fhir_sources import source_for
from bridge.intake.fhir_statuses import failures_of, outcome_of, place_of, status_of
from bridge.intake.fhir_transactions import names_itself, read
from bridge.intake.http import received
from bridge.intake.risk_notice import with_notice
from bridge.pipeline import keeping
from bridge.pipeline.accept import accept
from bridge.pipeline.report import PUSHED, report
from bridge.pipeline.verdict import Terms, Verdict
from bridge.security.caller import Role
from bridge.store.messages import Message

Reported = Literal["Observation", "QuestionnaireResponse", "Task"]
NO_NEWS = "It says nothing yet of what became of the referral."


async def refer(desk: Desk, request: Request) -> Response:
    """Take in one ServiceRequest with its patient contained or named by NHS number."""
    caller = await desk.caller(request)
    source = source_for(desk, caller, messages=False)
    message = await received(desk, request, caller, source=source.name, mapping=source.version, door="fhir")
    resource, condition = read(message), request.headers.get("if-none-exist", "")
    problem = _wrong_type(resource, "ServiceRequest")
    if problem is None and condition and not names_itself(resource or {}, condition):
        problem = Problem(code="fhir-condition", at="If-None-Exist")
    if problem is not None:
        verdict = await keeping.refuse(desk.store, desk.context, message, (problem,))
    else:
        only_new = frozenset({"ServiceRequest"}) if condition else frozenset[str]()
        terms = Terms(allowed=caller.practices, only_new=only_new)
        verdict = await accept(desk.store, desk.context, source, message, terms)
    desk.wake()
    return _answer(message, verdict, "ServiceRequest", created=True)


async def tell(desk: Desk, request: Request, kind: Reported, identity: str = "") -> Response:
    """Take in one thing a service reports; `identity` is the id an update names."""
    caller = await desk.caller(request)
    if Role.SERVICE not in caller.roles:
        raise Forbidden(problems=(Problem(code="caller-not-allowed"),))
    message = await received(desk, request, caller, source=caller.service, mapping="", door=PUSHED)
    raised = await desk.hear(message)
    resource = read(message)
    problem = _wrong_type(resource, kind)
    if problem is None and identity and resource is not None and text(resource, "id") != identity:
        problem = Problem(code="fhir-id-differs", at=f"{kind}.id")
    if problem is not None:
        verdict = await keeping.refuse(desk.store, desk.context, message, (problem,))
    else:
        verdict = await report(desk.store, desk.context, message, Terms(whole=True))
    desk.wake()
    return with_notice(_answer(message, verdict, kind, created=not identity), raised)


def _wrong_type(resource: Json | None, kind: str) -> Problem | None:
    if resource is None or resource["resourceType"] == kind:
        return None
    return Problem(code="fhir-type-differs", at="resourceType")


def _answer(message: Message, verdict: Verdict, kind: str, *, created: bool) -> Response:
    receipt = {"X-Receipt-ID": message.id}
    if verdict.failed:
        status, problems = failures_of(verdict.events)
        return refusal(status, problems, receipt)
    if not verdict.events:
        return fhir(success(NO_NEWS), 200, receipt)
    became = verdict.events[0]
    place = place_of(became, kind)
    if place:
        receipt["Location"] = f"/fhir/{place}"
    return fhir(outcome_of(became), status_of(became, created=created), receipt)
