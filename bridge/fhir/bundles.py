"""What is sent: create, change and cancel a referral at its service; file outcomes into a GP record.

The same version of a referral gives the same bytes. Only what the partner alone knows (its ids) is filled in
at send time, by `with_partner_ids` and `with_subject`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from bridge.domain import strict_json
from bridge.domain.referral import Identifier, Referral
from bridge.fhir.datatypes import filled, identifier
from bridge.fhir.naming import Naming, derived
from bridge.fhir.patient import known_by, patient
from bridge.fhir.released import Released
from bridge.fhir.service_request import Service, service_request
from bridge.fhir.task import task
from bridge.fhir.trees import Json, text, trees
from bridge.fhir.writing import to_json

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_PATIENT_REFERENCE: Final = re.compile(r"(https?://\S+/)?Patient/[A-Za-z0-9\-.]{1,64}")
_LARGEST: Final = 4_000_000  # bytes of a body of our own; far above any we build


def create_bundle(referral: Referral, *, service: Service, released: Released, naming: Naming) -> Json:
    """A transaction that creates Patient, ServiceRequest and Task once, however often it is sent."""
    urls = {
        kind: f"urn:uuid:{derived(referral.key.id, kind)}" for kind in ("Patient", "ServiceRequest", "Task")
    }
    subject, focus = {"reference": urls["Patient"]}, {"reference": urls["ServiceRequest"]}
    ours = naming.placer(referral)
    created = (
        (
            patient(referral, released=released, naming=naming),
            known_by(referral, released=released, naming=naming),
        ),
        (service_request(referral, subject=subject, service=service, released=released, naming=naming), ours),
        (
            task(referral, focus=focus, subject=subject, service=service, released=released, naming=naming),
            ours,
        ),
    )
    return _transaction(_create(made, key, urls[made["resourceType"]]) for made, key in created)


def changed_service_request(
    referral: Referral, *, service: Service, released: Released, naming: Naming, status: str = "active"
) -> Json:
    """The ServiceRequest alone, for an update (active or completed); `with_partner_ids` completes it."""
    if status not in ("active", "completed"):
        raise ValueError("fhir-code")
    subject = _subject(known_by(referral, released=released, naming=naming))
    return service_request(
        referral, subject=subject, service=service, released=released, naming=naming, status=status
    )


def cancelled_service_request(
    referral: Referral, *, status: str, reason: str, service: Service, released: Released, naming: Naming
) -> Json:
    """The same in status revoked or entered-in-error, with the reason in words."""
    if status not in ("revoked", "entered-in-error"):
        raise ValueError("fhir-code")
    subject = _subject(known_by(referral, released=released, naming=naming))
    return service_request(
        referral,
        subject=subject,
        service=service,
        released=released,
        naming=naming,
        status=status,
        reason=reason,
    )


def filing_bundle(observations: Sequence[Json]) -> Json:
    """A transaction that files Observations into a GP record; `with_subject` completes it.

    A first version is created once by its identifier; a corrected one replaces what stands under the same
    identifier, since a conditional create would leave the wrong value there.
    """
    return _transaction(_filing(observation) for observation in observations)


def with_partner_ids(body: bytes, *, id: str, subject_reference: str) -> bytes:  # noqa: A002  FHIR's word
    """The body of a change or cancel under the partner's own ids: its ServiceRequest id, `Patient/<id>`."""
    resource = _own(body)
    if not _ID.fullmatch(id):
        raise ValueError("fhir-reference-shape")
    kind = resource.pop("resourceType")
    named = {"resourceType": kind, "id": id, **resource}
    _refer(named, subject_reference)
    return to_json(named)


def with_subject(body: bytes, *, subject_reference: str) -> bytes:
    """The body of a filing with every Observation about the record's own `Patient/<id>`."""
    bundle = _own(body)
    for entry in trees(bundle, "entry"):
        _refer(entry["resource"], subject_reference)
    return to_json(bundle)


def _own(body: bytes) -> Json:
    resource = strict_json.loads(body, limit=_LARGEST)
    if not isinstance(resource, dict):
        raise TypeError("not a resource of ours")
    return resource


def _refer(resource: Json, subject_reference: str) -> None:
    """Put the reference beside every logical one to the patient, also in what is contained."""
    if not _PATIENT_REFERENCE.fullmatch(subject_reference):
        raise ValueError("fhir-reference-shape")
    for holder in (resource, *trees(resource, "contained")):
        for name in ("subject", "patient"):
            if name in holder:
                holder[name] = {"reference": subject_reference, **holder[name]}


def _subject(known: Identifier) -> Json:
    return {"type": "Patient", "identifier": identifier(known)}


def _transaction(entries: Iterable[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def _create(resource: Json, key: Identifier, full_url: str) -> Json:
    request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": _search(key)}
    return filled(fullUrl=full_url, resource=resource, request=request)


def _filing(observation: Json) -> Json:
    held = trees(observation, "identifier")[0]
    key = Identifier(system=text(held, "system"), value=text(held, "value"))
    full_url = f"urn:uuid:{key.value}"
    if text(observation, "status") == "final":
        return _create(observation, key, full_url)
    request = {"method": "PUT", "url": f"Observation?{_search(key)}"}
    return filled(fullUrl=full_url, resource=observation, request=request)


def _search(key: Identifier) -> str:
    return f"identifier={key.system}|{key.value}"
