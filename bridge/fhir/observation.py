"""What a service said, as an Observation for the GP record: the score or the event, and nothing beside it.

No note, no items, no person's name: the performer is an organisation (UK Core Observation). Which codes and
values may be filed is decided before this, by the scheme and the instruments.
"""

from decimal import Decimal
from typing import Final

from bridge.domain import systems
from bridge.domain.identifiers import NhsNumber
from bridge.domain.outcome import Component, Outcome, Value
from bridge.domain.referral import Concept, Identifier, Organisation, Referral
from bridge.fhir.datatypes import codeable, concept, filled, identifier, organisation
from bridge.fhir.naming import Naming, derived
from bridge.fhir.required_codes import REQUIRED_CODES
from bridge.fhir.trees import Json
from bridge.fhir.vocabulary import PROFILE

_CATEGORIES: Final = {"survey": "Survey", "social-history": "Social History"}


def observation(
    outcome: Outcome,
    *,
    referral: Referral,
    service: Organisation,
    naming: Naming,
    category: str = "survey",
    code: Concept | None = None,
    corrects: bool = False,
) -> Json:
    """An Observation without id, its subject named by NHS number until `with_subject` completes it.

    `code` is the signed-off concept to file, else the outcome's own; `service` is who says it; `corrects`
    when an earlier version was filed. One outcome may be filed under several codes, each with an identifier
    of its own that survives corrections.
    """
    meaning = code or outcome.code
    return filled(
        resourceType="Observation",
        meta={"profile": [PROFILE + "Observation"]},
        identifier=[identifier(_filed_as(outcome, referral, meaning, naming))],
        basedOn=[{"type": "ServiceRequest", "identifier": identifier(naming.placer(referral), "PLAC")}],
        status=_status(outcome, corrects=corrects),
        category=[codeable(systems.OBSERVATION_CATEGORY, category, _CATEGORIES[category])],
        code=concept(meaning),
        subject=_subject(referral.patient.nhs_number),
        effectiveDateTime=outcome.effective,
        issued=outcome.issued.isoformat(timespec="milliseconds") if outcome.issued else None,
        performer=[performer] if (performer := organisation(service)) else None,
        **_value(outcome.value),
        component=[_component(part) for part in outcome.components],
    )


def _filed_as(outcome: Outcome, referral: Referral, meaning: Concept, naming: Naming) -> Identifier:
    codes = (part for held in meaning.codings[:1] for part in (held.system, held.code))
    value = derived(referral.key.id, outcome.identifier, *codes)
    return Identifier(system=naming.outcome, value=str(value))


def _status(outcome: Outcome, *, corrects: bool) -> str:
    """An Observation keeps its own status; what a Task said is final; the next final one is a correction."""
    held = outcome.status if outcome.status in REQUIRED_CODES["Observation.status"] else "final"
    return "corrected" if corrects and held == "final" else held


def _subject(number: NhsNumber | None) -> Json:
    if number is None:
        return {"type": "Patient"}
    held = Identifier(system=systems.NHS_NUMBER, value=number.digits)
    return {"type": "Patient", "identifier": identifier(held)}


def _component(part: Component) -> Json:
    return {"code": concept(part.code), **_value(part.value)}


def _value(value: Value | None) -> Json:
    """The value[x] or the reason there is none."""
    if value is None:
        return {}
    return {
        name: made
        for name, made in (
            ("valueQuantity", _quantity(value)),
            ("valueInteger", value.integer),
            ("valueCodeableConcept", concept(value.concept) if value.concept else None),
            ("valueString", value.text),
            ("valueBoolean", value.boolean),
            (
                "dataAbsentReason",
                codeable(systems.DATA_ABSENT_REASON, value.absent) if value.absent else None,
            ),
        )
        if made is not None
    }


def _quantity(value: Value) -> Json | None:
    if value.quantity is None:
        return None
    return filled(
        value=Decimal(value.quantity),
        comparator=value.comparator,
        unit=value.unit,
        system=systems.UCUM if value.unit_code else None,
        code=value.unit_code,
    )
