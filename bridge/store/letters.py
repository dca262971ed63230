"""Letters: each version of each of the two messages of an episode, and what is known of its arrival."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from bridge.domain.journey import move
from bridge.domain.letter import LETTER_MOVES, TO_DO, Letter, LetterKind, LetterState, LetterStep
from bridge.store import documents
from bridge.store.tables import letter
from bridge.store.unit import Tx

MOST = 200  # letters of one look


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A letter as kept; `letter` is None once its content was purged. Times in ms."""

    id: str
    referral_id: str
    practice: str
    route: str
    kind: LetterKind
    round: int
    version: int
    state: LetterState
    replaces: str = ""
    code: str = ""
    made_at: int = 0
    moved_at: int = 0
    due_at: int | None = None
    reference: str = ""
    letter: Letter | None = None


def add(tx: Tx, kept: Kept, said: Letter) -> None:
    """Keep a new version."""
    tx.run(
        insert(letter),
        {
            "id": kept.id,
            "referral_id": kept.referral_id,
            "practice": kept.practice,
            "route": kept.route,
            "kind": kept.kind.value,
            "round": kept.round,
            "version": kept.version,
            "replaces": kept.replaces,
            "state": kept.state.value,
            "made_at": tx.now,
            "moved_at": tx.now,
            "sealed": tx.seal("letter.sealed", kept.id, documents.letter.dump_json(said)),
        },
    )


def get(tx: Tx, letter_id: str) -> Kept | None:
    """One letter, by its id."""
    row = tx.run(_BY_ID, {"row": letter_id}).first()
    return None if row is None else _kept(tx, row)


def by_reference(tx: Tx, reference: str) -> Kept | None:
    """The letter that MESH knows by this message id."""
    row = tx.run(_BY_REFERENCE, {"reference": reference}).first() if reference else None
    return None if row is None else _kept(tx, row)


_BY_ID = select(letter).where(letter.c.id == bindparam("row"))
_BY_REFERENCE = select(letter).where(letter.c.reference == bindparam("reference"))


def of_referral(tx: Tx, referral_id: str) -> list[Kept]:
    """Every letter of a referral, in the order they were written."""
    query = (
        select(letter).where(letter.c.referral_id == referral_id).order_by(letter.c.made_at, letter.c.version)
    )
    return [_kept(tx, row) for row in tx.run(query).all()]


def overdue(tx: Tx, route: str) -> list[Kept]:
    """Letters of a route whose next acknowledgement should have come."""
    late = select(letter).where(letter.c.due_at <= tx.now, letter.c.route == route)
    query = late.order_by(letter.c.due_at).limit(MOST)
    return [_kept(tx, row) for row in tx.run(query).all()]


def to_do(tx: Tx, practice: str) -> list[Kept]:
    """What waits for somebody at the practice, oldest first."""
    states = [state.value for state in TO_DO]
    query = (
        select(letter)
        .where(letter.c.practice == practice, letter.c.state.in_(states))
        .order_by(letter.c.made_at, letter.c.id)
        .limit(MOST)
    )
    return [_kept(tx, row) for row in tx.run(query).all()]


def step(
    tx: Tx,
    kept: Kept,
    taken: LetterStep,
    *,
    code: str = "",
    reference: str = "",
    due_at: int | None = None,
) -> LetterState | None:
    """Take a step; None, and nothing is changed, where it tells nothing that was not known."""
    if taken not in LETTER_MOVES.get(kept.state, {}):
        return None
    state = move(LETTER_MOVES, kept.state, taken)
    values: dict[str, Any] = {"state": state.value, "code": code, "moved_at": tx.now, "due_at": due_at}
    if reference:
        values["reference"] = reference
    tx.run(update(letter).where(letter.c.id == kept.id).values(values))
    return state


def note_reference(tx: Tx, kept: Kept, reference: str) -> None:
    """MESH's message id of a letter of which more is known already."""
    tx.run(update(letter).where(letter.c.id == kept.id).values(reference=reference))


def _kept(tx: Tx, row: Any) -> Kept:
    said = (
        documents.letter.validate_json(tx.open("letter.sealed", row.id, row.sealed)) if row.sealed else None
    )
    return Kept(
        id=row.id,
        referral_id=row.referral_id,
        practice=row.practice,
        route=row.route,
        kind=LetterKind(row.kind),
        round=row.round,
        version=row.version,
        replaces=row.replaces,
        state=LetterState(row.state),
        code=row.code,
        made_at=row.made_at,
        moved_at=row.moved_at,
        due_at=row.due_at,
        reference=row.reference,
        letter=said,
    )
