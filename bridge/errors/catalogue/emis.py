"""What can be wrong with an EMIS extract: its files, its rows, and what they say."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "emis-date-shape": Entry(
        "An EMIS date is not yyyy-mm-dd, or its time not hh:mm:ss.",
        "Check the extract; a column may have slipped.",
        "structure",
    ),
}
