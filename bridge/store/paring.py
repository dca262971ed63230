"""Closed referrals past their time: their content goes, later whose they were, and with that their story.

The row stays with its id and its blind index, and in each lane one delivery that says that something may have
left. Promises 2, 3 and 5 hang on them, whatever the source or the service may still say of it.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, exists, select, update

from bridge.domain.letter import TO_DO
from bridge.domain.paring import WITHOUT_CONTENT, WITHOUT_PERSON, pare, pare_outcome
from bridge.store import documents
from bridge.store.purging import UNRESOLVED, Found, Place, Purge, next_place, older, page
from bridge.store.tables import attempt, delivery, event, letter, outcome, referral, risk, settled
from bridge.store.unit import Tx

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)


CLOSED = (
    select(referral.c.id, referral.c.closed_at.label("at"))
    .where(referral.c.pared == bindparam("level"), *older(referral.c.closed_at, referral.c.id))
    .order_by("at", "id")
)
OVER = select(referral.c.id).where(
    referral.c.id.in_(_IDS),
    ~exists().where(event.c.referral_id == referral.c.id, event.c.state.in_(UNRESOLVED)),
    ~exists().where(delivery.c.referral_id == referral.c.id),
    ~exists().where(letter.c.referral_id == referral.c.id, letter.c.state.in_(TO_DO)),
    ~exists().where(risk.c.referral_id == referral.c.id, risk.c.seen_at.is_(None)),
)


def _find(tx: Tx, before: int, after: Place, limit: int, *, level: int) -> Found:
    """Closed so long ago, a level above; those of the batch for which nothing waits."""
    rows = page(tx, CLOSED.params(level=level - 1), before, after, limit)
    ids = [row.id for row in rows]
    return Found(list(tx.run(OVER, {"ids": ids}).scalars()) if ids else [], next_place(rows, limit))


def _pare(tx: Tx, ids: Sequence[str], *, level: int) -> int:
    for row in tx.run(_RECORDS, {"ids": ids}).all():
        record = documents.referral.validate_json(tx.open("referral.sealed", row.id, row.sealed))
        sealed = tx.seal("referral.sealed", row.id, documents.referral.dump_json(pare(record, level)))
        tx.run(_PARED, {"row": row.id, "to": level, "kept": sealed})
    for row in tx.run(_OUTCOMES, {"ids": ids}).all():
        said = documents.outcome.validate_json(tx.open("outcome.sealed", row.id, row.sealed))
        sealed = tx.seal("outcome.sealed", row.id, documents.outcome.dump_json(pare_outcome(said)))
        tx.run(_PARED_OUTCOME, {"row": row.id, "kept": sealed})
    tx.run(_PARED_LETTERS, {"ids": ids})
    return len(ids)


_RECORDS = select(referral.c.id, referral.c.sealed).where(referral.c.id.in_(_IDS))
_PARED = (
    update(referral)
    .where(referral.c.id == bindparam("row"))
    .values(pared=bindparam("to"), sealed=bindparam("kept"))
)
_OUTCOMES = select(outcome.c.id, outcome.c.sealed).where(outcome.c.referral_id.in_(_IDS))
_PARED_OUTCOME = update(outcome).where(outcome.c.id == bindparam("row")).values(sealed=bindparam("kept"))
_PARED_LETTERS = update(letter).where(letter.c.referral_id.in_(_IDS)).values(sealed=None)


def forget(tx: Tx, ids: Sequence[str]) -> int:
    """The person and the story; of the deliveries one in each lane stays that says that it may have left."""
    _pare(tx, ids, level=WITHOUT_PERSON)
    for statement in _STORY:
        tx.run(statement, {"ids": ids})
    return len(ids)


_sent = select(settled.c.id).where(settled.c.referral_id.in_(_IDS))
_other = settled.alias("other")
_needless = settled.c.first_sent_at.is_(None) | exists().where(
    _other.c.referral_id == settled.c.referral_id,
    _other.c.lane_id == settled.c.lane_id,
    _other.c.first_sent_at.is_not(None),
    _other.c.id < settled.c.id,
)
_STORY = (
    delete(letter).where(letter.c.referral_id.in_(_IDS)),
    delete(attempt).where(attempt.c.delivery_id.in_(_sent)),
    delete(settled).where(settled.c.referral_id.in_(_IDS), _needless),
    delete(event).where(event.c.referral_id.in_(_IDS)),
    delete(risk).where(risk.c.referral_id.in_(_IDS), risk.c.seen_at.is_not(None)),
)

RECORDS_PURGE = Purge(
    name="records",
    find=partial(_find, level=WITHOUT_CONTENT),
    drop=partial(_pare, level=WITHOUT_CONTENT),
)
JOURNEYS_PURGE = Purge(name="journeys", find=partial(_find, level=WITHOUT_PERSON), drop=forget)
