"""From one event to a referral: is it new, a repeat, a change, a cancel, another shape of the same episode?

Everything here runs inside the unit that keeps the message, so the answer to the sender and what happens
to the referral are one commit. docs/decisions/0002-states.md walks one of each through.
"""

from dataclasses import replace
from datetime import UTC, datetime

from bridge.domain.consents import STANCES
from bridge.domain.journey import LIVING, EventState, ReferralState, ReferralStep
from bridge.domain.referral import Referral, ReferralEvent, Shape
from bridge.pipeline import consent, ending, forward
from bridge.pipeline.applied import Applied, Origin, Said, remember
from bridge.pipeline.context import Context, patient_index
from bridge.pipeline.ending import ENDINGS, close, end
from bridge.pipeline.identity import number_came_or_went, same_person
from bridge.schemes import Mode, Verdict, forbidden, withdrawal
from bridge.store import keys, messages, referrals, replays
from bridge.store.keys import Key
from bridge.store.referrals import Opening, Stored
from bridge.store.unit import Tx


def apply(tx: Tx, ctx: Context, origin: Origin, event: ReferralEvent) -> Applied:
    """Apply one event; never raises for what the event says."""
    tx.lock(str(event.key.id))
    known = keys.key_of(tx, str(event.key.id))
    if not _may_speak(tx, origin, event, known):
        return Applied(state=EventState.REFUSED, code="practice-not-yours")
    repeated = _repeated(tx, origin, event, known) if known else None
    if repeated is not None:
        return repeated
    if known is not None and known.kind in STANCES and event.kind not in STANCES:
        consent.unsaid(tx, known)
    return _told(tx, ctx, origin, event, known)


def _told(tx: Tx, ctx: Context, origin: Origin, event: ReferralEvent, known: Key | None) -> Applied:
    if event.kind in STANCES:
        return consent.said(tx, ctx, origin, event, known)
    if event.kind in ENDINGS:
        return end(tx, ctx, origin, event, known)
    if event.referral is None:
        return Applied(state=EventState.PARKED, code="referral-missing")
    return _referred(tx, ctx, origin, event, event.referral, known)


def _may_speak(tx: Tx, origin: Origin, event: ReferralEvent, known: Key | None) -> bool:
    """For the practice the event names, and for that of the referral its key already leads to."""
    practices = set()
    if event.referral is not None:
        ods = event.referral.practice.ods
        practices.add(ods.code if ods else "")
    if known is not None and known.referral_id is not None:
        practices.add(referrals.about(tx, [known.referral_id])[known.referral_id].practice)
    return all(map(origin.may_speak_for, practices))


def _repeated(tx: Tx, origin: Origin, event: ReferralEvent, known: Key) -> Applied | None:
    """Same again, older, or a conflict; None when it is news, or a person released what was held back."""
    became = Applied(state=EventState.DUPLICATE, code="repeated", referral_id=known.referral_id)
    comparable = event.clock[:1] == known.clock[:1]  # a version number against a time: neither is newer
    if comparable and event.clock < known.clock:
        return replace(became, state=EventState.STALE, code="older-version")
    if origin.released or (origin.replay_of and _is_to_redo(tx, origin, event, known)):
        return None
    if not comparable:
        return replace(became, state=EventState.PARKED, code="clock-changed-kind")
    if event.content == known.content or (origin.only_new and known.referral_id):
        return _same_again(tx, origin, event, known, became)
    if event.clock == known.clock:
        return replace(became, state=EventState.PARKED, code="version-conflict")
    return None


def _is_to_redo(tx: Tx, origin: Origin, event: ReferralEvent, known: Key) -> bool:
    """Whether a replayed event is told anew: nothing came of it before, or the mapping now says other things.

    Other content under the same clock that this message did not tell itself stays a conflict.
    """
    if event.content == known.content:
        return known.referral_id is None
    return replays.has_told(tx, origin.replay_of, known.id, known.clock)


def _same_again(tx: Tx, origin: Origin, event: ReferralEvent, known: Key, became: Applied) -> Applied:
    if event.content == known.content and event.clock != known.clock:
        remember(tx, origin, event, known.referral_id)
    held = known.referral_id or messages.parked_under(tx, known.id)
    return became if held else replace(became, code="repeated-not-sent")


