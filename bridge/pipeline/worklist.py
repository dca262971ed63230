"""The worklist of a practice: letters that no system delivered, to be put into the record by hand."""

from dataclasses import dataclass, replace

from bridge.domain.letter import Letter, LetterState
from bridge.errors import NotFound, Problem, Unacceptable
from bridge.pipeline import letters
from bridge.store import letters as shelf
from bridge.store.audit import Hand
from bridge.store.letters import Kept
from bridge.store.unit import Tx

_WHY = {
    LetterState.REFUSED: "It was also sent electronically, and the practice's system did not take it.",
    LetterState.UNANSWERED: "It was also sent electronically; nobody acknowledged it: look before you file.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One letter to be filed; `letter` is None once its content was purged. No patient data but in it."""

    id: str
    referral_id: str
    kind: str
    version: int
    state: str
    code: str
    since: int  # ms
    letter: Letter | None

    @classmethod
    def of(cls, kept: Kept) -> "Item":
        """The item of a letter, which says why it is on the list."""
        letter = kept.letter
        if letter is not None and kept.state in _WHY:
            letter = replace(letter, warnings=(*letter.warnings, _WHY[kept.state]))
        return cls(
            id=kept.id,
            referral_id=kept.referral_id,
            kind=kept.kind.value,
            version=kept.version,
            state=kept.state.value,
            code=kept.code,
            since=kept.made_at,
            letter=letter,
        )

    def plain(self) -> dict[str, str | int]:
        """It without patient data."""
        return {
            "id": self.id,
            "referral": self.referral_id,
            "kind": self.kind,
            "version": self.version,
            "state": self.state,
            "code": self.code,
            "since": self.since,
        }


def of_practice(tx: Tx, practice: str) -> list[Item]:
    """What a practice has to file, oldest first; without audit, so show only `plain` of it."""
    return [Item.of(kept) for kept in shelf.to_do(tx, practice)]


def shown(tx: Tx, hand: Hand, practice: str) -> list[Item]:
    """The same with its content, each letter audited as read."""
    items = [item for item in of_practice(tx, practice) if item.letter is not None]
    for item in items:
        hand.sign(tx, "read", item.id)
    return items


def filed(tx: Tx, hand: Hand, practice: str, letter_id: str) -> str:
    """Somebody at the practice put it into the record; NotFound for another practice's letter."""
    kept = shelf.get(tx, letter_id)
    if kept is None or kept.practice != practice:
        raise NotFound
    if kept.state is not LetterState.FILED and letters.file(tx, kept) is None:
        raise Unacceptable(problems=(Problem(code="letter-not-listed", rule=f"it is {kept.state}"),))
    hand.sign(tx, "filed", letter_id)
    return LetterState.FILED.value
