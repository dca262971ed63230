"""What went wrong on our side, where the sender has nothing to mend."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "internal": Entry(
        "The bridge failed; the message is safe and will be tried again.",
        "Look at the log under the message id; the bridge retries by itself.",
        "exception",
    ),
    "entry-failed": Entry(
        "The bridge failed at this entry of an extract; the rest of the extract was read.",
        "Look at the log of that time; release the entry when the fault is mended.",
        "exception",
    ),
    "translation-failed": Entry(
        "The bridge failed at this message again and again; it is kept whole.",
        "Look at the log under the message id; replay the message when the fault is mended.",
        "exception",
    ),
    "withdrawal-failed": Entry(
        "A person died, left the practice or became confidential, and the bridge failed to take them back.",
        "Telephone the service if the person has an open referral; then look at the log of that time.",
        "exception",
    ),
}
