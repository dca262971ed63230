"""What services said of referrals, every version of it, and which status codes went into the record."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update

from bridge.domain.episode import Episode, episode_of
from bridge.domain.journey import OUTCOME_MOVES, OutcomeState, OutcomeStep, move
from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.store import dialect, documents
from bridge.store.tables import coded, outcome
from bridge.store.unit import Tx

UNCOUNTED = frozenset({OutcomeState.QUARANTINED, OutcomeState.CONFLICT})
COUNTING = frozenset({OutcomeState.CURRENT, OutcomeState.WITHDRAWN})  # one version of each thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One version of one outcome, and what it counts for."""

    id: str
    referral_id: str
    message_id: str
    outcome: Outcome
    state: OutcomeState = OutcomeState.RECEIVED


def add(tx: Tx, told: Told) -> None:
    """Keep a version in the state it has."""
    tx.run(
        insert(outcome),
        {
            "id": told.id,
            "referral_id": told.referral_id,
            "message_id": told.message_id,
            "identifier": tx.sealer.index("outcome", told.outcome.identifier),
            "version": told.outcome.version,
            "kind": told.outcome.kind.value,
            "status": told.outcome.status,
            "state": told.state.value,
            "at": tx.now,
            "sealed": tx.seal("outcome.sealed", told.id, documents.outcome.dump_json(told.outcome)),
        },
    )


def step(tx: Tx, told: Told, taken: OutcomeStep) -> None:
    """Let a version count for something else."""
    state = move(OUTCOME_MOVES, told.state, taken)
    tx.run(update(outcome).where(outcome.c.id == told.id).values(state=state.value))


def get(tx: Tx, outcome_id: str) -> Told | None:
    """One version, by our id of it."""
    row = tx.run(select(outcome).where(outcome.c.id == outcome_id)).first()
    return None if row is None else _told(tx, row)


def of_identifier(tx: Tx, referral_id: str, identifier: str) -> list[Told]:
    """Every version held of one outcome of a referral, in the order they came."""
    index = tx.sealer.index("outcome", identifier)
    query = (
        select(outcome)
        .where(outcome.c.referral_id == referral_id, outcome.c.identifier == index)
        .order_by(outcome.c.at, outcome.c.id)
    )
    return [_told(tx, row) for row in tx.run(query).all()]


def of_referral(tx: Tx, referral_id: str) -> list[Told]:
    """Everything a service said of a referral, in the order it came."""
    query = select(outcome).where(outcome.c.referral_id == referral_id).order_by(outcome.c.at, outcome.c.id)
    return [_told(tx, row) for row in tx.run(query).all()]


def current(told: Iterable[Told]) -> list[Outcome]:
    """Those that count now."""
    return [each.outcome for each in told if each.state is OutcomeState.CURRENT]


def episode(tx: Tx, referral_id: str) -> Episode:
    """The facts of a letter: what counts now, and where the referral stood."""
    told = of_referral(tx, referral_id)
    return episode_of(current(told), standings(told))


def _told(tx: Tx, row: Any) -> Told:
    said = documents.outcome.validate_json(tx.open("outcome.sealed", row.id, row.sealed))
    return Told(
        id=row.id,
        referral_id=row.referral_id,
        message_id=row.message_id,
        outcome=said,
        state=OutcomeState(row.state),
    )


def standings(told: Iterable[Told]) -> list[Outcome]:
    """Where a referral stood, oldest first: what was taken back stays only where nothing else was said."""
    stood = _stood(told)
    return _standing(stood) or stood


def is_newest_standing(known: Iterable[Told], told: Told) -> bool:
    """Whether no newer version of where the referral stands is known: services report out of order."""
    stood = _stood(k for k in known if k.id != told.id)
    same = [o for o in stood if o.identifier == told.outcome.identifier]
    others = _standing(o for o in stood if o.identifier != told.outcome.identifier)
    return all(other.version <= told.outcome.version for other in (*same, *others))


def _stood(told: Iterable[Told]) -> list[Outcome]:
    counted = (each.outcome for each in told if each.state not in UNCOUNTED)
    return sorted((o for o in counted if o.is_standing), key=lambda o: o.version)


def _standing(stood: Iterable[Outcome]) -> list[Outcome]:
    """Those of them, oldest first, whose newest version does not take them back."""
    ordered = list(stood)
    newest = {outcome.identifier: outcome.kind for outcome in ordered}
    return [o for o in ordered if newest[o.identifier] is not OutcomeKind.ENTERED_IN_ERROR]


def already_coded(tx: Tx, referral_id: str, code: str) -> bool:
    """Whether a status code was already put into the record for this episode."""
    query = select(coded.c.code).where(coded.c.referral_id == referral_id, coded.c.code == code)
    return tx.run(query).first() is not None


def remember_coded(tx: Tx, referral_id: str, code: str) -> None:
    """A status code goes into the record once per episode."""
    tx.run(dialect.insert_or_ignore(tx, coded), {"referral_id": referral_id, "code": code})
