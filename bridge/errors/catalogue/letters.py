"""Letters to practices: why one waits, was refused, or nobody answered."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "letter-filed": Entry(
        "The practice filed the letter from its worklist, so it need not be sent again.",
        "Nothing to do.",
        "informational",
    ),
    "letter-held": Entry(
        "The letter waits a while, so that what belongs into it, such as a last score, is in it.",
        "Nothing to do; the scheme's letter_hold_minutes says how long.",
        "informational",
    ),
    "letter-not-listed": Entry(
        "The letter is not on the worklist: it is on its way, or was replaced by another one.",
        "Nothing to do; the practice has it from elsewhere or will get it.",
        "conflict",
    ),
    "patient-moved": Entry(
        "The person is not registered with the practice any more that referred them.",
        "Find out where they are registered; discard, and tell that practice by the way agreed for it.",
        "business-rule",
    ),
}
