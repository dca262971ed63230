"""Track and record_outcome: what the service says becomes facts of the referral.

An outcome counts only when three things agree: the referral it names, the person it is about, and the
service that sends it (promise 10). Anything else is refused without saying which of the three failed.
"""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from bridge.domain.delivery import Kind
from bridge.domain.journey import (
    LIVING,
    DeliveryState,
    DeliveryStep,
    EventState,
    OutcomeState,
    ReferralState,
    ReferralStep,
)
from bridge.domain.outcome import STANDINGS, Outcome, OutcomeKind
from bridge.domain.referral import Consent
from bridge.domain.validation import Fails, Judgement
from bridge.errors import Problem, Unavailable
from bridge.pipeline import ending, forward, versions
from bridge.pipeline.context import Context
from bridge.pipeline.judging import judged, sharing_refused
from bridge.pipeline.write_back import write_back
from bridge.store import lanes, outcomes, referrals
from bridge.store.lanes import Queued
from bridge.store.outcomes import Told
from bridge.store.referrals import Stored
from bridge.store.unit import Tx

STEPS: dict[OutcomeKind, ReferralStep] = {
    OutcomeKind.REJECTED: ReferralStep.REJECT,
    OutcomeKind.CANCELLED: ReferralStep.REJECT,
    OutcomeKind.FAILED: ReferralStep.REJECT,
    OutcomeKind.CLOSED: ReferralStep.COMPLETE,
    OutcomeKind.REOPENED: ReferralStep.REOPEN,
}
# A service that works on a referral it had ended, or takes back what it said, has opened it again.
_AT_WORK = frozenset(
    {
        *(OutcomeKind.RECEIVED, OutcomeKind.ACCEPTED, OutcomeKind.IN_PROGRESS),
        *(OutcomeKind.ON_HOLD, OutcomeKind.UNREACHABLE, OutcomeKind.ENTERED_IN_ERROR),
    }
)
_ENDED_THERE = frozenset({ReferralState.COMPLETED, ReferralState.REJECTED})
DATES = frozenset({"score-date-before-referral", "score-date-after-closure"})  # a person may know better
KIND = "outcome"  # of an event row


class NotYet(Unavailable):
    """What is reported can be matched only once the delivery that is under way has ended; try again soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of one outcome; `outcome_id` is our id of this version of it.

    A refused one has a `referral_id` when it named a referral of the service and another person.
    """

    state: EventState
    code: str = ""
    referral_id: str | None = None
    outcome_id: str = ""
    practice: str = ""
    marks: tuple[str, ...] = ()  # remarks for the sender, codes of the problem catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who reported: the service the caller is bound to, and the message it came in."""

    service: str
    message_id: str


def record(tx: Tx, ctx: Context, sender: Sender, outcome: Outcome) -> Recorded:
    """Record one outcome and queue what follows from it; repeats change nothing.

    Raises NotYet, before anything is written, when what would match it is still on its way back to us.
    """
    found = named(tx, ctx, sender.service, outcome.referral_ref)
    stored = referrals.hold(tx, found.id) if found else None
    if stored is None:
        return Recorded(state=EventState.REFUSED, code="outcome-not-yours")
    waiting = lanes.waiting_in(tx, lanes.lane_of(tx, stored.id, stored.service, stored.patient))
    if not _is_about(ctx, stored, outcome):
        if not stored.service_patient and any(map(_is_under_way, waiting)):
            raise NotYet(problems=(Problem(code="delivery-under-way"),))
        return _recorded(stored, EventState.REFUSED, "outcome-not-yours")
    known = outcomes.of_referral(tx, stored.id)
    same = [k for k in known if k.outcome.identifier == outcome.identifier]
    if repeat := versions.repeated(same, outcome):
        return _recorded(stored, EventState.DUPLICATE, "repeated", repeat)
    outcome = versions.distinct(tx, same, outcome)
    told = Told(
        id=str(uuid5(UUID(stored.id), f"{outcome.identifier}|{outcome.version}")),
        referral_id=stored.id,
        message_id=sender.message_id,
        outcome=outcome,
    )
    judgement = judged(ctx, stored, told, known)
    if judgement.fails is Fails.REFUSE:
        return _recorded(stored, EventState.REFUSED, judgement.code)
    told = versions.placed(tx, told, same, quarantined=judgement.fails is Fails.QUARANTINE)
    referrals.note(tx, stored.id, heard_at=tx.now)
    _prove(tx, stored, waiting)
    return _after(tx, ctx, stored, told, known, judgement)


