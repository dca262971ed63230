"""Track, record_outcome, write_back: what the service says becomes facts of the referral and filings.

An outcome counts only when three things agree: the referral it names, the person it is about, and the
service that sends it (promise 10). Anything else is refused without saying which of the three failed.
"""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from bridge.delivery import outbox
from bridge.domain import systems
from bridge.domain.delivery import Kind, Leg
from bridge.domain.identifiers import OdsCode
from bridge.domain.journey import LIVING, DeliveryState, DeliveryStep, EventState, ReferralStep
from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.domain.referral import Coding, Concept, Organisation
from bridge.fhir import bundles, checks, observation
from bridge.fhir.trees import Json
from bridge.fhir.writing import to_json
from bridge.pipeline import forward
from bridge.pipeline.context import Context
from bridge.schemes import Scheme
from bridge.store import lanes, outcomes, referrals
from bridge.store.lanes import Order
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
WITHDRAWN_STATUSES = frozenset({"entered-in-error", "cancelled"})
CHANGED_STATUSES = frozenset({"amended", "corrected", *WITHDRAWN_STATUSES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of one outcome."""

    state: EventState
    code: str = ""
    referral_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who reported: the service the caller is bound to, and the message it came in."""

    service: str
    message_id: str


def record(tx: Tx, ctx: Context, sender: Sender, outcome: Outcome) -> Recorded:
    """Record one outcome and queue what follows from it; repeats change nothing."""
    stored = _referral(tx, ctx, sender, outcome)
    if stored is None:
        return Recorded(state=EventState.REFUSED, code="outcome-not-yours")
    tx.lock(stored.id)
    told = Told(
        id=str(uuid5(UUID(stored.id), f"{outcome.identifier}|{outcome.version}")),
        referral_id=stored.id,
        message_id=sender.message_id,
        outcome=outcome,
    )
    earlier = outcomes.of_identifier(tx, stored.id, outcome.identifier)
    if any(e.id == told.id for e in earlier):
        return Recorded(state=EventState.DUPLICATE, code="repeated", referral_id=stored.id)
    outcomes.add(tx, told)
    referrals.note(tx, stored.id, heard_at=tx.now)
    _prove(tx, stored)
    if earlier and outcome.kind is OutcomeKind.MEASURE:
        return Recorded(state=EventState.PARKED, code="correction-to-review", referral_id=stored.id)
    return _follow(tx, ctx, stored, told)


def _referral(tx: Tx, ctx: Context, sender: Sender, outcome: Outcome) -> Stored | None:
    """The referral, when name, person and sender agree."""
    stored = _named(tx, ctx, sender.service, outcome.referral_ref)
    if stored is None or stored.service != sender.service:
        return None
    number = stored.record.patient.nhs_number
    if outcome.subject is not None:
        return stored if number == outcome.subject else None
    known = stored.service_patient
    return stored if known and outcome.subject_ref and _tail(outcome.subject_ref) == known else None


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


def _prove(tx: Tx, stored: Stored) -> None:
    """An outcome for a referral whose delivery is in doubt shows that it arrived (promise 4)."""
    lane_id = lanes.lane_of(tx, stored.id, stored.service, stored.patient)
    for queued in lanes.waiting_in(tx, lane_id):
        doubtful = queued.state in (DeliveryState.IN_DOUBT, DeliveryState.PARKED)
        if doubtful and queued.sent and queued.kind is Kind.CREATE:
            lanes.step_unclaimed(tx, lane_id, queued, DeliveryStep.PROVE)


def _follow(tx: Tx, ctx: Context, stored: Stored, told: Told) -> Recorded:
    outcome = told.outcome
    scheme = ctx.rulebook.by_name(stored.scheme)
    step = STEPS.get(outcome.kind)
    if outcome.kind is not OutcomeKind.MEASURE:
        if not outcomes.is_newest_status(tx, stored.id, told):
            return Recorded(state=EventState.STALE, code="older-version", referral_id=stored.id)
        referrals.note(tx, stored.id, task_status=outcome.status, task_version=outcome.version)
    if step is not None and step in referrals.steps_of(stored):
        stored = referrals.step(tx, stored, step, code=outcome.kind.value)
        if stored.state not in LIVING:
            forward.change(tx, ctx, stored, cause=told.id)
    if scheme is None:
        return Recorded(state=EventState.PARKED, code="scheme-missing", referral_id=stored.id)
    code = _write_back(tx, ctx, scheme, stored, told)
    state = EventState.PARKED if code else EventState.APPLIED
    return Recorded(state=state, code=code, referral_id=stored.id)


def _write_back(tx: Tx, ctx: Context, scheme: Scheme, stored: Stored, told: Told) -> str:
    """Queue the filing this outcome calls for, if any; the code of what stops it, or ""."""
    rule = scheme.practice(stored.practice)
    if rule is None or not rule.record:
        return ""
    told_of = _Telling(ctx, scheme, stored, told)
    built = []
    if told.outcome.kind is OutcomeKind.MEASURE:
        built.append(told_of.observation(told.outcome))
    for entry in scheme.write_back:
        if entry.on is told.outcome.kind and not outcomes.already_coded(tx, stored.id, entry.code):
            on = told.outcome.effective or ctx.now().isoformat(timespec="seconds")
            coding = Coding(system=systems.SNOMED, code=entry.code, display=entry.display)
            status = replace(told.outcome, effective=on, value=None, components=())
            built.append(told_of.observation(status, Concept(codings=(coding,), text=entry.display)))
            outcomes.remember_coded(tx, stored.id, entry.code)
            referrals.remember_filed(tx, stored.patient, entry.code, on, stored.id)
    if not built:
        return ""
    bundle = bundles.filing_bundle(built)
    problems = checks.check(bundle)
    if problems:
        return problems[0].code
    _file(tx, ctx, stored, rule.record, bundle, told)
    return ""


@dataclass(frozen=True, slots=True)
class _Telling:
    """All that an Observation about this outcome needs."""

    ctx: Context
    scheme: Scheme
    stored: Stored
    told: Told

    def observation(self, outcome: Outcome, code: Concept | None = None) -> Json:
        service = self.scheme.service
        ods = OdsCode(service.ods) if service.ods else None
        return observation.observation(
            outcome,
            referral=self.stored.record,
            service=Organisation(ods=ods, name=service.title),
            naming=self.ctx.naming,
            code=code,
        )


def _file(tx: Tx, ctx: Context, stored: Stored, record: str, bundle: Json, told: Told) -> None:
    patient = stored.record.patient
    identity = {
        "nhs_number": patient.nhs_number.digits if patient.nhs_number else "",
        "birth_date": patient.birth_date,
        "family": patient.family,
    }
    order = Order(
        id=ctx.new_id(),
        referral_id=stored.id,
        partner=record,
        patient=stored.patient,
        leg=Leg.WRITE_BACK,
        kind=Kind.FILE,
        priority=stored.record.priority,
        request_id=ctx.new_id(),
        correlation_id=stored.correlation_id,
        body=to_json({"identity": identity, "bundle": bundle}),
        frozen=False,
        cause=told.id,
        version=stored.version,
    )
    if stored.shadow:
        lanes.record_shadow(tx, order, lanes.lane_of(tx, stored.id, record, stored.patient))
    else:
        outbox.enqueue(tx, order)
