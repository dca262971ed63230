"""What became of the referrals of each practice: numbers, reasons and ids of ours; no patient data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from bridge.domain.delivery import Leg
from bridge.domain.journey import DeliveryState, EventState, ReferralState
from bridge.store import ageing
from bridge.store.tables import (
    UNMAPPED_EVENT,
    UNSETTLED_EVENT,
    delivery,
    event,
    event_key,
    feed,
    message,
    referral,
    settled,
)
from bridge.store.unit import Tx

MOST = 200  # entries of each list; the numbers count all


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why so many were not sent, or are set aside; each entry says where it came from."""

    code: str
    n: int
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
    """Every practice that anything is known of, or one, in order of ODS codes.

    `quiet_days`: of a scheme that `terms` does not name, an open referral is ageing after so many.
    """
    found: dict[str, Practice] = {}

    def of(ods: str) -> Practice:
        return found.setdefault(ods, Practice(ods=ods))

    if practice is not None:
        of(practice)
    for column, rows in _counts(tx, since, practice):
        for row in rows:
            name = column or _SENT[row.leg, row.kind]
            setattr(of(row.practice), name, getattr(of(row.practice), name) + row.n)
    for row in tx.run(_of(_FEEDS, feed.c.practice, practice)):
        of(row.practice).feeds[row.source] = row.at
    for name, state, from_when in (
        ("not_sent", EventState.NOT_SENT, since),
        ("refused", EventState.REFUSED, since),
        ("parked", EventState.PARKED, None),
    ):
        for ods, reasons in _reasons(tx, state, from_when, practice).items():
            getattr(of(ods), name).extend(reasons)
    for ods, reasons in _parked(tx, practice).items():
        of(ods).parked.extend(reasons)
    for row in tx.run(_of(_REJECTED.where(referral.c.updated_at >= since), referral.c.practice, practice)):
        of(row.practice).rejected.append(_entry(row))
    _age(tx, of, practice, quiet_days, terms, since)
    return [found[ods] for ods in sorted(found)]


_SENT = {
    (leg.value, kind): "filed" if leg is Leg.WRITE_BACK else "sent" if kind == "create" else "changed"
    for leg in Leg
    for kind in ("create", "change", "cancel", "file")
}
_FEEDS = select(feed.c.practice, feed.c.source, func.max(feed.c.extracted_at).label("at")).group_by(
    feed.c.practice, feed.c.source
)
_REJECTED = (
    select(referral.c.practice, referral.c.id, referral.c.code, referral.c.updated_at.label("at"))
    .where(referral.c.state == ReferralState.REJECTED.value)
    .order_by(referral.c.updated_at)
    .limit(MOST)
)


def _of(query: Any, column: ColumnElement[str], practice: str | None) -> Any:
    return query if practice is None else query.where(column == practice)


def _counts(tx: Tx, since: int, practice: str | None) -> Iterable[tuple[str, Any]]:
    opened = (
        select(referral.c.practice, func.count().label("n"))
        .where(referral.c.opened_at >= since)
        .group_by(referral.c.practice)
    )
    done = (
        select(referral.c.practice, settled.c.leg, settled.c.kind, func.count().label("n"))
        .join(referral, referral.c.id == settled.c.referral_id)
        .where(settled.c.settled_at >= since, settled.c.state == DeliveryState.DELIVERED.value)
        .group_by(referral.c.practice, settled.c.leg, settled.c.kind)
    )
    shadow = (
        select(referral.c.practice, func.count().label("n"))
        .join(settled, referral.c.id == settled.c.referral_id)
        .where(settled.c.settled_at >= since, settled.c.state == DeliveryState.SHADOW.value)
        .group_by(referral.c.practice)
    )
    waiting = (
        select(referral.c.practice, func.count().label("n"))
        .join(delivery, referral.c.id == delivery.c.referral_id)
        .where(delivery.c.state != DeliveryState.PARKED.value)
        .group_by(referral.c.practice)
    )
    unmapped = (
        select(event.c.practice, func.sum(event.c.unmapped_codes).label("n"))
        .where(event.c.at >= since, UNMAPPED_EVENT)
        .group_by(event.c.practice)
    )
    yield "unmapped_codes", tx.run(_of(unmapped, event.c.practice, practice)).all()
    for name, query in (("referred", opened), ("", done), ("shadow", shadow), ("waiting", waiting)):
        yield name, tx.run(_of(query, referral.c.practice, practice)).all()


