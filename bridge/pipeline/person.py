"""News of a person reaches the referrals open for them: new details go out as a change, a merge parks.

Only referrals of the practice that tells it are touched, and only by the NHS number. Nothing else is held of
the message: whoever has no open referral here is nobody we need to know.
"""

from dataclasses import replace

from bridge.domain.journey import LIVING, EventState, ReferralState, ReferralStep
from bridge.domain.person import NewsKind, PersonNews
from bridge.domain.referral import EventKind, Patient, ReferralEvent, ReferralKey
from bridge.pipeline import translate
from bridge.pipeline.applied import Applied, Origin
from bridge.pipeline.context import Context, local_index, patient_index
from bridge.store import keys, referrals
from bridge.store.keys import Key
from bridge.store.referrals import Stored
from bridge.store.unit import Tx


def apply(tx: Tx, ctx: Context, origin: Origin, news: PersonNews) -> tuple[Applied, ReferralEvent | None]:
    """What became of the news, and the event to keep where a person must look at it first."""
    practice = news.practice.code
    if not origin.may_speak_for(practice):
        return Applied(state=EventState.REFUSED, code="practice-not-yours"), None
    if news.patient.test:
        return Applied(state=EventState.NOT_SENT, code="test-patient"), None
    if news.kind is NewsKind.MERGED:
        return _merged(tx, news, _living(tx, news)), None
    return _changed(tx, ctx, origin, news, _living(tx, news))


def _living(tx: Tx, news: PersonNews) -> list[Stored]:
    """The open referrals of everyone who is or was known so at this practice, each held."""
    practice = news.practice.code
    indexes = {patient_index(tx, Patient(nhs_number=number), practice) for number in news.numbers}
    found = {s.id for index in sorted(indexes) for s in referrals.of_holder(tx, index, practice)}
    for key in news.local_keys:
        found |= {s.id for s in referrals.of_local(tx, local_index(tx, practice, key))}
    held = (referrals.hold(tx, each) for each in sorted(found))
    return [stored for stored in held if stored is not None and stored.state in LIVING]


def _merged(tx: Tx, news: PersonNews, living: list[Stored]) -> Applied:
    """Nobody can tell by a message which of two records was right: a person looks before anything leaves."""
    for stored in living:
        if stored.state is ReferralState.OPEN:
            referrals.step(tx, stored, ReferralStep.PARK, code=news.kind.value)
    return _touched(living, news, news.kind.value) if living else _nobody()


def _changed(
    tx: Tx, ctx: Context, origin: Origin, news: PersonNews, living: list[Stored]
) -> tuple[Applied, ReferralEvent | None]:
    if not living:
        return _nobody(), None
    if not _is_newest(tx, origin, news, living[0].patient):
        return Applied(state=EventState.STALE, code="older-version", referral_id=living[0].id), None
    told = [(stored, _event(tx, stored, news)) for stored in living]
    changed = [(stored, event) for stored, event in told if event.referral != stored.record]
    if not changed:
        return replace(_touched(living, news, "repeated"), state=EventState.DUPLICATE), None
    for stored, event in changed:
        if not _same_person(stored.record.patient, news):
            return replace(_touched([stored], news, "identity-differs"), state=EventState.PARKED), event
    applied = [translate.apply(tx, ctx, replace(origin, released=True), event) for _, event in changed]
    return applied[0], None


def _is_newest(tx: Tx, origin: Origin, news: PersonNews, patient: str) -> bool:
    """Whether the practice said nothing newer of the person; remembered under a key of its own."""
    key = ReferralKey(source=news.source, owner=news.practice.code, record=f"person|{patient}")
    known = keys.key_of(tx, str(key.id))
    if known is not None and news.clock < known.clock:
        return False
    keys.put_key(
        tx,
        Key(
            id=str(key.id),
            referral_id=None,
            clock=news.clock,
            content="",
            kind=news.kind.value,
            event_id=origin.event_id,
        ),
    )
    return True


def _event(tx: Tx, stored: Stored, news: PersonNews) -> ReferralEvent:
    """The referral with the new details, as another telling of the version that is known of it."""
    record = stored.record
    known = keys.key_of(tx, str(record.speaker.id))
    said = {name: getattr(news.patient, name) for name in news.said}
    older = known is not None and known.clock[:1] == news.clock[:1] and news.clock < known.clock
    patient = record.patient if older else replace(record.patient, **said)
    return ReferralEvent(
        kind=EventKind.CHANGED,
        key=record.speaker,
        clock=known.clock if known else news.clock,
        content=known.content if known else "",
        referral=replace(record, patient=patient),
    )


def _same_person(held: Patient, news: PersonNews) -> bool:
    """Of family name and date of birth one may be new; both at once may be somebody else."""
    named = "family" in news.said and held.family.casefold() != news.patient.family.casefold()
    born = "birth_date" in news.said and held.birth_date != news.patient.birth_date
    return not (named and born)


def _touched(living: list[Stored], news: PersonNews, code: str) -> Applied:
    return Applied(
        state=EventState.APPLIED,
        code=code,
        referral_id=living[0].id,
        practice=news.practice.code,
        patient=living[0].patient,
    )


def _nobody() -> Applied:
    """It stands on nobody's list of what was not sent: nobody was referred."""
    return Applied(state=EventState.NOT_SENT, code="no-open-referral")
