"""Risks that services spoke of: who was told when, and who has said that it was seen. No patient data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from bridge.store import dialect
from bridge.store.tables import risk
from bridge.store.unit import Tx

CLAIMED_MS = 120_000  # a node that tells somebody has so long; then another tries


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """One risk as it stands; times are milliseconds."""

    id: str
    scheme: str
    service: str
    practice: str
    referral_id: str | None
    message_id: str
    kind: str
    position: str
    raised_at: int = 0
    level: int = 0
    due_at: int = 0
    next_at: int = 0
    tries: int = 0
    told_at: int | None = None
    seen_at: int | None = None
    seen_by: str = ""


def add(tx: Tx, raised: Raised, *, within_ms: int) -> bool:
    """Keep a risk, somebody to be told at once; False when it is known."""
    row = {c.name: getattr(raised, c.name) for c in risk.c}
    times = {"raised_at": tx.now, "next_at": tx.now, "due_at": tx.now + within_ms}
    return tx.run(dialect.insert_or_ignore(tx, risk), row | times).rowcount > 0


def due(tx: Tx, limit: int) -> list[Raised]:
    """Open risks of which somebody is to be told now, claimed for this node for a while."""
    query = select(risk).where(risk.c.seen_at.is_(None), risk.c.next_at <= tx.now)
    found = [_raised(row) for row in tx.run(query.order_by(risk.c.next_at).limit(limit))]
    return [each for each in found if _claimed(tx, each)]


def _claimed(tx: Tx, each: Raised) -> bool:
    mine = update(risk).where(risk.c.id == each.id, risk.c.next_at == each.next_at, risk.c.seen_at.is_(None))
    return tx.run(mine.values(next_at=tx.now + CLAIMED_MS)).rowcount > 0


def note(tx: Tx, risk_id: str, **columns: Any) -> None:
    """Write down what became of telling somebody, unless it was seen meanwhile."""
    tx.run(update(risk).where(risk.c.id == risk_id, risk.c.seen_at.is_(None)).values(**columns))


def get(tx: Tx, risk_id: str) -> Raised | None:
    """One risk."""
    row = tx.run(select(risk).where(risk.c.id == risk_id)).first()
    return None if row is None else _raised(row)


def see(tx: Tx, risk_id: str, by: str) -> bool:
    """Somebody has seen it: nobody is told any more; False when it was seen before."""
    unseen = update(risk).where(risk.c.id == risk_id, risk.c.seen_at.is_(None))
    return tx.run(unseen.values(seen_at=tx.now, seen_by=by[:80])).rowcount > 0


def listed(tx: Tx, *, seen: bool = False, limit: int = 200) -> list[Mapping[str, Any]]:
    """Open risks, oldest first; with `seen` all of them, newest first."""
    query = select(risk).limit(limit)
    query = (
        query.order_by(risk.c.raised_at.desc())
        if seen
        else query.where(risk.c.seen_at.is_(None)).order_by(risk.c.raised_at)
    )
    return [{str(name): value for name, value in row.items()} for row in tx.run(query).mappings()]


def _raised(row: Any) -> Raised:
    return Raised(**row._mapping)  # noqa: SLF001
