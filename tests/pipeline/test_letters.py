"""Letters of an episode that is told in one message: as many as if it had been told piece by piece."""

from typing import Any

import pytest

from bridge.domain.letter import LetterState
from bridge.domain.outcome import OutcomeKind
from bridge.pipeline import outcomes
from bridge.pipeline.outcomes import Sender
from bridge.store import Store, letters
from bridge.store.unit import Tx
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
