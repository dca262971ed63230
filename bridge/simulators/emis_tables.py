"""The files of an EMIS IM1 bulk extract: names, headers by schema version, and rows streamed to disk.

Columns as published for v8 and as in the v5 test packs, with the misspellings of those packs. Times are local
UK wall clock. A row is given by the column names of v8; columns that a version lacks are left out.
"""

import csv
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from uuid import NAMESPACE_URL, uuid5

Version = Literal["8.2", "5.1"]

_ADDRESS = "HouseNameFlatNumber NumberAndStreet Village Town County Postcode"
_PATIENT = (
    "PatientGuid OrganisationGuid UsualGpUserInRoleGuid Sex DateOfBirth DateOfDeath Title GivenName"
    " MiddleNames Surname DateOfRegistration NhsNumber PatientNumber PatientTypeDescription DummyType"
    f" {_ADDRESS} ResidentialInstituteCode NHSNumberStatus CarerName CarerRelation"
)
_ENTERED = (
    "PatientGuid OrganisationGuid EffectiveDate EffectiveDatePrecision EnteredDate EnteredTime"
    " ClinicianUserInRoleGuid EnteredByUserInRoleGuid"
)
_OBSERVATION = f"ObservationGuid {_ENTERED} ParentObservationGuid CodeId ProblemGuid"
_RECEIVED = (
    "ReferralReceivedDate ReferralReceivedTime ReferralEndDate ReferralSourceId"
    " ReferralSourceOrganisationGuid"
)
_REFERRAL = (
    "ReferralUBRN ReferralReasonCodeId ReferringCareProfessionalStaffGroupCodeId"
    " ReferralEpisodeRTTMeasurementTypeId ReferralEpisodeClosureDate"
    " ReferralEpisodeDischargeLetterIssuedDate ReferralClosureReasonCodeId"
)
_PROBLEM = (
    "Comment EndDate EndDatePrecision ExpectedDuration LastReviewDate LastReviewDatePrecision"
    " LastReviewUserInRoleGuid ParentProblemRelationship ProblemStatusDescription SignificanceDescription"
)
_CODE = (
    "CodeId Term ReadTermId SnomedCTConceptId SnomedCTDescriptionId NationalCode NationalCodeCategory"
    " NationalDescription EmisCodeCategoryDescription"
)
_USER = "UserInRoleGuid OrganisationGuid Title GivenName Surname JobCategoryCode JobCategoryName"
_CONSULTATION = "AppointmentSlotGuid ConsultationSourceTerm ConsultationSourceCodeId Complete"
_DIARY = (
    "CodeId OriginalTerm AssociatedText DurationTerm LocationTypeDescription Deleted IsConfidential IsActive"
    " IsComplete ConsultationGuid"
)

