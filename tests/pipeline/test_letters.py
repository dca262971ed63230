"""Letters of an episode that is told in one message: as many as if it had been told piece by piece."""

from typing import Any

import pytest

from bridge.domain.journey import DeliveryStep
from bridge.domain.letter import LetterState, LetterStep
from bridge.domain.outcome import OutcomeKind
from bridge.pipeline import mailbox, outcomes
from bridge.pipeline.outcomes import Sender
from bridge.store import Store, lanes, letters
from bridge.store.unit import Tx
from tests.conftest import Clock
from tests.pipeline.desk import PRACTICES, a_context, an_event, tell
from tests.pipeline.test_outcomes import REFERRAL, an_outcome


@pytest.mark.parametrize("mode", ["live", "shadow"])
async def test_what_is_told_in_one_commit_is_one_letter(store: Store, mode: str) -> None:
    """A closure and four goals: each makes the letter anew, and the one that is kept holds all of them."""
    practice = {"mode": mode, "live_from": "2020-01-01", "record": "list"}
    practices: list[dict[str, Any]] = [{"ods": ods, **practice} for ods in PRACTICES]
    rules = a_context(records=[{"name": "list", "kind": "worklist"}], practices=practices)
    await tell(store, an_event(1), rules)
    goals = [{"identifier": f"urn:goal|{n}", "words": f"Goal {n}"} for n in range(4)]

    def told(tx: Tx) -> None:
        sender = Sender(service="prescribing", message_id="m")
        outcomes.record(tx, rules, sender, an_outcome())
        for goal in goals:
            outcomes.record(
                tx, rules, sender, an_outcome(OutcomeKind.GOAL, status="final", detail="met", **goal)
            )

    await store.run(told)
    kept = await store.read(lambda tx: letters.of_referral(tx, REFERRAL))
    (one,) = (each for each in kept if each.state is not LetterState.REPLACED)

    assert (one.version, one.replaces) == (1, "")
    assert one.letter is not None
    assert all(goal["words"] in str(one.letter.sections) for goal in goals)


async def test_a_letter_that_may_have_arrived_is_corrected_though_its_repeat_waits(
    store: Store, clock: Clock
) -> None:
    """Nobody has answered it and a person is to decide whether it goes again; then there is more to tell."""
    rules = a_context(
        records=[{"name": "list", "kind": "worklist"}],
        practices=[{"ods": "A99999", "mode": "live", "live_from": "2020-01-01", "record": "list"}],
    )
    sender = Sender(service="prescribing", message_id="m")
    await tell(store, an_event(1), rules)
    await store.run(lambda tx: outcomes.record(tx, rules, sender, an_outcome()))
    (first,) = await store.read(lambda tx: letters.of_referral(tx, REFERRAL))
    clock.forward(60)

    def unanswered(tx: Tx) -> None:
        found = lanes.in_lane(tx, first.id)
        assert found is not None
        lanes.step_unclaimed(tx, *found, DeliveryStep.SUPERSEDE, code="")  # the test sends nothing
        letters.step(tx, first, LetterStep.ACCEPT, due_at=tx.now)
        mailbox.expire(tx, rules, "list")

    await store.run(unanswered)
    clock.forward(60)
    goal = an_outcome(OutcomeKind.GOAL, identifier="urn:goal|1", status="final", detail="met", words="Walks")
    await store.run(lambda tx: outcomes.record(tx, rules, sender, goal))
    kept = await store.read(lambda tx: letters.of_referral(tx, REFERRAL))
    (last,) = (each for each in kept if each.state is not LetterState.REPLACED)

    assert (last.version, last.replaces) == (2, first.id)
    assert last.letter is not None
    assert last.letter.corrects
