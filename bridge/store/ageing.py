"""Open referrals of which the service has said nothing for long, and what needs a practice the same day.

How long is long is a matter of the scheme and of how urgent the referral is; each has somebody who looks.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from bridge.domain.journey import OutcomeState, ReferralState
from bridge.domain.outcome import OutcomeKind
from bridge.store.tables import outcome, referral, risk
from bridge.store.unit import Tx

DAY_MS = 86_400_000
URGENT = ("stat", "asap", "urgent")
Entries = Iterable[tuple[str, dict[str, Any]]]  # the practice and what is listed of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """After how many days of silence a referral of a scheme is ageing, and who looks into it then."""

    scheme: str
    days: int
    urgent_days: int
    owner: str


_LAST = func.coalesce(referral.c.heard_at, referral.c.opened_at)
_LISTED = (
    *(referral.c.practice, referral.c.id, referral.c.opened_at, referral.c.heard_at),
    *(referral.c.task_status, referral.c.scheme, referral.c.priority),
)


def counted(tx: Tx, *, usual: int, terms: Sequence[Quiet], of: Callable[[Any], Any]) -> Entries:
    """How many are ageing, by practice; `of` narrows a query to one practice."""
    query = select(referral.c.practice, func.count().label("n")).where(*_quiet(tx, usual, terms))
    return [(row.practice, {"n": row.n}) for row in tx.run(of(query.group_by(referral.c.practice)))]


def listed(tx: Tx, *, usual: int, terms: Sequence[Quiet], of: Callable[[Any], Any], most: int) -> Entries:
    """Which they are, the longest silence first, each with its owner."""
    owners = {each.scheme: each.owner for each in terms}
    query = select(*_LISTED).where(*_quiet(tx, usual, terms)).order_by(_LAST).limit(most)
    for row in tx.run(of(query)).mappings():
        told = {name: row[name] for name in ("id", "opened_at", "heard_at", "task_status")}
        yield row["practice"], told | {"owner": owners.get(row["scheme"], ""), "priority": row["priority"]}


def _quiet(tx: Tx, usual: int, terms: Sequence[Quiet]) -> tuple[ColumnElement[bool], ...]:
    urgent = referral.c.priority.in_(URGENT)
    each = [
        and_(referral.c.scheme == term.scheme, of_priority, tx.now - days * DAY_MS > _LAST)
        for term in terms
        for of_priority, days in ((urgent, term.urgent_days), (~urgent, term.days))
    ]
    others = referral.c.scheme.not_in([term.scheme for term in terms])
    usually = and_(others, tx.now - usual * DAY_MS > _LAST)
    return referral.c.state == ReferralState.OPEN.value, or_(*each, usually)


def unreachable(tx: Tx, *, since: int, of: Callable[[Any], Any], most: int) -> Entries:
    """Referrals whose person the service cannot reach, as it says now."""
    query = (
        select(referral.c.practice, referral.c.id, outcome.c.at)
        .join(outcome, outcome.c.referral_id == referral.c.id)
        .where(
            outcome.c.kind == OutcomeKind.UNREACHABLE.value,
            outcome.c.state == OutcomeState.CURRENT.value,
            outcome.c.at >= since,
        )
        .order_by(outcome.c.at)
        .limit(most)
    )
    return [(row.practice, {"id": row.id, "at": row.at}) for row in tx.run(of(query))]


def risks(tx: Tx, practice: str | None, most: int) -> Entries:
    """Risks that nobody has acknowledged."""
    query = select(risk.c.practice, risk.c.id, risk.c.raised_at.label("at"), risk.c.kind, risk.c.referral_id)
    query = query.where(risk.c.seen_at.is_(None)).order_by(risk.c.raised_at).limit(most)
    if practice is not None:
        query = query.where(risk.c.practice == practice)
    for row in tx.run(query).mappings():
        yield row["practice"], {name: row[name] for name in ("id", "at", "kind", "referral_id")}
