"""The closed catalogue of log events. Fields are opt-in names; none of them may hold patient data.

docs/reference/events.md is generated from this table; metrics count the same names.
"""

import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

_LOG = logging.getLogger("bridge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Whose conversation a task works on: it stands on each of its log lines, and goes on to partners.

    `traceparent` is the header of W3C Trace Context as the sender gave it.
    """

    request_id: str = ""
    correlation_id: str = ""
    traceparent: str = ""


_NONE = Trace()
_TRACE: ContextVar[Trace] = ContextVar("trace", default=_NONE)


class Event(Enum):
    """Every thing the bridge logs: level, words, and the fields it may carry."""

    STARTED = (logging.INFO, "bridge started", ("version", "node", "database", "address"))
    RULES_RELOADED = (logging.INFO, "mappings and schemes read anew", ("node", "sources", "schemes"))
    RULES_REFUSED = (
        logging.ERROR,
        "mappings and schemes stay as they were: the new ones cannot be used",
        ("node", "problems", "code", "at"),
    )
    STOPPED = (logging.INFO, "bridge stopped", ("node",))
    MESSAGE_KEPT = (
        logging.INFO,
        "message kept",
        ("message", "source", "door", "caller", "events", "unmapped", "took_ms"),
    )
    MESSAGE_REFUSED = (logging.WARNING, "message refused", ("message", "source", "door", "caller", "code"))
    CONNECTION_REFUSED = (logging.WARNING, "connection refused", ("door", "caller", "code"))
    REQUEST_REPEATED = (logging.INFO, "request repeated", ("message", "caller"))
    CODES_UNMAPPED = (
        logging.INFO,
        "codes that mean nothing beyond their source",
        ("event", "source", "practice", "codes"),
    )
    EVENT_PARKED = (logging.WARNING, "event parked for a person", ("event", "source", "code"))
    REFERRAL_OPENED = (logging.INFO, "referral opened", ("referral", "source"))
    DELIVERY_SETTLED = (
        logging.INFO,
        "delivery settled",
        ("delivery", "partner", "kind", "state", "took_ms", "age_s"),
    )
    DELIVERY_POSTPONED = (logging.INFO, "delivery postponed", ("delivery", "partner", "code", "delay_s"))
    DELIVERY_IN_DOUBT = (logging.WARNING, "delivery in doubt", ("delivery", "partner", "code"))
    DELIVERY_PARKED = (logging.ERROR, "delivery parked for a person", ("delivery", "partner", "kind", "code"))
    CANCEL_PARKED = (
        logging.CRITICAL,
        "a cancel is parked: someone may still be contacted",
        ("delivery", "partner", "kind", "code"),
    )
    LEASE_LOST = (logging.WARNING, "another worker took over a lane", ("delivery", "partner"))
    BREAKER_OPENED = (logging.ERROR, "partner taken out of use for a while", ("partner", "code", "rest_s"))
    BREAKER_CLOSED = (logging.INFO, "partner back in use", ("partner",))
    OUTCOME_RECORDED = (logging.INFO, "outcome recorded", ("referral", "source"))
    OUTCOME_REFUSED = (logging.WARNING, "outcome refused", ("message", "source", "door", "caller", "code"))
    RISK_TOLD = (logging.WARNING, "a risk contact was told", ("risk", "scheme", "level", "way"))
    RISK_NOT_TOLD = (
        logging.CRITICAL,
        "a risk contact could not be told",
        ("risk", "scheme", "level", "reason"),
    )
    RISK_ESCALATED = (
        logging.CRITICAL,
        "nobody has said that a risk was seen: the next contact hears",
        ("risk", "scheme", "level"),
    )
    RISK_SEEN = (logging.WARNING, "a risk was seen", ("risk", "scheme"))
    INTAKE_CLOSED = (logging.ERROR, "the doors take nothing more for now", ("code",))
    INTAKE_OPENED = (logging.INFO, "the doors take messages again", ("code",))
    BATCH_STARTED = (logging.INFO, "extract started", ("batch", "source"))
    BATCH_PARKED = (logging.ERROR, "extract waits for a person", ("batch", "source", "code"))
    BATCH_LATE = (logging.ERROR, "extract is still not complete", ("source", "stamp", "missing"))
    FILES_STRAY = (logging.ERROR, "files in the drop folder belong to no extract", ("source", "files"))
    BATCH_DONE = (logging.INFO, "extract done", ("batch", "source", "events"))
    BATCH_DROPPED = (
        logging.INFO,
        "files of extracts that are past their time were deleted",
        ("source", "extracts"),
    )
    BATCH_REFUSED = (logging.ERROR, "extract refused", ("batch", "source", "code"))
    POLLED = (logging.DEBUG, "service polled", ("partner", "resource", "found"))
    POLL_FAILED = (logging.WARNING, "service could not be polled", ("partner", "code"))
    SHADOW_LOOKED = (
        logging.INFO,
        "a mapping that is tried was held against what came",
        ("source", "messages", "changed", "gone"),
    )
    SHADOW_REFUSED = (
        logging.WARNING,
        "the mappings that are tried cannot be used; those in force go on",
        ("problems", "code", "at"),
    )
    WORKER_FAILED = (logging.ERROR, "a worker step failed and will be tried again", ("worker", "error"))
    CONNECTIONS_EXHAUSTED = (
        logging.ERROR,
        "no connection can be taken: this process may open no more files",
        ("node",),
    )
    STORE_UNAVAILABLE = (logging.ERROR, "the database cannot be used right now", ("worker", "reason"))
    AUDIT_HEAD = (logging.INFO, "head of an audit chain; keep it elsewhere", ("of", "rows", "link"))
    PURGED = (
        logging.INFO,
        "what is past its time was purged",
        (
            "lapsed",
            "bodies",
            "documents",
            "requests",
            "attempts",
            "records",
            "journeys",
            "events",
            "messages",
            "took_s",
        ),
    )
    ALERT_RAISED = (logging.WARNING, "something is not well", ("check", "of", "code", "severity"))
    ALERT_CLEARED = (logging.INFO, "it is well again", ("check", "of", "code", "severity"))
    ALERT_UNSENT = (
        logging.ERROR,
        "alerts reach nobody this way for now; they are kept and tried again",
        ("route", "reason"),
    )
    ALERT_ROUTE_BACK = (logging.INFO, "alerts reach people this way again", ("route",))
    SIGNED_IN = (logging.INFO, "somebody signed in at the page", ("account",))
    SIGN_IN_REFUSED = (logging.WARNING, "signing in at the page was refused", ("account", "peer"))
    LETTER_FAILED = (
        logging.ERROR,
        "a letter did not reach its practice: it is on the worklist, and parked",
        ("letter", "partner", "code"),
    )
    RISK_RAISED = (logging.CRITICAL, "a risk was raised: the risk contact must hear", ("referral", "scheme"))


Observer = Callable[[Event, Mapping[str, Any]], None]
_OBSERVERS: list[Observer] = []


def emit(event: Event, /, **fields: Any) -> None:
    """Log one event of the catalogue; a field it does not list is a programming error."""
    level, words, allowed = event.value
    unknown = set(fields) - set(allowed)
    if unknown:
        raise ValueError(f"{event.name} has no field {sorted(unknown)}")
    for observer in _OBSERVERS:
        observer(event, fields)
    if _LOG.isEnabledFor(level):
        told = {"event": event.name.lower(), "fields": fields, "trace": _TRACE.get()}
        _LOG.log(level, words, extra=told)


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Tell `observer` of every event while the block lasts, logged or not; it may not raise."""
    _OBSERVERS.append(observer)
    try:
        yield
    finally:
        _OBSERVERS.remove(observer)


def current_trace() -> Trace:
    """The conversation this task works on; an empty one outside of any."""
    return _TRACE.get()


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """Work on one conversation while the block lasts; tasks that begin in it belong to it too."""
    token = _TRACE.set(trace)
    try:
        yield
    finally:
        _TRACE.reset(token)


def failed_at(error: BaseException) -> str:
    """The kind of an unexpected error and the line of ours it came from; never its text, which can quote."""
    places = [f for f in traceback.extract_tb(error.__traceback__) if "bridge" in f.filename]
    place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return f"{type(error).__name__}{place}"
