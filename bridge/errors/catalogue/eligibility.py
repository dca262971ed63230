"""Why a referral is not for the service, or not yet: a scheme's checks, and the last look before it goes."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "age-unknown": Entry(
        "The scheme has an age limit and the record gives no full date of birth.",
        "Complete the date of birth in the GP system, or release the event if the age is known.",
        "required",
    ),
    "author-elsewhere": Entry(
        "The referral was entered by an organisation that does not refer under this scheme.",
        "If its entries should count, add its ODS code to the practice's authors.",
        "business-rule",
    ),
    "author-unknown": Entry(
        "The record does not say which organisation entered the referral.",
        "Find out who entered it; release the event if it is the practice's own.",
        "required",
    ),
    "before-live": Entry(
        "The referral was recorded before the practice's first live day.",
        "Nothing to do; send it by the old way if that did not happen then.",
        "business-rule",
    ),
    "consent-needed": Entry(
        "The service is outside health and care, and nobody says that the person agreed to be known to it.",
        "Ask the person; record the agreement with its scope in the GP system, then refer again.",
        "suppressed",
    ),
    "consent-refused": Entry(
        "The person has refused or withdrawn consent; nothing is sent, and what was sent is taken back.",
        "Nothing to do, unless the record is wrong; then correct it in the GP system.",
        "suppressed",
    ),
    "feed-too-old": Entry(
        "The practice's feed is older than its scheme allows, so a change of mind might not be known here.",
        "Find out why the feed has stopped; the delivery leaves by itself once newer data has arrived.",
        "transient",
    ),
    "nhs-number-missing": Entry(
        "The referral has no NHS number.",
        "Add the NHS number in the GP system, or refer this person by the way agreed for such cases.",
        "required",
    ),
    "nhs-number-not-verified": Entry(
        "The GP system says that the NHS number has not been verified.",
        "Trace the NHS number in the GP system; the corrected record is then taken by itself.",
        "business-rule",
    ),
    "not-a-trigger": Entry(
        "The code is not one that makes a referral under this scheme.",
        "Nothing to do; if it should refer, add the code to the practice's triggers.",
        "business-rule",
    ),
    "patient-confidential": Entry(
        "The GP system has marked the person's record as confidential; what was sent is taken back.",
        "Refer this person by the way agreed for restricted records.",
        "suppressed",
    ),
    "patient-deceased": Entry(
        "The record says that the person has died; nothing is sent, and what was sent is taken back.",
        "Nothing to do, unless the record is wrong; then correct it in the GP system.",
        "business-rule",
    ),
    "patient-not-registered": Entry(
        "The person is no longer registered at the practice.",
        "The new practice refers if it is still wanted.",
        "business-rule",
    ),
    "person-objected": Entry(
        "The person objects to their data being shared; nothing is sent, and what was sent is taken back.",
        "Nothing to do; it ends with a newer agreement, or when its entry is taken out of the record.",
        "suppressed",
    ),
    "practice-not-live": Entry(
        "The practice is not live at the moment, so its deliveries wait.",
        "Set the practice to live in its scheme, or discard what waits.",
        "business-rule",
    ),
    "practice-off": Entry(
        "The practice is switched off in its scheme.",
        "Nothing to do; set its mode to shadow or live when it joins.",
        "business-rule",
    ),
    "practice-unknown": Entry(
        "No scheme names this practice.",
        "Add the practice to its scheme, or ask why its data is sent here.",
        "not-found",
    ),
    "recorded-date-missing": Entry(
        "The record does not say when the referral was entered, so its age cannot be told.",
        "Find out when it was entered; release the event if it is new.",
        "required",
    ),
    "test-patient": Entry(
        "This is a test or dummy patient, and this is no place for one.",
        "Nothing to do; tests belong in the test environment.",
        "business-rule",
    ),
    "too-old": Entry(
        "The referral was recorded longer ago than the scheme looks back.",
        "If it is still wanted, ask the practice to refer again.",
        "business-rule",
    ),
    "under-age": Entry(
        "The person is younger than the scheme's age limit.",
        "Refer to a service for young people.",
        "business-rule",
    ),
}
