"""The URIs that name identifier systems and code systems, and the one spelling we keep of each.

Sources: NHS = the NamingSystems of HL7 UK (NHSDigital/IOPS-FHIR-Simplifier-Backup, UKFHIRCommunityAssets);
UKC = UK Core R4 (NHSDigital/FHIR-R4-UKCORE-STAGING-MAIN); BaRS = the NHS Booking and Referral Standard;
R4 = https://hl7.org/fhir/R4.
"""

# People and organisations
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"  # NHS NamingSystem-NHS-Number
ODS_ORGANISATION = "https://fhir.nhs.uk/Id/ods-organization-code"  # NHS NamingSystem-ODS-Organization-Code
ODS_SITE = "https://fhir.nhs.uk/Id/ods-site-code"  # NHS NamingSystem-ODS-Site-Code
SDS_USER = "https://fhir.nhs.uk/Id/sds-user-id"  # NHS NamingSystem-SDS-User-Id
SDS_ROLE_PROFILE = "https://fhir.nhs.uk/Id/sds-role-profile-id"  # NHS NamingSystem-SDS-Role-Profile-Id
GMC = "https://fhir.hl7.org.uk/Id/gmc-number"  # NHS NamingSystem-GMC-Number
GMP = "https://fhir.hl7.org.uk/Id/gmp-number"  # NHS NamingSystem-GMP-Number
NMC = "https://fhir.hl7.org.uk/Id/nmc-number"  # NHS NamingSystem-NMC-Number
HCPC = "https://fhir.hl7.org.uk/Id/hcpc-number"  # NHS NamingSystem-HCPC-Number
GPHC = "https://fhir.hl7.org.uk/Id/gphc-number"  # UKC text; no NamingSystem file
GDC = "https://fhir.hl7.org.uk/Id/gdc-number"  # NHS NamingSystem-GDC-Number
GOC = "https://fhir.hl7.org.uk/Id/goc-number"  # NHS NamingSystem-GOC-Number
PPA = "https://fhir.hl7.org.uk/Id/ppa-number"  # NHS NamingSystem-PPA-Number
SCHOOL = "https://fhir.hl7.org.uk/Id/urn-school-number"  # NHS NamingSystem-URNSchoolNumber

# Records and messages
CROSS_CARE_SETTING = "https://fhir.nhs.uk/Id/cross-care-setting-identifier"  # NHS, same name
DOS_SERVICE = "https://fhir.nhs.uk/Id/dos-service-id"  # BaRS, HealthcareService.identifier
UBRN = "https://fhir.nhs.uk/Id/UBRN"  # e-Referral Service
UUID = "https://tools.ietf.org/html/rfc4122"  # BaRS examples

# Clinical terminologies
SNOMED = "http://snomed.info/sct"  # NHS NamingSystem-SNOMEDCT
DMD = "https://dmd.nhs.uk"  # NHS NamingSystem-DMD
READ_V2 = "http://read.info/readv2"  # NHS NamingSystem-ReadV2, retired
CTV3 = "http://read.info/readctv3"  # NHS NamingSystem-ReadCTV3, retired
EMIS_LOCAL = "https://fhir.hl7.org.uk/Id/egton-codes"  # NHS NamingSystem-Egton-Codes
EMIS_DRUG = "https://fhir.hl7.org.uk/Id/emis-drug-codes"  # NHS NamingSystem-Emis-Drug
LOINC = "http://loinc.org"  # R4 loinc.html
UCUM = "http://unitsofmeasure.org"  # R4 ucum.html

# Administrative code systems
BCP_47 = "urn:ietf:bcp:47"  # R4 valueset-all-languages.html
# UKC: 01 to 08
NHS_NUMBER_STATUS = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
# UKC, retired; BaRS App 5 sends its text codes and PDS pins the version in which the same URI held 01 to 08.
NHS_NUMBER_STATUS_RETIRED = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus"
ETHNIC_CATEGORY = "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland"  # UKC, 18 codes
ETHNIC_CATEGORY_WALES = "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryWales"  # UKC
ETHNIC_CATEGORY_RETIRED = "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategory"  # UKC; BaRS App 5, PDS
HUMAN_LANGUAGE_RETIRED = "https://fhir.hl7.org.uk/CodeSystem/UKCore-HumanLanguage"  # UKC; BaRS App 5, PDS
IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"  # R4 v2/0203: PLAC, FILL
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"  # R4
DATA_ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"  # R4
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"  # R4
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"  # R4 v3/ParticipationType
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"  # R4 v3/ActCode
TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"  # R4: fulfill

# The vocabularies of a referral's progress
BUSINESS_STATUS = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"  # HL7/bser 2.0.0-ballot
ITK_RESPONSE = "https://fhir.nhs.uk/STU3/CodeSystem/ITK-ResponseCodes-1"  # ITK3 1.5.0, 2022-02-01

# Spellings met in real messages: the NHS e-Referral, BaRS and GP Connect examples and specifications.
_ALIASES = {
    "http://fhir.nhs.net/Id/nhs-number": NHS_NUMBER,
    "https://fhir.nhs.uk/id/ods-organization-code": ODS_ORGANISATION,
    "https://fhir.nhs.uk/Id/ubr-number": UBRN,
    "http://fhir.nhs.uk/Id/dos-service-id": DOS_SERVICE,
    "https://dmd.nhs.uk/": DMD,
}


def canonical_system(uri: str) -> str:
    """The spelling we keep of a system; one we do not know comes back as it was."""
    return _ALIASES.get(uri, uri)
