"""What keeps the bridge from starting or changing its rules: settings and schemes."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "caller-source": Entry(
        "A caller may send from a system that has no mapping file; whatever it sends would be turned away.",
        "Correct the name among its sources, or put the mapping file in its place.",
        "not-found",
    ),
    "expected-unknown": Entry(
        "A source is expected that no mapping and no scheme names, so it could never be heard of.",
        "Correct the name in `[[expected]]`; `bridge health` lists the sources there are.",
    ),
    "folder-source": Entry(
        "A drop folder is for a system that has no mapping file, or whose mapping does not read extracts.",
        "Name a mapping of the format emis, or put the mapping file in its place.",
        "not-found",
    ),
    "mllp-habits": Entry(
        "Habits of an HL7 v2 sender are set for a source of another format, which the rule names.",
        "Remove them from the setting, or name a source whose mapping has format hl7v2.",
    ),
    "reload-needs-restart": Entry(
        "A scheme names a new partner, or another address or polling time of one, which is set up at start.",
        "Restart the bridge; what is in flight finishes first.",
    ),
    "reload-scheme-gone": Entry(
        "A scheme is not there any more, and referrals may stand under it.",
        "Put it back, with its practices off; or restart when none of its referrals is open.",
    ),
    "scheme-rule": Entry(
        "A scheme file breaks a rule.", "Mend the key at the line given; docs/reference/scheme.md lists them."
    ),
    "setting-wrong": Entry(
        "A setting is missing, unknown or has a value it cannot take.",
        "Compare it with docs/reference/settings.md.",
    ),
}
