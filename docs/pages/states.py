"""The page of states, from the tables of bridge.domain.journey and bridge.domain.letter."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from bridge.domain import journey
from bridge.domain.journey import DeliveryState, EventState, OutcomeState, ReferralState
from bridge.domain.letter import LETTER_MOVES, LetterState
from docs.pages.markdown import code, sentence, table
from docs.pages.members import words_of

HEAD = """\
# States

Events, referrals, deliveries, outcomes and letters each have a table of moves.
A move that is not in the table does not exist.

"""

Moves = Mapping[Any, Mapping[Any, Any]]


def text() -> str:
    """The page."""
    return HEAD + "".join(
        (
            _section("Event", EventState, journey.EVENT_MOVES, EventState.KEPT),
            _section("Referral", ReferralState, journey.REFERRAL_MOVES, ReferralState.OPEN),
            _section("Delivery", DeliveryState, journey.DELIVERY_MOVES, DeliveryState.QUEUED),
            _section("Outcome", OutcomeState, journey.OUTCOME_MOVES, OutcomeState.RECEIVED),
            _section("Letter", LetterState, LETTER_MOVES, LetterState.QUEUED),
        )
    )


def _section(title: str, states: type[StrEnum], moves: Moves, first: StrEnum) -> str:
    shown = table(("State", "Meaning"), ((code(value), words) for value, words in words_of(states).items()))
    steps = table(
        ("From", "Step", "To"),
        (
            (code(state.value), step.value, code(after.value))
            for state, found in moves.items()
            for step, after in found.items()
        ),
    )
    return f"## {title}\n\n{sentence(states.__doc__)}\n\n{shown}{_diagram(states, moves, first)}{steps}"


def _diagram(states: type[StrEnum], moves: Moves, first: StrEnum) -> str:
    names = [f'    state "{state.value}" as {_id(state)}' for state in states]
    arrows: dict[tuple[StrEnum, StrEnum], list[str]] = {}
    for state, found in moves.items():
        for step, after in found.items():
            arrows.setdefault((state, after), []).append(step.value)
    drawn = [f"    {_id(a)} --> {_id(b)}: {', '.join(steps)}" for (a, b), steps in arrows.items()]
    ends = [f"    {_id(state)} --> [*]" for state in states if state not in moves]
    lines = ["```mermaid", "stateDiagram-v2", *names, f"    [*] --> {_id(first)}", *drawn, *ends, "```"]
    return "\n".join(lines) + "\n\n"


def _id(state: StrEnum) -> str:
    return state.value.replace("-", "_")
