"""What became of something queued for a partner, before or without the partner's word."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "may-have-arrived": Entry(
        "It was sent without an answer, and a look did not find it; sending again could file it twice.",
        "Look into the partner's system; then release it if it is not there, discard it if it is.",
        "incomplete",
    ),
    "newer-version": Entry(
        "A newer version of the referral took its place before it left.", "Nothing to do.", "informational"
    ),
}
