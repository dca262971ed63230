"""The closed catalogue of problem codes: what each means and what to do next, in words without values.

docs/reference/errors.md is generated from this table. `fhir` is the FHIR IssueType of the code
(http://hl7.org/fhir/R4/valueset-issue-type.html).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: a sentence for a person, the next step, and the FHIR issue type."""

    meaning: str
    next_step: str
    fhir: str = "value"


CATALOGUE: dict[str, Entry] = {
    "internal": Entry(
        "The bridge failed; the message is safe and will be tried again.",
        "Look at the log under the message id; the bridge retries by itself.",
        "exception",
    ),
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
    "json-not-utf8": Entry("The bytes are not UTF-8.", "Send the message as UTF-8.", "structure"),
    "json-number": Entry(
        "A number has more digits or a larger exponent than any field needs.",
        "Send long identifiers as text, in quotes.",
    ),
    "json-syntax": Entry("The text is not JSON.", "Mend the JSON at the place given.", "structure"),
    "json-too-large": Entry(
        "The message is larger than this door accepts.",
        "Send one referral in one message; attachments do not belong in it.",
        "too-long",
    ),
}
