"""The groups of fields a disclosure table can release; what is in none of them always goes with a referral.

Always: our identifier, status, intent, what was asked for, when, and the service itself.
"""

from collections.abc import Set as AbstractSet
from typing import Final, TypeAlias

from bridge.domain.identifiers import NhsNumber
from bridge.domain.referral import Patient, Referral

Released: TypeAlias = AbstractSet[str]

FIELD_GROUPS: Final[dict[str, str]] = {
    "address": "The person's postal address with its postcode.",
    "birth-date": "The date of birth, as precisely as the source holds it.",
    "consent": "What the source says of the person's agreement to sharing: given or not, how far, with whom.",
    "email": "The person's email addresses.",
    "ethnicity": "The ethnic category the practice recorded.",
    "gender": "The person's gender as the practice recorded it.",
    "identifiers": "Business identifiers of the source: its own record, e-Referral and placer numbers.",
    "language": "The person's language and whether an interpreter is needed.",
    "name": "Family name, given names and title.",
    "nhs-number": "The NHS number and its verification status, unless the status says it is not sure.",
    "note": "The free text the referrer wrote beside the referral.",
    "phone": "The person's telephone numbers, also those for text messages.",
    "practice": "The GP practice: its ODS code and name.",
    "preferred-name": "What the person likes to be called.",
    "priority": "How urgent the referrer says it is.",
    "reason": "The coded reasons and needs.",
    "reason-text": "The reason in the referrer's own words.",
    "requester": "Who asked: name, role, organisation and work contact details.",
    "requirements": "Reasonable adjustments and communication needs.",
    "risks": "Risks to the person or to staff.",
    "safe-contact": "Whether it is safe to call, to leave a message, to write.",
}
ALL_FIELDS: Final = frozenset(FIELD_GROUPS)

_SURE_ENOUGH: Final = ("", "01", "02")  # BaRS Core: sent only when verified, or present and not traced


def nhs_number(patient: Patient, released: Released) -> NhsNumber | None:
    """The NHS number when it may leave and the source does not doubt it."""
    sure = patient.nhs_number_status in _SURE_ENOUGH
    return patient.nhs_number if sure and "nhs-number" in released else None


def reachable(referral: Referral, released: Released) -> Released:
    """What is released, without a way to reach the person that is unsafe and would go without its warning."""
    if "safe-contact" in released:
        return released
    safe = referral.patient.safe_contact
    unsafe = {"phone"} if safe.call is False or safe.leave_message is False else set()
    return released - (unsafe | ({"address"} if safe.post is False else set()))
