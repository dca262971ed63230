"""Versions of one thing a service said, as they are kept: which repeats, which counts, which contradicts."""

from collections.abc import Iterable
from dataclasses import replace

from bridge.domain import chain
from bridge.domain.journey import OUTCOME_MOVES, OutcomeState, OutcomeStep, move
from bridge.domain.outcome import Outcome
from bridge.domain.paring import is_pared
from bridge.domain.validation import same_content
from bridge.store import documents, outcomes
from bridge.store.outcomes import COUNTING, UNCOUNTED, Told
from bridge.store.unit import Tx

_MARK = "~"  # before what tells two versions of one name apart


def repeated(same: Iterable[Told], outcome: Outcome) -> str:
    """Our id of the version that says the same; "" when it is news.

    Without a clock of the sender, what repeats the newest version is no news. Where the content is gone the
    name of the version has to do.
    """
    known = list(same)
    for held in known:
        named_alike = held.outcome.version.partition(_MARK)[0] == outcome.version
        if named_alike and (is_pared(held.outcome) or same_content(held.outcome, outcome)):
            return held.id
    last = max(known, key=lambda held: chain.rank(held.outcome), default=None)
    clockless = last is not None and not outcome.clock and same_content(last.outcome, outcome)
    return last.id if last is not None and clockless else ""


def distinct(tx: Tx, same: Iterable[Told], outcome: Outcome) -> Outcome:
    """The outcome under a version of its own, where another was sent under the same."""
    if all(held.outcome.version != outcome.version for held in same):
        return outcome
    said = documents.outcome.dump_json(replace(outcome, position="", issued=None)).decode()
    return replace(outcome, version=f"{outcome.version}{_MARK}{tx.sealer.index('version', said)[:12]}")


def placed(tx: Tx, told: Told, same: Iterable[Told], *, quarantined: bool) -> Told:
    """Keep a new version and let it count for what it is."""
    others = [held for held in same if held.state not in UNCOUNTED]
    step = OutcomeStep.QUARANTINE if quarantined else _step(told, others)
    if step in (OutcomeStep.TAKE, OutcomeStep.WITHDRAW):
        _overtake(tx, others)
    kept = replace(told, state=move(OUTCOME_MOVES, OutcomeState.RECEIVED, step))
    outcomes.add(tx, kept)
    return kept


def _step(told: Told, others: list[Told]) -> OutcomeStep:
    outcome = told.outcome
    if any(_contradicts(outcome, held.outcome) for held in others):
        return OutcomeStep.CONTRADICT
    if chain.newest([outcome, *(held.outcome for held in others)]) is not outcome:
        return OutcomeStep.OVERTAKE
    return OutcomeStep.WITHDRAW if outcome.is_withdrawn else OutcomeStep.TAKE


def _contradicts(told: Outcome, other: Outcome) -> bool:
    if _MARK in told.version and told.version.partition(_MARK)[0] == other.version.partition(_MARK)[0]:
        return True
    return not told.is_standing and chain.contradicts(told, other) and not same_content(told, other)


def released(tx: Tx, told: Told, known: Iterable[Told]) -> Told:
    """A person says that this version counts: the others of the same thing do not, unless one is later."""
    same = [k for k in known if k.outcome.identifier == told.outcome.identifier and k.id != told.id]
    if any(held.state in COUNTING and _is_later(held.outcome, told.outcome) for held in same):
        outcomes.step(tx, told, OutcomeStep.OVERTAKE)
        return replace(told, state=OutcomeState.SUPERSEDED)
    _overtake(tx, [held for held in same if held.state is not OutcomeState.QUARANTINED])
    outcomes.step(tx, told, OutcomeStep.RELEASE)
    return replace(told, state=OutcomeState.CURRENT)


def _is_later(other: Outcome, told: Outcome) -> bool:
    return chain.rank(other) > chain.rank(told) and not chain.contradicts(told, other)


def _overtake(tx: Tx, others: Iterable[Told]) -> None:
    for held in others:
        if held.state is not OutcomeState.SUPERSEDED:
            outcomes.step(tx, held, OutcomeStep.OVERTAKE)


def newest(known: Iterable[Told], told: Told) -> Told:
    """The version that counts of the same thing, `told` as it is now."""
    if told.state is OutcomeState.CURRENT:
        return told
    others = (k for k in known if k.outcome.identifier == told.outcome.identifier and k.id != told.id)
    return next((k for k in others if k.state in COUNTING), told)