def _after(
    tx: Tx, ctx: Context, stored: Stored, told: Told, known: list[Told], judgement: Judgement
) -> Recorded:
    """What follows from a version that is kept."""
    if told.state is OutcomeState.CONFLICT:
        return _recorded(stored, EventState.PARKED, "outcome-contradicts", told.id)
    if told.state is OutcomeState.QUARANTINED:
        return _recorded(stored, EventState.PARKED, judgement.code, told.id)
    if judgement.fails is Fails.KEEP:
        return _recorded(stored, EventState.APPLIED, judgement.code, told.id)
    state, code = _follow(tx, ctx, stored, told, known)
    if not code and judgement.fails is Fails.DROP:
        state, code = EventState.DUPLICATE, "repeated"
    elif not code and judgement.marks:
        code = next((mark for mark in judgement.marks if mark == "outcome-corrected"), "")
    return replace(_recorded(stored, state, code, told.id), marks=judgement.marks)


def named(tx: Tx, ctx: Context, service: str, reference: str) -> Stored | None:
    """The referral of this service that a reference names: our identifier, our URL, or the service's own."""
    found = _named(tx, ctx, service, reference) if reference else None
    return found if found is not None and found.service == service else None


def _named(tx: Tx, ctx: Context, service: str, reference: str) -> Stored | None:
    system, bar, value = reference.partition("|")
    if bar:
        return _by_id(tx, value) if system == ctx.naming.referral else None
    tail = _tail(reference)
    if reference.startswith(f"{ctx.naming.base}/"):
        return _by_id(tx, tail.rpartition("/")[2])
    return referrals.by_service_ref(tx, service, tail)


def _by_id(tx: Tx, value: str) -> Stored | None:
    try:
        return referrals.get(tx, str(UUID(value)))
    except ValueError:
        return None


def _tail(reference: str) -> str:
    """`Type/id` of a relative, absolute or versioned reference."""
    parts = reference.partition("/_history/")[0].rstrip("/").split("/")
    return "/".join(parts[-2:])


def _is_about(ctx: Context, stored: Stored, outcome: Outcome) -> bool:
    """Whether the outcome's person is the referral's."""
    if outcome.subject is not None:
        return stored.record.patient.nhs_number == outcome.subject
    ours = ctx.naming.person(stored.record)
    if outcome.subject_ref == f"{ours.system}|{ours.value}":
        return True
    return bool(outcome.subject_ref) and _tail(outcome.subject_ref) == stored.service_patient


def _is_under_way(queued: Queued) -> bool:
    """A create that may be there already while we do not know yet under which ids."""
    open_ended = queued.state in (DeliveryState.SENDING, DeliveryState.IN_DOUBT)
    return queued.kind is Kind.CREATE and open_ended


def _prove(tx: Tx, stored: Stored, waiting: list[Queued]) -> None:
    """An outcome for a referral in doubt shows that it arrived (promise 4), not that a newer version did."""
    lane_id = lanes.lane_of(tx, stored.id, stored.service, stored.patient)
    for queued in waiting:
        doubtful = queued.state in (DeliveryState.IN_DOUBT, DeliveryState.PARKED)
        if doubtful and queued.sent and queued.kind is Kind.CREATE and not queued.replaces:
            lanes.step_unclaimed(tx, lane_id, queued, DeliveryStep.PROVE)


def _follow(tx: Tx, ctx: Context, stored: Stored, told: Told, known: list[Told]) -> tuple[EventState, str]:
    stale = _is_stale(told, known)
    if not stale:
        stored = _heeded(tx, ctx, stored, told, known)
    state, code = write_back(tx, ctx, stored, told, known)
    if stale and not code:
        return EventState.STALE, "older-version"
    return state, code


