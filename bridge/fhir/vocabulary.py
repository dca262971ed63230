"""Profiles, extensions and code systems that only FHIR messages use, each with where it was read.

UKC = UK Core R4 (NHSDigital/FHIR-R4-UKCORE-STAGING-MAIN); BaRS = the NHS Booking and Referral Standard (guide
Core 1.1.6); R4 = https://hl7.org/fhir/R4. Systems that other rooms need too are in bridge.domain.systems.
"""

from typing import Final

from bridge.domain import systems

PROFILE: Final = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-"  # UKC; the type's name follows
_UKC_EXTENSION: Final = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"

# Extensions
NHS_NUMBER_STATUS_EXTENSION: Final = _UKC_EXTENSION + "NHSNumberVerificationStatus"
ETHNIC_CATEGORY_EXTENSION: Final = _UKC_EXTENSION + "EthnicCategory"
NHS_COMMUNICATION_EXTENSION: Final = _UKC_EXTENSION + "NHSCommunication"  # retired; PDS still sends it
INTERPRETER_EXTENSION: Final = (
    "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"  # R4, UKC slot
)
STATUS_REASON_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/request-statusReason"  # R4
ORIGINAL_TEXT_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/originalText"  # R4

# Most one of each on a resource or datatype (UKC Patient, ServiceRequest).
AT_MOST_ONE: Final[dict[str, tuple[str, ...]]] = {
    "Patient": (ETHNIC_CATEGORY_EXTENSION, INTERPRETER_EXTENSION),
    "Identifier": (NHS_NUMBER_STATUS_EXTENSION,),
    "ServiceRequest": (
        _UKC_EXTENSION + "SourceOfServiceRequest",
        _UKC_EXTENSION + "Coverage",
        STATUS_REASON_EXTENSION,
    ),
}
EXTENSION_VALUES: Final[dict[str, str]] = {
    NHS_NUMBER_STATUS_EXTENSION: "valueCodeableConcept",
    ETHNIC_CATEGORY_EXTENSION: "valueCodeableConcept",
    INTERPRETER_EXTENSION: "valueBoolean",
    STATUS_REASON_EXTENSION: "valueCodeableConcept",
    ORIGINAL_TEXT_EXTENSION: "valueString",
}

# Code systems of R4
FLAG_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/flag-category"  # R4: safety, contact
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"  # R4: N, R, V
OBSERVATION_VALUE: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"  # R4: REDACTED
ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"  # R4: HTEST
ROLE_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"  # R4: ONESELF
NHS_NUMBER_STATUS_WALES: Final = (
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusWales"  # UKC: 01 to 08
)

# BaRS
BARS_EVENTS: Final = "https://fhir.nhs.uk/CodeSystem/message-events-bars"
BARS_REASONS: Final = "https://fhir.nhs.uk/CodeSystem/message-reason-bars"
BARS_CATEGORY: Final = "https://fhir.nhs.uk/CodeSystem/message-category-servicerequest"
BARS_CONSENT: Final = "https://fhir.nhs.uk/CodeSystem/consent-categories-bars"
BARS_FLAGS: Final = "https://fhir.nhs.uk/CodeSystem/flag-categories-bars"
# The API repository's JSON examples still carry the names these two systems had before.
BARS_EVENTS_EARLIER: Final = "https://fhir.nhs.uk/CodeSystem/message-event-servicerequest"
BARS_REASONS_EARLIER: Final = "https://fhir.nhs.uk/CodeSystem/message-reason-servicerequest"

# NHS Data Dictionary, NHS NUMBER STATUS INDICATOR CODE: the retired text code and the display of each (UKC).
NHS_NUMBER_STATUSES: Final[dict[str, tuple[str, str]]] = {
    "01": ("number-present-and-verified", "Number present and verified"),
    "02": ("number-present-but-not-traced", "Number present but not traced"),
    "03": ("trace-required", "Trace required"),
    "04": ("trace-attempted", "Trace attempted - No match or multiple match found"),
    "05": (
        "trace-needs-to-be-resolved",
        "Trace needs to be resolved - (NHS number or patient detail conflict)",
    ),
    "06": ("trace-in-progress", "Trace in progress"),
    "07": ("number-not-present-and-trace-not-required", "Number not present and trace not required"),
    "08": ("trace-postponed", "Trace postponed (baby under six weeks old)"),
}

# NHS Data Dictionary, ETHNIC CATEGORY CODE (UKC, EthnicCategoryEngland).
ETHNIC_CATEGORIES: Final[dict[str, str]] = {
    "A": "White - British",
    "B": "White - Irish",
    "C": "White - Any other White background",
    "D": "Mixed - White and Black Caribbean",
    "E": "Mixed - White and Black African",
    "F": "Mixed - White and Asian",
    "G": "Mixed - Any other mixed background",
    "H": "Asian or Asian British - Indian",
    "J": "Asian or Asian British - Pakistani",
    "K": "Asian or Asian British - Bangladeshi",
    "L": "Asian or Asian British - Any other Asian background",
    "M": "Black or Black British - Caribbean",
    "N": "Black or Black British - African",
    "P": "Black or Black British - Any other Black background",
    "R": "Other Ethnic Groups - Chinese",
    "S": "Other Ethnic Groups - Any other ethnic group",
    "Z": "Not stated",
    "99": "Not known",
}

CODES_OF_SYSTEM: Final[dict[str, frozenset[str]]] = {
    systems.NHS_NUMBER_STATUS: frozenset(NHS_NUMBER_STATUSES),
    NHS_NUMBER_STATUS_WALES: frozenset(NHS_NUMBER_STATUSES),
    systems.ETHNIC_CATEGORY: frozenset(ETHNIC_CATEGORIES),
    systems.OBSERVATION_CATEGORY: frozenset(
        {
            "social-history",
            "vital-signs",
            "imaging",
            "laboratory",
            "procedure",
            "survey",
            "exam",
            "therapy",
            "activity",
        }
    ),
    systems.TASK_CODE: frozenset(
        {"approve", "fulfill", "abort", "replace", "change", "suspend", "resume"}  # R4
    ),
}
