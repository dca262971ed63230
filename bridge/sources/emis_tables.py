"""The tables of an EMIS IM1 bulk extract: which are needed, which are read, and which columns each must have.

Sources: the supplier's published specification 8.0 and 8.2 with its change history (NHSISL/Datasets,
OLIDS/Documentation/Source-data/optum-emis, commit aa118bf) and the column orders of
endeavourhealth/Transforms, commit 6b6a8e1.
"""

from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """What an extract without this table is worth."""

    NEEDED = "needed"  # the batch is not complete
    WANTED = "wanted"  # a warning
    IGNORED = "ignored"  # never opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table. Paths of the mapping start with `alias`; `needed` and `other` are column names of version 8.

    A batch whose header lacks a `needed` column is refused. `key` columns hold GUIDs that every row must
    have; `guids` and `flags` are checked in every row that is used.
    """

    name: str
    need: Need
    alias: str = ""
    key: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    guids: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    reason: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column we know of."""
        return (*self.needed, *self.other)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CODING = Table(
    name="Coding_ClinicalCode",
    need=Need.NEEDED,
    alias="Code",
    needed=_words("CodeId Term SnomedCTConceptId SnomedCTDescriptionId"),
    other=_words(
        "ReadTermId NationalCode NationalCodeCategory NationalDescription EmisCodeCategoryDescription "
        "ParentCodeId ProcessingId"
    ),
)
ORGANISATION = Table(
    name="Admin_Organisation",
    need=Need.NEEDED,
    alias="Organisation",
    key=("OrganisationGuid",),
    needed=_words("OrganisationGuid OrganisationName ODSCode"),
    other=_words(
        "CDB ParentOrganisationGuid CCGOrganisationGuid OrganisationType OpenDate CloseDate MainLocationGuid "
        "ProcessingId"
    ),
)
USER = Table(
    name="Admin_UserInRole",
    need=Need.NEEDED,
    alias="Clinician",
    key=("UserInRoleGuid",),
    needed=_words("UserInRoleGuid OrganisationGuid Title GivenName Surname"),
    other=_words(
        "JobCategoryCode JobCategoryName ContractStartDate ContractEndDate RegistrationNumber ProcessingId"
    ),
    guids=("OrganisationGuid",),
)
PATIENT = Table(
    name="Admin_Patient",
    need=Need.NEEDED,
    alias="Patient",
    key=("PatientGuid", "OrganisationGuid"),
    needed=_words(
        "PatientGuid OrganisationGuid DateOfBirth DateOfDeath GivenName Surname NhsNumber DummyType "
        "DateOfDeactivation Deleted SpineSensitive IsConfidential"
    ),
    other=_words(
        "UsualGpUserInRoleGuid Sex Title MiddleNames DateOfRegistration PatientNumber PatientTypeDescription "
        "HouseNameFlatNumber NumberAndStreet Village Town County Postcode ResidentialInstituteCode "
        "NHSNumberStatus CarerName CarerRelation PersonGuid EmailAddress HomePhone MobilePhone "
        "ExternalUsualGPGuid ExternalUsualGP ExternalUsualGPOrganisation ContactComments ProcessingId"
    ),
    flags=("DummyType", "Deleted", "SpineSensitive", "IsConfidential"),
)
CONSULTATION = Table(
    name="CareRecord_Consultation",
    need=Need.NEEDED,
    alias="Consultation",
    key=("ConsultationGuid", "OrganisationGuid"),
    needed=_words("ConsultationGuid PatientGuid OrganisationGuid Deleted IsConfidential"),
    other=_words(
        "EffectiveDate EffectiveDatePrecision EnteredDate EnteredTime ClinicianUserInRoleGuid "
        "EnteredByUserInRoleGuid AppointmentSlotGuid ConsultationSourceTerm ConsultationSourceCodeId "
        "Complete ConsultationType ProcessingId"
    ),
    flags=("Deleted", "IsConfidential"),
)
REFERRAL = Table(
    name="CareRecord_ObservationReferral",
    need=Need.NEEDED,
    alias="Referral",
    key=("ObservationGuid", "OrganisationGuid"),
    needed=_words(
        "ObservationGuid PatientGuid OrganisationGuid ReferralTargetOrganisationGuid ReferralUrgency"
    ),
    other=_words(
        "ReferralServiceType ReferralMode ReferralReceivedDate ReferralReceivedTime ReferralEndDate "
        "ReferralSourceId ReferralSourceOrganisationGuid ReferralUBRN ReferralReasonCodeId "
        "ReferringCareProfessionalStaffGroupCodeId ReferralEpisodeRTTMeasurementTypeId "
        "ReferralEpisodeClosureDate ReferralEpisodeDischargeLetterIssuedDate ReferralClosureReasonCodeId "
        "TransportRequired ReferralTargetClinician ReferralTargetDepartment ProcessingId"
    ),
    guids=("PatientGuid", "ReferralTargetOrganisationGuid"),
)
OBSERVATION = Table(
    name="CareRecord_Observation",
    need=Need.NEEDED,
    alias="Observation",
    key=("ObservationGuid", "OrganisationGuid"),
    needed=_words(
        "ObservationGuid PatientGuid OrganisationGuid EffectiveDate EffectiveDatePrecision EnteredDate "
        "EnteredTime ClinicianUserInRoleGuid CodeId ConsultationGuid Deleted IsConfidential ProcessingId"
    ),
    other=_words(
        "EnteredByUserInRoleGuid ParentObservationGuid ProblemGuid AssociatedText Value NumericUnit "
        "ObservationType NumericRangeLow NumericRangeHigh DocumentGuid Qualifiers Abnormal AbnormalReason "
        "Episode NumericOperator"
    ),
    guids=("PatientGuid", "ClinicianUserInRoleGuid", "ConsultationGuid"),
    flags=("Deleted", "IsConfidential"),
)
AGREEMENT = Table(
    name="Agreements_SharingOrganisation",
    need=Need.WANTED,
    alias="Agreement",
    key=("OrganisationGuid",),
    needed=("OrganisationGuid", "Disabled", "Deleted"),
    other=("IsActivated", "LastModifiedDate"),
    flags=("Disabled", "Deleted"),
)

