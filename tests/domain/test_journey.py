"""The state tables are sound: no way in is missing, no way out is a trap."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.journey import (
    DELIVERY_MOVES,
    EVENT_MOVES,
    LIVING,
    OUTCOME_MOVES,
    REFERRAL_MOVES,
    DeliveryState,
    DeliveryStep,
    EventState,
    EventStep,
    IllegalMove,
    OutcomeState,
    OutcomeStep,
    ReferralState,
    ReferralStep,
    move,
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One table with what is said of it elsewhere."""

    name: str
    states: type[StrEnum]
    steps: type[StrEnum]
    moves: Mapping[Any, Mapping[Any, Any]]
    born: frozenset[StrEnum]  # states a thing can begin in
    over: frozenset[StrEnum]  # states that nothing leaves


EVENT = Machine(
    name="event",
    states=EventState,
    steps=EventStep,
    moves=EVENT_MOVES,
    born=frozenset({EventState.KEPT}),
    over=frozenset(
        {
            EventState.APPLIED,
            EventState.ATTACHED,
            EventState.DUPLICATE,
            EventState.STALE,
            EventState.OWN_ECHO,
            EventState.REFUSED,
            EventState.DISCARDED,
        }
    ),
)
REFERRAL = Machine(
    name="referral",
    states=ReferralState,
    steps=ReferralStep,
    moves=REFERRAL_MOVES,
    born=frozenset({ReferralState.OPEN}),
    over=frozenset({ReferralState.ENTERED_IN_ERROR, ReferralState.DISCARDED}),
)
DELIVERY = Machine(
    name="delivery",
    states=DeliveryState,
    steps=DeliveryStep,
    moves=DELIVERY_MOVES,
    born=frozenset({DeliveryState.QUEUED, DeliveryState.SHADOW}),  # a practice in shadow never queues
    over=frozenset(
        {
            DeliveryState.DELIVERED,
            DeliveryState.SUPERSEDED,
            DeliveryState.WITHHELD,
            DeliveryState.SHADOW,
            DeliveryState.DISCARDED,
        }
    ),
)
OUTCOME = Machine(
    name="outcome",
    states=OutcomeState,
    steps=OutcomeStep,
    moves=OUTCOME_MOVES,
    born=frozenset({OutcomeState.RECEIVED}),
    over=frozenset({OutcomeState.SUPERSEDED}),
)
MACHINES = (EVENT, REFERRAL, DELIVERY, OUTCOME)
each_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)


def reachable(machine: Machine, start: StrEnum) -> set[StrEnum]:
    """Every state some walk from `start` visits, itself among them."""
    seen: set[StrEnum] = set()
    ahead = {start}
    while ahead:
        seen |= ahead
        ahead = {target for state in ahead for target in machine.moves.get(state, {}).values()} - seen
    return seen


def walk(machine: Machine, start: StrEnum, choices: list[int]) -> list[StrEnum]:
    """The states of one life: at each, the choice picks among the steps offered, until none is."""
    states = [start]
    for choice in choices:
        if offered := sorted(machine.moves.get(states[-1], {})):
            states.append(move(machine.moves, states[-1], offered[choice % len(offered)]))
    return states


@each_machine
def test_every_move_names_known_states_and_steps(machine: Machine) -> None:
    """A target outside the enumeration would be a state no report knows."""
    assert set(machine.moves) <= set(machine.states)
    assert {step for moves in machine.moves.values() for step in moves} == set(machine.steps)
    assert {target for moves in machine.moves.values() for target in moves.values()} <= set(machine.states)


@each_machine
def test_what_is_over_has_no_moves_and_all_else_has(machine: Machine) -> None:
    """A settled thing stays settled, and nothing else is stuck."""
    assert {state for state in machine.states if not machine.moves.get(state)} == machine.over


@each_machine
def test_every_state_can_be_reached(machine: Machine) -> None:
    """A state without a way in is a lie in the documentation."""
    assert set().union(*(reachable(machine, state) for state in machine.born)) == set(machine.states)


@each_machine
def test_from_every_state_there_is_a_way_to_an_end(machine: Machine) -> None:
    """Nothing can be caught going round for ever."""
    for state in machine.states:
        assert reachable(machine, state) & machine.over


@each_machine
def test_a_step_the_table_does_not_list_is_refused(machine: Machine) -> None:
    """Every pair of state and step: the error names both and changes nothing."""
    for state, step in product(machine.states, machine.steps):
        if step not in machine.moves.get(state, {}):
            with pytest.raises(IllegalMove, match=f"^{state} has no move {step}$"):
                move(machine.moves, state, step)


@given(machine=st.sampled_from(MACHINES), choices=st.lists(st.integers(0, 20), max_size=40))
def test_a_random_life_goes_by_the_table_and_can_always_end(machine: Machine, choices: list[int]) -> None:
    """Whatever happens to a thing in whatever order, it is somewhere known with a way to an end."""
    for start in machine.born:
        states = walk(machine, start, choices)

        assert set(states) <= set(machine.states)
        assert not set(states[:-1]) & machine.over
        assert reachable(machine, states[-1]) & machine.over


def test_a_delivery_in_doubt_is_never_superseded_nor_discarded_unlooked() -> None:
    """It may have arrived: only an answer, proof, or a look at the partner moves it on."""
    ways_out = set(DELIVERY_MOVES[DeliveryState.IN_DOUBT])

    assert not ways_out & {DeliveryStep.SUPERSEDE, DeliveryStep.DISCARD}
    assert DeliveryState.QUEUED not in DELIVERY_MOVES[DeliveryState.IN_DOUBT].values()


def test_a_second_claim_of_what_is_being_sent_is_doubt_and_not_a_second_send() -> None:
    """Whoever was sending died; what it sent may have arrived."""
    assert move(DELIVERY_MOVES, DeliveryState.SENDING, DeliveryStep.CLAIM) is DeliveryState.IN_DOUBT


def test_the_living_states_of_a_referral_are_those_a_person_can_still_take_back() -> None:
    """The person may withdraw exactly while it lives."""
    withdrawable = {state for state, moves in REFERRAL_MOVES.items() if ReferralStep.WITHDRAW in moves}

    assert withdrawable == LIVING


def test_whatever_is_parked_has_a_way_back_and_a_way_out() -> None:
    """A person releases it after the fix, or closes it with a reason."""
    assert {EventStep.RELEASE, EventStep.DISCARD} <= set(EVENT_MOVES[EventState.PARKED])
    assert {ReferralStep.RELEASE, ReferralStep.DISCARD} <= set(REFERRAL_MOVES[ReferralState.PARKED])
    assert {DeliveryStep.RELEASE, DeliveryStep.DISCARD} <= set(DELIVERY_MOVES[DeliveryState.PARKED])
