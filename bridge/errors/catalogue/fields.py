"""What can be wrong with a field once its mapping has found it, in any format."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "key-too-long": Entry(
        "A key of the source is longer than 255 characters (200 in an outcome event).",
        "Send the key itself, without anything put around it.",
        "too-long",
    ),
    "text-control-character": Entry(
        "A text holds a control character that FHIR does not allow.", "Correct it in the source system."
    ),
    "value-is-structure": Entry(
        "An object stands where a single value should.",
        "Point the mapping's path at a value inside it.",
        "structure",
    ),
    "value-missing": Entry(
        "A field that this referral cannot do without is missing or empty.",
        "Fill it in the source system, or correct the mapping's path.",
        "required",
    ),
    "value-not-single": Entry(
        "The source gives several values where one is meant, and does not say which.",
        "Choose with an equality in the mapping's path, or correct the source.",
        "multiple-matches",
    ),
    "value-unusable": Entry(
        "The value cannot be read as what this field means.",
        "Compare its shape with the mapping's transform.",
    ),
    "version-shape": Entry(
        "The version is not a whole number of at most 18 digits.",
        "Send a number that rises with every change.",
    ),
    "word-unknown": Entry(
        "The value is none of the words this field knows.",
        "Send one of the words, or add a code table to the mapping.",
        "code-invalid",
    ),
}
