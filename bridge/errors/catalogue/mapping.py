"""What can be wrong with a mapping file or a practice's overlay."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "mapping-code": Entry(
        "A code table gives a meaning that its field does not understand.",
        "Use one of our words on the right-hand side; docs/reference/mapping.md lists them.",
    ),
    "mapping-extends-unknown": Entry(
        "A practice overlay extends a system that has no mapping file.", "Name the system after its file."
    ),
    "mapping-fields-unused": Entry(
        "The reader of this format finds the fields itself; a mapping for it holds codes only.",
        "Remove [fields].",
    ),
    "mapping-file-name": Entry(
        "A mapping file has the system's name, up to 32 lower-case letters, digits and hyphens, then .toml.",
        "Rename the file.",
    ),
    "mapping-missing-key": Entry("A key that every mapping needs is missing.", "Add it."),
    "mapping-needs-target": Entry(
        "Without this field no event of the system has an identity.", "Add the field to [fields]."
    ),
    "mapping-no-folder": Entry("The folder of mappings does not exist.", "Correct the setting.", "not-found"),
    "mapping-no-message": Entry(
        "The folder is neither one of extracts nor one with a single message in it.",
        "Name the file of a message.",
        "not-found",
    ),
    "mapping-no-source": Entry(
        "Nothing says which system this comes from.",
        "Name the system with --source; the rule lists those there are.",
        "not-found",
    ),
    "mapping-path": Entry("The path is not in the notation of the format.", "Correct the path.", "structure"),
    "mapping-two-overlays": Entry(
        "Two overlays of one system name the same practice.", "Put the practice's codes into one file."
    ),
    "mapping-unknown-format": Entry(
        "No reader is installed for this format.", "Correct the format, or install the reader.", "not-found"
    ),
    "mapping-unknown-key": Entry(
        "Mappings have no key of this name; it may be misspelt.", "Correct the key."
    ),
    "mapping-unknown-source": Entry(
        "There is no mapping of a system of this name.",
        "Correct the name; the rule lists those there are, and --mappings names another folder of them.",
        "not-found",
    ),
    "mapping-unknown-table": Entry(
        "There is no code table of this name.", "Add [codes.<name>], or correct the name.", "not-found"
    ),
    "mapping-unknown-target": Entry(
        "The canonical referral has no field of this name.",
        "Choose one of the names in docs/reference/mapping.md.",
        "not-found",
    ),
    "mapping-unknown-transform": Entry(
        "There is no transform of this name.",
        "Choose one of the names in docs/reference/mapping.md.",
        "not-found",
    ),
    "mapping-wrong-value": Entry("The value of this key is not what the grammar asks for.", "Correct it."),
    "shadow-nothing-tried": Entry(
        "No mapping file is named, and the setting `shadow` names no folder of any.",
        "Name the file: bridge map shadow FILE.",
        "not-found",
    ),
}
