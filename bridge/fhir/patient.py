"""The person as a UK Core Patient, as far as the disclosure table lets them leave."""

from typing import Any

from bridge.domain import systems
from bridge.domain.identifiers import NhsNumber
from bridge.domain.referral import Address, Identifier, Patient, Referral, Telecom
from bridge.fhir.datatypes import codeable, extension, filled, identifier, organisation
from bridge.fhir.naming import Naming
from bridge.fhir.released import Released, nhs_number, reachable
from bridge.fhir.trees import Json
from bridge.fhir.vocabulary import (
    ETHNIC_CATEGORIES,
    ETHNIC_CATEGORY_EXTENSION,
    INTERPRETER_EXTENSION,
    NHS_NUMBER_STATUS_EXTENSION,
    NHS_NUMBER_STATUSES,
    PROFILE,
)


def patient(referral: Referral, *, released: Released, naming: Naming) -> Json:
    """A UK Core Patient without id; its identifier is the NHS number, or ours when that may not leave."""
    person = referral.patient
    released = reachable(referral, released)

    def allowed(group: str, made: Any) -> Any:
        return made if group in released else None

    return filled(
        resourceType="Patient",
        meta={"profile": [PROFILE + "Patient"]},
        extension=[
            *(allowed("ethnicity", _ethnicity(person)) or ()),
            *(allowed("language", _interpreter(person)) or ()),
        ],
        identifier=[_identifier(referral, released, naming)],
        name=[
            *(allowed("name", _name(person)) or ()),
            *(allowed("preferred-name", _preferred(person)) or ()),
        ],
        telecom=[_telecom(t) for t in person.telecoms if _group_of(t) in released],
        gender=allowed("gender", person.gender),
        birthDate=allowed("birth-date", person.birth_date),
        address=[_address(person.address)] if person.address and "address" in released else None,
        communication=allowed("language", _communication(person)),
        generalPractitioner=[made]
        if (made := allowed("practice", organisation(referral.practice)))
        else None,
    )


def known_by(referral: Referral, *, released: Released, naming: Naming) -> Identifier:
    """The identifier the partner finds this patient by."""
    number = nhs_number(referral.patient, released)
    return _nhs_identifier(number) if number else naming.person(referral)


def _nhs_identifier(number: NhsNumber) -> Identifier:
    return Identifier(system=systems.NHS_NUMBER, value=number.digits)


def _identifier(referral: Referral, released: Released, naming: Naming) -> Json:
    number = nhs_number(referral.patient, released)
    if number is None:
        return identifier(naming.person(referral))
    status = referral.patient.nhs_number_status
    verified = _verification(status) if status in NHS_NUMBER_STATUSES else {}
    return verified | identifier(_nhs_identifier(number))


def _verification(status: str) -> Json:
    value = codeable(systems.NHS_NUMBER_STATUS, status, NHS_NUMBER_STATUSES[status][1])
    return {"extension": [extension(NHS_NUMBER_STATUS_EXTENSION, valueCodeableConcept=value)]}


def _ethnicity(person: Patient) -> list[Json]:
    if not person.ethnicity:
        return []
    display = ETHNIC_CATEGORIES.get(person.ethnicity, "")
    value = codeable(systems.ETHNIC_CATEGORY, person.ethnicity, display)
    return [extension(ETHNIC_CATEGORY_EXTENSION, valueCodeableConcept=value)]


def _interpreter(person: Patient) -> list[Json]:
    if person.interpreter_required is None:
        return []
    return [extension(INTERPRETER_EXTENSION, valueBoolean=person.interpreter_required)]


def _name(person: Patient) -> list[Json]:
    if not (person.family or person.given):
        return []
    prefix = [person.prefix] if person.prefix else None
    return [filled(use="official", family=person.family, given=list(person.given), prefix=prefix)]


def _preferred(person: Patient) -> list[Json]:
    return [{"use": "usual", "text": person.preferred_name}] if person.preferred_name else []


def _group_of(telecom: Telecom) -> str:
    return "email" if telecom.system == "email" else "phone"


def _telecom(held: Telecom) -> Json:
    return filled(system=held.system, value=held.value, use=held.use)


def _address(held: Address) -> Json:
    return filled(
        use=held.use,
        line=list(held.lines),
        city=held.town,
        district=held.county,
        postalCode=held.postcode,
    )


def _communication(person: Patient) -> list[Json]:
    return [{"language": codeable(systems.BCP_47, person.language)}] if person.language else []
