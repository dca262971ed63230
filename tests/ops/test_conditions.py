"""What is told of a condition: its start, its end, and nothing in between."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, lists

from bridge.ops.checks import Check, Status
from bridge.ops.conditions import Condition, Notice, changed, kept, loudest, opened

AFTER = 60_000
STEP = 10_000


def a_check(name: str = "source:heard", code: str = "source-silent", **changes: Any) -> Check:
    """A check that warns."""
    values: dict[str, Any] = {"name": name, "of": "emis", "status": Status.WARN, "code": code}
    return Check(**(values | changes))


def told(*looks: list[Check]) -> list[tuple[int, Notice]]:
    """What is told by a look each ten seconds, with the number of the look."""
    book: dict[str, Condition] = {}
    found = []
    for n, checks in enumerate(looks):
        book, notices = changed(book, checks, at=n * STEP, after_ms=AFTER, scope="n1")
        found += [(n, notice) for notice in notices]
    return found


def test_what_lasts_is_told_once_and_so_is_its_end() -> None:
    """Both under one id, so that whoever receives them can join them."""
    found = told(*[[a_check()]] * 20, *[[]] * 20)

    assert [(n, notice.cleared) for n, notice in found] == [(6, False), (26, True)]
    assert len({notice.id for _, notice in found}) == 1
    assert (found[1][1].since, found[1][1].at) == (0, 20 * STEP)


def test_what_comes_and_goes_is_not_told() -> None:
    """A hiccup is nobody's business at night."""
    assert told(*([[a_check()]] * 3 + [[]]) * 10) == []


def test_what_comes_back_soon_was_never_over() -> None:
    """It is still the same condition, told once."""
    assert [n for n, _ in told(*[[a_check()]] * 8, *([[], [], [a_check()]] * 10))] == [6]


def test_what_fails_is_told_at_once() -> None:
    """The node does not do its work while somebody waits for a minute to pass."""
    failing = a_check("disk:free", "disk-nearly-full", status=Status.FAIL)

    assert [(n, notice.severity) for n, notice in told([failing], [failing])] == [(0, "fail")]


def test_what_gets_worse_is_told_again_and_what_gets_better_is_not() -> None:
    """A disk that was filling and is full is news; that it is only filling again is not its end."""
    filling = a_check("disk:free", "disk-filling")
    full = a_check("disk:free", "disk-nearly-full", status=Status.FAIL)
    found = told(*[[filling]] * 8, [full], [full], *[[filling]] * 8, *[[]] * 8)

    assert [(n, notice.code, notice.cleared) for n, notice in found] == [
        (6, "disk-filling", False),
        (8, "disk-nearly-full", False),
        (24, "disk-filling", True),
    ]


def test_every_further_parked_cancel_is_told_at_once() -> None:
    """Each of them is another person who may be contacted."""
    looks = [[a_check("parked:cancels", "cancel-waiting", value=n)] for n in (1, 1, 2, 2, 1, 2)]
    found = told(*looks, *[[]] * 8)

    assert [(n, notice.count, notice.cleared) for n, notice in found] == [
        (0, 1, False),
        (2, 2, False),
        (5, 2, False),
        (12, 2, True),
    ]
    assert {notice.severity for _, notice in found} == {"critical"}


def test_a_parked_cancel_comes_first() -> None:
    """Before what fails, and before what is over."""
    checks = [
        a_check("disk:free", "disk-nearly-full", status=Status.FAIL),
        a_check("parked:cancels", "cancel-waiting", value=1),
    ]
    _, notices = changed({}, checks, at=0, after_ms=0, scope="n1")

    assert [notice.code for notice in loudest(notices)] == ["cancel-waiting", "disk-nearly-full"]


def test_a_breaker_that_knows_nothing_yet_ends_nothing() -> None:
    """A node that has just started has not asked its partner; nothing is over before an answer."""
    open_ = a_check("partner:breaker", "partner-away", value="open", since=1)
    fresh = a_check("partner:breaker", "", status=Status.PASS, value="closed")
    proven = a_check("partner:breaker", "", status=Status.PASS, value="closed", since=9)
    found = told(*[[open_]] * 8, *[[fresh]] * 20, *[[proven]] * 8)

    assert [(n, notice.cleared) for n, notice in found] == [(6, False), (34, True)]


def test_a_book_is_the_same_when_it_was_kept() -> None:
    """A restart repeats nothing and forgets nothing."""
    book, notices = changed({}, [a_check()], at=0, after_ms=0, scope="n1")
    owed = [("mail", notices[0])]

    assert opened(kept(book, owed)) == (book, owed)
    assert opened(None) == ({}, [])


@given(lists(booleans(), max_size=80))
def test_starts_and_ends_take_turns(seen: list[bool]) -> None:
    """Whatever happens in between, nobody hears of two starts, or of an end without a start."""
    found = [notice.cleared for _, notice in told(*[[a_check()] * there for there in seen])]

    assert found == [bool(n % 2) for n in range(len(found))]


@pytest.mark.parametrize("scope", ["n1", "n2"])
def test_two_nodes_tell_of_two_conditions(scope: str) -> None:
    """The disk of one is not the disk of the other."""
    _, here = changed({}, [a_check()], at=0, after_ms=0, scope=scope)
    _, there = changed({}, [a_check()], at=0, after_ms=0, scope="n3")

    assert here[0].id != there[0].id
