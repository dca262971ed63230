"""The closed code sets of R4 elements with a required binding, for the types we write or read.

http://hl7.org/fhir/R4/terminologies-systems.html; one row is `Type.element`, backbone types by their path
joined (`BundleEntryRequest` is Bundle.entry.request). The R4B models accept any text in these places.
"""

from typing import Final


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GENDER = _codes("male female other unknown")
_REQUEST_STATUS = _codes("draft active on-hold revoked completed entered-in-error unknown")
_REQUEST_PRIORITY = _codes("routine urgent asap stat")
_REQUEST_INTENT = _codes("proposal plan order original-order reflex-order filler-order instance-order option")
_PUBLICATION_STATUS = _codes("draft active retired unknown")
_INTERACTION = _codes(
    "read vread update patch delete history-instance history-type create search-type "
    "transaction batch search-system history-system"
)
_ISSUE_TYPE = _codes(
    "invalid structure required value invariant security login unknown expired forbidden suppressed "
    "processing not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension "
    "too-costly business-rule conflict transient lock-error no-store exception timeout incomplete throttled "
    "informational"
)

REQUIRED_CODES: Final[dict[str, frozenset[str]]] = {
    "Address.type": _codes("postal physical both"),
    "Address.use": _codes("home work temp old billing"),
    "Bundle.type": _codes(
        "document message transaction transaction-response batch batch-response history searchset collection"
    ),
    "BundleEntryRequest.method": _codes("GET HEAD POST PUT DELETE PATCH"),
    "BundleEntrySearch.mode": _codes("match include outcome"),
    "CapabilityStatement.fhirVersion": _codes("4.0.1"),
    "CapabilityStatement.kind": _codes("instance capability requirements"),
    "CapabilityStatement.status": _PUBLICATION_STATUS,
    "CapabilityStatementRest.mode": _codes("client server"),
    "CapabilityStatementRestInteraction.code": _INTERACTION,
    "CapabilityStatementRestResourceInteraction.code": _INTERACTION,
    "CapabilityStatementRestResourceSearchParam.type": _codes(
        "number date string token reference composite quantity uri special"
    ),
    "CarePlan.intent": _codes("proposal plan order option"),
    "CarePlan.status": _REQUEST_STATUS,
    "Consent.status": _codes("draft proposed active rejected inactive entered-in-error"),
    "ConsentProvision.type": _codes("deny permit"),
    "ContactPoint.system": _codes("phone fax email pager url sms other"),
    "ContactPoint.use": _codes("home work temp old mobile"),
    "DocumentReference.status": _codes("current superseded entered-in-error"),
    "Encounter.status": _codes(
        "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
    ),
    "Flag.status": _codes("active inactive entered-in-error"),
    "HumanName.use": _codes("usual official temp nickname anonymous old maiden"),
    "Identifier.use": _codes("usual official temp secondary old"),
    "MessageHeaderResponse.code": _codes("ok transient-error fatal-error"),
    "Narrative.status": _codes("generated extensions additional empty"),
    "Observation.status": _codes(
        "registered preliminary final amended corrected cancelled entered-in-error unknown"
    ),
    "OperationOutcomeIssue.code": _ISSUE_TYPE,
    "OperationOutcomeIssue.severity": _codes("fatal error warning information"),
    "Patient.gender": _GENDER,
    "Practitioner.gender": _GENDER,
    "Quantity.comparator": _codes("< <= >= >"),
    "QuestionnaireResponse.status": _codes("in-progress completed amended entered-in-error stopped"),
    "RelatedPerson.gender": _GENDER,
    "ServiceRequest.intent": _REQUEST_INTENT | {"directive"},
    "ServiceRequest.priority": _REQUEST_PRIORITY,
    "ServiceRequest.status": _REQUEST_STATUS,
    "Task.intent": _REQUEST_INTENT | {"unknown"},
    "Task.priority": _REQUEST_PRIORITY,
    "Task.status": _codes(
        "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed "
        "entered-in-error"
    ),
}