IN_ORDER = (CODING, ORGANISATION, USER, PATIENT, CONSULTATION, REFERRAL, OBSERVATION)
"""The order in which an extract is taken: what a referral points at comes before the referral."""

_IGNORED = {
    "Admin_Location": "nothing we send says in which building an entry was made",
    "Admin_OrganisationLocation": "as Admin_Location",
    "Admin_PatientHistory": "whether a patient is registered is read from Admin_Patient; here the published "
    "type of the status and the values seen disagree",
    "Appointment_Session": "appointments are no part of a referral",
    "Appointment_SessionUser": "as Appointment_Session",
    "Appointment_Slot": "as Appointment_Session",
    "Audit_PatientAudit": "who changed a row and when is not sent; the change is in the row's own table",
    "Audit_RegistrationAudit": "as Audit_PatientAudit",
    "CareRecord_Diary": "a planned follow-up is no referral",
    "CareRecord_Problem": "every problem is also a row of CareRecord_Observation under the same GUID",
    "Coding_DrugCode": "medicines are no part of a referral",
    "PatientAdmin_ListEntry": "lists of patients are no part of a referral",
    "Prescribing_DrugRecord": "as Coding_DrugCode",
    "Prescribing_IssueRecord": "as Coding_DrugCode",
}

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        *IN_ORDER,
        AGREEMENT,
        *(Table(name=name, need=Need.IGNORED, reason=reason) for name, reason in _IGNORED.items()),
    )
}

# In every table up to version 5.2, and nothing is decided by it.
ALWAYS_IGNORED = frozenset({"agreementguid"})

# Misspellings of the version 5 test packs.
_MISSPELT = (("ususal", "usual"), ("clinicanuser", "clinicianuser"))


def folded(column: str) -> str:
    """A column name as it is compared: without case, surrounding space or the misspellings of version 5."""
    name = column.strip().casefold()
    for wrong, right in _MISSPELT:
        name = name.replace(wrong, right)
    return name
