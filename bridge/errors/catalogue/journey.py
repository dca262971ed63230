"""What became of an event that could be read: joined, repeated, overtaken, closed, or left to a person."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "already-closed": Entry(
        "The referral this belongs to has ended already.",
        "Nothing to do; if the person should be seen again, the practice refers again.",
        "business-rule",
    ),
    "another-shape-remains": Entry(
        "The entry has ended, but another entry for the same episode still stands.",
        "Nothing to do if that is meant; else the practice ends the other entry too.",
        "informational",
    ),
    "cancelled": Entry("The practice cancelled the referral.", "Nothing to do.", "informational"),
    "clock-changed-kind": Entry(
        "Earlier events of this referral were numbered and this one is timed, or the other way round.",
        "Find out which of the two is newer; release the event if it is, discard it if not.",
        "conflict",
    ),
    "closed-recently": Entry(
        "The service closed this person's referral a short time ago; this may be the same episode again.",
        "Ask the practice; release the event if a new referral is meant, discard it if not.",
        "duplicate",
    ),
    "declined": Entry("The person declined social prescribing.", "Nothing to do.", "informational"),
    "discarded": Entry("A person closed it for good.", "Nothing to do.", "informational"),
    "entered-in-error": Entry(
        "The practice says that the referral was entered in error.", "Nothing to do.", "informational"
    ),
    "event-not-kept": Entry(
        "What the event said is not held any more, so it cannot be used again.",
        "Ask the practice to send it again; then discard this event.",
        "not-found",
    ),
    "another-is-open": Entry(
        "The person has another open referral from this practice to the same service.",
        "Discard this one, or have the practice take the other back first.",
        "conflict",
    ),
    "identity-differs": Entry(
        "The person has an open referral under this NHS number with another date of birth or family name.",
        "Check with the practice who is meant; release or discard the event only when that is certain.",
        "conflict",
    ),
    "key-moved-patient": Entry(
        "An entry that was about one person is now about another; the first referral was taken back.",
        "Check with the practice who is meant; a right entry for the second person is a new referral.",
        "conflict",
    ),
    "nhs-number-came-or-went": Entry(
        "One version of the entry has the NHS number and the other has none; the referral stands as it was.",
        "Have the number entered in the GP system; if the referral went out without it, tell the service.",
        "conflict",
    ),
    "mapping-not-kept": Entry(
        "The mapping that translated this message is not the one in use now.",
        "Put the old mapping file back, or replay with the mapping of now.",
        "not-found",
    ),
    "not-parked": Entry(
        "Only what is parked can be released or discarded; the rule says where it stands.",
        "Look at it again; perhaps somebody has dealt with it.",
        "conflict",
    ),
    "mended-by-source": Entry(
        "The source has told it anew since; what became of that stands with the newer event.",
        "Nothing to do.",
        "informational",
    ),
    "not-yet-translated": Entry(
        "The message waits to be translated for the first time.",
        "Nothing to do: the bridge does so by itself.",
        "incomplete",
    ),
    "nothing-to-cancel": Entry(
        "What this would end never reached the service.",
        "Nothing to do; a referral that arrives later under the same key is not sent.",
        "informational",
    ),
    "older-version": Entry(
        "A newer version is known already; this one was ignored.", "Nothing to do.", "informational"
    ),
    "own-echo": Entry(
        "The bridge filed this entry itself and met it again in the feed.", "Nothing to do.", "informational"
    ),
    "possible-duplicate": Entry(
        "The person has an open referral to this service from another practice.",
        "Ask both practices; release the event if two referrals are meant, discard it if not.",
        "duplicate",
    ),
    "practice-not-yours": Entry(
        "The sender does not speak for the practice this is about.",
        "Send it with the credential of that practice, or add the practice to the caller's entry.",
        "forbidden",
    ),
    "referral-missing": Entry(
        "The event says that someone was referred and brings no referral.",
        "Check the mapping of the source; then replay the message.",
        "required",
    ),
    "reinstated": Entry(
        "A referral that was cancelled or withdrawn has come again under the same key.",
        "Ask the practice; a referral that is wanted again is entered as a new one.",
        "conflict",
    ),
    "repeated": Entry("The same was said before; nothing was done twice.", "Nothing to do.", "duplicate"),
    "repeated-not-sent": Entry(
        "The same was said before, and no referral came of it then.",
        "The practice's not-sent list holds the reason; send a newer version when that has changed.",
        "business-rule",
    ),
    "replayed": Entry("The message was replayed, and this was told anew.", "Nothing to do.", "informational"),
    "same-episode": Entry(
        "It belongs to a referral that is already open and was joined to it.", "Nothing to do.", "duplicate"
    ),
    "source-not-known": Entry(
        "The message came from a system that no mapping describes any more.",
        "Put its mapping file back; then replay the message.",
        "not-found",
    ),
    "told-since": Entry(
        "Something else was told of the same since this was set aside; releasing it would undo that.",
        "Compare the two; discard this one, and have the practice send anew what it still wants.",
        "conflict",
    ),
    "transaction-refused": Entry(
        "Another entry of the same transaction could not be used, so nothing of it was done.",
        "Mend the entry named beside this one, or send what is independent as a batch; then send it again.",
        "processing",
    ),
    "version-conflict": Entry(
        "The same key and version were sent before with other content; nothing was changed.",
        "Send the change with a higher version, or find out which of the two is right.",
        "conflict",
    ),
}
