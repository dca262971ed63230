"""What people said of their data being shared: an objection or an agreement, each found by a blind index.

The newest counts; of two said at once the objection does. Rows stay for ever, so that an objection is not
forgotten with the referral it came beside.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from sqlalchemy import ScalarSelect, and_, bindparam, delete, or_, select

from bridge.store import dialect
from bridge.store.tables import referral, stance
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stance:
    """One thing said. `number` is the ten digits or ""; `practice` "" counts for every practice."""

    id: str
    kind: str
    said_at: int
    number: str = ""
    local_key: str = ""
    practice: str = ""


def put(tx: Tx, said: Stance) -> None:
    """Remember it, in the place of what was said under the same id."""
    local = f"{said.practice}|{said.local_key}" if said.local_key else ""
    tx.run(
        dialect.upsert(tx, stance, "nhs", "local", "practice", "kind", "said_at", "sealed"),
        {
            "id": said.id,
            "nhs": tx.sealer.index("nhs", said.number) if said.number else "",
            "local": tx.sealer.index("local", local) if local else "",
            "practice": said.practice,
            "kind": said.kind,
            "said_at": said.said_at,
            "sealed": tx.seal("stance.sealed", said.id, orjson.dumps([said.number, local])),
        },
    )


def drop(tx: Tx, stance_id: str) -> None:
    """It was never said."""
    tx.run(delete(stance).where(stance.c.id == stance_id))


_NEWEST = (stance.c.said_at.desc(), stance.c.kind.desc())  # "objected" sorts behind "agreed"
_OF_PERSON = (
    select(stance.c.kind)
    .where(
        or_(
            and_(stance.c.nhs == bindparam("nhs"), stance.c.nhs != ""),
            and_(stance.c.local == bindparam("local"), stance.c.local != ""),
        ),
        stance.c.practice.in_((bindparam("practice"), "")),
    )
    .order_by(*_NEWEST)
    .limit(1)
)


def of_person(tx: Tx, *, nhs: str, local: str, practice: str) -> str:
    """What this practice's patient last said, found by either blind index: a kind or ""."""
    said = tx.run(_OF_PERSON, {"nhs": nhs, "local": local, "practice": practice})
    return said.scalar_one_or_none() or ""


def of_referral() -> ScalarSelect[str]:
    """The same as a part of a statement that reads referrals."""
    return (
        select(stance.c.kind)
        .where(
            or_(
                stance.c.nhs == referral.c.patient,
                and_(stance.c.local == referral.c.local, stance.c.local != ""),
            ),
            stance.c.practice.in_((referral.c.practice, "")),
        )
        .order_by(*_NEWEST)
        .limit(1)
        .correlate(referral)
        .scalar_subquery()
    )


def indexed(tx: Tx) -> Iterator[tuple[str, str]]:
    """Everything the indexes of this table are made of, as label and value."""
    for row in tx.run(select(stance.c.id, stance.c.sealed)).yield_per(500):
        number, local = orjson.loads(tx.open("stance.sealed", row.id, row.sealed))
        if number:
            yield "nhs", number
        if local:
            yield "local", local
