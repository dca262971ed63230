"""What can be wrong with a JSON text, and with our own JSON event."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "json-byte-order-mark": Entry(
        "The message starts with a byte order mark or is UTF-16; JSON is plain UTF-8.",
        "Send UTF-8 without a byte order mark.",
        "structure",
    ),
    "json-character": Entry(
        "A text holds half of a surrogate pair or a NUL character.",
        "Send whole Unicode characters; remove the NUL.",
    ),
    "json-constant": Entry(
        "NaN or Infinity stands where a number should; JSON has no such values.",
        "Leave the field out when the number is not known.",
    ),
    "json-depth": Entry(
        "Objects and arrays are nested more deeply than any referral needs.",
        "Check how the message is built; it may hold itself.",
        "too-costly",
    ),
    "json-duplicate-key": Entry(
        "One object holds the same key twice, so it says two things.",
        "Send each key once.",
        "structure",
    ),
    "json-no-event": Entry(
        "The message is neither an object nor a non-empty array of objects.",
        "Send one event as an object, or several in an array.",
        "structure",
    ),
    "json-not-utf8": Entry("The bytes are not UTF-8.", "Send the message as UTF-8.", "structure"),
    "json-number": Entry(
        "A number has more digits or a larger exponent than any field needs.",
        "Send long identifiers as text, in quotes.",
    ),
    "json-schema-version": Entry(
        "The event names a schema version that this bridge does not know.",
        "See docs/reference/json-event.md for the versions that are accepted.",
        "not-supported",
    ),
    "json-syntax": Entry("The text is not JSON.", "Mend the JSON at the place given.", "structure"),
    "json-too-large": Entry(
        "The message is larger than this door accepts.",
        "Send one referral in one message; attachments do not belong in it.",
        "too-long",
    ),
    "json-unknown-key": Entry(
        "The event holds a key that its schema does not know; it may be misspelt.",
        "Compare the key at that place with docs/reference/json-event.schema.json.",
        "structure",
    ),
    "json-version-or-time": Entry(
        "The event has neither version nor time, so a later one could not be told from an earlier one.",
        "Send a version that rises with every change, or the time of the change with its offset.",
        "required",
    ),
    "json-wrong-type": Entry(
        "The value is of another JSON type than the schema says.",
        "Compare it with docs/reference/json-event.schema.json; numbers that are names are sent as text.",
        "structure",
    ),
}
