"""What is asked for news and does not answer is told of, when it is no hiccup."""

from datetime import timedelta

import pytest

from bridge.ops.polls import Polls

EVERY = timedelta(minutes=1)
MINUTE = 60_000


@pytest.mark.parametrize(("minutes", "failing"), [(0, False), (1, False), (2, True), (9, True)])
def test_three_polls_in_a_row_are_no_hiccup(minutes: int, *, failing: bool) -> None:
    """The first is at the beginning, the third two turns later."""
    polls = Polls()
    polls.hears_of("prescribing", EVERY)
    for minute in range(minutes + 1):
        polls.told("prescribing", "partner-failed", now=lambda minute=minute: minute * MINUTE)

    assert polls.known["prescribing"].is_failing(minutes * MINUTE) is failing


def test_an_answer_ends_it_and_the_next_failure_begins_anew() -> None:
    """What was is forgotten."""
    polls = Polls()
    told = polls.hears_of("mesh", EVERY)
    polls.told("mesh", "partner-failed", now=lambda: 0)
    told("")
    polls.told("mesh", "partner-late", now=lambda: 9 * MINUTE)

    assert not polls.known["mesh"].is_failing(10 * MINUTE)
    assert (polls.known["mesh"].code, polls.known["mesh"].since) == ("partner-late", 9 * MINUTE)
