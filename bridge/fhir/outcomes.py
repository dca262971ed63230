"""What a service reports in FHIR, as the domain's Outcomes: Tasks, Observations, BaRS response messages.

One resource or a Bundle of any type gives one Report per thing said. The service owns Task.status and we own
the request, so a ServiceRequest in a report says nothing but which referral is meant.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bridge.domain.episode import instrument_of
from bridge.domain.identifiers import LONGEST_KEY
from bridge.domain.outcome import Outcome
from bridge.errors import Problem
from bridge.fhir.bars_responses import is_response, response_outcome
from bridge.fhir.form_outcomes import form_outcome
from bridge.fhir.meanings import FhirAliases
from bridge.fhir.naming import Naming
from bridge.fhir.observation_outcomes import observation_outcome
from bridge.fhir.outcome_reading import OutcomeReading
from bridge.fhir.references import Entry, Message
from bridge.fhir.task_outcomes import OURS, task_outcome
from bridge.fhir.trees import Json, placed, text, trees

# Surroundings: they say who and which, never what happened.
_CONTEXT: Final = frozenset(
    [
        "Patient",
        "ServiceRequest",
        "Practitioner",
        "PractitionerRole",
        "Organization",
        "HealthcareService",
        "OperationOutcome",
        "MessageHeader",
        "Encounter",
        "CarePlan",
        "Flag",  # a risk: a person heard of it before this was read
        "Consent",
        "Location",
        "EpisodeOfCare",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing a service said: the outcome, or the problems that stop it.

    `referral_ref` is how it names the referral, also where it cannot be used.
    """

    position: str = ""
    outcome: Outcome | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    referral_ref: str = ""


def reports_of(
    resource: Json, *, naming: Naming, arrived: datetime, aliases: FhirAliases | None = None
) -> tuple[Report, ...]:
    """Everything a message reports; nothing for Tasks as we made them and Observations that we filed."""
    message = Message.of(resource)

    def fresh() -> OutcomeReading:
        return OutcomeReading.of(message, naming=naming, aliases=aliases or FhirAliases(), arrived=arrived)

    told = (entry for entry in message.entries if not is_echo(entry.resource, naming))
    return tuple(report for entry in told for report in _reports(entry, fresh))


def is_echo(resource: Json, naming: Naming) -> bool:
    """Whether it is an Observation that we filed: service and GP record may be one server."""
    named = (text(held, "system") for held in trees(resource, "identifier"))
    return text(resource, "resourceType") == "Observation" and naming.outcome in named


def _reports(entry: Entry, fresh: Callable[[], OutcomeReading]) -> Iterator[Report]:
    held, at, reading = entry.resource, entry.at, fresh()
    match entry.kind:
        case "Task":
            if text(held, "status") not in OURS:
                yield _report(reading, task_outcome(reading, held, at))
            yield from _carried(held, at, fresh)
        case "Observation":
            outcome = observation_outcome(reading, held, at)
            yield from (_report(reading, part) for part in _parts(outcome))
        case "QuestionnaireResponse":
            yield _report(reading, form_outcome(reading, held, at))
        case "MessageHeader" if is_response(held):
            yield _report(reading, response_outcome(reading, held, at))
        case kind if kind not in _CONTEXT:
            yield Report(position=at, problems=(Problem(code="fhir-outcome-unknown", at=at),))


def _parts(outcome: Outcome) -> tuple[Outcome, ...]:
    """One outcome for each component that names a questionnaire of its own: ONS4 is four scores."""
    if outcome.value is not None or not outcome.components or instrument_of(outcome) is not None:
        return (outcome,)
    whole = outcome.instrument or outcome.code.text
    parts = [replace(outcome, code=p.code, value=p.value, components=()) for p in outcome.components]
    named = [
        next((found for name in names if (found := instrument_of(replace(part, instrument=name)))), None)
        for part in parts
        for names in [(part.code.text, f"{whole} {part.code.text}")]
    ]
    if not all(named):
        return (outcome,)
    return tuple(
        replace(
            part,
            identifier=f"{outcome.identifier}#{row.name}" if outcome.identifier else "",
            instrument=row.name,
        )
        for part, row in zip(parts, named, strict=True)
        if row is not None
    )


def _carried(task: Json, at: str, fresh: Callable[[], OutcomeReading]) -> Iterator[Report]:
    """The Observations a Task carries inside itself."""
    for place, held in placed(task, "contained", at):
        if text(held, "resourceType") == "Observation":
            reading = fresh()
            outcome = observation_outcome(reading, held, place, within=task)
            yield from (_report(reading, part) for part in _parts(outcome))


def _report(reading: OutcomeReading, outcome: Outcome) -> Report:
    findings, at = reading.findings, outcome.position
    if not outcome.referral_ref:
        findings.refuse("fhir-outcome-no-referral", at)
    if not outcome.identifier:
        findings.refuse("fhir-outcome-no-identifier", at)
    if len(outcome.identifier) > 2 * LONGEST_KEY:  # system and value
        findings.refuse("key-too-long", f"{at}.identifier", value=outcome.identifier)
    problems, warnings = tuple(findings.problems), tuple(findings.warnings)
    return Report(
        position=at,
        outcome=None if problems else outcome,
        problems=problems,
        warnings=warnings,
        referral_ref=outcome.referral_ref,
    )
