"""What health says: one check for each thing looked at, with a code of the catalogue when it is not well.

Names are those of draft-inadarei-api-health-check-06: component, colon, what is measured of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

# Every check there is, with what it measures.
NAMES: Final[Mapping[str, str]] = {
    "database:write": "Time a durable write takes, in milliseconds.",
    "database:read": "Time it takes to look how everything stands, in milliseconds.",
    "database:clock": "How far this node's clock and the database's are apart, in milliseconds.",
    "disk:free": "Free bytes where data is kept.",
    "intake:doors": "Whether the doors take messages: `open`, or the code of what closes them.",
    "worker:turn": "Seconds since a worker of this node last turned.",
    "partner:breaker": "Whether a partner is in use: `closed`, `open` or `half-open`.",
    "partner:poll": "Whether a service or mailbox asked for news answers: `answered`, or why not, by code.",
    "partner:queue": "Deliveries that are not settled; the detail counts them by state, up to 100,000 each.",
    "partner:oldest": "Age of the oldest delivery under way, in seconds.",
    "partner:urgent": "Age of the oldest urgent delivery under way, in seconds.",
    "parked:events": "Events that wait for a person, counted up to 10,000.",
    "parked:referrals": "Referrals that wait for a person, counted up to 10,000.",
    "parked:deliveries": "Deliveries to a partner that wait for a person, counted up to 100,000.",
    "parked:cancels": "Cancels among them: someone may still be contacted.",
    "source:heard": "Seconds since a source was last heard of.",
    "feed:age": "Age of what is known of a practice, in seconds.",
    "certificate:expiry": "Seconds until a certificate in use expires.",
    "keys:ring": "Whether the key ring in use is in its place, for the next start: `in place` or `gone`.",
    "key:expiry": "Seconds until a caller's key expires.",
    "alerts:route": "Whether alerts reach people this way: `well` or `failing`.",
    "mapping:version": "The mapping that translates a source now.",
    "scheme:version": "The version of a scheme that counts now.",
}


class Status(StrEnum):
    """How well something is."""

    PASS = "pass"  # noqa: S105 - the word of the draft
    WARN = "warn"  # somebody should look; messages are taken and kept
    FAIL = "fail"  # this node cannot do its work


_RANK = {Status.PASS: 0, Status.WARN: 1, Status.FAIL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at. `of` names which one, such as a partner; `since` and `until` are ms.

    `code` is a key of the problem catalogue, "" when all is well. Nothing here may hold patient data.
    """

    name: str
    of: str = ""
    status: Status = Status.PASS
    code: str = ""
    value: float | str | None = None
    unit: str = ""
    since: int | None = None
    until: int | None = None
    detail: Mapping[str, int] = field(default_factory=dict)


def rank(status: Status) -> int:
    """0 pass, 1 warn, 2 fail."""
    return _RANK[status]


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of them; nothing is well."""
    return max(statuses, key=_RANK.__getitem__, default=Status.PASS)


def by_urgency(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The worst first, else as they came."""
    return tuple(sorted(checks, key=lambda check: -_RANK[check.status]))
