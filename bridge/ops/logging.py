"""Logs: one line per event of the catalogue, JSON or text, with a last belt against patient data."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bridge.security.redact import clean

_QUIET = ("uvicorn.access", "httpx", "httpcore", "sqlalchemy", "alembic")


def configure(form: str) -> None:
    """Send everything to standard error as `json` or `text`; libraries that quote values stay silent."""
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                _from_catalogue,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.stdlib.add_log_level,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redacted,
                renderer,
            ]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _from_catalogue(_logger: Any, _name: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event's stable name and its own fields; other records keep their message only."""
    record: logging.LogRecord = entry["_record"]
    fields = getattr(record, "fields", {})
    entry["action"] = getattr(record, "event", record.name)
    record.exc_info = None  # a stack trace can quote values
    entry.update(fields)
    return entry


def _redacted(_logger: Any, _name: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {k: clean(v) if isinstance(v, str) and k != "timestamp" else v for k, v in entry.items()}
