"""What alerts are made of: conditions that begin, last and end. Pure, so that each rule has a test.

A check of health that is not well is a condition. It is told once when it has lasted for a while and once
when it has been gone for as long, however often it fails in between. What fails is told at once, and so is a
parked cancel, of which each further one is told too: it is another person who may be contacted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from bridge.ops.checks import Check, Status, rank

LOUD: Final = frozenset({"cancel-waiting"})
# What a node knows of itself; the rest comes from the database, which all nodes share.
OF_A_NODE: Final = (
    *(
        "alerts",
        "certificate",
        "database",
        "disk",
        "intake",
        "key",
        "partner:breaker",
        "partner:poll",
        "worker",
    ),
)


class Severity(StrEnum):
    """How loud an alert is."""

    CRITICAL = "critical"  # someone may be contacted who should not be
    FAIL = "fail"  # a node cannot do its work
    WARN = "warn"  # somebody should look


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that is not well; times are ms. `gone`: since when it is no longer seen.

    `told` is the rank of the status that was told of it (0 nothing yet), `level` how many were.
    """

    check: str
    of: str
    code: str
    status: str
    count: float
    since: int
    gone: int | None = None
    told: int = 0
    level: float = 0

    @property
    def key(self) -> str:
        """Which condition of a book it is."""
        return f"{self.check}|{self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """That a condition began, or is over; `id` is the same for both."""

    id: str
    cleared: bool
    severity: str
    check: str
    of: str
    code: str
    count: float
    since: int
    at: int


Book = Mapping[str, Condition]


def is_of_a_node(check: Check) -> bool:
    """Whether only the node itself can see this."""
    return check.name.startswith(OF_A_NODE)


def changed(
    book: Book, checks: Iterable[Check], *, at: int, after_ms: int, scope: str
) -> tuple[dict[str, Condition], list[Notice]]:
    """The book after a look at `at`, and what is to be told; `scope` keeps the ids of two books apart."""
    seen = {f"{check.name}|{check.of}": check for check in checks}
    unwell = {key: check for key, check in seen.items() if check.status is not Status.PASS}
    found = {key: _seen(book.get(key), check, at) for key, check in unwell.items()}
    missed = {key: known for key, known in book.items() if key not in found}
    found |= {
        key: known if _says_nothing(seen.get(key)) else _missed(known, at) for key, known in missed.items()
    }
    after: dict[str, Condition] = {}
    notices = []
    for key, now in found.items():
        if _is_to_be_told(now, at, after_ms):
            notices.append(_notice(now, at, scope))
            now = _as_told(now)  # noqa: PLW2901 - the same condition
        if not _is_over(now, at, after_ms):
            after[key] = now
    return after, notices


def loudest(notices: Iterable[Notice]) -> list[Notice]:
    """The loudest first, what begins before what is over."""
    order = [severity.value for severity in Severity]
    return sorted(notices, key=lambda notice: (order.index(notice.severity), notice.cleared, notice.since))


def _seen(known: Condition | None, check: Check, at: int) -> Condition:
    count = check.value if isinstance(check.value, int | float) else 0.0
    if known is None:
        return Condition(
            check=check.name, of=check.of, code=check.code, status=check.status.value, count=count, since=at
        )
    level, since = min(known.level, count), min(known.since, at)  # the clock may have been set back
    return replace(
        known, code=check.code, status=check.status.value, count=count, level=level, since=since, gone=None
    )


def _says_nothing(check: Check | None) -> bool:
    """A breaker of a node that has just started is closed and knows nothing of its partner yet."""
    return check is not None and check.name == "partner:breaker" and check.since is None


def _missed(known: Condition, at: int) -> Condition:
    return replace(known, gone=at if known.gone is None else min(known.gone, at))


def _is_to_be_told(now: Condition, at: int, after_ms: int) -> bool:
    if now.gone is not None:
        return now.told > 0 and at - now.gone >= after_ms
    if now.code in LOUD:
        return now.told == 0 or now.count > now.level
    worse = rank(Status(now.status)) > now.told
    return worse and (now.told > 0 or now.status == Status.FAIL or at - now.since >= after_ms)


def _is_over(now: Condition, at: int, after_ms: int) -> bool:
    """What nobody was told of is forgotten at once."""
    return now.gone is not None and (now.told == 0 or at - now.gone >= after_ms)


def _as_told(now: Condition) -> Condition:
    return replace(now, told=max(now.told, rank(Status(now.status))), level=now.count)


def _notice(now: Condition, at: int, scope: str) -> Notice:
    severity = Severity.CRITICAL if now.code in LOUD else Severity(now.status)
    return Notice(
        id=str(uuid5(NAMESPACE_URL, f"{scope}|{now.key}|{now.since}")),
        cleared=now.gone is not None,
        severity=severity.value,
        check=now.check,
        of=now.of,
        code=now.code,
        count=now.count,
        since=now.since,
        at=at if now.gone is None else now.gone,
    )


def kept(book: Book, owed: Sequence[tuple[str, Notice]]) -> dict[str, Any]:
    """A book, and what is still to be told by which route, as the store keeps it."""
    return {
        "conditions": [asdict(condition) for condition in book.values()],
        "owed": [[route, asdict(notice)] for route, notice in owed],
    }


def opened(said: Mapping[str, Any] | None) -> tuple[dict[str, Condition], list[tuple[str, Notice]]]:
    """What `kept` made; an empty book for nothing."""
    said = said or {"conditions": [], "owed": []}
    conditions = [Condition(**each) for each in said["conditions"]]
    owed = [(route, Notice(**notice)) for route, notice in said["owed"]]
    return {condition.key: condition for condition in conditions}, owed
