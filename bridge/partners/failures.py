"""Which failure class an exchange belongs to: one table, decided where it happened.

What follows from a class (try again, look first, ask a person) is delivery's table, not ours. The first row
that fits counts. A write is Ambiguous as soon as it may have been carried out: our creates are conditional
and our updates name a version, yet only a look says what the partner holds now.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from bridge.errors import (
    Ambiguous,
    DeliveryError,
    NotThePartner,
    Problem,
    Refused,
    Throttled,
    Transient,
    Unauthorised,
)
from bridge.partners.operation_outcome import Voice, problems_in


class Asked(StrEnum):
    """What kind of request it was."""

    READ = "read"  # GET and _search: repeating it changes nothing
    CREATE = "create"  # a transaction of conditional creates
    UPDATE = "update"  # a PUT that names the version it replaces


class Broke(StrEnum):
    """Why there is no answer at all."""

    NOT_SENT = "not sent"  # refused, DNS, TLS, time-out of connecting or of the pool: it never left
    LOST = "lost"  # reset or cut after it left
    LATE = "late"  # no whole answer before the deadline
    UNSENDABLE = "unsendable"  # our own request cannot be written as HTTP


@dataclass(frozen=True, slots=True)
class Row:
    """An answer of one of `statuses` (none: no answer) that sounds like one of `said`, to one of `asked`.

    `error` None means it went well; `code` is a key of the problem catalogue.
    """

    statuses: range | frozenset[int]
    said: frozenset[StrEnum]
    asked: frozenset[Asked]
    error: type[DeliveryError] | None
    code: str = ""


_NO_ANSWER: frozenset[int] = frozenset({0})
_GOOD, _ELSEWHERE, _OURS, _THEIRS = range(200, 300), range(300, 400), range(400, 500), range(500, 600)
_ANY = frozenset(Asked)
_READS, _WRITES = frozenset({Asked.READ}), frozenset({Asked.CREATE, Asked.UPDATE})
_CREATES, _UPDATES = frozenset({Asked.CREATE}), frozenset({Asked.UPDATE})
_WHATEVER: frozenset[StrEnum] = frozenset(Voice)
_FHIR: frozenset[StrEnum] = frozenset(
    {
        Voice.RESOURCE,
        Voice.VALIDATION,
        Voice.INFRASTRUCTURE,
        Voice.ERROR,
        Voice.DUPLICATE,
        Voice.OVERTAKEN,
    }
)
_NOT_FHIR = _WHATEVER - _FHIR


def _these(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


def _says(*voices: StrEnum) -> frozenset[StrEnum]:
    return frozenset(voices)


CLASSES: tuple[Row, ...] = (
    # No answer
    Row(_NO_ANSWER, _says(Broke.NOT_SENT), _ANY, Transient, "partner-unreached"),
    Row(_NO_ANSWER, _says(Broke.LOST), _READS, Transient, "partner-lost"),
    Row(_NO_ANSWER, _says(Broke.LOST), _WRITES, Ambiguous, "partner-lost"),
    Row(_NO_ANSWER, _says(Broke.LATE), _READS, Transient, "partner-late"),
    Row(_NO_ANSWER, _says(Broke.LATE), _WRITES, Ambiguous, "partner-late"),
    Row(_NO_ANSWER, _says(Broke.UNSENDABLE), _ANY, Refused, "delivery-unsendable"),
    # Whoever speaks: who we are, and not now
    Row(_these(401, 403), _WHATEVER, _ANY, Unauthorised, "partner-unauthorised"),
    Row(_these(429, 503), _WHATEVER, _ANY, Throttled, "partner-throttled"),
    Row(_these(425), _WHATEVER, _ANY, Transient, "partner-not-ready"),
    Row(_these(408), _WHATEVER, _READS, Transient, "partner-late"),
    Row(_these(408), _WHATEVER, _WRITES, Ambiguous, "partner-late"),
    # Somebody in between
    Row(_these(407, 421), _WHATEVER, _ANY, NotThePartner, "partner-answer-foreign"),
    Row(_ELSEWHERE, _WHATEVER, _ANY, NotThePartner, "partner-answer-foreign"),
    Row(_OURS, _NOT_FHIR, _ANY, NotThePartner, "partner-answer-foreign"),
    Row(_these(501), _NOT_FHIR, _ANY, NotThePartner, "partner-answer-foreign"),
    # The partner says no
    Row(_these(501), _FHIR, _ANY, Refused, "partner-not-supported"),
    Row(_THEIRS, _WHATEVER, _READS, Transient, "partner-failed"),
    Row(_THEIRS, _WHATEVER, _WRITES, Ambiguous, "partner-failed"),
    Row(_these(409), _says(Voice.DUPLICATE), _WRITES, None),
    Row(_these(409), _says(Voice.OVERTAKEN), _WRITES, Refused, "partner-overtaken"),
    Row(_these(409), _FHIR, _UPDATES, Transient, "partner-version-moved"),
    Row(_these(409), _FHIR, _ANY, Transient, "partner-conflict"),
    Row(_these(412), _FHIR, _UPDATES, Transient, "partner-version-moved"),
    Row(_these(412), _FHIR, _CREATES, Refused, "partner-several-matches"),
    Row(_these(404, 410, 412), _FHIR, _ANY, Refused, "partner-not-found"),
    Row(_these(405, 406, 413, 415), _FHIR, _ANY, Refused, "partner-not-supported"),
    Row(_OURS, _says(Voice.INFRASTRUCTURE), _ANY, Transient, "partner-not-ready"),
    Row(_OURS, _says(Voice.VALIDATION), _ANY, Refused, "partner-refused"),
    Row(_OURS, _FHIR, _ANY, Transient, "partner-unclear"),
    # The partner says yes, or says no politely
    Row(_GOOD, _says(Voice.INFRASTRUCTURE), _ANY, Transient, "partner-not-ready"),
    Row(_GOOD, _says(Voice.VALIDATION), _ANY, Refused, "partner-refused"),
    Row(_GOOD, _says(Voice.ERROR, Voice.DUPLICATE, Voice.OVERTAKEN), _ANY, Transient, "partner-unclear"),
    Row(_these(202), _WHATEVER, _WRITES, Ambiguous, "partner-deferred"),
    Row(_GOOD, _says(Voice.RESOURCE), _ANY, None),
    Row(_GOOD, _says(Voice.BARE), _UPDATES, None),
    Row(_GOOD, _says(Voice.HALF), _READS, Transient, "partner-answer-half"),
    Row(_GOOD, _says(Voice.HALF), _WRITES, Ambiguous, "partner-answer-half"),
    # What is left: empty and foreign answers of 2xx, statuses that HTTP does not have
    Row(range(1000), _WHATEVER, _ANY, NotThePartner, "partner-answer-foreign"),
)


def row_of(status: int, said: StrEnum, asked: Asked) -> Row:
    """The first row that fits; `status` 0 is no answer."""
    return next(r for r in CLASSES if status in r.statuses and said in r.said and asked in r.asked)


def broken(why: Broke, asked: Asked) -> DeliveryError:
    """The error for a request that got no answer."""
    row = row_of(0, why, asked)
    return failure(row.error or Transient, row.code)


def raise_for(
    status: int,
    said: Voice,
    asked: Asked,
    *,
    body: Mapping[str, Any],
    after: timedelta | None = None,
    at: str = "",
) -> None:
    """Raise what the table says of an answer, or of the part of it at `at`; nothing when it went well.

    `after` is the wait its headers ask for.
    """
    row = row_of(status, said, asked)
    if row.error is None:
        return
    problems = problems_in(body, row.code, at) or (Problem(code=row.code, at=at),)
    raise row.error(problems=problems, status=status or None, after=after if row.error is Throttled else None)


def failure(
    error: type[DeliveryError], code: str, *, at: str = "", status: int | None = None
) -> DeliveryError:
    """A failure we found ourselves, under one catalogue code and place."""
    return error(problems=(Problem(code=code, at=at),), status=status)


@asynccontextmanager
async def within(budget: timedelta, error: type[DeliveryError]) -> AsyncIterator[None]:
    """All requests of one step together: `error` partner-late when `budget` is used up."""
    try:
        async with asyncio.timeout(budget.total_seconds()):
            yield
    except TimeoutError:
        raise failure(error, "partner-late") from None
