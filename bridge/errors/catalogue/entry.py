"""What a catalogue entry says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: a sentence for a person, the next step, and the FHIR issue type.

    `fhir` is a code of http://hl7.org/fhir/R4/valueset-issue-type.html.
    """

    meaning: str
    next_step: str
    fhir: str = "value"
