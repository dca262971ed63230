"""What became of something queued for a partner, before or without the partner's word."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "body-not-kept": Entry(
        "What was received or sent is not held any more; its time was over.",
        "Ask the sender to send it again.",
        "not-found",
    ),
    "may-have-arrived": Entry(
        "It was sent without an answer, and a look did not find it; sending again could file it twice.",
        "Look into the partner's system; then release it if it is not there, discard it if it is.",
        "incomplete",
    ),
    "never-to-be-sent": Entry(
        "It belongs to a practice in shadow: it was computed and never sent, and never will be.",
        "Nothing to do; referrals after the practice goes live are sent.",
        "business-rule",
    ),
    "newer-version": Entry(
        "A newer version of the referral took its place before it left.", "Nothing to do.", "informational"
    ),
    "not-held": Entry("The bridge is not held; it runs.", "Nothing to do.", "informational"),
    "not-restored": Entry(
        "Partners are asked what arrived only after a backup was put back.",
        "Nothing to do; a delivery in doubt is looked up by itself.",
        "business-rule",
    ),
    "nothing-to-send": Entry(
        "As the referral stands now there is nothing to send to this partner.",
        "Look at the referral: it may be parked, or nothing of it ever left.",
        "business-rule",
    ),
    "partner-not-known": Entry(
        "No scheme names the partner this was meant for any more.",
        "Put the scheme back, or discard the delivery.",
        "not-found",
    ),
    "restored": Entry(
        "It was on its way when the backup was made that was put back; nobody knows what happened since.",
        "Have the sender tell it anew; or look into the partner's system, then release or discard it.",
        "incomplete",
    ),
    "restored-not-looked": Entry(
        "A backup was put back, and not every delivery of it could be looked up at its partner.",
        "Run `bridge reconcile` again; or `bridge resume --park`, which leaves them all to a person.",
        "incomplete",
    ),
}
