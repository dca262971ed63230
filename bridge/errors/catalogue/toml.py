"""What can be wrong with any file of a site that is written in TOML: settings, schemes and mappings."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "toml-not-utf-8": Entry(
        "The file is not UTF-8 text.",
        "Save it as UTF-8; the line is that of the first wrong byte.",
        "structure",
    ),
    "toml-number-too-long": Entry(
        "A number has more digits than any setting needs.", "Write what is no quantity as text, in quotes."
    ),
    "toml-syntax": Entry(
        "The file is not TOML at this place.",
        "Mend it there; nothing else of the file was looked at.",
        "structure",
    ),
    "toml-too-deep": Entry(
        "Lists or tables are nested more deeply than any setting needs.",
        "Look for brackets that are not closed.",
        "structure",
    ),
    "toml-unreadable": Entry(
        "The file is not there, is a folder, or may not be read.",
        "Correct its path or its rights.",
        "not-found",
    ),
}
