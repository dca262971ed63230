"""What a service reports of a referral, and why it could not be recorded or filed."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "closed": Entry("The service closed the referral.", "Nothing to do.", "informational"),
    "outcome-contradicts": Entry(
        "The service said something else of the same thing before, and nobody can tell which is newer.",
        "Ask the service which is right; release this one if it is, else discard it.",
        "conflict",
    ),
    "outcome-corrected": Entry(
        "The service corrected what it had reported before; the newer version counts.",
        "Nothing to do.",
        "informational",
    ),
    "filing-to-review": Entry(
        "The practice looks at outcomes before they are filed.",
        "Look at it; release it to file it, or discard it.",
        "business-rule",
    ),
    "sharing-refused": Entry(
        "The person does not agree that this is shared, so it was kept and not filed.",
        "Nothing to do; codes of what happened are filed all the same.",
        "suppressed",
    ),
    "delivery-under-way": Entry(
        "The referral this is about is being delivered at this moment.",
        "Send the same again in a few seconds.",
        "transient",
    ),
    "failed": Entry(
        "The service gave up: the person could not be reached or seen.",
        "The practice decides whether to refer again.",
        "informational",
    ),
    "outcome-not-yours": Entry(
        "The referral, the person and the service that reports do not belong together.",
        "Check the referral's identifier and its subject; report only what this service was sent.",
        "forbidden",
    ),
    "risk-raised": Entry(
        "This speaks of a risk, and the scheme's risk contact is being told. This is no emergency channel.",
        "Where somebody is in danger now, call 999; tell the practice by telephone as your own rules say.",
        "business-rule",
    ),
    "outcome-attendance": Entry(
        "The attendance code does not fit the type of the event.",
        "Send 5 or 6 for attended; not-attended is 3 or 7, contact-cancelled 2 or 4, booked 0.",
        "invariant",
    ),
    "outcome-count": Entry(
        "The message holds no event, or too many.", "Send between one and 5000 in a message.", "too-long"
    ),
    "outcome-csv-column": Entry(
        "The first line holds a column nobody knows, or one twice.",
        "Name the columns as docs/reference/outcomes.md does.",
        "structure",
    ),
    "outcome-csv-unreadable": Entry(
        "The file is not CSV in UTF-8.", "Save it as CSV (UTF-8), cells with commas in quotes.", "structure"
    ),
    "rejected": Entry(
        "The service rejected the referral.",
        "The practice reads the reason (the referral's page, `Show who it is about`) and decides what to do "
        "for the person.",
        "informational",
    ),
    "reopened": Entry("The service opened the referral again.", "Nothing to do.", "informational"),
    "risk-seen": Entry("Somebody has acknowledged this risk before.", "Nothing to do.", "informational"),
    "score-not-signed-off": Entry(
        "The score was kept and not filed: no clinician of the scheme has signed its code off.",
        "Add it to write_back in the scheme, on measure, once a clinician has agreed.",
        "informational",
    ),
    "scheme-missing": Entry(
        "The scheme this referral was opened under is not configured any more, so nothing can be filed.",
        "Put the scheme back, then release.",
        "not-found",
    ),
}
