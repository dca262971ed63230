"""What comes and goes, and what sources were heard of: counted up to a limit, so that looking stays cheap."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from sqlalchemy import bindparam, select, text

from bridge.domain.delivery import Leg
from bridge.domain.journey import DeliveryState
from bridge.store.tables import event, message
from bridge.store.unit import Tx

MOST_OF_AN_HOUR = 10_000  # messages, and deliveries, of one hour that are counted
NEWEST = 200  # messages that are looked through for unknown codes
MOST_EVENTS = 2_000  # of those messages
UNKNOWN = ("code-not-in-table", "emis-code-unknown")  # what is said of a code that no mapping knows

RECEIVED = text(
    "SELECT count(*) FROM (SELECT received_at FROM message "
    "WHERE received_at >= :begin AND received_at < :end LIMIT :most) AS found"
)
SETTLED = text(
    "SELECT leg, state, count(*) AS n FROM (SELECT leg, state FROM settled "
    "WHERE settled_at >= :begin AND settled_at < :end LIMIT :most) AS found GROUP BY leg, state"
)


@dataclass(frozen=True, slots=True)
class Hour:
    """What came and went between two moments; `more` when it is more than was counted."""

    begin: int
    received: int
    forwarded: int
    filed: int
    more: bool


def hour(tx: Tx, begin: int, end: int) -> Hour:
    """Messages received, deliveries to services and entries filed in records between two moments (ms)."""
    asked = {"begin": begin, "end": end, "most": MOST_OF_AN_HOUR}
    received = tx.run(RECEIVED, asked).scalar_one()
    left: Counter[str] = Counter()
    seen = 0
    for row in tx.run(SETTLED, asked):
        seen += row.n
        if row.state == DeliveryState.DELIVERED:
            left[row.leg] += row.n
    more = MOST_OF_AN_HOUR in (received, seen)
    return Hour(begin, received, left[Leg.FORWARD], left[Leg.WRITE_BACK], more)


LAST_HEARD = text("SELECT max(received_at) FROM message WHERE source = :source")
_NEWEST = select(message.c.id).order_by(message.c.received_at.desc()).limit(NEWEST)
_PROBLEMS = (
    select(event.c.source, event.c.problems)
    .where(event.c.message_id.in_(bindparam("ids", expanding=True)), event.c.problems != "")
    .limit(MOST_EVENTS)
)


def heard(tx: Tx, sources: Iterable[str]) -> dict[str, int | None]:
    """When each source was last heard of (ms)."""
    return {name: tx.run(LAST_HEARD, {"source": name}).scalar_one() for name in sources}


@dataclass(frozen=True, slots=True, order=True)
class UnknownCode:
    """A place in what a source sends whose code no mapping knows; `shape` is how the code looks."""

    source: str
    at: str
    shape: str


def unknown_codes(tx: Tx) -> dict[UnknownCode, int]:
    """Codes that no mapping knows, in the newest messages: where they stand, and how often they came."""
    ids = list(tx.run(_NEWEST).scalars())
    found: Counter[UnknownCode] = Counter()
    for row in tx.run(_PROBLEMS, {"ids": ids}) if ids else ():
        for problem in orjson.loads(row.problems):
            if problem["code"] in UNKNOWN:
                found[UnknownCode(row.source, problem["at"], problem["shape"])] += 1
    return dict(found.most_common(100))
