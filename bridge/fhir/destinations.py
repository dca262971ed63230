"""Where each part of a referral goes in what is sent, by the name a mapping gives it.

An element path stands for all below it. What has no path never leaves: it decides whether the referral goes,
to whom it belongs, or which of two is newer. Contained resources stand under their own type.
"""

from typing import Final

_KEY: Final = ("ServiceRequest.identifier", "Task.identifier")
_CODED: Final = ("snomed", "read2", "ctv3", "emis", "display")


def _concept(prefix: str, path: str) -> dict[str, tuple[str, ...]]:
    coded: dict[str, tuple[str, ...]] = {f"{prefix}.{name}": (f"{path}.coding",) for name in _CODED}
    return {**coded, f"{prefix}.text": (f"{path}.text",)}


def _telecoms(prefix: str, path: str) -> dict[str, tuple[str, ...]]:
    names = ("phone", "phone_home", "phone_mobile", "phone_work", "email")
    return {f"{prefix}.{name}": (f"{path}.telecom",) for name in names}


DESTINATIONS: Final[dict[str, tuple[str, ...]]] = {
    "event.kind": (),
    "event.owner": _KEY,
    "event.record": _KEY,
    "event.version": (),
    "event.time": (),
    "event.extracted_at": (),
    "practice.ods": (
        *_KEY,
        "Patient.generalPractitioner",
        "Task.requester",
        "Consent.organization",
    ),
    "practice.name": ("Patient.generalPractitioner", "Task.requester", "Consent.organization"),
    "patient.nhs_number": ("Patient.identifier",),
    "patient.nhs_number_status": ("Patient.identifier.extension",),
    "patient.local_key": (),
    "patient.family": ("Patient.name.family",),
    "patient.given": ("Patient.name.given",),
    "patient.middle_names": ("Patient.name.given",),
    "patient.prefix": ("Patient.name.prefix",),
    "patient.preferred_name": ("Patient.name.text",),
    "patient.birth_date": ("Patient.birthDate",),
    "patient.gender": ("Patient.gender",),
    "patient.address.lines": ("Patient.address.line",),
    **{f"patient.address.line_{n}": ("Patient.address.line",) for n in range(1, 6)},
    "patient.address.town": ("Patient.address.city",),
    "patient.address.county": ("Patient.address.district",),
    "patient.address.postcode": ("Patient.address.postalCode",),
    "patient.address.use": ("Patient.address",),
    **_telecoms("patient", "Patient"),
    "patient.language": ("Patient.communication",),
    "patient.interpreter_required": ("Patient.extension",),
    "patient.ethnicity": ("Patient.extension",),
    **_concept("patient.requirements", "Flag.code"),
    "patient.safe_contact.call": ("Flag",),
    "patient.safe_contact.leave_message": ("Flag",),
    "patient.safe_contact.post": ("Flag",),
    "patient.deceased": (),
    "patient.deceased_on": (),
    "patient.registered": (),
    "patient.test": (),
    **_concept("referral.requested", "ServiceRequest.code"),
    **_concept("referral.reasons", "ServiceRequest.reasonCode"),
    "referral.reason_text": ("ServiceRequest.reasonCode.text",),
    "referral.note": ("ServiceRequest.note.text",),
    "referral.priority": ("ServiceRequest.priority", "Task.priority"),
    "referral.priority_text": ("ServiceRequest._priority.extension", "ServiceRequest.note.text"),
    "referral.authored_on": ("ServiceRequest.authoredOn", "Task.authoredOn"),
    "referral.recorded_at": (),
    **_concept("referral.risks", "Flag.code"),
    "referral.consent": ("Consent",),
    "referral.consent_scope": ("Consent.category",),
    "referral.consent_recipients": ("Consent.provision",),
    "referral.ubrn": ("ServiceRequest.identifier",),
    "referral.shape": (),
    "referral.withheld": ("ServiceRequest.meta.security",),
    "requester.name": ("Practitioner.name.text",),
    "requester.role": ("PractitionerRole.code.text",),
    "requester.sds_user": ("Practitioner.identifier",),
    "requester.gmc": ("Practitioner.identifier",),
    "requester.gmp": ("Practitioner.identifier",),
    "requester.nmc": ("Practitioner.identifier",),
    "requester.organisation.ods": ("PractitionerRole.organization",),
    "requester.organisation.name": ("PractitionerRole.organization",),
    **_telecoms("requester", "PractitionerRole"),
    "author.ods": (),
    "author.name": (),
    "recipient.ods": (),
    "recipient.name": (),
}


def targets_of(path: str) -> list[str]:
    """The names of what can make an element, or anything below or above it."""
    return [
        target
        for target, paths in DESTINATIONS.items()
        if any(f"{path}.".startswith(f"{p}.") or f"{p}.".startswith(f"{path}.") for p in paths)
    ]
