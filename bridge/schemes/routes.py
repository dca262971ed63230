"""How outcomes reach a practice: the three kinds of record route, and the field types of scheme files."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bridge.domain.codes import problem_of
from bridge.domain.identifiers import OdsCode


def _sound_code(code: str) -> str:
    problem = problem_of(code)
    if problem:
        raise ValueError(f"{problem}: not a SNOMED CT concept id")
    return code


def _sound_ods(code: str) -> str:
    return OdsCode.parse(code).code


SctConcept = Annotated[str, AfterValidator(_sound_code)]
Ods = Annotated[str, AfterValidator(_sound_ods)]
Environment = Literal["", "test", "live"]
ENVIRONMENT = (
    "Whether real people's data belongs there: live or test. Needed beyond this machine, and the same as the "
    "bridge's own."
)
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class MeshTerms(Strict):
    """What GP Connect Send Document needs to know of who sends, and of what."""

    mailbox: str = Field(min_length=1, description="The MESH mailbox that sends and is answered to.")
    organisation: Ods = Field(description="ODS code of the organisation that sends.")
    organisation_name: str = Field(min_length=1, description="Its name.")
    telephone: str = Field(min_length=1, description="Its telephone number.")
    document_type: SctConcept = Field(
        description="SNOMED CT code of the kind of document, as agreed with NHS England; there is no default."
    )
    document_type_display: str = Field(min_length=1, description="The words of that code.")
    care_setting: SctConcept | Literal[""] = Field(
        default="", description="SNOMED CT code of the care setting; empty leaves it out."
    )
    care_setting_display: str = Field(default="", description="The words of that code.")
    workflow: str = Field(
        default="GPCONNECT_SEND_DOCUMENT",
        pattern=r"^[A-Z0-9_]{1,300}$",
        description="MESH workflow id; answers come under the same with _ACK.",
    )
    birth_date_form: Literal["DDMMYYYY", "YYYYMMDD"] = Field(
        default="DDMMYYYY",
        description="Date of birth in the routing address: published guides disagree.",
    )
    infrastructure_hours: int = Field(
        default=48, ge=1, le=720, description="How soon the practice's system must say that it has a letter."
    )
    practice_days: int = Field(
        default=5,
        ge=1,
        le=30,
        description="How many working days later it must say that it knows the person.",
    )

    @model_validator(mode="after")
    def _worded(self) -> "MeshTerms":
        if bool(self.care_setting) != bool(self.care_setting_display):
            raise ValueError("care_setting and care_setting_display go together")
        return self


class RecordRoute(Strict):
    """Where outcomes are filed for the practices that name it."""

    name: Name = Field(description="How practices and settings name the route.")
    kind: Literal["fhir", "mesh", "worklist"] = Field(
        default="fhir",
        description="fhir: codes and scores into a FHIR server; mesh: a letter at the start and one at the "
        "end by GP Connect Send Document; worklist: the same letters on the practice's own list.",
    )
    endpoint: str = Field(
        default="", description="Base address of the FHIR server or of MESH; none for a worklist."
    )
    environment: Environment = Field(default="", description=ENVIRONMENT)
    mesh: MeshTerms | None = Field(default=None, description="What a route of kind mesh needs beside that.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "RecordRoute":
        if (self.kind == "worklist") == bool(self.endpoint):
            raise ValueError("a route has an endpoint, unless it is a worklist")
        if (self.kind == "mesh") != (self.mesh is not None):
            raise ValueError("kind mesh and its terms go together")
        return self

    @property
    def by_letter(self) -> bool:
        """Whether it carries letters, not codes."""
        return self.kind != "fhir"
