"""A FHIR dateTime without its offset, which FHIR forbids and senders leave out: a London wall clock."""

import re
from typing import Final

from bridge.domain.dates import Said, fhir_date_time, hl7_time

_WALL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?", re.ASCII)


def date_time(text: str) -> Said:
    """The dateTime as it stands, or with London's offset and a warning; ValueError as of `fhir_date_time`."""
    if not _WALL.fullmatch(text):
        return Said(text=fhir_date_time(text))
    local = hl7_time(re.sub("[-:T]", "", text))
    return Said(text=local.text, warning=local.warning or "date-time-no-offset")