def _referred(
    tx: Tx, ctx: Context, origin: Origin, event: ReferralEvent, record: Referral, known: Key | None
) -> Applied:
    practice = record.practice.ods.code if record.practice.ods else ""
    patient = patient_index(tx, record.patient, practice) or str(event.key.id)
    found = ctx.rulebook.of_practice(practice)
    if found is None:
        unknown = Applied(
            state=EventState.NOT_SENT, code="practice-unknown", practice=practice, patient=patient
        )
        return ending.withdrawn(tx, ctx, origin, event, known) or unknown
    scheme, rule = found
    tx.lock(f"{patient}|{scheme.service.name}")
    said = Said(ctx, origin, event, record, scheme, rule, patient, practice)
    if event.own_echo or ending.was_filed(tx, patient, record):
        remember(tx, origin, event, None)
        return said.applied(EventState.OWN_ECHO, "own-echo")
    stored = referrals.hold(tx, known.referral_id) if known and known.referral_id else None
    if known is None or stored is None:
        return _new(tx, said)
    repeats = (event.clock, event.content) == (known.clock, known.content)  # news of the person does
    remember(tx, origin, event, stored.id, kind=known.kind if repeats else "")
    return _changed(tx, said, stored)


def _new(tx: Tx, said: Said) -> Applied:
    verdict, code = said.gate(tx)
    if verdict is Verdict.NOT_SENT:
        return _not_sent(tx, said, code)
    if verdict is Verdict.PARK:
        return _held(tx, said, code)
    living, doubt = _episode(tx, said)
    if doubt and not said.origin.released:
        return _held(tx, said, doubt)
    if living is not None and doubt != "possible-duplicate":  # released: it is the same person after all
        return _attach(tx, said, living)
    if ending.was_declined(tx, said.record, said.patient, said.scheme.service.name):
        return _not_sent(tx, said, "declined")
    return _open(tx, said)


def _not_sent(tx: Tx, said: Said, code: str) -> Applied:
    """Left to the practice's list. A message that says why no referral may stand ends the open one as well.

    What a bulk extract knows of a person comes by another way, whose brake counts what would end.
    """
    ends = said.origin.asked and code == withdrawal(said.record)
    living, doubt = _episode(tx, said) if ends else (None, "")
    if living is None or doubt == "possible-duplicate" or _is_older(tx, said, living):
        remember(tx, said.origin, said.event, None)
        return said.applied(EventState.NOT_SENT, code)
    if doubt and not said.origin.released:
        return _held(tx, said, doubt)
    remember(tx, said.origin, said.event, living.id)
    return _withdrawn(tx, said, living, code)


def _is_older(tx: Tx, said: Said, living: Stored) -> bool:
    """Whether both say when they were recorded, and this one was first."""
    recorded, before = said.case(tx).recorded_at, living.record.recorded_at
    return recorded is not None and before is not None and recorded < before


def _held(tx: Tx, said: Said, code: str) -> Applied:
    """A person must look; the key is remembered, so that the same again is not held a second time.

    Not that of an extract's row: its reader tells an unknown key anew once it says something else, and only
    so a correction in the record brings the referral.
    """
    if said.origin.asked:
        remember(tx, said.origin, said.event, None)
    return said.applied(EventState.PARKED, code)


def _episode(tx: Tx, said: Said) -> tuple[Stored | None, str]:
    """The living referral this is another shape of, and why that is in doubt; neither for a new episode."""
    earlier = referrals.of_patient(tx, said.patient, said.scheme.service.name)
    living = next((o for o in earlier if o.state in LIVING and _is_told(said, o)), None)
    if living is not None:
        if not same_person(said.record, living.record):
            return living, "identity-differs"
        if living.practice != said.practice:
            return living, "possible-duplicate"
        return living, ""
    closed = [o.closed_at for o in earlier if o.state is ReferralState.COMPLETED and o.closed_at]
    recorded = said.record.recorded_at
    if closed and recorded is not None:
        since = recorded - datetime.fromtimestamp(max(closed) / 1000, UTC)
        if since.days < said.scheme.reopen_days:
            return None, "closed-recently"
    return None, ""


def _is_told(said: Said, earlier: Stored) -> bool:
    """Whether a service has or will have it: one of the days in shadow stands for no referral in live."""
    return said.rule.mode is Mode.SHADOW or not earlier.shadow


