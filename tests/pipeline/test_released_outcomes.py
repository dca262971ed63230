"""What follows when a person releases an outcome that nobody could place: it counts like any other."""

from typing import Any

import orjson
import pytest
from sqlalchemy import select

from bridge.domain.journey import EventState, ReferralState
from bridge.domain.outcome import OutcomeKind, Value
from bridge.pipeline import outcomes
from bridge.pipeline.context import Context
from bridge.pipeline.outcomes import Recorded, Sender
from bridge.store import Store, referrals
from bridge.store.tables import body, delivery
from bridge.store.unit import Tx
from tests.pipeline.desk import SCORE, a_context
from tests.pipeline.test_outcomes import REFERRAL, a_score, an_outcome, record, referred

__all__ = ["referred"]
UNSIGNED = a_context(write_back=[])


def queued(tx: Tx) -> list[dict[str, Any]]:
    """The Observations for the record, in the order they are to be filed."""
    bodies = select(delivery.c.body_id).where(delivery.c.partner == "record").order_by(delivery.c.seq)
    opened = [
        tx.open("body.sealed", each, tx.run(select(body.c.sealed).where(body.c.id == each)).scalar_one())
        for each in tx.run(bodies).scalars().all()
    ]
    return [entry["resource"] for made in opened for entry in orjson.loads(made)["bundle"]["entry"]]


async def release(store: Store, told: Recorded) -> Recorded:
    """A person releases it."""
    return await store.run(lambda tx: outcomes.release(tx, a_context(), told.outcome_id))


async def state_of(store: Store) -> ReferralState:
    """Where the referral stands."""
    stored = await store.read(lambda tx: referrals.get(tx, REFERRAL))
    assert stored is not None
    return stored.state


async def test_a_closure_that_is_released_closes_the_referral(referred: Store) -> None:
    """It was reported in the same second as another status."""
    await record(referred, an_outcome(OutcomeKind.IN_PROGRESS, status="in-progress"))
    closed = await record(referred, an_outcome())
    before = await state_of(referred)
    await release(referred, closed)

    assert (closed.code, before) == ("outcome-contradicts", ReferralState.OPEN)
    assert await state_of(referred) is ReferralState.COMPLETED


async def test_a_status_is_not_held_back_by_one_that_does_not_count(referred: Store) -> None:
    """A conflict of the same second waits for a person; what another resource says then counts at once."""
    await record(referred, an_outcome(OutcomeKind.ACCEPTED, status="accepted"))
    conflict = await record(referred, an_outcome(OutcomeKind.IN_PROGRESS, status="in-progress"))
    await record(referred, an_outcome(identifier="urn:event|1", status="final"))

    assert conflict.code == "outcome-contradicts"
    assert await state_of(referred) is ReferralState.COMPLETED


async def test_a_withdrawn_consent_that_is_released_withdraws_the_referral(referred: Store) -> None:
    """The service tells no time, so nobody knew which of the two words was the later one."""
    told = {"identifier": "urn:consent|1", "status": "final", "clock": ""}
    await record(referred, an_outcome(OutcomeKind.CONSENT, **told, version="a", detail="given"))
    second = await record(referred, an_outcome(OutcomeKind.CONSENT, **told, version="b", detail="withdrawn"))
    await release(referred, second)

    assert second.code == "outcome-contradicts"
    assert await state_of(referred) is ReferralState.WITHDRAWN


async def test_the_score_that_is_released_is_the_one_that_is_filed(referred: Store) -> None:
    """In the place of the one it contradicts, as a correction."""
    await record(referred, a_score(Value(quantity="21"), version="a", clock=""))
    other = await record(referred, a_score(Value(quantity="25"), version="b", clock=""))
    await release(referred, other)
    first, second = await referred.read(queued)

    assert other.code == "outcome-contradicts"
    assert first["identifier"] == second["identifier"]
    assert (second["valueQuantity"]["value"], second["status"]) == (25, "corrected")


@pytest.mark.parametrize("status", ["corrected", "entered-in-error"])
async def test_a_release_does_not_overrule_what_the_service_has_corrected_since(
    referred: Store, status: str
) -> None:
    """It could not be right, the service said so, and somebody works through an old list."""
    wrong = await record(referred, a_score(Value(quantity="21"), effective="2020-01-01"))
    right = {"version": "2026-03-03T09:00:00", "status": status}
    await record(referred, a_score(Value(quantity="25"), **right))
    before = await referred.read(queued)
    released = await release(referred, wrong)

    assert wrong.state is EventState.PARKED
    assert (released.state, released.code) == (EventState.STALE, "older-version")
    assert await referred.read(queued) == before


async def told(store: Store, ctx: Context, **changes: Any) -> Recorded:
    """The service says so under these rules."""
    sender = Sender(service="prescribing", message_id="m")
    return await store.run(lambda tx: outcomes.record(tx, ctx, sender, an_outcome(**changes)))


async def test_a_closure_that_is_coded_late_keeps_its_day(referred: Store) -> None:
    """The code was signed off after it; what the service says next brings the code and not its own day."""
    await told(referred, UNSIGNED, effective="2026-02-20")
    goal = {"identifier": "urn:goal|1", "status": "final", "detail": "met", "words": "Walks"}
    await told(referred, a_context(), kind=OutcomeKind.GOAL, effective="2026-02-25", **goal)
    (coded,) = await referred.read(queued)

    assert coded["code"]["coding"][0]["code"] != SCORE
    assert coded["effectiveDateTime"] == "2026-02-20"
