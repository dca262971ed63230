"""What can be wrong with a FHIR message, as JSON or XML, and with what a service reports in FHIR."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "fhir-bundle-type": Entry(
        "This address takes Bundles of type transaction and batch.",
        "Send a transaction or a batch; messages go to $process-message.",
        "not-supported",
    ),
    "fhir-business-identifier-unclear": Entry(
        "The request carries several identifiers and none is marked as the one that names it.",
        "Type one identifier PLAC (HL7 table 0203), or name its system in the mapping file.",
        "invalid",
    ),
    "fhir-choice": Entry(
        "An element of which only one form may stand has several, or has none where one is needed.",
        "Send one of the forms the standard lists.",
        "structure",
    ),
    "fhir-code": Entry(
        "The code is not one of the closed set for this element.",
        "Use a code of the set named in the rule.",
        "code-invalid",
    ),
    "fhir-condition": Entry(
        "The condition of a conditional create is not one that can be checked here.",
        "Write identifier=system|value with an identifier that the ServiceRequest itself carries.",
        "not-supported",
    ),
    "fhir-confidential": Entry(
        "The message is labelled restricted; nothing of it was used or kept.",
        "Refer this person by the way agreed for restricted records.",
        "suppressed",
    ),
    "fhir-do-not-perform": Entry(
        "The request says that the service must not be performed.",
        "Send a cancellation of the referral instead.",
        "business-rule",
    ),
    "fhir-empty": Entry("An element holds nothing.", "Leave the element out.", "structure"),
    "fhir-flag-not-carried": Entry(
        "A flag of a kind the bridge does not pass on was left out (safeguarding, for example).",
        "Tell the service by the way agreed for such flags.",
        "informational",
    ),
    "fhir-id-differs": Entry(
        "The id in the address is not that of the resource.",
        "Send the resource under its own id.",
        "invalid",
    ),
    "fhir-intent": Entry(
        "The request is a proposal or an option, not something anyone decided.",
        "Send it again as a plan or an order when it was decided.",
        "business-rule",
    ),
    "fhir-invariant": Entry("The elements do not fit together.", "Follow the rule named.", "invariant"),
    "fhir-method": Entry(
        "An entry of the Bundle asks for something other than to create or update.",
        "Cancel a referral by sending it with status revoked; send nothing else in the same Bundle.",
        "not-supported",
    ),
    "fhir-modifier": Entry(
        "The message holds something that may change its meaning and that the bridge does not know.",
        "Leave out implicitRules and modifierExtension, or ask for them to be supported.",
        "not-supported",
    ),
    "fhir-no-business-identifier": Entry(
        "The request has no identifier with system and value, so it could not be recognised again.",
        "Give the ServiceRequest a business identifier that stays the same for ever.",
        "required",
    ),
    "fhir-no-patient": Entry(
        "The request does not lead to the person it is about.",
        "Send the Patient in the same Bundle or contained, or name the person by NHS number.",
        "required",
    ),
    "fhir-no-request": Entry(
        "The message holds no ServiceRequest.", "Send the ServiceRequest with its Patient.", "required"
    ),
    "fhir-not-a-resource": Entry(
        "What stands here is not a FHIR R4 resource.",
        "Send a resource with a resourceType of FHIR R4 (4.0.1).",
        "structure",
    ),
    "fhir-outcome-no-identifier": Entry(
        "What was reported has neither a business identifier nor an id, so a repeat could not be recognised.",
        "Give it an identifier, or report it from a server that gives it an id.",
        "required",
    ),
    "fhir-outcome-no-referral": Entry(
        "What was reported does not say which referral it is about.",
        "Name the referral: Task.focus, Observation.basedOn or our identifier on either.",
        "required",
    ),
    "fhir-outcome-not-final": Entry(
        "The result is registered or preliminary; only final results are taken.",
        "Send it again when it is final.",
        "business-rule",
    ),
    "fhir-outcome-unknown": Entry(
        "The bridge does not know what this resource would say of a referral.",
        "Report by Task or Observation.",
        "not-supported",
    ),
    "fhir-outcome-value": Entry(
        "The value has a form the bridge cannot carry without loss.",
        "Send a quantity, an integer, a coded value, a text or a boolean.",
        "not-supported",
    ),
    "fhir-patient-differs": Entry(
        "Two places of one message name different people.",
        "Check which person the message is about and send it again.",
        "conflict",
    ),
    "fhir-patient-not-in-use": Entry(
        "The patient record is marked as not in use (active), or as replaced by another (link).",
        "Refer the person by the record that is in use.",
        "business-rule",
    ),
    "fhir-practice-from-requester": Entry(
        "The patient names no practice with an ODS code; the requester's organisation was taken.",
        "Send Patient.generalPractitioner with the ODS code of the surgery.",
        "incomplete",
    ),
    "fhir-profile": Entry("UK Core does not allow this.", "Follow the rule named.", "structure"),
    "fhir-r4b-only": Entry(
        "The element exists in R4B and not in R4.", "Send what R4 (4.0.1) defines.", "structure"
    ),
    "fhir-reference-dangling": Entry(
        "A reference into the message leads nowhere.",
        "Send the resource it refers to, or refer by business identifier.",
        "invalid",
    ),
    "fhir-reference-shape": Entry(
        "The reference is none: not Type/id, an absolute address, a urn or a contained id.",
        "Write it as FHIR R4 does.",
    ),
    "fhir-reference-type": Entry(
        "The reference leads to a type that must not stand here.",
        "Refer to one of the types named.",
        "invalid",
    ),
    "fhir-required": Entry("A mandatory element is missing.", "Send the element.", "required"),
    "fhir-status-not-sendable": Entry(
        "The request is not active: a draft, on hold, completed or unknown is not a referral to act on.",
        "Send it when it is active, revoked or entered in error.",
        "business-rule",
    ),
    "fhir-system": Entry(
        "The system is not spelt as the national one is, or is retired.",
        "Use the current address of the system.",
    ),
    "fhir-type-differs": Entry(
        "The address is of another resource type than the one that was sent.",
        "Send the resource to the address of its type, or in a transaction.",
        "invalid",
    ),
    "fhir-unknown-element": Entry(
        "The type has no such element.", "Remove it, or send it as an extension.", "structure"
    ),
    "fhir-value": Entry(
        "The value does not fit the type of the element.", "Send the type the standard names."
    ),
    "xml-content": Entry(
        "Text or an attribute stands where FHIR XML has none.",
        "Put values into value attributes.",
        "structure",
    ),
    "xml-depth": Entry(
        "Elements are nested more deeply than any referral needs.",
        "Check how the message is built.",
        "too-costly",
    ),
    "xml-doctype": Entry(
        "The document has a DOCTYPE or an entity; neither is accepted.", "Leave them out.", "security"
    ),
    "xml-namespace": Entry(
        "An element is not in the FHIR namespace.", "Use http://hl7.org/fhir for every element.", "structure"
    ),
    "xml-not-utf8": Entry("The bytes are not UTF-8.", "Send the message as UTF-8.", "structure"),
    "xml-syntax": Entry("The text is not XML.", "Mend the XML at the place given.", "structure"),
    "xml-too-large": Entry(
        "The message is larger than this door accepts.",
        "Send one referral in one message; attachments do not belong in it.",
        "too-long",
    ),
    "fhir-message-elsewhere": Entry(
        "A FHIR message came where single resources are read; its header would have been overlooked.",
        "Send messages to the door of a system whose mapping reads messages, such as bars.",
        "not-supported",
    ),
}