def _is_stale(told: Told, known: list[Told]) -> bool:
    if told.outcome.is_standing:
        return not outcomes.is_newest_standing(known, told)
    return told.state is OutcomeState.SUPERSEDED


def _heeded(tx: Tx, ctx: Context, stored: Stored, told: Told, known: list[Told]) -> Stored:
    """What a version that counts makes of its referral; one that takes another back, what stood beside it."""
    if told.outcome.is_standing:
        others = [k for k in known if k.id != told.id]
        return _moved(tx, ctx, stored, outcomes.standings([*others, told])[-1], told.id)
    beside = [k for k in known if k.outcome.identifier != told.outcome.identifier]
    if told.outcome.kind is OutcomeKind.CONSENT and sharing_refused([*beside, told]):
        _consented(tx, ctx, stored, told)
    return stored


def _moved(tx: Tx, ctx: Context, stored: Stored, outcome: Outcome, cause: str) -> Stored:
    """The referral stands where the service's newest word puts it."""
    referrals.note(tx, stored.id, task_status=outcome.status, task_version=outcome.version)
    step = STEPS.get(outcome.kind) if outcome.kind in STANDINGS else None
    if outcome.kind in _AT_WORK and stored.state in _ENDED_THERE:
        step = ReferralStep.REOPEN
    if step is None or step not in referrals.steps_of(stored) or not _may_open(tx, stored, step):
        return stored
    stored = referrals.step(tx, stored, step, code=outcome.kind.value)
    if stored.state not in LIVING:
        forward.change(tx, ctx, stored, cause=cause)
    return stored


def _may_open(tx: Tx, stored: Stored, step: ReferralStep) -> bool:
    """Whether the person has no other open referral that the service knows: there is one for each episode."""
    if step is not ReferralStep.REOPEN:
        return True
    others = referrals.of_patient(tx, stored.patient, stored.service)
    return all(o.shadow or o.state is not ReferralState.OPEN for o in others)


def _consented(tx: Tx, ctx: Context, stored: Stored, told: Told) -> None:
    """A person who told the service that they do not agree any more has told us."""
    refused = told.outcome.detail in ("refused", "withdrawn") and not told.outcome.is_withdrawn
    if refused and ReferralStep.WITHDRAW in referrals.steps_of(stored):
        said = Consent(told.outcome.detail)
        ending.close(tx, ctx, stored, ReferralStep.WITHDRAW, told.id, "consent-refused", said)


def release(tx: Tx, ctx: Context, outcome_id: str) -> Recorded:
    """A person has looked at a parked outcome: it counts, and is filed in place of what was filed before."""
    told = outcomes.get(tx, outcome_id)
    stored = referrals.hold(tx, told.referral_id) if told else None
    if told is None or stored is None:
        return Recorded(state=EventState.PARKED, code="event-not-kept")
    known = outcomes.of_referral(tx, stored.id)
    if told.state is OutcomeState.QUARANTINED:
        judgement = judged(ctx, stored, told, known)
        if judgement.fails in (Fails.QUARANTINE, Fails.REFUSE) and judgement.code not in DATES:
            return _recorded(stored, EventState.PARKED, judgement.code, told.id)
    if told.state in outcomes.UNCOUNTED:
        told = versions.released(tx, told, known)
        if not _is_stale(told, known):
            stored = _heeded(tx, ctx, stored, told, known)
    if versions.newest(known, told).id != told.id:
        return _recorded(stored, EventState.STALE, "older-version", told.id)
    state, code = write_back(tx, ctx, stored, told, known, reviewed=True)
    return _recorded(stored, state, code, told.id)


def _recorded(stored: Stored, state: EventState, code: str, outcome_id: str = "") -> Recorded:
    return Recorded(
        state=state, code=code, referral_id=stored.id, outcome_id=outcome_id, practice=stored.practice
    )
