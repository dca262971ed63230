"""The closed catalogue of problem codes: what each means and what to do next, in words without values.

One file per theme; the first line of each says what belongs there. A code stands in one file only, and a new
file is added to the merge below. docs/reference/errors.md is generated from the merged table.
"""

from bridge.errors.catalogue import (
    access,
    bars,
    codes,
    configuration,
    dates,
    deliveries,
    doors,
    eligibility,
    emis,
    fhir,
    fields,
    hl7v2,
    instruments,
    journey,
    json_event,
    letters,
    mapping,
    operating,
    ours,
    outcomes,
    page,
    partners,
    people,
    toml,
)
from bridge.errors.catalogue.entry import Entry as Entry

CATALOGUE: dict[str, Entry] = {
    **access.ENTRIES,
    **bars.ENTRIES,
    **codes.ENTRIES,
    **configuration.ENTRIES,
    **dates.ENTRIES,
    **deliveries.ENTRIES,
    **doors.ENTRIES,
    **eligibility.ENTRIES,
    **emis.ENTRIES,
    **fhir.ENTRIES,
    **fields.ENTRIES,
    **hl7v2.ENTRIES,
    **instruments.ENTRIES,
    **journey.ENTRIES,
    **json_event.ENTRIES,
    **letters.ENTRIES,
    **mapping.ENTRIES,
    **operating.ENTRIES,
    **ours.ENTRIES,
    **outcomes.ENTRIES,
    **page.ENTRIES,
    **partners.ENTRIES,
    **people.ENTRIES,
    **toml.ENTRIES,
}


def meaning(code: str) -> tuple[str, str]:
    """What a problem code means and what to do next; a code of nobody stands for itself."""
    entry = CATALOGUE.get(code)
    return (entry.meaning, entry.next_step) if entry else (code, "")