_SAME_IN_BOTH = {
    "Admin_Organisation": "OrganisationGuid CDB OrganisationName ODSCode ParentOrganisationGuid"
    " CCGOrganisationGuid OrganisationType OpenDate CloseDate MainLocationGuid",
    "Admin_Location": "LocationGuid LocationName LocationTypeDescription ParentLocationGuid OpenDate"
    f" CloseDate MainContactName FaxNumber EmailAddress PhoneNumber {_ADDRESS} Deleted",
    "Audit_PatientAudit": "ItemGuid PatientGuid OrganisationGuid ModifiedDate ModifiedTime UserInRoleGuid"
    " ItemType ModeType",
}
_V8 = {
    **_SAME_IN_BOTH,
    "Admin_Patient": f"{_PATIENT} PersonGuid DateOfDeactivation Deleted SpineSensitive IsConfidential"
    " EmailAddress HomePhone MobilePhone ExternalUsualGPGuid ExternalUsualGP ExternalUsualGPOrganisation"
    " ContactComments",
    "Admin_PatientHistory": "PatientGuid OrganisationGuid HistoryDate HistoryTime StatusDescription",
    "Admin_UserInRole": f"{_USER} ContractStartDate ContractEndDate RegistrationNumber",
    "Coding_ClinicalCode": f"{_CODE} ParentCodeId",
    "CareRecord_Observation": f"{_OBSERVATION} ConsultationGuid AssociatedText Value NumericUnit"
    " ObservationType NumericRangeLow NumericRangeHigh DocumentGuid Qualifiers Abnormal AbnormalReason"
    " Episode Deleted IsConfidential NumericOperator",
    "CareRecord_ObservationReferral": "ObservationGuid PatientGuid OrganisationGuid"
    " ReferralTargetOrganisationGuid ReferralUrgency ReferralServiceType ReferralMode"
    f" {_RECEIVED} {_REFERRAL} TransportRequired",
    "CareRecord_Consultation": f"ConsultationGuid {_ENTERED} {_CONSULTATION} ConsultationType Deleted"
    " IsConfidential",
    "CareRecord_Problem": "ObservationGuid PatientGuid OrganisationGuid ParentProblemObservationGuid Deleted"
    f" {_PROBLEM}",
    "CareRecord_Diary": f"DiaryGuid {_ENTERED} {_DIARY}",
}
_V5 = {
    **_SAME_IN_BOTH,
    "Admin_Patient": f"{_PATIENT} PersonGUID DateOfDeactivation Deleted SpineSensitive IsConfidential"
    " EmailAddress HomePhone MobilePhone ExternalUsualGPGuid ExternalUsusalGP ExternalUsusalGPOrganisation",
    "Admin_UserInRole": f"{_USER} ContractStartDate ContractEndDate",
    "Coding_ClinicalCode": _CODE,
    "CareRecord_Observation": f"{_OBSERVATION} AssociatedText ConsultationGuid Value NumericUnit"
    " ObservationType NumericRangeLow NumericRangeHigh DocumentGuid Deleted IsConfidential",
    "CareRecord_ObservationReferral": "ObservationGuid PatientGuid OrganisationGuid"
    " ReferralTargetOrganisationGuid ReferralUrgency ReferralMode ReferralServiceType"
    f" {_RECEIVED} {_REFERRAL}",
    "CareRecord_Consultation": f"ConsultationGuid {_ENTERED} {_CONSULTATION} Deleted IsConfidential",
    "CareRecord_Problem": "ObservationGuid PatientGuid OrganisationGuid ParentProblemObservationGuid"
    f" {_PROBLEM}",
    "CareRecord_Diary": f"DiaryGuid {_ENTERED} {_DIARY}".replace("Clinician", "Clinican"),
}
_AGREEMENT = {
    "Agreements_SharingOrganisation": "OrganisationGuid IsActivated LastModifiedDate Disabled Deleted"
}
_SPELT = {
    "PersonGUID": "PersonGuid",
    "ExternalUsusalGP": "ExternalUsualGP",
    "ExternalUsusalGPOrganisation": "ExternalUsualGPOrganisation",
    "ClinicanUserInRoleGuid": "ClinicianUserInRoleGuid",
}


def headers(version: Version) -> dict[str, list[str]]:
    """The columns of every table of a version, in file order."""
    tables = _V8 if version == "8.2" else _V5
    counted = {table: [*columns.split(), "ProcessingId"] for table, columns in tables.items()}
    return counted | {table: columns.split() for table, columns in _AGREEMENT.items()}


def guid(*parts: object) -> str:
    """A GUID as EMIS writes it (upper case, in braces), the same for the same parts."""
    return f"{{{uuid5(NAMESPACE_URL, '/'.join(map(str, parts)))}}}".upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What names the files of one extract. `agreement` is the sharing agreement's GUID without braces."""

    number: int
    extracted: datetime
    agreement: str

    def file_name(self, table: str) -> str:
        """`{processing id}_{Schema}_{Table}_{yyyyMMddHHmmss}_{agreement}.csv`."""
        return f"{self.number}_{table}_{self.extracted:%Y%m%d%H%M%S}_{self.agreement}.csv"


class Extract:
    """Writes one batch into a folder, every table of the version, row by row; a context manager."""

    def __init__(self, folder: Path, batch: Batch, version: Version, *, quote_all: bool = False) -> None:
        self.headers = headers(version)
        self.rows = dict.fromkeys(self.headers, 1)  # the header is row 1
        self.files = {table: folder / batch.file_name(table) for table in self.headers}
        self._quoting: Literal[0, 1] = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
        self._open = ExitStack()
        self._write: dict[str, Callable[[list[str]], Any]] = {}
        self._processed = batch.number * 10_000_000

    def __enter__(self) -> Self:
        for table, path in self.files.items():
            file = self._open.enter_context(path.open("w", encoding="utf-8", newline=""))
            self._write[table] = csv.writer(file, quoting=self._quoting, lineterminator="\r\n").writerow
            self._write[table](self.headers[table])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def row(self, table: str, values: dict[str, str], *, extra_cells: int = 0) -> int:
        """Write one row from v8 column names, with cells too many if asked; gives its number in the file."""
        columns = self.headers[table]
        cells = [values.get(_SPELT.get(column, column), "") for column in columns]
        return self.cells(table, [""] * extra_cells + cells)

    def put(self, table: str, columns: str, *values: str) -> int:
        """Write one row from some columns, named in one string, and their values; gives its number."""
        return self.row(table, dict(zip(columns.split(), values, strict=True)))

    def cells(self, table: str, cells: list[str]) -> int:
        """Write cells as they are, but the last, which is the processing id where the table has one."""
        if self.headers[table][-1] == "ProcessingId":
            self._processed += 1
            cells[-1] = str(self._processed)
        self._write[table](cells)
        self.rows[table] += 1
        return self.rows[table]
