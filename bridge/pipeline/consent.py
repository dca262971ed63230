"""What a person says of all sharing: an objection withdraws what is under way and stands till it is ended.

What one referral says of itself (given, refused, withdrawn) is a matter of the gate (bridge.schemes.gate).
"""

from bridge.domain.journey import EventState
from bridge.domain.referral import EventKind, ReferralEvent
from bridge.pipeline import ending
from bridge.pipeline.applied import Applied, Origin, remember
from bridge.pipeline.context import Context, local_index
from bridge.store import stances
from bridge.store.keys import Key
from bridge.store.stances import Stance
from bridge.store.unit import Tx


def said(tx: Tx, ctx: Context, origin: Origin, event: ReferralEvent, known: Key | None) -> Applied:
    """Remember a practice's word of its patient, for that practice; an objection in force withdraws."""
    remember(tx, origin, event, known.referral_id if known else None)
    record = event.referral
    if record is None or record.practice.ods is None:
        return Applied(state=EventState.PARKED, code="referral-missing")
    patient, practice = record.patient, record.practice.ods.code
    number = patient.nhs_number.digits if patient.nhs_number else ""
    recorded = record.recorded_at or event.extracted_at
    stance = Stance(
        id=str(event.key.id),
        kind=event.kind.value,
        said_at=tx.now if recorded is None else int(recorded.timestamp() * 1000),
        number=number,
        local_key=patient.local_key,
        practice=practice,
    )
    return stand(tx, ctx, stance, cause=origin.event_id)


def stand(tx: Tx, ctx: Context, stance: Stance, *, cause: str) -> Applied:
    """Remember a stance and withdraw what it forbids; one for everywhere reaches every practice."""
    nhs = tx.sealer.index("nhs", stance.number) if stance.number else ""
    local = local_index(tx, stance.practice, stance.local_key)
    tx.lock(f"stance|{nhs or local}")
    stances.put(tx, stance)
    code, closed = stance.kind, list[str]()
    if stances.of_person(tx, nhs=nhs, local=local, practice=stance.practice) == EventKind.OBJECTED:
        code = "person-objected"
        closed = ending.withdraw(tx, ctx, local, cause=cause, code=code, nhs=nhs, practice=stance.practice)
    return Applied(
        state=EventState.APPLIED,
        code=code,
        referral_id=closed[0] if closed else None,
        practice=stance.practice,
        patient=nhs or local,
    )


def unsaid(tx: Tx, known: Key) -> None:
    """The entry that said it is gone, or says something else now."""
    stances.drop(tx, known.id)
