"""Letters as kept, on both dialects: their moves, what is due, what is purged, under which key they are."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from bridge.domain.letter import LETTER_MOVES, LetterKind, LetterState, LetterStep
from bridge.store import Store, letters, paring, resealing, risks
from bridge.store.letters import Kept
from bridge.store.purging import START
from bridge.store.risks import Raised
from bridge.store.tables import letter as table
from tests.conftest import Clock
from tests.contracts.keeping import complete, deliver, refer
from tests.domain.test_letter_writing import a_letter

ID = "2b1f0c1e-7a55-4d6e-8a51-0d6e8f0a1b2c"


async def kept(store: Store, state: LetterState = LetterState.QUEUED, **changes: Any) -> Kept:
    """One letter in that state."""
    made = Kept(
        id=ID,
        referral_id=await refer(store),
        practice="A99999",
        route="mesh",
        kind=LetterKind.CLOSURE,
        round=0,
        version=1,
        state=state,
    )
    made = replace(made, **changes)
    await store.run(lambda tx: letters.add(tx, made, a_letter()))
    return made


async def found(store: Store) -> Kept:
    """The letter as it is now."""
    letter = await store.read(lambda tx: letters.get(tx, ID))
    assert letter is not None
    return letter


async def test_a_letter_comes_back_as_it_was_kept(store: Store) -> None:
    """Every word, sealed in between."""
    await kept(store)
    raw = await store.read(lambda tx: tx.run(table.select()).one().sealed)

    assert (await found(store)).letter == a_letter()
    assert b"Testfamily" not in bytes(raw)


@pytest.mark.parametrize("state", LetterState)
async def test_a_step_that_tells_nothing_new_changes_nothing(store: Store, state: LetterState) -> None:
    """Answers come twice, late and in any order; what is known is never unlearned."""
    letter = await kept(store, state)
    for step in LetterStep:
        there = await found(store)
        taken = await store.run(lambda tx, there=there, step=step: letters.step(tx, there, step))
        expected = LETTER_MOVES.get(there.state, {}).get(step)

        assert taken is expected
        assert (await found(store)).state is (expected or there.state)
    assert letter.state is state


async def test_what_is_overdue_is_found_by_route(store: Store, clock: Any) -> None:
    """Each mailbox looks after its own."""
    letter = await kept(store)
    due = clock.ms + 1000
    await store.run(lambda tx: letters.step(tx, letter, LetterStep.ACCEPT, reference="M1", due_at=due))
    early = await store.read(lambda tx: letters.overdue(tx, "mesh"))
    clock.forward(2)
    late = await store.read(lambda tx: letters.overdue(tx, "mesh"))
    others = await store.read(lambda tx: letters.overdue(tx, "other"))

    assert (early, [each.id for each in late], others) == ([], [ID], [])
    assert await store.read(lambda tx: letters.by_reference(tx, "M1")) is not None
    assert await store.read(lambda tx: letters.by_reference(tx, "")) is None


async def test_a_letter_s_content_goes_with_the_record_and_its_row_with_the_journey(store: Store) -> None:
    """What was said is kept no longer than the referral it was said of."""
    letter = await kept(store)
    await store.run(lambda tx: paring.RECORDS_PURGE.drop(tx, [letter.referral_id]))
    pared = await found(store)
    await store.run(lambda tx: paring.JOURNEYS_PURGE.drop(tx, [letter.referral_id]))

    assert pared.letter is None
    assert await store.read(lambda tx: letters.get(tx, ID)) is None


async def test_letters_are_among_what_a_new_key_seals(store: Store) -> None:
    """A key that was rotated away opens nothing any more."""
    await kept(store)
    await store.run(lambda tx: tx.run(update(table).values(moved_at=1)))

    assert "letter.sealed" in resealing.PLACES
    assert await store.read(resealing.rows_by_key) != {}


async def test_a_letter_that_waits_to_be_filed_keeps_its_words(store: Store, clock: Clock) -> None:
    """However long ago the referral was closed; once it is filed they go."""
    letter = await kept(store, LetterState.LISTED)
    await deliver(store)
    await complete(store, letter.referral_id)
    clock.forward(366 * 86_400)
    before = await _past_their_time(store)
    await store.run(lambda tx: letters.step(tx, letter, LetterStep.FILE))

    assert (before, await _past_their_time(store)) == ([], [letter.referral_id])


async def test_a_risk_that_nobody_has_seen_keeps_its_referral(store: Store, clock: Clock) -> None:
    """Who looks into it has to find the person."""
    referral_id = await refer(store)
    await deliver(store)
    await complete(store, referral_id)
    raised = Raised(
        id=ID,
        scheme="s",
        service="sp",
        practice="A99999",
        referral_id=referral_id,
        message_id="m",
        kind="stated",
        position="Flag",
    )
    await store.run(lambda tx: risks.add(tx, raised, within_ms=1))
    clock.forward(366 * 86_400)
    before = await _past_their_time(store)
    await store.run(lambda tx: risks.see(tx, ID, "Dr Example"))

    assert (before, await _past_their_time(store)) == ([], [referral_id])


async def _past_their_time(store: Store) -> list[str]:
    """The referrals whose content would go now."""
    find = paring.RECORDS_PURGE.find
    return list((await store.read(lambda tx: find(tx, tx.now, START, 9))).ids)
