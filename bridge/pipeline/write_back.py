"""Write back: which of what a service said goes into the GP record, and as what.

Only what a named clinician of the scheme signed off: a score within its range under the confirmed code of its
questionnaire, and a status code once for an episode. Everything else is kept, shown, and not filed.
"""

from dataclasses import dataclass, replace

from bridge.delivery import outbox
from bridge.domain import instruments, systems
from bridge.domain.codes import Mark, current_code
from bridge.domain.dates import fhir_instant, london_day
from bridge.domain.delivery import Kind, Leg
from bridge.domain.identifiers import OdsCode
from bridge.domain.journey import EventState
from bridge.domain.outcome import Outcome, OutcomeKind
from bridge.domain.referral import Coding, Concept, Organisation
from bridge.fhir import bundles, checks, observation
from bridge.fhir.trees import Json
from bridge.fhir.writing import to_json
from bridge.pipeline.context import Context
from bridge.schemes import Scheme
from bridge.schemes.scheme import WriteBack
from bridge.store import lanes, outcomes, people
from bridge.store.lanes import Order
from bridge.store.outcomes import Told
from bridge.store.referrals import Stored
from bridge.store.unit import Tx

WITHDRAWN = frozenset({"entered-in-error", "cancelled"})  # Observation.status
_SAME_NUMBER = "score-raw-or-metric"  # at either end of its scale a score is the same in both forms

Filing = tuple[EventState, str]
DONE: Filing = (EventState.APPLIED, "")


def write_back(tx: Tx, ctx: Context, stored: Stored, told: Told, *, corrects: bool = False) -> Filing:
    """Queue the filing this outcome calls for, if any: parked, with why, when a person must look.

    `corrects`: an earlier version of it may stand in the record and is replaced.
    """
    scheme = ctx.rulebook.by_name(stored.scheme)
    if scheme is None:
        return EventState.PARKED, "scheme-missing"
    rule = scheme.practice(stored.practice)
    if rule is None or not rule.record:
        return DONE
    telling = _Telling(ctx, scheme, stored, told, rule.record, corrects)
    if told.outcome.kind is OutcomeKind.MEASURE:
        return _file_score(tx, telling)
    for entry in scheme.write_back:
        if entry.on is told.outcome.kind and not outcomes.already_coded(tx, stored.id, entry.code):
            problem = _file_status(tx, telling, entry)
            if problem:
                return EventState.PARKED, problem
    return DONE


@dataclass(frozen=True, slots=True)
class _Telling:
    """All that an Observation about this outcome needs, and where it goes."""

    ctx: Context
    scheme: Scheme
    stored: Stored
    told: Told
    record: str
    corrects: bool

    def observation(self, outcome: Outcome, entry: WriteBack) -> Json:
        """The Observation under the code that was signed off."""
        service = self.scheme.service
        coding = Coding(system=systems.SNOMED, code=entry.code, display=entry.display)
        return observation.observation(
            outcome,
            referral=self.stored.record,
            service=Organisation(ods=OdsCode(service.ods) if service.ods else None, name=service.title),
            naming=self.ctx.naming,
            code=Concept(codings=(coding,), text=entry.display),
            corrects=self.corrects,
        )


def _file_score(tx: Tx, telling: _Telling) -> Filing:
    """The total under its own code; answers to single questions stay with the service."""
    outcome = telling.told.outcome
    code = current_code(outcome.code.code_in(systems.SNOMED))
    signed = (e for e in telling.scheme.write_back if e.on is OutcomeKind.MEASURE and e.code == code)
    entry = next(signed, None)
    if entry is None:
        return EventState.APPLIED, "score-not-signed-off"
    if outcome.status in WITHDRAWN and not telling.corrects:
        return DONE  # nothing of it was ever filed
    problem = "" if outcome.status in WITHDRAWN else _score_problem(code, outcome)
    if not problem:
        problem = _file(tx, telling, telling.observation(replace(outcome, components=()), entry))
    return (EventState.PARKED, problem) if problem else DONE


def _score_problem(code: str, outcome: Outcome) -> str:
    """Why this cannot be a score of the questionnaire that the code names; "" when it can."""
    value = outcome.value
    if value is None or value.comparator or (value.quantity is None and value.integer is None):
        return "score-not-number" if value else "score-missing"
    try:
        instrument = instruments.find(code)
        instruments.check_score(instrument, value.quantity or str(value.integer))
    except ValueError as error:
        return "" if str(error) == _SAME_NUMBER else str(error)
    return "" if instrument.mark is Mark.A else "instrument-unknown"


def _file_status(tx: Tx, telling: _Telling, entry: WriteBack) -> str:
    """A status code, once for the episode and remembered, so that its echo in an extract is known."""
    outcome, stored = telling.told.outcome, telling.stored
    on = outcome.effective or telling.ctx.now().isoformat(timespec="seconds")
    status = replace(outcome, effective=on, value=None, components=())
    problem = _file(tx, telling, telling.observation(status, entry))
    if not problem:
        outcomes.remember_coded(tx, stored.id, entry.code)
        people.remember_filed(tx, stored.patient, entry.code, day_of(on), stored.id)
    return problem


def day_of(when: str) -> str:
    """The calendar day of a FHIR date or dateTime, in London where it has a time."""
    try:
        return london_day(fhir_instant(when)).isoformat()
    except ValueError:
        return when[:10]


def _file(tx: Tx, telling: _Telling, made: Json) -> str:
    """Queue one Observation; the code of what stops it, or ""."""
    bundle = bundles.filing_bundle([made])
    problems = checks.check(bundle)
    if problems:
        return problems[0].code
    ctx, stored = telling.ctx, telling.stored
    order = Order(
        id=ctx.new_id(),
        referral_id=stored.id,
        partner=telling.record,
        patient=stored.patient,
        leg=Leg.WRITE_BACK,
        kind=Kind.FILE,
        priority=stored.record.priority,
        request_id=ctx.new_id(),
        correlation_id=stored.correlation_id,
        body=unprepared(stored, bundle),
        frozen=False,
        cause=telling.told.id,
        version=stored.version,
        label=ctx.label,
    )
    if stored.shadow:
        lanes.record_shadow(tx, order, lanes.lane_of(tx, stored.id, telling.record, stored.patient))
    else:
        outbox.enqueue(tx, order)
    return ""


def unprepared(stored: Stored, bundle: Json) -> bytes:
    """A filing before its subject is read: the Bundle, and who the record's Patient must be."""
    patient = stored.record.patient
    identity = {
        "nhs_number": patient.nhs_number.digits if patient.nhs_number else "",
        "birth_date": patient.birth_date,
        "family": patient.family,
    }
    return to_json({"identity": identity, "bundle": bundle})
