"""The floor of `ref-i12`: the same referral by python-hl7 and fhir.resources, written out by hand.

Nothing is configurable here and nothing odd is understood: it is the shortest honest program for this one
message. It builds the same bundle, which is checked before anything is measured.
"""

import uuid
from typing import Any

import hl7
from fhir.resources.R4B.bundle import Bundle, BundleEntry, BundleEntryRequest
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task

SPACE = uuid.UUID("6b1f3a0e-5f0c-5c3b-9d52-3f6f6a1f0b11")
BASE = "https://bridge.invalid"
UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
NHS = "https://fhir.nhs.uk/Id/nhs-number"
SNOMED = "http://snomed.info/sct"
GENDERS = {"1": "male", "2": "female", "0": "unknown"}
PRIORITIES = {"S": "stat", "A": "asap", "R": "routine"}
VERIFIED = {"NSTS01": ("01", "Number present and verified")}
PLACER = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PLAC"}]}


def bundle_by_hand(body: bytes) -> Bundle:
    """The transaction that refers the person of an HL7 v2 REF^I12."""
    message = hl7.parse(body.decode("utf-8"))
    pid, rf1, obr = message.segment("PID"), message.segment("RF1"), message.segment("OBR")
    referring = message.segments("PRD")[0]
    record = "^".join(str(part[0]) for part in rf1[6][0] if str(part[0]))
    ods = next(str(r[0][0]) for r in referring[7] if str(r[1][0]) == "ODS")
    placer = str(uuid.uuid5(SPACE, "".join(f"{len(p)}:{p}" for p in ("hl7v2-ref", ods, record))))
    urls = {kind: url_of(placer, kind) for kind in ("Patient", "ServiceRequest", "Task")}
    practice = organisation(ods, str(referring[4][0][8][0]))
    service = organisation("Z9999", "Example Social Prescribing Service")
    return Bundle(
        type="transaction",
        entry=[
            entry(Patient(**patient(pid, practice)), urls["Patient"], f"{NHS}|{nhs_number(pid)}"),
            entry(
                ServiceRequest(
                    **request(
                        message, rf1, obr, referring, practice, service, placer, record, urls["Patient"]
                    )
                ),
                urls["ServiceRequest"],
                f"{BASE}/Id/referral|{placer}",
            ),
            entry(
                Task(**task(rf1, practice, service, placer, urls)),
                urls["Task"],
                f"{BASE}/Id/referral|{placer}",
            ),
        ],
    )


def url_of(placer: str, kind: str) -> str:
    return f"urn:uuid:{uuid.uuid5(uuid.UUID(placer), f'{len(kind)}:{kind}')}"


def entry(resource: Any, url: str, key: str) -> BundleEntry:
    request = BundleEntryRequest(
        method="POST", url=resource.get_resource_type(), ifNoneExist=f"identifier={key}"
    )
    return BundleEntry(fullUrl=url, resource=resource, request=request)


def organisation(ods: str, name: str) -> dict[str, Any]:
    return {"type": "Organization", "identifier": {"system": ODS, "value": ods}, "display": name}


def component(field: Any, repetition: int, number: int) -> str:
    """A component or "" ; python-hl7 raises where there is none."""
    try:
        return str(field[repetition][number - 1][0])
    except IndexError:
        return ""


def nhs_number(pid: Any) -> str:
    return next(str(r[0][0]) for r in pid[3] if len(r) > 4 and str(r[4][0]) == "NH")


def day(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}"


def telecoms(field: Any) -> list[dict[str, Any]]:
    found = []
    for n in range(len(field)):
        use, kind = component(field, n, 2), component(field, n, 3)
        if kind == "Internet":
            found.append({"system": "email", "value": component(field, n, 4)})
        else:
            meant = {"PRN": "home", "WPN": "work"}.get(use, "")
            number = {
                "system": "phone",
                "value": component(field, n, 12),
                "use": "mobile" if kind == "CP" else meant,
            }
            found.append({name: value for name, value in number.items() if value})
    return sorted(found, key=lambda t: ("home", "mobile", None).index(t.get("use")))


