"""A word of a service that it takes back: what it said beside it stands as it stood."""

from typing import Any

from bridge.domain.journey import ReferralState
from bridge.domain.letter import LetterKind
from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.pipeline import outcomes
from bridge.pipeline.outcomes import Sender
from bridge.store import Store, letters, referrals
from tests.pipeline.desk import PRACTICES, a_context, an_event, tell
from tests.pipeline.test_outcomes import REFERRAL, an_outcome

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
