"""How long a partner asks us to wait, from whichever header it says it in.

Retry-After: RFC 9110, 10.2.3 (seconds or a date). RateLimit: the IETF httpapi drafts, of which partners speak
several; `t=44`, `reset=44` and a RateLimit-Reset of its own all mean seconds until there is room again.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(hours=1)  # a longer or mistaken wait would hold urgent referrals behind it

_SECONDS = re.compile(r"-?\d{1,12}(\.\d{1,9})?")
_ROOM_AGAIN = re.compile(r"\b(?:t|reset)\s*=\s*(-?\d{1,12})\b")
_EPOCH = 1_000_000_000  # so many seconds from now is no wait: it is a moment since 1970


def asked_wait(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The wait between 1 second and 1 hour; None when no header says one. `headers` ignores case of names."""
    readers: tuple[tuple[str, Callable[[str, datetime], float | None]], ...] = (
        ("retry-after", _retry_after),
        ("ratelimit", _rate_limit),
        ("ratelimit-reset", _reset),
    )
    for name, read in readers:
        said = read(headers.get(name, "").strip(), now)
        if said is not None:
            return _bounded(said)
    return None


def http_date(value: str) -> datetime | None:
    """The aware moment of an HTTP date (RFC 9110, 5.6.7); None when it is none."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _retry_after(value: str, now: datetime) -> float | None:
    if _SECONDS.fullmatch(value):
        return float(value)
    moment = http_date(value)
    return None if moment is None else (moment - now).total_seconds()


def _rate_limit(value: str, _now: datetime) -> float | None:
    # Several policies can stand in one header; the longest wait satisfies them all.
    waits = [float(seconds) for seconds in _ROOM_AGAIN.findall(value)]
    return max(waits, default=None)


def _reset(value: str, now: datetime) -> float | None:
    if not _SECONDS.fullmatch(value):
        return None
    seconds = float(value)
    return seconds - now.timestamp() if seconds >= _EPOCH else seconds


def _bounded(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, SHORTEST.total_seconds()), LONGEST.total_seconds()))
