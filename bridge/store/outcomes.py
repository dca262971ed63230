"""What services said of referrals, every version of it, and which status codes went into the record."""

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.store import dialect, documents
from bridge.store.tables import coded, outcome
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One version of one outcome."""

    id: str
    referral_id: str
    message_id: str
    outcome: Outcome


def add(tx: Tx, told: Told) -> None:
    """Keep a version; it becomes the current one of its identifier."""
    index = tx.sealer.index("outcome", told.outcome.identifier)
    tx.run(
        update(outcome)
        .where(outcome.c.referral_id == told.referral_id, outcome.c.identifier == index)
        .values(current=False)
    )
    tx.run(
        insert(outcome),
        {
            "id": told.id,
            "referral_id": told.referral_id,
            "message_id": told.message_id,
            "identifier": index,
            "version": told.outcome.version,
            "kind": told.outcome.kind.value,
            "status": told.outcome.status,
            "current": True,
            "at": tx.now,
            "sealed": tx.seal("outcome.sealed", told.id, documents.outcome.dump_json(told.outcome)),
        },
    )


def get(tx: Tx, outcome_id: str) -> Told | None:
    """One version, by our id of it."""
    row = tx.run(select(outcome).where(outcome.c.id == outcome_id)).first()
    return None if row is None else _told(tx, row)


def of_identifier(tx: Tx, referral_id: str, identifier: str) -> list[Told]:
    """Every version held of one outcome of a referral, oldest first."""
    index = tx.sealer.index("outcome", identifier)
    query = (
        select(outcome)
        .where(outcome.c.referral_id == referral_id, outcome.c.identifier == index)
        .order_by(outcome.c.at)
    )
    return [_told(tx, row) for row in tx.run(query).all()]


def of_referral(tx: Tx, referral_id: str) -> list[Told]:
    """Everything a service said of a referral, oldest first."""
    query = select(outcome).where(outcome.c.referral_id == referral_id).order_by(outcome.c.at)
    return [_told(tx, row) for row in tx.run(query).all()]


def _told(tx: Tx, row: object) -> Told:
    row_id, sealed = row.id, row.sealed  # type: ignore[attr-defined]
    said = documents.outcome.validate_json(tx.open("outcome.sealed", row_id, sealed))
    return Told(id=row_id, referral_id=row.referral_id, message_id=row.message_id, outcome=said)  # type: ignore[attr-defined]


def is_newest_status(tx: Tx, referral_id: str, told: Told) -> bool:
    """Whether no newer version of a status is held: services report out of order."""
    query = select(outcome.c.version).where(
        outcome.c.referral_id == referral_id,
        outcome.c.id != told.id,
        outcome.c.kind != OutcomeKind.MEASURE.value,
    )
    return all(version <= told.outcome.version for version in tx.run(query).scalars())


def already_coded(tx: Tx, referral_id: str, code: str) -> bool:
    """Whether a status code was already put into the record for this episode."""
    query = select(coded.c.code).where(coded.c.referral_id == referral_id, coded.c.code == code)
    return tx.run(query).first() is not None


def remember_coded(tx: Tx, referral_id: str, code: str) -> None:
    """A status code goes into the record once per episode."""
    tx.run(dialect.insert_or_ignore(tx, coded), {"referral_id": referral_id, "code": code})
