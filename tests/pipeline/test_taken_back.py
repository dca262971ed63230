"""A word of a service that it takes back: what it said beside it stands as it stood."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.journey import EventState, ReferralState
from bridge.domain.letter import LetterKind
from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.pipeline import outcomes
from bridge.pipeline.outcomes import Sender
from bridge.store import Store, letters, paring, referrals
from tests.pipeline.desk import PRACTICES, a_context, an_event, tell
from tests.pipeline.test_outcomes import REFERRAL, an_outcome, record

PRACTICE = {"mode": "live", "live_from": "2020-01-01", "record": "list"}
BY_LETTER: dict[str, Any] = {
    "records": [{"name": "list", "kind": "worklist"}],
    "practices": [{"ods": ods, **PRACTICE} for ods in PRACTICES],
}


def said(name: str, day: int, kind: OutcomeKind) -> Outcome:
    """An event of its own, as services without FHIR report them."""
    at = f"2026-03-0{day}T09:00:00"
    return an_outcome(kind, identifier=f"urn:event|{name}", version=at, status="x", effective=f"{at}Z")


async def told(store: Store, *order: Outcome) -> tuple[ReferralState, list[LetterKind]]:
    """Where the referral stands after all that, and which letters there are."""
    rules = a_context(**BY_LETTER)
    await tell(store, an_event(1), rules)
    sender = Sender(service="prescribing", message_id="m")
    for outcome in order:
        await store.run(lambda tx, o=outcome: outcomes.record(tx, rules, sender, o))  # type: ignore[misc]
    stored = await store.read(lambda tx: referrals.get(tx, REFERRAL))
    assert stored is not None
    kept = await store.read(lambda tx: letters.of_referral(tx, REFERRAL))
    return stored.state, [each.kind for each in kept if each.state != "replaced"]


async def test_an_earlier_word_that_is_taken_back_opens_nothing_again(store: Store) -> None:
    """That it was put on hold was a mistake; that it is closed was none."""
    stands = await told(
        store,
        said("accepted", 1, OutcomeKind.ACCEPTED),
        said("held", 2, OutcomeKind.ON_HOLD),
        said("closed", 3, OutcomeKind.CLOSED),
        said("held", 4, OutcomeKind.ENTERED_IN_ERROR),
    )

    assert stands == (ReferralState.COMPLETED, [LetterKind.START, LetterKind.CLOSURE])


async def test_a_reopening_that_is_taken_back_closes_it_again(store: Store) -> None:
    """What was said before it stands."""
    state, _ = await told(
        store,
        said("closed", 1, OutcomeKind.CLOSED),
        said("on", 2, OutcomeKind.IN_PROGRESS),
        said("on", 3, OutcomeKind.ENTERED_IN_ERROR),
    )

    assert state is ReferralState.COMPLETED


async def test_a_closure_that_comes_after_what_was_taken_back_closes(store: Store) -> None:
    """It is older than the word that took the other back, and newer than anything that stands."""
    state, _ = await told(
        store,
        said("held", 2, OutcomeKind.ON_HOLD),
        said("held", 4, OutcomeKind.ENTERED_IN_ERROR),
        said("closed", 3, OutcomeKind.CLOSED),
    )

    assert state is ReferralState.COMPLETED


async def test_the_only_closure_that_is_taken_back_opens_it(store: Store) -> None:
    """As it was before."""
    state, _ = await told(
        store,
        said("accepted", 1, OutcomeKind.ACCEPTED),
        said("closed", 2, OutcomeKind.CLOSED),
        said("closed", 3, OutcomeKind.ENTERED_IN_ERROR),
    )

    assert state is ReferralState.OPEN


@pytest.mark.parametrize(
    ("day", "state"), [(3, ReferralState.OPEN), (2, ReferralState.WITHDRAWN), (1, ReferralState.WITHDRAWN)]
)
async def test_an_older_no_does_not_overrule_a_newer_consent(
    store: Store, day: int, state: ReferralState
) -> None:
    """Told out of order: who agreed again since is not taken back; of one moment the no counts."""
    given = replace(said("given", day, OutcomeKind.CONSENT), status="final", detail="given")
    withdrawn = replace(said("no", 2, OutcomeKind.CONSENT), status="final", detail="withdrawn")

    assert (await told(store, given, withdrawn))[0] is state


async def test_what_is_sent_again_after_its_content_is_gone_is_a_repeat(store: Store) -> None:
    """A service that sends all it ever said, every month."""
    goal = an_outcome(OutcomeKind.GOAL, identifier="urn:goal|1", status="final", detail="met", words="Walks")
    await tell(store, an_event(1))
    first = await record(store, goal)
    await store.run(lambda tx: paring.RECORDS_PURGE.drop(tx, [REFERRAL]))
    again = await record(store, goal)

    assert (again.state, again.outcome_id) == (EventState.DUPLICATE, first.outcome_id)
