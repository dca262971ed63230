"""The referral as a UK Core ServiceRequest: everything it leans on is contained or named by identifier.

Nothing is created at the partner but the request itself: no Practitioner, Organization or Flag of ours is
left behind there, and a change replaces all of it at once.
"""

from dataclasses import dataclass
from typing import Final

from bridge.domain import systems
from bridge.domain.referral import Identifier, Referral
from bridge.fhir.consent import consent
from bridge.fhir.contained import flags, requester
from bridge.fhir.datatypes import codeable, coding, concept, concepts, extension, filled, identifier, logical
from bridge.fhir.naming import Naming
from bridge.fhir.released import Released
from bridge.fhir.trees import Json
from bridge.fhir.vocabulary import (
    BARS_CATEGORY,
    OBSERVATION_VALUE,
    ORIGINAL_TEXT_EXTENSION,
    PROFILE,
    STATUS_REASON_EXTENSION,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The social prescribing service a referral goes to, by ODS code or Directory of Services id."""

    identifier: Identifier
    name: str = ""

    @property
    def reference(self) -> Json:
        """A logical reference to it."""
        kind = "HealthcareService" if self.identifier.system == systems.DOS_SERVICE else "Organization"
        return logical(kind, self.identifier, self.name)


CATEGORY: Final = codeable(BARS_CATEGORY, "referral", "Transfer of Care")
_REDACTED: Final = coding(OBSERVATION_VALUE, "REDACTED", "redacted")


def service_request(
    referral: Referral,
    *,
    subject: Json,
    service: Service,
    released: Released,
    naming: Naming,
    status: str = "active",
    reason: str = "",
) -> Json:
    """A UK Core ServiceRequest without id.

    `subject` is the Reference to the patient, `reason` why a status other than active was set.
    """
    asked_by, held_by_requester = requester(referral, released)
    held = [
        *held_by_requester,
        *flags(referral, subject, released, naming),
        *consent(referral, subject, released, service=service.reference),
    ]
    supporting = [{"reference": f"#{r['id']}"} for r in held if r["resourceType"] in ("Flag", "Consent")]
    notes = (referral.note if "note" in released else "", _priority_note(referral, released), reason)
    return filled(
        resourceType="ServiceRequest",
        meta=filled(
            profile=[PROFILE + "ServiceRequest"], security=[_REDACTED] if referral.withheld else None
        ),
        contained=held,
        extension=[extension(STATUS_REASON_EXTENSION, valueCodeableConcept={"text": reason})]
        if reason
        else None,
        identifier=_identifiers(referral, released, naming),
        status=status,
        intent="order",
        category=[CATEGORY],
        **_priority(referral, released),
        code=concept(referral.requested),
        subject=subject,
        authoredOn=referral.authored_on,
        requester=asked_by,
        performer=[service.reference],
        reasonCode=_reasons(referral, released),
        supportingInfo=supporting,
        note=[{"text": words} for words in notes if words],
    )


def _identifiers(referral: Referral, released: Released, naming: Naming) -> list[Json]:
    made = [identifier(naming.placer(referral), "PLAC")]
    if "identifiers" not in released:
        return made
    own = Identifier(system=naming.record(referral.key.source), value=referral.key.record)
    told = own.value in {held.value for held in referral.identifiers}
    return made + [identifier(held) for held in (*referral.identifiers, *(() if told else (own,)))]


def _priority(referral: Referral, released: Released) -> Json:
    """The priority, and beside it the source's own words where it had some."""
    if "priority" not in released or not referral.priority:
        return {}
    words = referral.priority_text
    said = {"extension": [extension(ORIGINAL_TEXT_EXTENSION, valueString=words)]} if words else {}
    return filled(priority=referral.priority, _priority=said)


def _priority_note(referral: Referral, released: Released) -> str:
    """Words that no code stands for: a required code has to have a value, so GP Connect puts them here."""
    if "priority" not in released or referral.priority or not referral.priority_text:
        return ""
    return f"Priority: {referral.priority_text}"


def _reasons(referral: Referral, released: Released) -> list[Json]:
    coded = concepts(referral.reasons) if "reason" in released else []
    told = [{"text": referral.reason_text}] if referral.reason_text and "reason-text" in released else []
    return coded + told
