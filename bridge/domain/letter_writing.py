"""From the facts of an episode to the words of a letter.

What was coded, counted or named under a heading of the standard is told. Why a status changed is a link
worker's note and is not; nor is a text longer than the standard allows, because nothing is ever cut.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from bridge.domain.dates import fhir_instant, london_day
from bridge.domain.episode import Episode, Said, Scores, Standing
from bridge.domain.instruments import Direction
from bridge.domain.letter import NO_ACTIONS, NO_RISKS, Letter, LetterKind, Person, Score, Section
from bridge.domain.outcome import OutcomeKind
from bridge.domain.referral import Patient, Referral

LONGEST = 150  # characters of a text: PRSB Social Prescribing Standard v1.1
HELD_BACK = "a longer text, held by the service"
HIGHER, LOWER = "higher is better", "lower is better"

_TITLES = {
    OutcomeKind.CLOSED: "Social prescribing: support has ended",
    OutcomeKind.REJECTED: "Social prescribing: referral not accepted",
    OutcomeKind.FAILED: "Social prescribing: ended without support",
    OutcomeKind.CANCELLED: "Social prescribing: ended by the service",
}
_ENDED = {
    OutcomeKind.CLOSED: "The service closed this referral on {day}.",
    OutcomeKind.REJECTED: "The service did not accept this referral ({day}).",
    OutcomeKind.FAILED: "The service could not give support and ended this referral on {day}.",
    OutcomeKind.CANCELLED: "The service ended this referral on {day} before it was complete.",
}
_TO_DO = {
    OutcomeKind.REJECTED: "Decide with the person what else could help: this service will not see them.",
    OutcomeKind.FAILED: "Decide with the person what else could help: no support was given.",
}
_UNREACHABLE = "Check the person's contact details: the service could not reach them."
_NAMES = {
    "swemwbs": "Short Warwick-Edinburgh Mental Wellbeing Scale (SWEMWBS)",
    "wemwbs": "Warwick-Edinburgh Mental Wellbeing Scale (WEMWBS)",
    "ucla-3": "UCLA three-item loneliness scale",
    "phq-9": "Patient Health Questionnaire (PHQ-9)",
    "gad-7": "Generalised Anxiety Disorder scale (GAD-7)",
    "ons4-life-satisfaction": "ONS4 life satisfaction",
    "ons4-worthwhile": "ONS4 life is worthwhile",
    "ons4-happiness": "ONS4 happiness",
    "ons4-anxiety": "ONS4 anxiety",
    "de-jong-gierveld-6": "De Jong Gierveld loneliness scale (6 items)",
    "de-jong-gierveld-6-emotional": "De Jong Gierveld emotional loneliness",
    "de-jong-gierveld-6-social": "De Jong Gierveld social loneliness",
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_GOALS = {"set": "set", "met": "met", "partly-met": "partly met", "not-met": "not met", "dropped": "dropped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who writes to whom, by name and ODS code."""

    practice: str
    practice_ods: str
    service: str
    service_ods: str
    telephone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Which version of a letter, written when; `corrects` is the day of the one it replaces, if any."""

    version: int
    today: date
    corrects: str = ""
    again: bool = False  # the referral had been closed before


def write(
    kind: LetterKind,
    referral_id: str,
    referral: Referral,
    episode: Episode,
    parties: Parties,
    edition: Edition,
) -> Letter:
    """The letter of that kind as things stand."""
    closing = kind is LetterKind.CLOSURE
    end = episode.ended if closing else None
    scores = tuple(_score(each, latest=closing) for each in episode.scores)
    return Letter(
        kind=kind,
        title=_TITLES[end.kind] if end else "Social prescribing: support has started",
        version=edition.version,
        written_on=edition.today.isoformat(),
        person=person_of(referral.patient),
        practice=parties.practice,
        practice_ods=parties.practice_ods,
        service=parties.service,
        service_ods=parties.service_ods,
        telephone=parties.telephone,
        referral_id=referral_id,
        referred_on=day_of(referral.authored_on),
        referred_by=referral.author.name or referral.practice.name or parties.practice,
        actions=tuple(_actions(episode, end, edition.corrects)) or (NO_ACTIONS,),
        own_actions=tuple(_asked_of(episode, "person")) or (NO_ACTIONS,),
        summary=tuple(_summary(episode, end, again=edition.again)),
        scores=scores,
        sections=tuple(_sections(episode, scores, closing=closing)),
        corrects=edition.corrects,
    )


def person_of(patient: Patient) -> Person:
    """Whom a letter is about."""
    return Person(
        given=patient.given,
        family=patient.family,
        birth_date=patient.birth_date,
        nhs_number=patient.nhs_number.digits if patient.nhs_number else "",
        gender=patient.gender,
        number_status=patient.nhs_number_status,
    )


def _actions(episode: Episode, end: Standing | None, corrects: str) -> Iterable[str]:
    if corrects:
        yield _correction(corrects)
    yield from _asked_of(episode, "professional")
    if end is None or end.kind is OutcomeKind.CLOSED:
        return
    if end.kind in _TO_DO:
        yield _TO_DO[end.kind]
    if any(standing.kind is OutcomeKind.UNREACHABLE for standing in episode.standings):
        yield _UNREACHABLE


def _correction(corrects: str) -> str:
    return f"Put this letter in the place of the one of {words_of_day(corrects)}."


def without_correction(letter: Letter) -> tuple[str, ...]:
    """The actions for professionals of a letter, but for the one that it is a correction for."""
    added = _correction(letter.corrects)
    return tuple(action for action in letter.actions if action != added) or (NO_ACTIONS,)


def _asked_of(episode: Episode, whom: str) -> Iterable[str]:
    return (f"{_told(action)}." for action in episode.actions if action.detail == whom)


def _summary(episode: Episode, end: Standing | None, *, again: bool) -> Iterable[str]:
    if again:
        yield "This referral was opened again after it had been closed."
    if episode.started is not None:
        yield f"The service took this referral up on {words_of_day(day_of(episode.started.on))}."
    if end is None:
        return
    yield _ENDED[end.kind].format(day=words_of_day(day_of(end.on)))
    contacts = episode.contacts
    planned = f" of {contacts.planned} planned" if contacts.planned else ""
    yield f"Sessions attended: {contacts.attended}{planned}. Not attended: {contacts.not_attended}."


def _score(scores: Scores, *, latest: bool) -> Score:
    last = scores.last if latest else None
    return Score(
        name=_NAMES.get(scores.instrument.name, scores.instrument.name),
        first=scores.first.value,
        first_metric=scores.first.metric,
        first_on=day_of(scores.first.on),
        latest=last.value if last else "",
        latest_metric=last.metric if last else "",
        latest_on=day_of(last.on) if last else "",
        better=HIGHER if scores.instrument.direction is Direction.HIGH_IS_BETTER else LOWER,
    )


def _sections(episode: Episode, scores: Iterable[Score], *, closing: bool) -> Iterable[Section]:
    yield Section(heading="Risks", lines=tuple(map(_risk, episode.risks)) or (NO_RISKS,))
    if not closing:
        return
    goals = tuple(f"{_told(goal)}: {_GOALS.get(goal.detail, 'no result given')}." for goal in episode.goals)
    yield Section(heading="Goals", lines=goals or ("None were reported.",))
    yield Section(heading="What helped", lines=_support(episode, "helped") or ("Nothing was reported.",))
    failed = (*_support(episode, "did-not-help"), *_no_better(episode, scores))
    yield Section(heading="What did not help", lines=failed or ("Nothing was reported.",))
    yield Section(heading="Onward referrals", lines=_listed(episode.onward) or ("None.",))
    yield Section(heading="Signposts", lines=_listed(episode.signposts) or ("None.",))
    if episode.unmet_needs:
        yield Section(heading="Needs that no service was found for", lines=_listed(episode.unmet_needs))


def _risk(risk: Said) -> str:
    what = "A safeguarding concern" if risk.detail == "safeguarding" else "A risk"
    return f"{what} was raised on {words_of_day(day_of(risk.on))}; the named risk contact was told."


def _support(episode: Episode, how: str) -> tuple[str, ...]:
    return tuple(f"{_told(tried)}." for tried in episode.support if tried.detail == how)


def _no_better(episode: Episode, scores: Iterable[Score]) -> Iterable[str]:
    if episode.contacts.not_attended:
        yield f"Sessions not attended: {episode.contacts.not_attended}."
    for score in scores:
        verdict = _verdict(score)
        if verdict:
            yield f"{score.name}: {verdict} ({score.first} to {score.latest})."


def _verdict(score: Score) -> str:
    """How a score failed to improve; "" when it improved or there is only one."""
    if not score.latest:
        return ""
    before, after = float(score.first), float(score.latest)
    if before == after:
        return "no change"
    return "" if (after > before) == (score.better == HIGHER) else "worse"


def _listed(said: Iterable[Said]) -> tuple[str, ...]:
    return tuple(f"{_told(each)} ({words_of_day(day_of(each.on))})." for each in said)


def _told(said: Said) -> str:
    """The service's words, where the standard has room for them."""
    words = said.words.strip().rstrip(".")
    return (words if len(words) <= LONGEST else HELD_BACK) or "not named"


def day_of(when: str) -> str:
    """The calendar day of a FHIR date or dateTime, in London where it has a time."""
    try:
        return london_day(fhir_instant(when)).isoformat()
    except ValueError:
        return when[:10]


def words_of_day(day: str) -> str:
    """`2026-03-02` as `2 March 2026`; a month or a year alone stays that; "" is a day not given."""
    year, _, rest = day.partition("-")
    month, _, number = rest.partition("-")
    words = [number.lstrip("0"), _MONTHS[int(month) - 1] if month else "", year]
    return " ".join(word for word in words if word) or "a day not given"
