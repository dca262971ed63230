"""What the outcomes of one referral say together, and which version of a thing counts."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from bridge.domain import chain
from bridge.domain.codes import Mark
from bridge.domain.episode import Contacts, Episode, episode_of
from bridge.domain.instruments import INSTRUMENTS
from bridge.domain.outcome import Outcome, OutcomeKind, ScoreForm, Value
from bridge.domain.referral import Coding, Concept
from bridge.domain.systems import SNOMED

SCORE = Concept(codings=(Coding(system=SNOMED, code="718466001"),))


def told(kind: OutcomeKind, number: int = 1, **changes: Any) -> Outcome:
    """Something a service said of the day of that number."""
    said = Outcome(
        kind=kind,
        identifier=f"thing|{kind}-{number}",
        version=f"2026-03-{number:02}T09:00:00",
        clock=f"2026-03-{number:02}T09:00:00",
        status="final",
        referral_ref="",
        effective=f"2026-03-{number:02}",
    )
    return replace(said, **changes)


def scored(number: int, value: str, **changes: Any) -> Outcome:
    """A SWEMWBS score."""
    return told(OutcomeKind.MEASURE, number, code=SCORE, value=Value(quantity=value), **changes)


def test_nothing_said_is_an_empty_episode() -> None:
    """A letter then says so."""
    assert (episode_of([]).started, episode_of([]).ended) == (None, None)


def test_contacts_are_counted_by_what_became_of_each() -> None:
    """A late arrival that was not seen did not attend; a cancelled contact is neither."""
    said = [
        told(OutcomeKind.ATTENDED, 1, attendance="5", session=1, sessions=10),
        told(OutcomeKind.ATTENDED, 2, attendance="6"),
        told(OutcomeKind.NOT_ATTENDED, 3, attendance="7"),
        told(OutcomeKind.NOT_ATTENDED, 4),
        told(OutcomeKind.CONTACT_CANCELLED, 5, attendance="2"),
        told(OutcomeKind.BOOKED, 6),
    ]

    assert episode_of(said).contacts == Contacts(attended=2, not_attended=2, cancelled=1, ahead=1, planned=10)


def test_the_first_and_the_last_score_stand_side_by_side() -> None:
    """Raw and metric of each; one alone has no last."""
    two = episode_of([scored(9, "24"), scored(1, "16.36"), scored(5, "7.00", form=ScoreForm.METRIC)])
    (scores,) = two.scores
    (alone,) = episode_of([scored(1, "21")]).scores
    assert scores.last is not None

    assert (scores.first.value, scores.first.metric) == ("16", "16.36")
    assert (scores.last.value, scores.last.metric) == ("24", "21.54")
    assert alone.last is None


def test_what_was_said_in_words_keeps_its_order_and_its_kind() -> None:
    """A signpost never stands among the referrals."""
    facts = episode_of(
        [
            told(OutcomeKind.ONWARD, 2, words="Walking group"),
            told(OutcomeKind.SIGNPOST, 1, words="Library"),
            told(OutcomeKind.GOAL, 3, words="Go out once a week", detail="met"),
            told(OutcomeKind.ACTION, 4, words="Review medicines", detail="professional"),
            told(OutcomeKind.SUPPORT, 4, words="Lunch club", detail="did-not-help"),
            told(OutcomeKind.UNMET_NEED, 4, words="Transport"),
            told(OutcomeKind.CONSENT, 5, detail="withdrawn"),
        ]
    )

    assert [s.words for s in facts.onward] == ["Walking group"]
    assert [s.words for s in facts.signposts] == ["Library"]
    assert [(s.words, s.detail) for s in facts.goals + facts.actions + facts.support] == [
        ("Go out once a week", "met"),
        ("Review medicines", "professional"),
        ("Lunch club", "did-not-help"),
    ]
    assert facts.consent is not None
    assert facts.consent.detail == "withdrawn"


def standing(kind: OutcomeKind, day: int, status: str) -> Outcome:
    """A version of the service's Task."""
    return told(kind, day, identifier="Task/1", status=status, reason="moved away")


@pytest.mark.parametrize(("last", "ended"), [(OutcomeKind.CLOSED, True), (OutcomeKind.IN_PROGRESS, False)])
def test_start_and_end_are_read_off_the_line_of_standings(last: OutcomeKind, ended: bool) -> None:  # noqa: FBT001
    """Something newer than an end opens it again."""
    line = [
        standing(OutcomeKind.CLOSED, 7, "completed"),
        standing(OutcomeKind.ACCEPTED, 2, "accepted"),
        standing(last, 9, "completed" if ended else "in-progress"),
    ]
    facts: Episode = episode_of([line[-1]], line)
    assert facts.started is not None

    assert facts.started.on == "2026-03-02"
    assert (facts.ended is not None) == ended


def test_a_task_that_tells_of_a_contact_twice_counts_one() -> None:
    """A change of the Task is not another contact."""
    line = [standing(OutcomeKind.ATTENDED, day, "in-progress") for day in (3, 4)]

    assert episode_of([line[-1]], line).contacts.attended == 1


# Versions


def test_what_counts_does_not_hang_on_the_order_of_arrival() -> None:
    """Final, final again, corrected, entered in error: each beats those before it."""
    line = [
        scored(1, "21", identifier="o", clock="1"),
        scored(1, "22", identifier="o", clock="2"),
        scored(1, "23", identifier="o", clock="0", status="corrected"),
        scored(1, "23", identifier="o", clock="", status="entered-in-error"),
    ]

    for length in range(1, 5):
        assert all(chain.newest(order) is line[length - 1] for order in permutations(line[:length]))


@pytest.mark.parametrize(
    ("clocks", "contradicts"),
    [(("1", "2"), False), (("1", "1"), True), (("", "2"), True), (("", ""), True)],
)
def test_two_that_cannot_be_told_apart_contradict(clocks: tuple[str, str], contradicts: bool) -> None:  # noqa: FBT001
    """Unless one of them corrects the other."""
    one, two = (
        scored(1, "21", identifier="o", version=c + n, clock=c) for c, n in zip(clocks, "ab", strict=True)
    )

    assert chain.contradicts(one, two) == contradicts
    assert not chain.contradicts(one, replace(two, status="corrected"))


def test_no_code_of_less_than_two_sources_stands_in_the_table() -> None:
    """What is not confirmed has none, so it can never be filed."""
    assert {row.mark for row in INSTRUMENTS if row.code} == {Mark.A}
