"""Write back: which of what a service said goes into the GP record, and as what.

Only what a named clinician of the scheme signed off: a score that passed its checks under the confirmed code
of its questionnaire, and a status code once for an episode. What stands in the record is a function of the
versions that are known, whatever order they came in: a filing is queued when a version changes it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from bridge.delivery import outbox
from bridge.domain import chain, instruments, systems
from bridge.domain.codes import Mark
from bridge.domain.dates import fhir_instant, london_day
from bridge.domain.delivery import Kind, Leg
from bridge.domain.episode import instrument_of, raw_of, stated
from bridge.domain.identifiers import OdsCode
from bridge.domain.journey import EventState
from bridge.domain.outcome import CORRECTED, WITHDRAWN, Component, Outcome, OutcomeKind, Value
from bridge.domain.referral import Coding, Concept, Organisation
from bridge.domain.validation import answers_of, form_of, same_content
from bridge.fhir import bundles, checks, observation
from bridge.fhir.trees import Json
from bridge.fhir.writing import to_json
from bridge.pipeline import letters
from bridge.pipeline.context import Context
from bridge.pipeline.judging import sharing_refused
from bridge.pipeline.letters import Desk
from bridge.schemes import Scheme
from bridge.schemes.scheme import WriteBack
from bridge.store import outcomes, people
from bridge.store.lanes import Order
from bridge.store.outcomes import COUNTING, UNCOUNTED, Told
from bridge.store.referrals import Stored
from bridge.store.unit import Tx

Filing = tuple[EventState, str]
DONE: Filing = (EventState.APPLIED, "")
REVIEW: Filing = (EventState.PARKED, "filing-to-review")


def write_back(
    tx: Tx, ctx: Context, stored: Stored, told: Told, known: Iterable[Told], *, reviewed: bool = False
) -> Filing:
    """Queue the filing this version calls for, if any: parked, with why, when a person must look.

    `known` is everything the service said before; `reviewed` when the practice has agreed to this one.
    """
    scheme = ctx.rulebook.by_name(stored.scheme)
    if scheme is None:
        return EventState.PARKED, "scheme-missing"
    rule = scheme.practice(stored.practice)
    if rule is None:
        return DONE
    route = scheme.letters_of(rule)
    refused = route is not None and sharing_refused([*known, told])
    if route is not None and not refused:
        letters.follow(tx, Desk(ctx=ctx, scheme=scheme, route=route, stored=stored, cause=told.id))
    if not rule.record or (route is not None and route.name == rule.record):
        return (EventState.APPLIED, "sharing-refused") if refused else DONE
    before = [k for k in known if k.id != told.id]
    waits = rule.filing == "review" and not reviewed
    telling = _Telling(ctx, scheme, stored, told, rule.record, before, reviewed, waits)
    return _file_score(tx, telling) if told.outcome.kind is OutcomeKind.MEASURE else _file_codes(tx, telling)


@dataclass(frozen=True, slots=True)
class _Telling:
    """All that an Observation about this outcome needs, and where it goes."""

    ctx: Context
    scheme: Scheme
    stored: Stored
    told: Told
    record: str
    before: list[Told]
    reviewed: bool
    waits: bool  # for the practice to agree

    def observation(self, outcome: Outcome, entry: WriteBack, *, corrects: bool) -> Json:
        """The Observation under the code that was signed off."""
        service = self.scheme.service
        coding = Coding(system=systems.SNOMED, code=entry.code, display=entry.display)
        return observation.observation(
            outcome,
            referral=self.stored.record,
            service=Organisation(ods=OdsCode(service.ods) if service.ods else None, name=service.title),
            naming=self.ctx.naming,
            code=Concept(codings=(coding,), text=entry.display),
            corrects=corrects,
        )


# Scores: one of each thing, its newest version, marked as corrected where it takes another's place


class _Stands(NamedTuple):
    """What stands in the record of one thing."""

    outcome: Outcome
    corrects: bool


def _file_score(tx: Tx, telling: _Telling) -> Filing:
    """The total under its own code; answers to single questions stay with the service."""
    versions = [v for v in telling.before if v.outcome.identifier == telling.told.outcome.identifier]
    entry = _signed(telling.scheme, (telling.told, *versions))
    if entry is None:
        return EventState.APPLIED, "score-not-signed-off"
    if sharing_refused(telling.before):
        return EventState.APPLIED, "sharing-refused"
    before, after = _standing(versions), _standing([*versions, telling.told])
    if after is None or (_same(before, after) and not telling.reviewed):
        return DONE
    if telling.waits:
        return REVIEW
    made = telling.observation(_total(telling, after.outcome), entry, corrects=after.corrects)
    problem = _file(tx, telling, made)
    return (EventState.PARKED, problem) if problem else DONE


def _signed(scheme: Scheme, versions: Iterable[Told]) -> WriteBack | None:
    """The entry of the questionnaire: its code is confirmed by two sources and signed off."""
    instrument = next((found for v in versions if (found := instrument_of(v.outcome))), None)
    if instrument is None or instrument.mark is not Mark.A:
        return None
    signed = (e for e in scheme.write_back if e.on is OutcomeKind.MEASURE)
    return next((entry for entry in signed if entry.code == instrument.code), None)


def _standing(versions: Iterable[Told]) -> _Stands | None:
    """None while there is nothing to file: what was only ever taken back stays out of the record.

    The last one that counts is it: a version that is told comes after those before it, as they were.
    """
    counted = [v for v in versions if v.state not in UNCOUNTED]
    newest = next((v.outcome for v in reversed(counted) if v.state in COUNTING), None)
    scores = [v.outcome for v in counted if not v.outcome.is_withdrawn]
    if newest is None or not scores:
        return None
    corrects = newest.status in CORRECTED | WITHDRAWN or any(not same_content(o, newest) for o in scores)
    return _Stands(newest, corrects)


def _same(before: _Stands | None, after: _Stands) -> bool:
    if before is None or before.corrects != after.corrects:
        return False
    return same_content(before.outcome, after.outcome)


def _total(telling: _Telling, outcome: Outcome) -> Outcome:
    """The raw score; a metric one stands beside it under a code of its own, never under the same."""
    value, instrument, answers = stated(outcome), instrument_of(outcome), answers_of(outcome)
    if instrument is None or not (value or answers):
        return replace(outcome, components=())
    given = outcome.value or Value()
    if not value:
        given = Value(integer=instruments.check_items(instrument, answers))
    if not instrument.metric or "." not in value:
        return replace(outcome, value=given, components=())
    metric = Coding(system=telling.ctx.naming.score_form, code="metric")
    beside = Component(code=Concept(codings=(metric,), text="Metric score"), value=given)
    raw = replace(given, quantity=str(raw_of(value, form_of(outcome))))
    return replace(outcome, value=raw, components=(beside,))


# Status codes: each once for the episode, under one identifier


def _file_codes(tx: Tx, telling: _Telling) -> Filing:
    for entry, status in _codes_to_file(tx, telling):
        if telling.waits:
            return REVIEW
        problem = _file_code(tx, telling, entry, status)
        if problem:
            return EventState.PARKED, problem
    return DONE


def _codes_to_file(tx: Tx, telling: _Telling) -> Iterator[tuple[WriteBack, str]]:
    """The codes that this version brings, takes back or brings again, with the status to file them in."""
    for entry in telling.scheme.write_back:
        if entry.on is OutcomeKind.MEASURE:
            continue
        before = _holds(telling.before, entry.on)
        after = _holds([*telling.before, telling.told], entry.on)
        coded = outcomes.already_coded(tx, telling.stored.id, entry.code)
        if after and not coded:
            yield entry, "final"
        elif coded and after != before:
            yield entry, "corrected" if after else "entered-in-error"


def _holds(known: Iterable[Told], kind: OutcomeKind) -> bool:
    """Whether the service says that it happened: of a standing at any time, of anything else now."""
    chains: dict[str, list[Outcome]] = {}
    for each in known:
        if each.state not in UNCOUNTED:
            chains.setdefault(each.outcome.identifier, []).append(each.outcome)
    return any(_chain_holds(versions, kind) for versions in chains.values())


def _chain_holds(versions: list[Outcome], kind: OutcomeKind) -> bool:
    newest = max(versions, key=chain.rank)
    if newest.is_withdrawn or newest.kind is OutcomeKind.ENTERED_IN_ERROR:
        return False
    return newest.kind is kind or any(o.kind is kind for o in versions if o.is_standing)


def _file_code(tx: Tx, telling: _Telling, entry: WriteBack, status: str) -> str:
    """A status code, remembered so that its echo is known; the code of what stops it, or ""."""
    outcome, stored = _sayer(telling, entry.on, status), telling.stored
    on = outcome.effective or telling.ctx.now().isoformat(timespec="seconds")
    said = replace(outcome, identifier="", status=status, effective=on, value=None, components=())
    problem = _file(tx, telling, telling.observation(said, entry, corrects=status != "final"))
    if not problem:
        outcomes.remember_coded(tx, stored.id, entry.code)
        people.remember_filed(tx, stored.patient, entry.code, day_of(on), stored.id)
    return problem


def _sayer(telling: _Telling, kind: OutcomeKind, status: str) -> Outcome:
    """What says that it happened, and when: this version, or the newest before it where this says another."""
    told = telling.told.outcome
    if told.kind is kind or status == "entered-in-error":
        return told
    before = (v.outcome for v in telling.before if v.state not in UNCOUNTED)
    return chain.newest(o for o in before if o.kind is kind and not o.is_withdrawn) or told


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
    outbox.enqueue(tx, order, shadow=stored.shadow)
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
