"""The closed catalogue of log events. Fields are opt-in names; none of them may hold patient data.

docs/reference/events.md is generated from this table; metrics count the same names.
"""

import logging
import traceback
from enum import Enum
from pathlib import Path
from typing import Any

_LOG = logging.getLogger("bridge")


class Event(Enum):
    """Every thing the bridge logs: level, words, and the fields it may carry."""

    STARTED = (logging.INFO, "bridge started", ("version", "node", "database"))
    STOPPED = (logging.INFO, "bridge stopped", ("node",))
    MESSAGE_KEPT = (
        logging.INFO,
        "message kept",
        ("message", "source", "door", "caller", "events", "took_ms"),
    )
    MESSAGE_REFUSED = (logging.WARNING, "message refused", ("message", "source", "door", "caller", "code"))
    CONNECTION_REFUSED = (logging.WARNING, "connection refused", ("door", "caller", "code"))
    REQUEST_REPEATED = (logging.INFO, "request repeated", ("message", "caller"))
    EVENT_PARKED = (logging.WARNING, "event parked for a person", ("event", "source", "code"))
    REFERRAL_OPENED = (logging.INFO, "referral opened", ("referral", "practice", "service", "shadow"))
    DELIVERY_SETTLED = (logging.INFO, "delivery settled", ("delivery", "partner", "kind", "state", "took_ms"))
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
    OUTCOME_RECORDED = (logging.INFO, "outcome recorded", ("referral", "kind"))
    OUTCOME_REFUSED = (logging.WARNING, "outcome refused", ("message", "caller", "code"))
    INTAKE_CLOSED = (logging.ERROR, "the doors take nothing more for now", ("code",))
    INTAKE_OPENED = (logging.INFO, "the doors take messages again", ("code",))
    BATCH_STARTED = (logging.INFO, "extract started", ("batch", "source"))
    BATCH_PARKED = (logging.ERROR, "extract waits for a person", ("batch", "source", "code"))
    BATCH_LATE = (logging.ERROR, "extract is still not complete", ("source", "stamp", "missing"))
    BATCH_DONE = (logging.INFO, "extract done", ("batch", "source", "events"))
    BATCH_REFUSED = (logging.ERROR, "extract refused", ("batch", "source", "code"))
    POLLED = (logging.DEBUG, "service polled", ("partner", "resource", "found"))
    POLL_FAILED = (logging.WARNING, "service could not be polled", ("partner", "code"))
    WORKER_FAILED = (logging.ERROR, "a worker step failed and will be tried again", ("worker", "error"))
    STORE_UNAVAILABLE = (logging.ERROR, "the database cannot be used right now", ("worker", "reason"))
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
    RISK_RAISED = (logging.CRITICAL, "a risk was raised: the risk contact must hear", ("referral", "scheme"))


def emit(event: Event, **fields: Any) -> None:
    """Log one event of the catalogue; a field it does not list is a programming error."""
    level, words, allowed = event.value
    unknown = set(fields) - set(allowed)
    if unknown:
        raise ValueError(f"{event.name} has no field {sorted(unknown)}")
    if _LOG.isEnabledFor(level):
        _LOG.log(level, words, extra={"event": event.name.lower(), "fields": fields})


def failed_at(error: BaseException) -> str:
    """The kind of an unexpected error and the line of ours it came from; never its text, which can quote."""
    places = [f for f in traceback.extract_tb(error.__traceback__) if "bridge" in f.filename]
    place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return f"{type(error).__name__}{place}"