def _reasons(tx: Tx, state: EventState, since: int | None, practice: str | None) -> dict[str, list[Reason]]:
    """Events of one state by practice and code; a not-sent one whose key led to a referral since is over."""
    query = (
        select(event.c.practice, event.c.code, event.c.id, event.c.at, event.c.position, event.c.message_id)
        .add_columns(message.c.source, message.c.door)
        .join(message, message.c.id == event.c.message_id)
        .outerjoin(event_key, event_key.c.id == event.c.key_id)
        .where(event.c.state == state.value)
        .order_by(event.c.practice, event.c.code, event.c.at)
    )
    if state is EventState.NOT_SENT:
        query = query.where(or_(event_key.c.id.is_(None), event_key.c.referral_id.is_(None)))
    if state is EventState.PARKED:
        query = query.where(UNSETTLED_EVENT)
    if since is not None:
        query = query.where(event.c.at >= since)
    return _grouped(tx.run(_of(query, event.c.practice, practice)))


def _parked(tx: Tx, practice: str | None) -> dict[str, list[Reason]]:
    referrals = (
        select(referral.c.practice, referral.c.code, referral.c.id, referral.c.updated_at.label("at"))
        .where(referral.c.state == ReferralState.PARKED.value)
        .order_by(referral.c.practice, referral.c.code, referral.c.updated_at)
    )
    deliveries = (
        select(referral.c.practice, delivery.c.code, delivery.c.id, delivery.c.created_at.label("at"))
        .add_columns(delivery.c.partner, delivery.c.kind, delivery.c.referral_id)
        .join(referral, referral.c.id == delivery.c.referral_id)
        .where(delivery.c.state == DeliveryState.PARKED.value)
        .order_by(referral.c.practice, delivery.c.code, delivery.c.created_at)
    )
    found = _grouped(tx.run(_of(referrals, referral.c.practice, practice)))
    for ods, reasons in _grouped(tx.run(_of(deliveries, referral.c.practice, practice))).items():
        found.setdefault(ods, []).extend(reasons)
    return found


def _grouped(rows: Iterable[Any]) -> dict[str, list[Reason]]:
    """By practice: rows of one code together, counted, the first of them in full."""
    by_code: dict[tuple[str, str], list[dict[str, Any]]] = {}
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.practice, row.code)
        counts[key] = counts.get(key, 0) + 1
        listed = by_code.setdefault(key, [])
        if len(listed) < MOST:
            listed.append(_entry(row))
    found: dict[str, list[Reason]] = {}
    for (ods, code), entries in by_code.items():
        found.setdefault(ods, []).append(Reason(code=code, n=counts[ods, code], entries=tuple(entries)))
    return found


def _entry(row: Any) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items() if name not in ("practice", "code")}  # noqa: SLF001


def _age(
    tx: Tx, of: Any, practice: str | None, quiet_days: int, terms: Sequence[ageing.Quiet], since: int
) -> None:
    """What a person has to look into although nothing failed."""

    def narrowed(query: Any) -> Any:
        """The second condition is always true: SQLite comes in by the practice, not by all that is open."""
        if practice is None:
            return query
        return query.where(referral.c.practice == practice, referral.c.opened_at >= 0)

    for ods, told in ageing.counted(tx, usual=quiet_days, terms=terms, of=narrowed):
        of(ods).n_ageing = told["n"]
    for ods, told in ageing.listed(tx, usual=quiet_days, terms=terms, of=narrowed, most=MOST):
        of(ods).ageing.append(told)
    for ods, told in ageing.unreachable(tx, since=since, of=narrowed, most=MOST):
        of(ods).unreachable.append(told)
    for ods, told in ageing.risks(tx, practice, MOST):
        of(ods).risks.append(told)
