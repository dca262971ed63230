"""Logs: one line per event of the catalogue, JSON or text, with a last belt against patient data.

A line holds, in this order: when, how bad, the event's stable name, its words, whose conversation it belongs
to, its own fields. What a library logs has the library's name for the event's.
"""

import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any

import orjson
import structlog

from bridge.events import Trace
from bridge.security.redact import clean

_QUIET = (
    *("uvicorn.access", "uvicorn.error", "httpx", "httpcore", "urllib3", "sqlalchemy", "alembic"),
    *("weasyprint", "weasyprint.progress", "fontTools"),
)
# An id of ours, or a name or code in small letters without digits: nothing that `clean` would mask.
_PLAIN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z_-]{1,40}")

Line = MutableMapping[str, Any]


def configure(form: str) -> None:
    """Send everything to standard error as `json` or `text`; libraries that quote values stay silent."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def formatter(form: str) -> logging.Formatter:
    """Makes a line of a record, `json` or `text`."""
    if form == "json":
        return _Lines(_as_json)
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), event_key="words")
    return _Lines(lambda line: console(None, "", line))


class _Lines(logging.Formatter):
    """A line of each record, rendered."""

    def __init__(self, render: Callable[[Line], str]) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """The whole of it: what the base would add is a stack trace."""
        return self._render(_line(record))


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _line(record: logging.LogRecord) -> Line:
    """The record as a line; without a stack trace, which can quote values."""
    line: Line = _stamp(None, "", {})
    line["level"] = record.levelname.lower()
    line["action"] = getattr(record, "event", record.name)
    line["words"] = _redacted(record.getMessage())
    trace: Trace = getattr(record, "trace", Trace())
    for key in ("request_id", "correlation_id", "traceparent"):
        if said := getattr(trace, key):
            line[key] = _redacted(said)
    for key, value in getattr(record, "fields", {}).items():
        line[key] = _redacted(value) if isinstance(value, str) else value
    return line


def _redacted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _cleaned(text)


@lru_cache(1000)
def _cleaned(text: str) -> str:
    return clean(text)


def _as_json(line: Line) -> str:
    return orjson.dumps(line, default=str).decode()
