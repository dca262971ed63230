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
}
