"""See and mend: release what is parked after the fix, or discard it for good; both with who and why.

Releasing takes the ordinary way again: an event is applied anew, a referral or delivery is queued in its
lane. Nothing here sends.
"""

from typing import Any

from sqlalchemy import Row, select

from bridge.domain.journey import (
    DeliveryState,
    DeliveryStep,
    EventState,
    EventStep,
    ReferralState,
    ReferralStep,
)
from bridge.errors import NotFound, Problem, Unacceptable
from bridge.pipeline import accept, extracts, forward, mailbox, outcomes
from bridge.pipeline.context import Context
from bridge.store import keys, lanes, messages, referrals
from bridge.store.audit import Hand
from bridge.store.tables import event, message
from bridge.store.unit import Tx


def release(tx: Tx, ctx: Context, hand: Hand, item: str) -> str:
    """Try a parked event, referral or delivery again; the state it is in now."""
    state = _release(tx, ctx, item)
    hand.sign(tx, "release", item)
    return state


def _release(tx: Tx, ctx: Context, item: str) -> str:
    row = tx.run(_EVENT.where(event.c.id == item)).first()
    if row is not None:
        if row.state not in (EventState.PARKED, EventState.NOT_SENT):
            raise _not_parked(row.state)
        if row.kind == "message":  # never translated: the translator takes it again from the start
            return messages.move_event(tx, item, EventStep.RELEASE, until=tx.now, attempts=0).value
        if _overtaken(tx, item, row.at):
            raise Unacceptable(problems=(Problem(code="told-since"),))
        return _release_event(tx, ctx, item, row)
    stored = referrals.hold(tx, item)
    if stored is not None:
        if stored.state is not ReferralState.PARKED:
            raise _not_parked(stored.state)
        opened = referrals.step(tx, stored, ReferralStep.RELEASE, code="")
        forward.change(tx, ctx, opened, cause=f"release:{item}"[:36])
        return referrals.about(tx, [item])[item].state.value
    return _step_delivery(tx, item, DeliveryStep.RELEASE)


def _release_event(tx: Tx, ctx: Context, item: str, row: Row[Any]) -> str:
    """A parked event takes the way of its kind again."""
    messages.move_event(tx, item, EventStep.RELEASE)
    if row.kind == extracts.KIND:
        return extracts.release(tx, item, row.message_id).value
    if row.kind == mailbox.KIND:
        heard = mailbox.hear_again(tx, ctx, row.message_id)
        return messages.move_event(tx, item, accept.STEPS[heard.state], code=heard.code).value
    if row.kind == outcomes.KIND:
        return _release_outcome(tx, ctx, item, row.key_id)
    applied = accept.reapply(
        tx, ctx, item, mapping=row.mapping, correlation_id=row.correlation_id or row.message_id
    )
    return applied.state.value


_EVENT = select(
    event.c.state,
    event.c.at,
    event.c.kind,
    event.c.key_id,
    event.c.message_id,
    event.c.mapping,
    message.c.correlation_id,
).join(message, message.c.id == event.c.message_id)


def _overtaken(tx: Tx, item: str, at: int) -> bool:
    """Whether something else was told under its key since; where the source's clock decides, it decides."""
    said = messages.open_event(tx, item)
    known = keys.key_of(tx, str(said.key.id)) if said else None
    if said is None or known is None or known.event_id == item:
        return False
    if said.clock[:1] == known.clock[:1] and said.clock != known.clock:
        return False
    newest = messages.standing(tx, known.event_id)
    if newest is None:
        return True
    applied = newest[0] in (EventState.APPLIED, EventState.ATTACHED)
    return newest[1] > at and (applied or said.content != known.content)


def _release_outcome(tx: Tx, ctx: Context, item: str, outcome_id: str) -> str:
    recorded = outcomes.release(tx, ctx, outcome_id)
    return messages.move_event(tx, item, accept.STEPS[recorded.state], code=recorded.code).value


def discard(tx: Tx, ctx: Context, hand: Hand, item: str) -> str:
    """Close a parked event, referral or delivery for good; the state it is in now."""
    state = _discard(tx, ctx, item)
    hand.sign(tx, "discard", item)
    return state


def _discard(tx: Tx, ctx: Context, item: str) -> str:
    row = tx.run(_EVENT.where(event.c.id == item)).first()
    if row is not None:
        if row.state != EventState.PARKED:
            raise _not_parked(row.state)
        return messages.move_event(tx, item, EventStep.DISCARD).value
    stored = referrals.hold(tx, item)
    if stored is not None:
        if stored.state is not ReferralState.PARKED:
            raise _not_parked(stored.state)
        closed = referrals.step(tx, stored, ReferralStep.DISCARD, code="discarded")
        forward.cancel(tx, ctx, closed, cause=f"discard:{item}"[:36])  # an earlier version may have left
        return closed.state.value
    return _step_delivery(tx, item, DeliveryStep.DISCARD)


def _step_delivery(tx: Tx, item: str, step: DeliveryStep) -> str:
    found = lanes.in_lane(tx, item)
    if found is None:
        raise NotFound
    lane_id, queued = found
    if queued.state is not DeliveryState.PARKED:
        raise _not_parked(queued.state)
    lanes.step_unclaimed(tx, lane_id, queued, step)
    return "queued" if step is DeliveryStep.RELEASE else "discarded"


def _not_parked(state: str) -> Unacceptable:
    return Unacceptable(problems=(Problem(code="not-parked", rule=f"it is {state}"),))
