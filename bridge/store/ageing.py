"""Open referrals of which the service has said nothing for long, and what needs a practice the same day.

How long is long is a matter of the scheme and of how urgent the referral is; each has somebody who looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select

from bridge.domain.journey import ReferralState
from bridge.store.tables import UNREACHABLE_OUTCOME, outcome, referral, risk
from bridge.store.unit import Tx

DAY_MS = 86_400_000
URGENT = ("stat", "asap", "urgent")
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """After how many days of silence a referral of a scheme is ageing, and who looks into it then."""

    scheme: str
    days: int
    urgent_days: int
    owner: str


_LAST = func.coalesce(referral.c.heard_at, referral.c.opened_at)
_LISTED = (
    *(referral.c.id, referral.c.opened_at, referral.c.heard_at),
    *(referral.c.task_status, referral.c.scheme, referral.c.priority),
)


def counted(tx: Tx, practice: str, *, usual: int, terms: Sequence[Quiet]) -> int:
    """How many of a practice are ageing."""
    query = select(func.count()).select_from(referral).where(*_quiet(tx, practice, usual, terms))
    return int(tx.run(query).scalar_one())


def listed(tx: Tx, practice: str, *, usual: int, terms: Sequence[Quiet], most: int) -> list[Entry]:
    """Which they are, the longest silence first, each with its owner."""
    owners = {each.scheme: each.owner for each in terms}
    query = select(*_LISTED).where(*_quiet(tx, practice, usual, terms)).order_by(_LAST).limit(most)
    return [
        {name: row[name] for name in ("id", "opened_at", "heard_at", "task_status", "priority")}
        | {"owner": owners.get(row["scheme"], "")}
        for row in tx.run(query).mappings()
    ]


def _quiet(tx: Tx, practice: str, usual: int, terms: Sequence[Quiet]) -> tuple[ColumnElement[bool], ...]:
    urgent = referral.c.priority.in_(URGENT)
    each = [
        and_(referral.c.scheme == term.scheme, of_priority, tx.now - days * DAY_MS > _LAST)
        for term in terms
        for of_priority, days in ((urgent, term.urgent_days), (~urgent, term.days))
    ]
    others = referral.c.scheme.not_in([term.scheme for term in terms])
    usually = and_(others, tx.now - usual * DAY_MS > _LAST)
    return (
        referral.c.practice == practice,
        referral.c.state == ReferralState.OPEN.value,
        or_(*each, usually),
    )


# Entered by those whom a service cannot reach, who are few; a comparison with the bare practice would have
# SQLite walk through all that the practice ever referred.
UNREACHABLE = (
    select(referral.c.id, outcome.c.at)
    .join(outcome, outcome.c.referral_id == referral.c.id)
    .where(
        UNREACHABLE_OUTCOME,
        outcome.c.at >= bindparam("since"),
        referral.c.practice.concat("") == bindparam("practice"),
    )
    .order_by(outcome.c.at)
    .limit(bindparam("most"))
)


def unreachable(tx: Tx, practice: str, *, since: int, most: int) -> list[Entry]:
    """Referrals whose person the service cannot reach, as it says now."""
    rows = tx.run(UNREACHABLE, {"practice": practice, "since": since, "most": most})
    return [{"id": row.id, "at": row.at} for row in rows]


def risks(tx: Tx, practice: str, most: int) -> list[Entry]:
    """Risks that nobody has acknowledged."""
    query = (
        select(risk.c.id, risk.c.raised_at.label("at"), risk.c.kind, risk.c.referral_id)
        .where(risk.c.seen_at.is_(None), risk.c.practice == practice)
        .order_by(risk.c.raised_at)
        .limit(most)
    )
    return [{str(name): value for name, value in row.items()} for row in tx.run(query).mappings()]