def _attach(tx: Tx, said: Said, living: Stored) -> Applied:
    """Another shape of an open episode: join it; a fuller record replaces a bare code."""
    remember(tx, said.origin, said.event, living.id)
    if not living.local:  # from now on what the practice tells of its patient reaches the referral
        referrals.note(tx, living.id, local=said.local(tx))
    if living.record.shape is Shape.CODE and said.record.shape is not Shape.CODE:
        stored = referrals.step(tx, living, ReferralStep.CHANGE, record=_told_of(said, living))
        forward.change(tx, said.ctx, stored, cause=said.origin.event_id)
    return said.applied(EventState.ATTACHED, "same-episode", living.id)


def _told_of(said: Said, stored: Stored) -> Referral:
    """What is said, as the record of a referral that may have begun under another key."""
    key, by = stored.record.key, said.event.key
    return replace(said.record, key=key, told_by=None if by == key else by)


def _open(tx: Tx, said: Said) -> Applied:
    opening = Opening(
        id=str(said.event.key.id),
        scheme=said.scheme.name,
        practice=said.practice,
        service=said.scheme.service.name,
        shadow=said.rule.mode is Mode.SHADOW,
        patient=said.patient,
        local=said.local(tx),
        mapping=said.origin.mapping,
        correlation_id=said.origin.correlation_id,
    )
    stored = referrals.add(tx, opening, said.record)
    remember(tx, said.origin, said.event, opening.id)
    forward.create(tx, said.ctx, stored, cause=said.origin.event_id)
    return replace(said.applied(EventState.APPLIED, referral_id=opening.id), opened=True)


def _changed(tx: Tx, said: Said, stored: Stored) -> Applied:
    if stored.patient != said.patient:
        return _moved(tx, said, stored)
    if stored.state in (ReferralState.CANCELLED, ReferralState.WITHDRAWN):
        return _reinstated(tx, said, stored)
    if stored.state not in LIVING:
        return said.applied(EventState.NOT_SENT, "already-closed", stored.id)
    another_shape = not _speaks(tx, said, stored)
    no = withdrawal(said.record) if another_shape else forbidden(said.case(tx))
    if no:
        return _withdrawn(tx, said, stored, no)
    if another_shape:
        return said.applied(EventState.ATTACHED, "same-episode", stored.id)
    return _renewed(tx, said, stored)


def _moved(tx: Tx, said: Said, stored: Stored) -> Applied:
    """The key is about somebody else now, as far as the NHS number says."""
    if number_came_or_went(said.record, stored.record):
        return said.applied(EventState.PARKED, "nhs-number-came-or-went", stored.id)
    if stored.state in LIVING:
        close(tx, said.ctx, stored, ReferralStep.CANCEL, said.origin.event_id, "key-moved-patient")
    return said.applied(EventState.PARKED, "key-moved-patient", stored.id)


def _speaks(tx: Tx, said: Said, stored: Stored) -> bool:
    """Whether the content is this key's to change: it is its telling, or the key it is of was taken back."""
    speaker = stored.record.speaker
    if speaker == said.event.key:
        return True
    known = keys.key_of(tx, str(speaker.id))
    return known is not None and known.kind not in keys.WANTED


def _renewed(tx: Tx, said: Said, stored: Stored) -> Applied:
    cause = said.origin.event_id
    if said.gate(tx)[1] == "not-a-trigger":
        close(tx, said.ctx, stored, ReferralStep.CANCEL, cause, "not-a-trigger")
        return said.applied(EventState.APPLIED, "not-a-trigger", stored.id)
    renewed = referrals.step(tx, stored, ReferralStep.CHANGE, record=_told_of(said, stored))
    forward.change(tx, said.ctx, renewed, cause=cause)
    return said.applied(EventState.APPLIED, referral_id=stored.id)


def _withdrawn(tx: Tx, said: Said, stored: Stored, code: str) -> Applied:
    """The person said no, died or left: take the referral back."""
    close(tx, said.ctx, stored, ReferralStep.WITHDRAW, said.origin.event_id, code, said.record.consent)
    return said.applied(EventState.APPLIED, code, stored.id)


def _reinstated(tx: Tx, said: Said, stored: Stored) -> Applied:
    """The source wants again what it took back: a person decides, and their release opens it anew.

    Not while the person says no still: no release overrules that.
    """
    code = forbidden(said.case(tx))
    if code:
        return said.applied(EventState.NOT_SENT, code, stored.id)
    if not said.origin.released:
        return said.applied(EventState.PARKED, "reinstated", stored.id)
    opened = referrals.step(tx, stored, ReferralStep.REOPEN, record=_told_of(said, stored))
    forward.change(tx, said.ctx, opened, cause=said.origin.event_id)
    return said.applied(EventState.APPLIED, referral_id=stored.id)
