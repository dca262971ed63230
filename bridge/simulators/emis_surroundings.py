"""What an extract holds besides patients and their care: sharing agreement, organisations, staff, codes."""

from dataclasses import dataclass

from bridge.simulators import emis_coding
from bridge.simulators.emis_tables import Extract, guid


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """The practice that publishes the extract."""

    ods: str = "ZZ9901"
    name: str = "Mockford Surgery"

    @property
    def guid(self) -> str:
        """Its OrganisationGuid."""
        return guid("organisation", self.ods)

    @property
    def gp(self) -> str:
        """The UserInRoleGuid of its GP."""
        return guid("gp", self.ods)

    @property
    def provider(self) -> str:
        """The OrganisationGuid of the social prescribing provider, which has no ODS code."""
        return guid("provider", self.ods)


OURS = Practice()
ELSEWHERE = Practice(ods="ZZ9902", name="Upper Fixture Medical Centre")


def write_surroundings(extract: Extract, practice: Practice, number: int) -> None:
    """Write the rows of day `number` that concern no patient."""
    extract.put(
        "Agreements_SharingOrganisation",
        "OrganisationGuid IsActivated LastModifiedDate Disabled Deleted",
        practice.guid, "true", "2024-04-26 06:35:16", "false", "false",
    )  # fmt: skip
    _organisations(extract, practice)
    _staff(extract, practice)
    for code in emis_coding.table(number):
        extract.row("Coding_ClinicalCode", code.row())


def _organisations(extract: Extract, practice: Practice) -> None:
    place = guid("place", practice.ods)
    columns = "OrganisationGuid CDB OrganisationName ODSCode OrganisationType OpenDate MainLocationGuid"
    for organisation, name, ods, kind in (
        (practice.guid, practice.name, practice.ods, "GP Practice"),
        (ELSEWHERE.guid, ELSEWHERE.name, ELSEWHERE.ods, "GP Practice"),
        (practice.provider, "Mockford Community Connectors", "", "Non-NHS Organisation"),
    ):
        extract.put(
            "Admin_Organisation", columns, organisation, "90001", name, ods, kind, "1998-04-01", place
        )
    extract.put(
        "Admin_Location",
        "LocationGuid LocationName LocationTypeDescription NumberAndStreet Town Postcode PhoneNumber Deleted",
        place, practice.name, "Main Surgery", "1 Mill View", "Mockford", "ZZ99 1AB", "01632 960001", "false",
    )  # fmt: skip


def _staff(extract: Extract, practice: Practice) -> None:
    columns = (
        "UserInRoleGuid OrganisationGuid Title GivenName Surname JobCategoryCode JobCategoryName"
        " ContractStartDate"
    )
    doctor = ("R0260", "General Medical Practitioner", "2015-09-01")
    for who, organisation, name, job in (
        (practice.gp, practice.guid, ("Dr", " Ada ", "Lindqvist"), doctor),
        (ELSEWHERE.gp, ELSEWHERE.guid, ("Dr", "Bo", "Farrant"), doctor),
        # A department kept as a person, without a contract: 1899-12-31 is EMIS for no date.
        (guid("team", practice.ods), practice.guid, ("Wellbeing", "", "Department"), ("", "", "1899-12-31")),
    ):
        extract.put("Admin_UserInRole", columns, who, organisation, *name, *job)
