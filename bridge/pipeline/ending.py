"""How a referral ends from our side: cancelled, in error, declined, or withdrawn for a person's news."""

from dataclasses import replace

from bridge.domain import systems
from bridge.domain.consents import STANCES
from bridge.domain.dates import london_day
from bridge.domain.journey import LIVING, EventState, EventStep, ReferralStep
from bridge.domain.referral import Consent, ConsentScope, EventKind, Referral, ReferralEvent, Shape
from bridge.pipeline import forward
from bridge.pipeline.applied import Applied, Origin, remember
from bridge.pipeline.context import Context, patient_index
from bridge.pipeline.write_back import day_of
from bridge.schemes import withdrawal
from bridge.store import keys, messages, people, referrals
from bridge.store.keys import Key
from bridge.store.referrals import Stored
from bridge.store.unit import Tx

ENDINGS = {
    EventKind.CANCELLED: ReferralStep.CANCEL,
    EventKind.ENTERED_IN_ERROR: ReferralStep.ERROR,
    EventKind.DECLINED: ReferralStep.WITHDRAW,
}


def end(tx: Tx, ctx: Context, origin: Origin, event: ReferralEvent, known: Key | None) -> Applied:
    """A cancel, an entered-in-error or a decline, of something we may never have seen."""
    referral_id = known.referral_id if known else None
    if referral_id is None and event.kind is EventKind.DECLINED:
        return _declined(tx, ctx, origin, event)
    remember(tx, origin, event, referral_id)
    stored = referrals.hold(tx, referral_id) if referral_id else None
    if stored is None:
        return _end_parked(tx, event, known)
    step = ENDINGS[event.kind]
    state, code = EventState.APPLIED, event.kind.value
    if keys.other_living_keys(tx, stored.id, str(event.key.id), asked=origin.asked):
        state, code = EventState.ATTACHED, "another-shape-remains"
    elif step not in referrals.steps_of(stored):
        state, code = EventState.NOT_SENT, "already-closed"
    else:
        close(tx, ctx, stored, step, origin.event_id, code)
    return Applied(
        state=state, code=code, referral_id=stored.id, practice=stored.practice, patient=stored.patient
    )


def _end_parked(tx: Tx, event: ReferralEvent, known: Key | None) -> Applied:
    """No referral came of it: what a person still has of it is closed, so that it never leaves."""
    if known is not None and known.kind in STANCES:
        return Applied(state=EventState.APPLIED, code=event.kind.value)
    parked = messages.parked_under(tx, str(event.key.id))
    for each in parked:
        messages.move_event(tx, each.id, EventStep.DISCARD, code=event.kind.value)
    if parked:
        return Applied(state=EventState.APPLIED, code=event.kind.value)
    return Applied(state=EventState.NOT_SENT, code="nothing-to-cancel")


def _declined(tx: Tx, ctx: Context, origin: Origin, event: ReferralEvent) -> Applied:
    """A decline has a key of its own: it withdraws the person's open referral at that practice."""
    record = event.referral
    remember(tx, origin, event, None)
    if record is None or record.practice.ods is None:
        return Applied(state=EventState.NOT_SENT, code="nothing-to-cancel")
    practice = record.practice.ods.code
    patient = patient_index(tx, record.patient, practice)
    applied = Applied(state=EventState.NOT_SENT, code="declined", practice=practice, patient=patient)
    found = ctx.rulebook.of_practice(practice)
    if found is None:
        return replace(applied, code="practice-unknown")
    if was_filed(tx, patient, record):
        return replace(applied, state=EventState.OWN_ECHO, code="own-echo")
    tx.lock(f"{patient}|{found[0].service.name}")
    for stored in referrals.of_patient(tx, patient, found[0].service.name):
        if stored.state in LIVING and stored.practice == practice and _not_before(record, stored.record):
            close(tx, ctx, stored, ReferralStep.WITHDRAW, origin.event_id, "declined")
            return replace(applied, state=EventState.APPLIED, referral_id=stored.id)
    return applied


def _not_before(decline: Referral, referred: Referral) -> bool:
    """A decline recorded before the referral says nothing about it."""
    if decline.recorded_at is None or referred.recorded_at is None:
        return True
    return decline.recorded_at >= referred.recorded_at


def was_declined(tx: Tx, record: Referral, patient: str, service: str) -> bool:
    """Whether the person declined what this asks for: rows of an extract come in no order.

    Either nothing was open to take back then, or another telling of the episode was. A message may give its
    day alone, so there the decline has to be of a later day.
    """
    recorded, practice = record.recorded_at, record.practice.ods
    if recorded is None or practice is None:
        return False
    declines = messages.not_sent_of(tx, practice.code, patient, EventKind.DECLINED.value)
    said = [
        each.referral.recorded_at for each in declines if each.referral and each.kind == EventKind.DECLINED
    ]
    if record.shape is Shape.MESSAGE:
        return any(on is not None and london_day(on) > london_day(recorded) for on in said)
    taken = (o for o in referrals.of_patient(tx, patient, service) if o.code == EventKind.DECLINED)
    said += [o.record.recorded_at for o in taken]
    return any(on is not None and on >= recorded for on in said)


def close(
    tx: Tx,
    ctx: Context,
    stored: Stored,
    step: ReferralStep,
    cause: str,
    code: str,
    consent: Consent | None = None,
) -> None:
    """Take a step that ends the referral, and take it back at the service; `consent` as it is now said."""
    record = None
    if consent is not None and consent is not stored.record.consent:
        record = replace(
            stored.record, consent=consent, consent_scope=ConsentScope.NOT_SAID, consent_recipients=()
        )
    closed = referrals.step(tx, stored, step, record=record, code=code)
    forward.cancel(tx, ctx, closed, cause=cause)


def withdraw(
    tx: Tx, ctx: Context, local: str, *, cause: str, code: str, nhs: str = "", practice: str = ""
) -> list[str]:
    """Death, deduction or objection: take back every living referral of a practice's patient.

    With `nhs` (blind index) also what `practice` ("": any) made for its holder otherwise: a message may say
    no key.
    """
    mine = {s.id: s for s in referrals.of_local(tx, local)} if local else {}
    if nhs:
        mine |= {s.id: s for s in referrals.of_holder(tx, nhs, practice)}
    held = (referrals.hold(tx, each) for each in sorted(mine))
    living = [s for s in held if s is not None and s.state in LIVING]
    for stored in living:
        close(tx, ctx, stored, ReferralStep.WITHDRAW, cause, code)
    return [s.id for s in living]


def withdrawn(
    tx: Tx, ctx: Context, origin: Origin, event: ReferralEvent, known: Key | None
) -> Applied | None:
    """Take back a referral whose practice no scheme names any more, when the event says why it must be."""
    code = withdrawal(event.referral) if event.referral else ""
    stored = referrals.hold(tx, known.referral_id) if code and known and known.referral_id else None
    if event.referral is None or stored is None or stored.state not in LIVING:
        return None
    remember(tx, origin, event, stored.id)
    close(tx, ctx, stored, ReferralStep.WITHDRAW, origin.event_id, code, event.referral.consent)
    return Applied(
        state=EventState.APPLIED,
        code=code,
        referral_id=stored.id,
        practice=stored.practice,
        patient=stored.patient,
    )


def was_filed(tx: Tx, patient: str, record: Referral) -> bool:
    """Whether the code is one we put into the person's record on that day."""
    code = record.requested.code_in(systems.SNOMED)
    return people.was_filed(tx, patient, code, day_of(record.authored_on))
