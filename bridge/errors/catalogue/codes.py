"""What can be wrong with a clinical code, whichever format it came in."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "code-not-in-table": Entry(
        "The source uses a code that the mapping's code table does not list.",
        "Find out what the code means and add it to the mapping, or to the practice's overlay; then release.",
        "code-invalid",
    ),
    "code-unmapped": Entry(
        "A code means nothing beyond its source: no SNOMED CT code of the NHS stands beside it.",
        "It went out as it is, with its words. Say what it means in the mapping's code table.",
        "code-invalid",
    ),
    "ctv3-as-read-v2": Entry(
        "A CTV3 or local code stands where a Read v2 code is expected: no Read v2 code begins with X or Y.",
        "Say which of the two it is, by its field or its system.",
        "code-invalid",
    ),
    "emis-local-exponent": Entry(
        "A spreadsheet has turned the EMIS code into a number with an exponent.",
        "Export again with the code column as text.",
        "code-invalid",
    ),
    "emis-local-shape": Entry(
        "The EMIS code holds something other than letters, digits and a ^ before them.",
        "Send the code alone; its words have a place of their own.",
        "code-invalid",
    ),
    "read-code-cut": Entry(
        "The Read or CTV3 code has fewer than five characters: its dots, or a zero in front, are lost.",
        "Send all five characters, dots too (8T09.); export with the code column as text.",
        "code-invalid",
    ),
    "read-code-exponent": Entry(
        "A spreadsheet has turned the Read or CTV3 code into a number with an exponent.",
        "Export again with the code column as text.",
        "code-invalid",
    ),
    "read-code-shape": Entry(
        "The Read or CTV3 code is not five letters, digits and dots, the dots at its end.",
        "Check the code at its source; Read v2 may have the two characters of its term behind it (8T09.00).",
        "code-invalid",
    ),
    "read-v2-as-ctv3": Entry(
        "A Read v2 code with its term stands where a CTV3 code is expected.",
        "Say which of the two it is, by its field or its system.",
        "code-invalid",
    ),
    "snomed-check-digit": Entry(
        "The SNOMED CT code's check digit is wrong.",
        "Correct the code at its source; a digit may be wrong or missing.",
        "code-invalid",
    ),
    "snomed-description-as-concept": Entry(
        "A SNOMED CT description id stands where a concept id is needed.",
        "Send the concept id; the description id may go beside it.",
        "code-invalid",
    ),
    "snomed-leading-zero": Entry(
        "The SNOMED CT code starts with 0.",
        "Send the code without padding.",
        "code-invalid",
    ),
    "snomed-length": Entry(
        "The SNOMED CT code does not have 6 to 18 digits.",
        "Check the code at its source.",
        "code-invalid",
    ),
    "snomed-not-digits": Entry(
        "The SNOMED CT code holds something other than digits.",
        "Send the concept id alone, as text.",
        "code-invalid",
    ),
    "snomed-partition": Entry(
        "The SNOMED CT code is no concept, description or relationship id.",
        "Check the code at its source.",
        "code-invalid",
    ),
    "snomed-relationship-as-concept": Entry(
        "A SNOMED CT relationship id stands where a concept id is needed.",
        "Send the concept id.",
        "code-invalid",
    ),
    "snomed-spreadsheet-exponent": Entry(
        "A spreadsheet has turned the SNOMED CT code into a number with an exponent.",
        "Export again with the code column as text.",
        "code-invalid",
    ),
    "snomed-spreadsheet-rounded": Entry(
        "A spreadsheet seems to have turned the last digits of the SNOMED CT code into zeros.",
        "Export again with the code column as text.",
        "code-invalid",
    ),
}
