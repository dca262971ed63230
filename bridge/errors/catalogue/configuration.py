"""What keeps the bridge from starting or changing its rules: settings and schemes."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "mllp-habits": Entry(
        "Habits of an HL7 v2 sender are set for a source of another format, which the rule names.",
        "Remove them from the setting, or name a source whose mapping has format hl7v2.",
    ),
    "scheme-rule": Entry(
        "A scheme file breaks a rule.", "Mend the key at the line given; docs/reference/scheme.md lists them."
    ),
    "scheme-unreadable": Entry(
        "A scheme file cannot be read as TOML.", "Mend the file at the place given.", "structure"
    ),
    "setting-wrong": Entry(
        "A setting is missing, unknown or has a value it cannot take.",
        "Compare it with docs/reference/settings.md.",
    ),
}
