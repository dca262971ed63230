"""What became of the referrals of each practice: numbers, reasons and ids of ours; no patient data.

Each question enters an index at one practice, and reads what happened since or waits now: how much there ever
was makes no difference.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, func, or_, select, text

from bridge.domain.delivery import Leg
from bridge.domain.journey import DeliveryState, EventState, ReferralState
from bridge.store import ageing
from bridge.store.tables import (
    UNMAPPED_EVENT,
    delivery,
    event,
    event_key,
    feed,
    message,
    referral,
    risk,
    settled,
)
from bridge.store.unit import Tx

MOST = 200  # entries of each list
COUNTED = 10_000  # of one reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why so many were not sent, or are set aside; each entry says where it came from.

    Counting stops at a limit; `more`: there are more still.
    """

    code: str
    n: int
    more: bool
    entries: tuple[dict[str, Any], ...]


@dataclass(slots=True, kw_only=True)
class Practice:
    """One practice; `ods` is "" for what names none. Times are milliseconds."""

    ods: str
    feeds: dict[str, int] = field(default_factory=dict)  # by source: how old what we know is
    referred: int = 0  # referrals that came up
    sent: int = 0  # referrals that reached the service for the first time
    changed: int = 0  # changes and cancels that reached it
    filed: int = 0  # entries put into the GP record
    waiting: int = 0  # on their way now
    shadow: int = 0  # would have been sent
    unmapped_codes: int = 0  # that mean nothing here, in what came anew
    not_sent: list[Reason] = field(default_factory=list)
    parked: list[Reason] = field(default_factory=list)  # whenever they were set aside
    refused: list[Reason] = field(default_factory=list)  # the sender was told to mend them
    risks: list[dict[str, Any]] = field(default_factory=list)  # nobody has acknowledged them
    unreachable: list[dict[str, Any]] = field(default_factory=list)  # the service cannot reach the person
    rejected: list[dict[str, Any]] = field(default_factory=list)  # the service said no
    ageing: list[dict[str, Any]] = field(default_factory=list)  # open and without news for long
    n_ageing: int = 0


def report(
    tx: Tx,
    *,
    since: int,
    practice: str | None,
    quiet_days: int,
    terms: Sequence[ageing.Quiet] = (),
) -> list[Practice]:
    """Every practice that anything is to be told of, or one, in order of ODS codes.

    `quiet_days`: of a scheme that `terms` does not name, an open referral is ageing after so many.
    """
    if practice is not None:
        return [_of(tx, practice, since, quiet_days, terms)]
    found = (_of(tx, ods, since, quiet_days, terms) for ods in _practices(tx))
    return [each for each in found if each != Practice(ods=each.ods)]


def _practices(tx: Tx) -> list[str]:
    """Every practice that anything is known of."""
    few = {practice for query in _OF_FEW for practice in tx.run(query).scalars()}
    return sorted(few.union(*(_each(tx, query, {}) for query in NEXT_PRACTICE.values())))


def _each(tx: Tx, following: Any, asked: dict[str, Any]) -> Iterator[str]:
    """Every value of an indexed column, one seek each; the empty one is looked for as well."""
    value: str | None = ""
    while value is not None:
        yield value
        value = tx.run(following, {**asked, "after": value}).scalar_one_or_none()


_OF_FEW = (select(feed.c.practice).distinct(), select(risk.c.practice).where(risk.c.seen_at.is_(None)))
NEXT_PRACTICE = {
    table.name: select(table.c.practice)
    .where(table.c.practice > bindparam("after"))
    .order_by(table.c.practice)
    .limit(1)
    for table in (event, referral)
}


def _of(tx: Tx, ods: str, since: int, quiet_days: int, terms: Sequence[ageing.Quiet]) -> Practice:
    asked = {"practice": ods, "since": since}
    n_ageing = ageing.counted(tx, ods, usual=quiet_days, terms=terms)
    quiet = ageing.listed(tx, ods, usual=quiet_days, terms=terms, most=MOST) if n_ageing else []
    return Practice(
        ods=ods,
        feeds={row.source: row.at for row in tx.run(FEEDS, {"practice": ods})},
        referred=tx.run(REFERRED, asked).scalar_one(),
        **_sent(tx, asked),
        waiting=tx.run(WAITING, {"practice": ods}).scalar_one(),
        unmapped_codes=tx.run(UNMAPPED, asked).scalar_one(),
        not_sent=_events(tx, EventState.NOT_SENT, asked),
        parked=[*_events(tx, EventState.PARKED, asked | {"since": 0}), *_parked(tx, ods)],
        refused=_events(tx, EventState.REFUSED, asked),
        risks=ageing.risks(tx, ods, MOST),
        unreachable=ageing.unreachable(tx, ods, since=since, most=MOST),
        rejected=[_entry(row) for row in tx.run(REJECTED, asked)],
        ageing=quiet,
        n_ageing=n_ageing,
    )


