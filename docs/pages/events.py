"""The page of log events, from bridge.events."""

import logging

from bridge.events import Event
from docs.pages.markdown import code, table

HEAD = """\
# Log events

The log is on standard error, one line for each event, as JSON or text by the setting `log`.
An event carries the fields listed here and no others, so none of them can hold patient data.
What is logged by a library is masked before it is written.

"""


def text() -> str:
    """The page."""
    rows = (
        (code(event.name.lower()), logging.getLevelName(level), words, ", ".join(map(code, fields)))
        for event in Event
        for level, words, fields in (event.value,)
    )
    return HEAD + table(("Event", "Level", "Words", "Fields"), rows)
