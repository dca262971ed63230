"""Writes the rows of one case: patient, consultation, observation, referral, audit."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from bridge.simulators import emis_coding
from bridge.simulators.emis_cases import Act, Case
from bridge.simulators.emis_surroundings import ELSEWHERE, Practice
from bridge.simulators.emis_tables import Extract, guid
from bridge.simulators.people import Person

_TEXTS = (
    "",
    "Lives alone since the spring, would like company",
    'Asked for "somewhere to go"; prefers mornings, no lift at home',
    "Worried about bills.\r\nHas spoken with the practice twice",
    "Enjoys walking; café group suggested, £0 to join",
)
_URGENCIES = ("Routine", "Routine", "Soon", "Urgent", "Dated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One case of one day. `entered` is the day it was typed in, `other` a second patient for a moved row."""

    key: tuple[object, ...]
    case: Case
    born: int  # the number of its first day
    entered: date
    person: Person
    other: Person

    @property
    def record(self) -> str:
        """Its ObservationGuid."""
        return guid(*self.key, "observation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where an act left its traces. `row` is that of the Observation file, 0 when it wrote none."""

    observation: str
    patient: str
    row: int


class Rows:
    """The rows of the cases in one batch, extracted the day after `entered`."""

    def __init__(self, extract: Extract, practice: Practice, *, entered: date, own_text: str) -> None:
        self._extract = extract
        self._practice = practice
        self._entered = entered
        self._own_text = own_text

    def play(self, entity: Entity, act: Act, *, first: bool) -> Written:
        """Write what `act` says of `entity`."""
        filled = self._filled(entity)
        person = entity.other if act.other_patient else entity.person
        patient = guid(*entity.key, "other" if act.other_patient else "patient")
        if first or act.patient is not None:
            self.patient(patient, person, {k: v.format_map(filled) for k, v in (act.patient or {}).items()})
        keys = {
            "ObservationGuid": guid(*entity.key, "second") if act.second_record else entity.record,
            "PatientGuid": patient,
            "OrganisationGuid": self._practice.guid,
        }
        row = self._observation(entity, act, keys, filled) if act.code else 0
        if act.referral:
            self._referral(entity, keys)
        return Written(observation=keys["ObservationGuid"], patient=patient, row=row)

    def patient(self, patient: str, person: Person, changes: dict[str, str]) -> None:
        """Write an Admin_Patient row."""
        columns = {
            "PatientGuid": patient,
            "OrganisationGuid": self._practice.guid,
            "UsualGpUserInRoleGuid": self._practice.gp,
            "Sex": person.sex,
            "DateOfBirth": person.birth_date.isoformat(),
            "Title": person.prefix,
            "GivenName": person.given,
            "Surname": person.family,
            "DateOfRegistration": "2019-05-13",
            "NhsNumber": person.nhs_number,
            "PatientNumber": person.nhs_number[3:9],
            "PatientTypeDescription": " Regular",
            "DummyType": "false",
            "NumberAndStreet": f"{person.house} {person.street}",
            "Town": person.town,
            "Postcode": person.postcode.replace(" ", ""),
            "PersonGuid": guid("person", person.nhs_number),
            "Deleted": "false",
            "SpineSensitive": "false",
            "IsConfidential": "false",
            "EmailAddress": person.email,
            "HomePhone": person.home_phone,
            "MobilePhone": f"{person.mobile} (text first)",
        }
        self._extract.row("Admin_Patient", columns | changes)

    def _observation(self, entity: Entity, act: Act, keys: dict[str, str], filled: dict[str, str]) -> int:
        if act.keys_only:
            return self._deletion(keys)
        entered = self._entered if act.second_record else entity.entered
        dice = self._dice(entity)
        consultation = guid(keys["ObservationGuid"], "consultation")
        when = {
            "EffectiveDate": entered.isoformat(),
            "EffectiveDatePrecision": "YMD",
            "EnteredDate": entered.isoformat(),
            "EnteredTime": f"{dice.randint(8, 17):02d}:{dice.randrange(60):02d}:00",
            "ClinicianUserInRoleGuid": self._practice.gp,
            "EnteredByUserInRoleGuid": self._practice.gp,
            "Deleted": "false",
            "IsConfidential": "false",
        }
        columns = keys | when | {
            "CodeId": self._code(entity, act).code_id,
            "ConsultationGuid": consultation,
            "AssociatedText": dice.choice(_TEXTS),
            "ObservationType": "Referral" if act.code in {"referral", "late"} else "Observation",
        }  # fmt: skip
        changes = {name: value.format_map(filled) for name, value in act.observation.items()}
        visit = {"ConsultationGuid": consultation, "ConsultationSourceTerm": "GP Surgery", "Complete": "true"}
        self._extract.row("CareRecord_Consultation", keys | when | visit | act.consultation)
        return self._extract.row("CareRecord_Observation", columns | changes, extra_cells=act.extra_cells)

    def _deletion(self, keys: dict[str, str]) -> int:
        day = {"ModifiedDate": self._entered.isoformat(), "ModifiedTime": "16:20:00"}
        who = {"ItemGuid": keys["ObservationGuid"], "UserInRoleGuid": self._practice.gp}
        what = {"ItemType": "Observation", "ModeType": "Delete"}
        self._extract.row("Audit_PatientAudit", keys | day | who | what)
        return self._extract.row("CareRecord_Observation", keys | {"Deleted": "true"})

    def _referral(self, entity: Entity, keys: dict[str, str]) -> None:
        kind = {
            "ReferralTargetOrganisationGuid": self._practice.provider,
            "ReferralUrgency": self._dice(entity).choice(_URGENCIES),
            "ReferralServiceType": "Community Care",
            "ReferralMode": "Written",
            "TransportRequired": "None Required",
        }
        self._extract.row("CareRecord_ObservationReferral", keys | kind)

    def _code(self, entity: Entity, act: Act) -> emis_coding.ClinicalCode:
        return emis_coding.late(entity.born) if act.code == "late" else emis_coding.SOCIAL[act.code]

    def _dice(self, entity: Entity) -> Random:
        return Random(entity.record)  # the same each day: a row sent again says the same

    def _filled(self, entity: Entity) -> dict[str, str]:
        number = entity.person.nhs_number
        return {
            "entered": entity.entered.isoformat(),
            "years_ago": (entity.entered - timedelta(days=9 * 365)).isoformat(),
            "child_birth": (entity.entered - timedelta(days=12 * 365)).isoformat(),
            "wrong_number": f"{number[:9]}{(int(number[9]) + 1) % 10}",
            "other_gp": ELSEWHERE.gp,
            "own_text": self._own_text,
        }