FEEDS = (
    select(feed.c.source, func.max(feed.c.extracted_at).label("at"))
    .where(feed.c.practice == bindparam("practice"))
    .group_by(feed.c.source)
)
REFERRED = (
    select(func.count())
    .select_from(referral)
    .where(referral.c.practice == bindparam("practice"), referral.c.opened_at >= bindparam("since"))
)
WAITING = (
    select(func.count())
    .select_from(delivery)
    .where(delivery.c.practice == bindparam("practice"), delivery.c.state != DeliveryState.PARKED.value)
)
UNMAPPED = select(func.coalesce(func.sum(event.c.unmapped_codes), 0)).where(
    event.c.practice == bindparam("practice"), event.c.at >= bindparam("since"), UNMAPPED_EVENT
)
REJECTED = (
    select(referral.c.id, referral.c.code, referral.c.updated_at.label("at"))
    .where(
        referral.c.practice == bindparam("practice"),
        referral.c.state == ReferralState.REJECTED.value,
        referral.c.updated_at >= bindparam("since"),
    )
    .order_by(referral.c.updated_at)
    .limit(MOST)
)
SENT = (
    select(settled.c.state, settled.c.leg, settled.c.kind, func.count().label("n"))
    .where(
        settled.c.practice == bindparam("practice"),
        settled.c.settled_at >= bindparam("since"),
        or_(settled.c.state == DeliveryState.DELIVERED.value, settled.c.state == DeliveryState.SHADOW.value),
    )
    .group_by(settled.c.state, settled.c.leg, settled.c.kind)
)


def _sent(tx: Tx, asked: dict[str, Any]) -> dict[str, int]:
    """What left since, by the name of its count."""
    counts: Counter[str] = Counter()
    for row in tx.run(SENT, asked):
        shadow = row.state == DeliveryState.SHADOW
        first = "sent" if row.kind == "create" else "changed"
        counts["shadow" if shadow else "filed" if row.leg == Leg.WRITE_BACK else first] += row.n
    return counts


# Events of one state: by the index of practice, state and code.
NEXT_CODE = text(
    "SELECT code FROM event WHERE practice = :practice AND state = :state AND code > :after "
    "ORDER BY code LIMIT 1"
)
_PLACED = (
    event.c.practice == bindparam("practice"),
    event.c.state == bindparam("state"),
    event.c.code == bindparam("code"),
    event.c.at >= bindparam("since"),
)
# What was not sent and whose key led to a referral since is over.
_STILL = or_(event_key.c.id.is_(None), event_key.c.referral_id.is_(None))
_KEYED = event.outerjoin(event_key, event_key.c.id == event.c.key_id)
_SOURCED = (event.c.id, event.c.at, event.c.position, event.c.message_id, message.c.source, message.c.door)
_FROM = message.c.id == event.c.message_id
COUNT = select(func.count()).select_from(
    select(event.c.id).where(*_PLACED).limit(COUNTED + 1).subquery("found")
)
COUNT_STILL = select(func.count()).select_from(
    select(event.c.id).select_from(_KEYED).where(*_PLACED, _STILL).limit(COUNTED + 1).subquery("found")
)
ENTRIES = select(*_SOURCED).join(message, _FROM).where(*_PLACED).order_by(event.c.at).limit(MOST)
ENTRIES_STILL = (
    select(*_SOURCED)
    .select_from(_KEYED.join(message, _FROM))
    .where(*_PLACED, _STILL)
    .order_by(event.c.at)
    .limit(MOST)
)


def _events(tx: Tx, state: EventState, asked: dict[str, Any]) -> list[Reason]:
    still = state is EventState.NOT_SENT
    count, entries = (COUNT_STILL, ENTRIES_STILL) if still else (COUNT, ENTRIES)
    found = []
    for code in _each(tx, NEXT_CODE, asked := asked | {"state": state.value}):
        n = tx.run(count, asked | {"code": code}).scalar_one()
        if n:
            listed = [_entry(row) for row in tx.run(entries, asked | {"code": code})]
            found.append(_reason(code, n, listed))
    return found


def _reason(code: str, n: int, listed: list[dict[str, Any]]) -> Reason:
    return Reason(code=code, n=min(n, COUNTED), more=n > COUNTED, entries=tuple(listed))


PARKED_REFERRALS = (
    select(referral.c.code, referral.c.id, referral.c.updated_at.label("at"))
    .where(referral.c.practice == bindparam("practice"), referral.c.state == ReferralState.PARKED.value)
    .limit(COUNTED + 1)
)
PARKED_DELIVERIES = (
    select(delivery.c.code, delivery.c.id, delivery.c.created_at.label("at"))
    .add_columns(delivery.c.partner, delivery.c.kind, delivery.c.referral_id)
    .where(delivery.c.practice == bindparam("practice"), delivery.c.state == DeliveryState.PARKED.value)
    .limit(COUNTED + 1)
)


def _parked(tx: Tx, ods: str) -> Iterator[Reason]:
    """Referrals and deliveries of the practice that wait for a person, by reason, oldest first."""
    for query in (PARKED_REFERRALS, PARKED_DELIVERIES):
        rows = sorted(tx.run(query, {"practice": ods}), key=attrgetter("code", "at"))
        for code, held in groupby(rows, key=attrgetter("code")):
            listed = [_entry(row) for row in held]
            yield _reason(code, len(listed), listed[:MOST])


def _entry(row: Any) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items() if name != "code"}  # noqa: SLF001
