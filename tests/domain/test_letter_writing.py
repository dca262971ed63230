"""The words of a letter: what is told, what never is, and what is written out."""

from datetime import date
from typing import Any

import pytest

from bridge.domain import letter_writing
from bridge.domain.episode import Contacts, Episode, Said, Score, Scores, Standing
from bridge.domain.instruments import find
from bridge.domain.letter import NO_ACTIONS, NO_RISKS, Letter, LetterKind
from bridge.domain.letter_writing import HELD_BACK, Edition, Parties
from bridge.domain.outcome import OutcomeKind
from tests.conftest import a_referral

PARTIES = Parties(
    practice="Test Surgery",
    practice_ods="A99999",
    service="Example Service",
    service_ods="Z9999",
    telephone="01632 960123",
)
ACCEPTED = Standing(kind=OutcomeKind.ACCEPTED, on="2026-03-05T09:00:00Z")


def a_letter(kind: LetterKind = LetterKind.CLOSURE, **facts: Any) -> Letter:
    """The letter of an episode with these facts, closed unless they say otherwise."""
    standings = facts.pop("standings", (ACCEPTED, Standing(kind=OutcomeKind.CLOSED, on="2026-05-21")))
    episode = Episode(standings=standings, **facts)
    edition = Edition(version=1, today=date(2026, 5, 22))
    return letter_writing.write(kind, "r-1", a_referral(), episode, PARTIES, edition)


def lines(letter: Letter, heading: str) -> tuple[str, ...]:
    """What stands under a heading."""
    return next(section.lines for section in letter.sections if section.heading == heading)


def test_nothing_to_do_is_written_out() -> None:
    """A blank could mean that somebody forgot (PRSB, message back to GP and referrer)."""
    letter = a_letter()

    assert (letter.actions, letter.own_actions) == ((NO_ACTIONS,), (NO_ACTIONS,))
    assert lines(letter, "Risks") == (NO_RISKS,)
    assert all(section.lines for section in letter.sections)


def test_actions_go_to_whom_they_are_for() -> None:
    """A practice sees at once what is its own to do."""
    letter = a_letter(
        actions=(
            Said(on="2026-05-01", words="Review pain medicine", detail="professional"),
            Said(on="2026-05-01", words="Keep going to the walking group", detail="person"),
        )
    )

    assert letter.actions == ("Review pain medicine.",)
    assert letter.own_actions == ("Keep going to the walking group.",)


def test_first_and_last_score_are_told_and_one_that_got_worse_did_not_help() -> None:
    """Both directions are read by their own instrument."""
    anxious = Scores(
        instrument=find("gad-7"),
        first=Score(on="2026-03-12", value="12"),
        last=Score(on="2026-05-20", value="13"),
    )
    well = Scores(
        instrument=find("swemwbs"),
        first=Score(on="2026-03-12", value="19", metric="17.98"),
        last=Score(on="2026-05-20", value="24", metric="22.35"),
    )
    letter = a_letter(scores=(anxious, well), contacts=Contacts(attended=9, not_attended=1))

    assert [(s.first, s.latest, s.latest_metric) for s in letter.scores] == [
        ("12", "13", ""),
        ("19", "24", "22.35"),
    ]
    assert lines(letter, "What did not help") == (
        "Sessions not attended: 1.",
        "Generalised Anxiety Disorder scale (GAD-7): worse (12 to 13).",
    )


def test_a_start_letter_holds_the_first_score_only() -> None:
    """What comes later belongs into the closure letter."""
    well = Scores(
        instrument=find("wemwbs"),
        first=Score(on="2026-03-12", value="40"),
        last=Score(on="2026-04-12", value="44"),
    )
    letter = a_letter(LetterKind.START, standings=(ACCEPTED,), scores=(well,))

    assert [(s.first, s.latest) for s in letter.scores] == [("40", "")]
    assert letter.title == "Social prescribing: support has started"


def test_why_a_status_changed_is_never_told() -> None:
    """It is a link worker's note, and may name anybody."""
    letter = a_letter(
        standings=(Standing(kind=OutcomeKind.REJECTED, on="2026-03-06", reason="Her son Tom Secret says no"),)
    )

    assert "Secret" not in repr([getattr(letter, name) for name in Letter.__slots__])


def test_a_text_that_is_too_long_for_the_standard_stays_with_the_service() -> None:
    """Nothing is cut; the letter says that there is more."""
    letter = a_letter(onward=(Said(on="2026-04-01", words="x" * 151),))

    assert lines(letter, "Onward referrals") == (f"{HELD_BACK} (1 April 2026).",)


def test_a_risk_is_told_without_its_words() -> None:
    """What it was went to the risk contact; the letter says that it was raised."""
    letter = a_letter(risks=(Said(on="2026-04-01", words="says too much", detail="safeguarding"),))

    assert "says too much" not in lines(letter, "Risks")[0]
    assert lines(letter, "Risks")[0].startswith("A safeguarding concern was raised on 1 April 2026")


@pytest.mark.parametrize(
    ("day", "words"),
    [("2026-03-02", "2 March 2026"), ("2026-12", "December 2026"), ("2026", "2026"), ("", "a day not given")],
)
def test_a_partial_day_stays_partial(day: str, words: str) -> None:
    """Nothing is invented."""
    assert letter_writing.words_of_day(day) == words


def test_a_day_is_that_of_london() -> None:
    """Half past eleven at night in summer is already the next day in UTC's west, and here."""
    assert letter_writing.day_of("2026-06-30T23:30:00Z") == "2026-07-01"
