"""What travels inside the ServiceRequest beside bridge.fhir.consent: who asked, and what to take care of.

Contained ids are names of their place, so the same referral always gives the same bytes.
"""

from typing import Final

from bridge.domain.referral import Concept, Organisation, Referral, Requester
from bridge.fhir.datatypes import codeable, concept, filled, identifier, organisation
from bridge.fhir.naming import Naming
from bridge.fhir.released import Released
from bridge.fhir.trees import Json
from bridge.fhir.vocabulary import BARS_FLAGS, FLAG_CATEGORY

_RISK: Final = codeable(FLAG_CATEGORY, "safety", "Safety")
_REQUIREMENT: Final = codeable(BARS_FLAGS, "RA")
_CONTACT: Final = codeable(FLAG_CATEGORY, "contact", "Subject Contact")

_SAFE_CONTACT: Final = {
    ("call", True): "Safe to telephone",
    ("call", False): "Not safe to telephone",
    ("leave_message", True): "Safe to leave a message",
    ("leave_message", False): "Not safe to leave a message",
    ("post", True): "Safe to send post",
    ("post", False): "Not safe to send post",
}


def requester(referral: Referral, released: Released) -> tuple[Json, list[Json]]:
    """The Reference to who asked, and the resources it needs contained; ({}, []) when it may not leave."""
    asked = referral.requester
    if "requester" not in released or asked == Requester():
        return {}, []
    if not (asked.name or asked.role or asked.identifier or asked.telecoms):
        return organisation(asked.organisation), []
    person = _practitioner(asked)
    role = filled(
        resourceType="PractitionerRole",
        id="requester",
        practitioner={"reference": f"#{person['id']}"} if person else None,
        organization=organisation(asked.organisation) if asked.organisation != Organisation() else None,
        code=[{"text": asked.role}] if asked.role else None,
        telecom=[filled(system=t.system, value=t.value, use=t.use) for t in asked.telecoms],
    )
    return {"reference": "#requester"}, [role, *([person] if person else [])]


def _practitioner(asked: Requester) -> Json:
    if not (asked.name or asked.identifier):
        return {}
    return filled(
        resourceType="Practitioner",
        id="requester-person",
        identifier=[identifier(asked.identifier)] if asked.identifier else None,
        name=[{"text": asked.name}] if asked.name else None,
    )


def flags(referral: Referral, subject: Json, released: Released, naming: Naming) -> list[Json]:
    """Risks, requirements and safe contact as Flags about the patient."""
    person = referral.patient
    made = []
    if "risks" in released:
        made += _numbered("risk", _RISK, referral.risks, subject)
    if "requirements" in released:
        made += _numbered("requirement", _REQUIREMENT, person.requirements, subject)
    if "safe-contact" in released:
        said = {(name, getattr(person.safe_contact, name)) for name, _ in _SAFE_CONTACT}
        made += [_safe_contact(key, subject, naming) for key in _SAFE_CONTACT if key in said]
    return made


def _numbered(name: str, category: Json, meanings: tuple[Concept, ...], subject: Json) -> list[Json]:
    held = [concept(meaning) for meaning in meanings if meaning != Concept()]
    return [_flag(f"{name}-{n}", category, code, subject) for n, code in enumerate(held, start=1)]


def _safe_contact(key: tuple[str, bool], subject: Json, naming: Naming) -> Json:
    channel, answer = key[0].replace("_", "-"), "safe" if key[1] else "unsafe"
    code = codeable(naming.safe_contact, f"{channel}-{answer}", text=_SAFE_CONTACT[key])
    return _flag(f"safe-contact-{channel}", _CONTACT, code, subject)


def _flag(identity: str, category: Json, code: Json, subject: Json) -> Json:
    return filled(
        resourceType="Flag", id=identity, status="active", category=[category], code=code, subject=subject
    )
