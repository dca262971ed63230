"""Track and record_outcome: what the service says becomes facts of the referral.

An outcome counts only when three things agree: the referral it names, the person it is about, and the
service that sends it (promise 10). Anything else is refused without saying which of the three failed.
"""

from dataclasses import dataclass
from uuid import UUID, uuid5

from bridge.domain.delivery import Kind
from bridge.domain.journey import LIVING, DeliveryState, DeliveryStep, EventState, ReferralStep
from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.errors import Problem, Unavailable
from bridge.pipeline import forward
from bridge.pipeline.context import Context
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
    if not _is_about(stored, outcome):
        if not stored.service_patient and any(map(_is_under_way, waiting)):
            raise NotYet(problems=(Problem(code="delivery-under-way"),))
        return _recorded(stored, EventState.REFUSED, "outcome-not-yours")
    told = Told(
        id=str(uuid5(UUID(stored.id), f"{outcome.identifier}|{outcome.version}")),
        referral_id=stored.id,
        message_id=sender.message_id,
        outcome=outcome,
    )
    earlier = outcomes.of_identifier(tx, stored.id, outcome.identifier)
    if any(e.id == told.id for e in earlier):
        return _recorded(stored, EventState.DUPLICATE, "repeated", told.id)
    outcomes.add(tx, told)
    referrals.note(tx, stored.id, heard_at=tx.now)
    _prove(tx, stored, waiting)
    if earlier and outcome.kind is OutcomeKind.MEASURE:
        return _recorded(stored, EventState.PARKED, "correction-to-review", told.id)
    return _follow(tx, ctx, stored, told)


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


def _is_about(stored: Stored, outcome: Outcome) -> bool:
    """Whether the outcome's person is the referral's."""
    if outcome.subject is not None:
        return stored.record.patient.nhs_number == outcome.subject
    return bool(outcome.subject_ref) and _tail(outcome.subject_ref) == stored.service_patient


def _is_under_way(queued: Queued) -> bool:
    """A create that may be there already while we do not know yet under which ids."""
    open_ended = queued.state in (DeliveryState.SENDING, DeliveryState.IN_DOUBT)
    return queued.kind is Kind.CREATE and open_ended


def _prove(tx: Tx, stored: Stored, waiting: list[Queued]) -> None:
    """An outcome for a referral whose delivery is in doubt shows that it arrived (promise 4)."""
    lane_id = lanes.lane_of(tx, stored.id, stored.service, stored.patient)
    for queued in waiting:
        doubtful = queued.state in (DeliveryState.IN_DOUBT, DeliveryState.PARKED)
        if doubtful and queued.sent and queued.kind is Kind.CREATE:
            lanes.step_unclaimed(tx, lane_id, queued, DeliveryStep.PROVE)


def _follow(tx: Tx, ctx: Context, stored: Stored, told: Told) -> Recorded:
    outcome = told.outcome
    if outcome.kind is not OutcomeKind.MEASURE:
        if not outcomes.is_newest_status(tx, stored.id, told):
            return _recorded(stored, EventState.STALE, "older-version", told.id)
        referrals.note(tx, stored.id, task_status=outcome.status, task_version=outcome.version)
    step = STEPS.get(outcome.kind)
    if step is not None and step in referrals.steps_of(stored):
        stored = referrals.step(tx, stored, step, code=outcome.kind.value)
        if stored.state not in LIVING:
            forward.change(tx, ctx, stored, cause=told.id)
    state, code = write_back(tx, ctx, stored, told)
    return _recorded(stored, state, code, told.id)


def release(tx: Tx, ctx: Context, outcome_id: str) -> Recorded:
    """A person has looked at a parked outcome: file it, in place of what was filed of it before."""
    told = outcomes.get(tx, outcome_id)
    stored = referrals.hold(tx, told.referral_id) if told else None
    if told is None or stored is None:
        return Recorded(state=EventState.PARKED, code="event-not-kept")
    versions = outcomes.of_identifier(tx, stored.id, told.outcome.identifier)
    if versions[-1].id != told.id:
        return _recorded(stored, EventState.STALE, "older-version", told.id)
    state, code = write_back(tx, ctx, stored, told, corrects=len(versions) > 1)
    return _recorded(stored, state, code, told.id)


def _recorded(stored: Stored, state: EventState, code: str, outcome_id: str = "") -> Recorded:
    return Recorded(
        state=state, code=code, referral_id=stored.id, outcome_id=outcome_id, practice=stored.practice
    )
