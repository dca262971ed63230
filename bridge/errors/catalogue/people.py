"""What can be wrong with what names, locates or reaches a person or an organisation."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "email-shape": Entry(
        "This is not an e-mail address; it was left out.", "Correct it in the source system."
    ),
    "language-shape": Entry(
        "This is not a BCP 47 language tag; it was left out.",
        "Add a code table from the source's languages to tags such as pl or pt-BR.",
        "code-invalid",
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
    "no-open-referral": Entry(
        "The message has news of a person who has no open referral here; nothing of it is held.",
        "Nothing to do.",
        "informational",
    ),
    "ods-code-shape": Entry(
        "The organisation code is not 3 to 12 letters and digits.",
        "Send the ODS code of the organisation.",
    ),
    "person-merged": Entry(
        "The GP system says that two records were of one person; this referral belongs to one of them.",
        "Compare name, date of birth and NHS number with the GP record; then release or discard it.",
        "multiple-matches",
    ),
    "person-unnamed": Entry(
        "The message says that two records were one and names nobody: no NHS number, no other identifier.",
        "Send the identifiers of both records in PID-3 and MRG-1.",
        "required",
    ),
    "phone-shape": Entry(
        "This holds fewer than three digits, so it is no phone number; it was left out.",
        "Correct it in the source system.",
    ),
}
