"""What the outcomes of one referral say together: the facts of a letter to the practice, at start and at end.

Only what counts now is given in: the newest version of each thing, nothing quarantined, nothing taken back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from bridge.domain import instruments
from bridge.domain.codes import ATTENDANCE, Attendance
from bridge.domain.instruments import Instrument
from bridge.domain.outcome import CONTACTS, STANDINGS, Outcome, OutcomeKind, ScoreForm
from bridge.domain.systems import LOINC, SNOMED

_COUNTED = {
    OutcomeKind.ATTENDED: Attendance.ATTENDED,
    OutcomeKind.NOT_ATTENDED: Attendance.NOT_ATTENDED,
    OutcomeKind.CONTACT_CANCELLED: Attendance.CANCELLED,
    OutcomeKind.BOOKED: Attendance.FUTURE,
}
_ENDS = frozenset({OutcomeKind.CLOSED, OutcomeKind.REJECTED, OutcomeKind.FAILED, OutcomeKind.CANCELLED})
_STARTS = frozenset({OutcomeKind.ACCEPTED, OutcomeKind.IN_PROGRESS, OutcomeKind.ATTENDED})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Said:
    """One thing in the service's words; `on` is a FHIR date or dateTime, `detail` a word of DETAILS."""

    on: str
    words: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Standing:
    """Where the referral stood at its service, and why if that was said."""

    kind: OutcomeKind
    on: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Score:
    """One score as it was sent; `metric` is its transformed form where there is one."""

    on: str
    value: str
    metric: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Scores:
    """The first and the last score of one questionnaire; `last` is None while there is one only."""

    instrument: Instrument
    first: Score
    last: Score | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """How many contacts became what; `planned` is the N of "session n of N", 0 when nobody said."""

    attended: int = 0
    not_attended: int = 0
    cancelled: int = 0
    ahead: int = 0
    planned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Episode:
    """The facts, each list oldest first."""

    standings: tuple[Standing, ...] = ()
    contacts: Contacts = field(default_factory=Contacts)
    scores: tuple[Scores, ...] = ()
    goals: tuple[Said, ...] = ()
    support: tuple[Said, ...] = ()
    onward: tuple[Said, ...] = ()
    signposts: tuple[Said, ...] = ()
    unmet_needs: tuple[Said, ...] = ()
    actions: tuple[Said, ...] = ()
    risks: tuple[Said, ...] = ()
    consent: Said | None = None

    @property
    def started(self) -> Standing | None:
        """When the service took the referral up."""
        return next((s for s in self.standings if s.kind in _STARTS), None)

    @property
    def ended(self) -> Standing | None:
        """How the referral ended, while nothing newer is said."""
        last = self.standings[-1] if self.standings else None
        return last if last and last.kind in _ENDS else None


def episode_of(counting: Iterable[Outcome], standings: Iterable[Outcome] = ()) -> Episode:
    """The facts. `counting` is what counts now; `standings` every version of where the referral stood."""
    told = sorted(counting, key=_when)
    stood = sorted((o for o in standings if o.is_standing), key=lambda o: o.version)
    consents = _said(told, OutcomeKind.CONSENT)
    return Episode(
        standings=tuple(Standing(kind=o.kind, on=o.effective, reason=o.reason) for o in stood),
        contacts=_contacts([*told, *(o for o in stood if o.kind in CONTACTS)]),
        scores=tuple(_scores(told)),
        goals=_said(told, OutcomeKind.GOAL),
        support=_said(told, OutcomeKind.SUPPORT),
        onward=_said(told, OutcomeKind.ONWARD),
        signposts=_said(told, OutcomeKind.SIGNPOST),
        unmet_needs=_said(told, OutcomeKind.UNMET_NEED),
        actions=_said(told, OutcomeKind.ACTION),
        risks=_said(told, OutcomeKind.RISK),
        consent=consents[-1] if consents else None,
    )


def _when(told: Outcome) -> tuple[str, str]:
    return told.effective, told.identifier


def _said(told: Iterable[Outcome], kind: OutcomeKind) -> tuple[Said, ...]:
    return tuple(
        Said(on=o.effective, words=o.words or o.code.text, detail=o.detail) for o in told if o.kind is kind
    )


def _contacts(told: Iterable[Outcome]) -> Contacts:
    """One for each thing that was told of: a Task that tells of a contact time and again counts once."""
    latest = {o.identifier: o for o in told if o.kind in CONTACTS and o.kind not in STANDINGS}
    became = [ATTENDANCE.get(o.attendance, _COUNTED[o.kind]) for o in latest.values()]
    return Contacts(
        attended=became.count(Attendance.ATTENDED),
        not_attended=became.count(Attendance.NOT_ATTENDED),
        cancelled=became.count(Attendance.CANCELLED),
        ahead=became.count(Attendance.FUTURE),
        planned=max((o.sessions for o in latest.values()), default=0),
    )


def _scores(told: Iterable[Outcome]) -> Iterable[Scores]:
    by_name: dict[str, tuple[Instrument, list[Score]]] = {}
    for outcome in told:
        found = instrument_of(outcome) if outcome.kind is OutcomeKind.MEASURE else None
        score = _score(found, outcome) if found else None
        if found and score:
            by_name.setdefault(found.name, (found, []))[1].append(score)
    for instrument, scores in by_name.values():
        yield Scores(instrument=instrument, first=scores[0], last=scores[-1] if len(scores) > 1 else None)


def _score(instrument: Instrument, outcome: Outcome) -> Score | None:
    value = stated(outcome)
    if not value and outcome.answers:
        value = str(instruments.check_items(instrument, outcome.answers))
    if not value:
        return None
    if not instrument.metric:
        return Score(on=outcome.effective, value=value)
    raw = raw_of(value, outcome.form)
    return Score(on=outcome.effective, value=str(raw), metric=instruments.metric_of(raw))


def instrument_of(outcome: Outcome) -> Instrument | None:
    """The questionnaire that its code or its name leads to, or None."""
    for name in (outcome.instrument, outcome.code.code_in(SNOMED), outcome.code.code_in(LOINC)):
        try:
            return instruments.find(name)
        except ValueError:
            continue
    return None


def stated(outcome: Outcome) -> str:
    """The score as it was sent, or ""."""
    value = outcome.value
    if value is None:
        return ""
    return (
        value.quantity if value.quantity is not None else "" if value.integer is None else str(value.integer)
    )


def raw_of(value: str, form: ScoreForm | None) -> int:
    """The raw SWEMWBS score of a checked one, raw or metric: the published table goes both ways."""
    number = Decimal(value)
    metric = form is ScoreForm.METRIC or (form is None and "." in value)
    if not metric:
        return int(number)
    return next(raw for raw, held in instruments.SWEMWBS_METRIC.items() if Decimal(held) == number)