def patient(pid: Any, practice: dict[str, Any]) -> dict[str, Any]:
    code, display = VERIFIED[str(pid[32])]
    verification = {
        "url": f"{UK_CORE.replace('UKCore-', 'Extension-UKCore-')}NHSNumberVerificationStatus",
        "valueCodeableConcept": {
            "coding": [
                {
                    "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland",
                    "code": code,
                    "display": display,
                }
            ]
        },
    }
    name, address = pid[5], pid[11]
    return {
        "meta": {"profile": [f"{UK_CORE}Patient"]},
        "identifier": [{"extension": [verification], "system": NHS, "value": nhs_number(pid)}],
        "name": [
            {
                "use": "official",
                "family": component(name, 0, 1),
                "given": [g for g in (component(name, 0, 2), component(name, 0, 3)) if g],
                "prefix": [component(name, 0, 5)],
            }
        ],
        "telecom": telecoms(pid[13]),
        "gender": GENDERS[str(pid[8])],
        "birthDate": day(str(pid[7])),
        "address": [
            {
                "use": "home",
                "line": [line for line in (component(address, 0, 1), component(address, 0, 2)) if line],
                "city": component(address, 0, 3),
                "district": component(address, 0, 4),
                "postalCode": component(address, 0, 5),
            }
        ],
        "communication": [
            {
                "language": {
                    "coding": [{"system": "urn:ietf:bcp:47", "code": component(pid[15], 0, 1).lower()}]
                }
            }
        ],
        "generalPractitioner": [practice],
    }


def texts(message: Any) -> str:
    """Every comment and text in the order of the message."""
    found = []
    for segment in message:
        kind = str(segment[0])
        if kind == "NTE":
            found.append(str(segment[3]))
        elif kind == "OBX" and str(segment[2]) == "FT":
            text = str(segment[5]).replace("\\.br\\", "\n")
            found.append(f"{component(segment[3], 0, 2)}: {text}")
    return "\n".join(found)


def requester(referring: Any, practice: dict[str, Any]) -> list[dict[str, Any]]:
    name = referring[2]
    gmp = next(str(r[0][0]) for r in referring[7] if str(r[1][0]) == "GMP")
    role = {
        "resourceType": "PractitionerRole",
        "id": "requester",
        "practitioner": {"reference": "#requester-person"},
        "organization": practice,
        "telecom": [{"system": "phone", "value": component(referring[5], 0, 12)}],
    }
    person = {
        "resourceType": "Practitioner",
        "id": "requester-person",
        "identifier": [{"system": "https://fhir.hl7.org.uk/Id/gmp-number", "value": gmp}],
        "name": [{"text": " ".join(component(name, 0, n) for n in (5, 2, 1))}],
    }
    return [role, person]


def request(
    message: Any,
    rf1: Any,
    obr: Any,
    referring: Any,
    practice: dict[str, Any],
    service: dict[str, Any],
    placer: str,
    record: str,
    subject: str,
) -> dict[str, Any]:
    dg1 = message.segment("DG1")
    code = {"system": SNOMED, "code": component(obr[4], 0, 1), "display": component(obr[4], 0, 2)}
    reason = {"system": SNOMED, "code": component(dg1[3], 0, 1)}
    category = {
        "system": "https://fhir.nhs.uk/CodeSystem/message-category-servicerequest",
        "code": "referral",
        "display": "Transfer of Care",
    }
    return {
        "meta": {"profile": [f"{UK_CORE}ServiceRequest"]},
        "contained": requester(referring, practice),
        "identifier": [
            {"type": PLACER, "system": f"{BASE}/Id/referral", "value": placer},
            {"system": f"{BASE}/Id/record/hl7v2-ref", "value": record},
        ],
        "status": "active",
        "intent": "order",
        "category": [{"coding": [category]}],
        "priority": PRIORITIES[component(rf1[2], 0, 1)],
        "_priority": {
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/originalText",
                    "valueString": component(rf1[2], 0, 2),
                }
            ]
        },
        "code": {"coding": [code], "text": component(obr[4], 0, 2)},
        "subject": {"reference": subject},
        "authoredOn": day(str(rf1[7])),
        "requester": {"reference": "#requester"},
        "performer": [service],
        "reasonCode": [
            {"coding": [reason], "text": component(dg1[3], 0, 2)},
            {"text": component(rf1[10], 0, 2)},
        ],
        "note": [{"text": texts(message)}],
    }


def task(
    rf1: Any, practice: dict[str, Any], service: dict[str, Any], placer: str, urls: dict[str, str]
) -> dict[str, Any]:
    fulfill = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
    return {
        "meta": {"profile": [f"{UK_CORE}Task"]},
        "identifier": [{"type": PLACER, "system": f"{BASE}/Id/referral", "value": placer}],
        "status": "requested",
        "intent": "order",
        "priority": PRIORITIES[component(rf1[2], 0, 1)],
        "code": {"coding": [{**fulfill, "display": "Fulfill the focal request"}]},
        "focus": {"reference": urls["ServiceRequest"]},
        "for": {"reference": urls["Patient"]},
        "authoredOn": day(str(rf1[7])),
        "requester": practice,
        "owner": service,
    }
