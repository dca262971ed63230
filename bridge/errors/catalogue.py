"""The closed catalogue of problem codes: what each means and what to do next, in words without values.

docs/reference/errors.md is generated from this table. `fhir` is the FHIR IssueType of the code
(http://hl7.org/fhir/R4/valueset-issue-type.html).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: a sentence for a person, the next step, and the FHIR issue type."""

    meaning: str
    next_step: str
    fhir: str = "value"


CATALOGUE: dict[str, Entry] = {
    "bars-header-content": Entry(
        "A header holds no JSON object of the kind the Booking and Referral Standard describes.",
        "Encode the object that the standard's API gives for this header.",
        "structure",
    ),
    "bars-header-missing": Entry(
        "A header that the Booking and Referral Standard requires is missing.",
        "Send X-Request-Id, X-Correlation-Id and NHSD-Target-Identifier with every request.",
        "required",
    ),
    "bars-header-not-base64": Entry(
        "A header that holds an object is not base64.",
        "Encode the JSON object as standard base64.",
        "structure",
    ),
    "bars-header-not-uuid": Entry(
        "X-Request-Id or X-Correlation-Id is no UUID.",
        "Send a UUID with hyphens; the same one when a request is repeated.",
        "invalid",
    ),
    "bars-header-too-long": Entry(
        "A header is longer than any object the standard puts there.",
        "Send only the elements the standard names.",
        "too-long",
    ),
    "bars-not-acceptable": Entry(
        "The Accept header allows no FHIR JSON.",
        "Accept application/fhir+json.",
        "processing",
    ),
    "birth-date-future": Entry(
        "The date of birth is after today.",
        "Correct the date of birth in the GP system and send again.",
    ),
    "birth-date-too-old": Entry(
        "The date of birth is more than 130 years ago.",
        "Correct the date of birth in the GP system and send again.",
    ),
    "caller-not-allowed": Entry(
        "We know the caller, but it may not do this: a scope, source, practice or service is not its own.",
        "Compare the request with the caller's entry in the configuration.",
        "forbidden",
    ),
    "credential-expired": Entry(
        "The credential was good once and has expired.",
        "Use the caller's newer key, or fetch a new token; check the clocks of both sides.",
        "expired",
    ),
    "credential-missing": Entry(
        "The request shows no API key, no token and no client certificate.",
        "Send the credential this caller was given.",
        "login",
    ),
    "credential-refused": Entry(
        "The credential is not one of ours, not whole, or not signed by who we trust; the rule says why.",
        "Check the credential and the caller's entry in the configuration.",
        "security",
    ),
    "date-impossible": Entry(
        "There is no such day or time.",
        "Correct the date where it was typed; month and day may be swapped.",
    ),
    "date-not-fhir": Entry(
        "The text is not a FHIR date or time.",
        "Send yyyy, yyyy-mm, yyyy-mm-dd, or yyyy-mm-ddThh:mm:ss with an offset.",
    ),
    "date-precision-unknown": Entry(
        "The date's precision is none of U, Y, YM, YMD and YMDT.",
        "Check the extract; a column may have slipped.",
    ),
    "date-time-no-offset": Entry(
        "A time stands without its offset from UTC.",
        "Send the offset: Z, +00:00 or +01:00.",
    ),
    "date-year-range": Entry(
        "The year is before 1850 or after 2150.",
        "Correct the year where it was typed.",
    ),
    "emis-date-shape": Entry(
        "An EMIS date is not yyyy-mm-dd, or its time not hh:mm:ss.",
        "Check the extract; a column may have slipped.",
        "structure",
    ),
    "hl7-batch": Entry(
        "The frame holds a batch or file (FHS, BHS, BTS or FTS), not one message.",
        "Send each message of the batch in a frame of its own.",
        "structure",
    ),
    "hl7-charset": Entry(
        "The bytes are no text in the declared character set, nor in UTF-8 or Windows-1252.",
        "Send UTF-8 and say so in MSH-18, or set the character set of this sender.",
        "structure",
    ),
    "hl7-charset-guessed": Entry(
        "No character set is declared and the bytes are not UTF-8; they were read as Windows-1252.",
        "Ask the sender to fill MSH-18, or set the character set of this sender.",
    ),
    "hl7-charset-mismatch": Entry(
        "The bytes do not look like the character set that MSH-18 declares.",
        "Ask the sender to correct MSH-18, or set the character set of this sender.",
    ),
    "hl7-charset-unknown": Entry(
        "MSH-18 names a character set that is not in HL7 table 0211.",
        "Ask the sender to correct MSH-18, or set the character set of this sender.",
    ),
    "hl7-continued": Entry(
        "The message says that it goes on in another message (DSC), so it is not whole.",
        "Send the whole referral in one message.",
        "not-supported",
    ),
    "hl7-control-character": Entry(
        "A text holds a control character; it was replaced by the mark U+FFFD.",
        "Remove control characters where the text is typed or exported.",
    ),
    "hl7-delimiters": Entry(
        "MSH-1 and MSH-2 do not hold five different delimiters.",
        "Send the usual delimiters: |^~\\&",
        "structure",
    ),
    "hl7-escape-kept": Entry(
        "A text holds an escape that is unknown, or a backslash that is none; it was kept as it stood.",
        "Escape a backslash as \\E\\ where the message is built.",
    ),
    "hl7-event-not-supported": Entry(
        "The message is no referral (REF^I12), change (I13) or cancellation (I14).",
        "Send only these events here, or name this sender's own trigger codes in its profile.",
        "not-supported",
    ),
    "hl7-line-end-in-field": Entry(
        "A line starts with no known segment; it was joined to the text before it.",
        "Write line breaks inside a text as \\.br\\.",
        "structure",
    ),
    "hl7-no-msh": Entry(
        "The message does not start with an MSH segment.",
        "Send one HL7 v2 message that starts with MSH.",
        "structure",
    ),
    "hl7-no-referral-id": Entry(
        "Nothing identifies the referral: neither RF1-6 nor OBR-2 holds an identifier.",
        "Send the referral's own identifier in RF1-6; without it a repeat would be a second referral.",
        "required",
    ),
    "hl7-several-messages": Entry(
        "One frame holds a second message header.",
        "Send each message in a frame of its own.",
        "structure",
    ),
    "hl7-time-hour-only": Entry(
        "A time gives the hour without minutes; only its day was used.",
        "Nothing, unless the time matters: then send minutes.",
        "informational",
    ),
    "hl7-time-shape": Entry(
        "The text is not an HL7 time: yyyymmdd, hhmm, seconds, fraction and offset, in that order.",
        "Correct the time in the sending system; an offset has four digits.",
    ),
    "hl7-too-large": Entry(
        "The message is larger than this door accepts.",
        "Send one referral in one message; attachments do not belong in it.",
        "too-long",
    ),
    "hl7-too-many-fields": Entry(
        "A segment has more fields than any referral needs.",
        "Check how the message is built; a text may hold bare field separators.",
        "too-costly",
    ),
    "hl7-too-many-segments": Entry(
        "The message has more segments than any referral needs.",
        "Send one referral in one message.",
        "too-costly",
    ),
    "instrument-unknown": Entry(
        "The score is of a questionnaire this bridge cannot check.",
        "Name a supported questionnaire, or send the result as text.",
        "not-supported",
    ),
    "internal": Entry(
        "The bridge failed; the message is safe and will be tried again.",
        "Look at the log under the message id; the bridge retries by itself.",
        "exception",
    ),
    "items-count": Entry(
        "The form does not have as many answers as the questionnaire has items.",
        "Send one answer an item, empty where there is none.",
    ),
    "items-incomplete": Entry(
        "Too many items are unanswered for a score; nothing is filled in for them.",
        "Ask the person again, or send no score.",
        "incomplete",
    ),
    "items-not-answer": Entry(
        "An answer is not one the questionnaire offers.",
        "Send whole numbers, or yes, more or less, no for the De Jong Gierveld scale.",
    ),
    "items-out-of-range": Entry(
        "An answer lies outside the scale of its item.",
        "Check the answer list of the form against the questionnaire.",
    ),
    "items-total-differs": Entry(
        "The stated total is not the sum of the answers.",
        "Correct the total or the answers and send again.",
        "invariant",
    ),
    "json-byte-order-mark": Entry(
        "The message starts with a byte order mark or is UTF-16; JSON is plain UTF-8.",
        "Send UTF-8 without a byte order mark.",
        "structure",
    ),
    "json-character": Entry(
        "A text holds half of a surrogate pair or a NUL character.",
        "Send whole Unicode characters; remove the NUL.",
    ),
    "json-constant": Entry(
        "NaN or Infinity stands where a number should; JSON has no such values.",
        "Leave the field out when the number is not known.",
    ),
    "json-depth": Entry(
        "Objects and arrays are nested more deeply than any referral needs.",
        "Check how the message is built; it may hold itself.",
        "too-costly",
    ),
    "json-duplicate-key": Entry(
        "One object holds the same key twice, so it says two things.",
        "Send each key once.",
        "structure",
    ),
    "json-not-utf8": Entry("The bytes are not UTF-8.", "Send the message as UTF-8.", "structure"),
    "json-number": Entry(
        "A number has more digits or a larger exponent than any field needs.",
        "Send long identifiers as text, in quotes.",
    ),
    "json-syntax": Entry("The text is not JSON.", "Mend the JSON at the place given.", "structure"),
    "json-too-large": Entry(
        "The message is larger than this door accepts.",
        "Send one referral in one message; attachments do not belong in it.",
        "too-long",
    ),
    "local-time-repeated-hour": Entry(
        "The time lies in the hour that comes twice when the clocks go back; the first was taken.",
        "Nothing, unless the hour matters: then send an offset.",
        "informational",
    ),
    "local-time-skipped-hour": Entry(
        "The time lies in the hour that the clocks skip in spring; it was moved one hour on.",
        "Check the clock of the sending system.",
        "informational",
    ),
    "mllp-cut": Entry(
        "A message was cut and begun again on the same connection; the cut part was dropped unanswered.",
        "Look at the sender's time-out: it gave up before the message was sent.",
        "incomplete",
    ),
    "mllp-no-start-byte": Entry(
        "Bytes arrived that start no MLLP frame; the connection was closed.",
        "Check that this sender speaks MLLP to this port, without TLS where none is set up.",
        "structure",
    ),
    "mllp-too-large": Entry(
        "A frame grew larger than this door accepts; the connection was closed.",
        "Send one referral in one message; attachments do not belong in it.",
        "too-long",
    ),
    "nhs-number-check-digit": Entry(
        "The NHS number's check digit is wrong.",
        "Correct the NHS number in the GP system and send again.",
    ),
    "nhs-number-length": Entry(
        "The NHS number does not have ten digits.",
        "Correct the NHS number in the GP system and send again.",
    ),
    "nhs-number-not-digits": Entry(
        "The NHS number holds something other than digits, spaces and hyphens.",
        "Correct the NHS number in the GP system and send again.",
    ),
    "nhs-number-placeholder": Entry(
        "The NHS number is one digit ten times over: a placeholder.",
        "Trace the person's NHS number and send again.",
    ),
    "ods-code-shape": Entry(
        "The organisation code is not 3 to 12 letters and digits.",
        "Send the ODS code of the organisation.",
    ),
    "ons4-not-one-score": Entry(
        "The four ONS well-being questions are four scores and are never added up.",
        "Name the question each score answers.",
    ),
    "issuer-keys-unavailable": Entry(
        "The keys of a token issuer cannot be fetched, so its tokens cannot be checked.",
        "Check the address or file of the issuer's keys; callers may try again.",
        "transient",
    ),
    "partner-token-refused": Entry(
        "The partner's token endpoint did not accept who we are; the rule names the part it refused.",
        "Check that part of our key, its registration with the partner, and the clock of this machine.",
        "login",
    ),
    "partner-token-unavailable": Entry(
        "The partner's token endpoint did not answer, or asked us to wait; nothing was sent.",
        "The bridge tries again by itself; look at the partner's status page when it lasts.",
        "transient",
    ),
    "partner-token-unreadable": Entry(
        "What answered at the token address does not speak as a token endpoint.",
        "Check the token address in the configuration and any proxy on the way.",
        "transient",
    ),
    "respondent-proxy": Entry(
        "Someone else answered a questionnaire that only the person may answer.",
        "Ask the person, or send no score.",
        "business-rule",
    ),
    "respondent-too-young": Entry(
        "The person is younger than the questionnaire is meant for.",
        "Send no score of this questionnaire.",
        "business-rule",
    ),
    "score-has-no-metric": Entry(
        "A metric score was sent for a questionnaire that has none.",
        "Send the raw score.",
    ),
    "score-missing": Entry(
        "The score is empty.",
        "Send the score, or say why there is none; a refusal is not 0.",
        "required",
    ),
    "score-not-in-metric-table": Entry(
        "The score is not a value of the questionnaire's metric table.",
        "Send the raw score, or the metric score as the table prints it.",
    ),
    "score-not-number": Entry(
        "The score is not a plain decimal number.",
        "Send the number alone, without unit or exponent.",
    ),
    "score-not-whole": Entry(
        "A raw score has decimals.",
        "Send the raw score as a whole number, or say that it is the metric score.",
    ),
    "score-out-of-range": Entry(
        "The score lies outside the questionnaire's range.",
        "Check the score and which questionnaire it is of.",
    ),
    "score-raw-or-metric": Entry(
        "The score could be raw or metric: both forms hold this value.",
        "Say which form the score is in.",
        "required",
    ),
    "sealed-value-altered": Entry(
        "A sealed value in the store was altered, cut short or moved to another row; it does not open.",
        "Treat it as damage or tampering: keep the store as it is, compare with a backup.",
        "exception",
    ),
    "snomed-check-digit": Entry(
        "The SNOMED CT code's check digit is wrong.",
        "Correct the code at its source; a digit may be wrong or missing.",
        "code-invalid",
    ),
    "snomed-description-as-concept": Entry(
        "A SNOMED CT description id stands where a concept id is needed.",
        "Send the concept id; the description id may go beside it.",
        "code-invalid",
    ),
    "snomed-leading-zero": Entry(
        "The SNOMED CT code starts with 0.",
        "Send the code without padding.",
        "code-invalid",
    ),
    "snomed-length": Entry(
        "The SNOMED CT code does not have 6 to 18 digits.",
        "Check the code at its source.",
        "code-invalid",
    ),
    "snomed-not-digits": Entry(
        "The SNOMED CT code holds something other than digits.",
        "Send the concept id alone, as text.",
        "code-invalid",
    ),
    "snomed-partition": Entry(
        "The SNOMED CT code is no concept, description or relationship id.",
        "Check the code at its source.",
        "code-invalid",
    ),
    "snomed-relationship-as-concept": Entry(
        "A SNOMED CT relationship id stands where a concept id is needed.",
        "Send the concept id.",
        "code-invalid",
    ),
    "snomed-spreadsheet-exponent": Entry(
        "A spreadsheet has turned the SNOMED CT code into a number with an exponent.",
        "Export again with the code column as text.",
        "code-invalid",
    ),
    "snomed-spreadsheet-rounded": Entry(
        "A spreadsheet seems to have turned the last digits of the SNOMED CT code into zeros.",
        "Export again with the code column as text.",
        "code-invalid",
    ),
    "code-not-in-table": Entry(
        "The source uses a code that the mapping's code table does not list.",
        "Find out what the code means and add it to the mapping, or to the practice's overlay; then release.",
        "code-invalid",
    ),
    "email-shape": Entry(
        "This is not an e-mail address; it was left out.", "Correct it in the source system."
    ),
    "json-no-event": Entry(
        "The message is neither an object nor a non-empty array of objects.",
        "Send one event as an object, or several in an array.",
        "structure",
    ),
    "json-schema-version": Entry(
        "The event names a schema version that this bridge does not know.",
        "See docs/reference/json-event.md for the versions that are accepted.",
        "not-supported",
    ),
    "json-unknown-key": Entry(
        "The event holds a key that its schema does not know; it may be misspelt.",
        "Compare the key at that place with docs/reference/json-event.schema.json.",
        "structure",
    ),
    "json-version-or-time": Entry(
        "The event has neither version nor time, so a later one could not be told from an earlier one.",
        "Send a version that rises with every change, or the time of the change with its offset.",
        "required",
    ),
    "json-wrong-type": Entry(
        "The value is of another JSON type than the schema says.",
        "Compare it with docs/reference/json-event.schema.json; numbers that are names are sent as text.",
        "structure",
    ),
    "language-shape": Entry(
        "This is not a BCP 47 language tag; it was left out.",
        "Add a code table from the source's languages to tags such as pl or pt-BR.",
        "code-invalid",
    ),
    "mapping-code": Entry(
        "A code table gives a meaning that its field does not understand.",
        "Use one of our words on the right-hand side; docs/reference/mapping.md lists them.",
    ),
    "mapping-extends-unknown": Entry(
        "A practice overlay extends a system that has no mapping file.", "Name the system after its file."
    ),
    "mapping-fields-unused": Entry(
        "The reader of this format finds the fields itself; a mapping for it holds codes only.",
        "Remove [fields].",
    ),
    "mapping-file-name": Entry(
        "A mapping file is named in lower-case letters, digits and hyphens: the system's name, then .toml.",
        "Rename the file.",
    ),
    "mapping-missing-key": Entry("A key that every mapping needs is missing.", "Add it."),
    "mapping-needs-target": Entry(
        "Without this field no event of the system has an identity.", "Add the field to [fields]."
    ),
    "mapping-no-folder": Entry("The folder of mappings does not exist.", "Correct the setting.", "not-found"),
    "mapping-not-toml": Entry("The mapping file is not TOML.", "Mend it at the line given.", "structure"),
    "mapping-path": Entry("The path is not in the notation of the format.", "Correct the path.", "structure"),
    "mapping-two-overlays": Entry(
        "Two overlays of one system name the same practice.", "Put the practice's codes into one file."
    ),
    "mapping-unknown-format": Entry(
        "No reader is installed for this format.", "Correct the format, or install the reader.", "not-found"
    ),
    "mapping-unknown-key": Entry(
        "Mappings have no key of this name; it may be misspelt.", "Correct the key."
    ),
    "mapping-unknown-table": Entry(
        "There is no code table of this name.", "Add [codes.<name>], or correct the name.", "not-found"
    ),
    "mapping-unknown-target": Entry(
        "The canonical referral has no field of this name.",
        "Choose one of the names in docs/reference/mapping.md.",
        "not-found",
    ),
    "mapping-unknown-transform": Entry(
        "There is no transform of this name.",
        "Choose one of the names in docs/reference/mapping.md.",
        "not-found",
    ),
    "mapping-wrong-value": Entry("The value of this key is not what the grammar asks for.", "Correct it."),
    "phone-shape": Entry(
        "This holds fewer than three digits, so it is no phone number; it was left out.",
        "Correct it in the source system.",
    ),
    "text-control-character": Entry(
        "A text holds a control character that FHIR does not allow.", "Correct it in the source system."
    ),
    "uk-date-shape": Entry(
        "This is not a date of day, month and year.", "Compare it with the mapping's transform."
    ),
    "value-is-structure": Entry(
        "An object stands where a single value should.",
        "Point the mapping's path at a value inside it.",
        "structure",
    ),
    "value-missing": Entry(
        "A field that this referral cannot do without is missing or empty.",
        "Fill it in the source system, or correct the mapping's path.",
        "required",
    ),
    "value-not-single": Entry(
        "The source gives several values where one is meant, and does not say which.",
        "Choose with an equality in the mapping's path, or correct the source.",
        "multiple-matches",
    ),
    "value-unusable": Entry(
        "The value cannot be read as what this field means.",
        "Compare its shape with the mapping's transform.",
    ),
    "version-shape": Entry(
        "The version is not a whole number of at most 18 digits.",
        "Send a number that rises with every change.",
    ),
    "word-unknown": Entry(
        "The value is none of the words this field knows.",
        "Send one of the words, or add a code table to the mapping.",
        "code-invalid",
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
    "fhir-intent": Entry(
        "The request is a proposal or an option, not something anyone decided.",
        "Send it again as a plan or an order when it was decided.",
        "business-rule",
    ),
    "fhir-invariant": Entry("The elements do not fit together.", "Follow the rule named.", "invariant"),
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
    "fhir-unknown-element": Entry(
        "The type has no such element.", "Remove it, or send it as an extension.", "structure"
    ),
    "fhir-value": Entry(
        "The value does not fit the type of the element.", "Send the type the standard names."
    ),
    "bars-bundle-id": Entry(
        "The message Bundle has no id, or it is not a UUID.",
        "Give each new message Bundle a UUID.",
        "required",
    ),
    "bars-version-missing": Entry(
        "Bundle.meta.versionId, the version of the BaRS Application, is missing.",
        "Send the version of the Application the message follows.",
        "invariant",
    ),
    "bars-version-not-supported": Entry(
        "The BaRS Application version of the message is not supported here.",
        "Send a version this service lists in its message definitions.",
        "not-supported",
    ),
    "bars-workflow": Entry(
        "Event, reason, category and statuses do not make one of the BaRS workflows.",
        "Send a new referral, or the cancellation of one, as BaRS Core defines them.",
        "invariant",
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
}
