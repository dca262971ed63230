"""The page of delivery, from bridge.partners.failures and bridge.delivery."""

from collections.abc import Set as AbstractSet
from datetime import timedelta
from enum import StrEnum

from bridge.delivery import breaker
from bridge.delivery.retry import AGAIN, LOOK, PERSON, TABLE, RetryPolicy
from bridge.partners.failures import CLASSES, Asked, Broke, Row
from bridge.partners.operation_outcome import Voice
from docs.pages.markdown import code, sentence, table
from docs.pages.members import words_of

HEAD = """\
# Delivery

What happens when something is sent and the answer is not simply yes.
The class of a failure is decided where it happens, by the first row of the first table that fits.
What follows from a class is the second table.

## From answer to class

"Said" is what the body sounds like and "asked" is what kind of request it was; "any" stands for all of them.

"""
WORDS = {
    AGAIN: "It is tried again: as soon as the partner asked, else after a growing time with chance in it.",
    LOOK: "The partner is asked what it holds, past every cache; what follows depends on what is found.",
    PERSON: "It is parked for a person; nothing more is sent by itself.",
}


def text() -> str:
    """The page."""
    answers = table(("Status", "Said", "Asked", "Class", "Problem code"), map(_row, CLASSES))
    return HEAD + answers + _vocabulary() + _decisions() + _limits()


def _row(row: Row) -> tuple[str, str, str, str, str]:
    name = row.error.__name__ if row.error else "success"
    linked = f"[{code(row.code)}](errors.md#{row.code})" if row.code else ""
    return _statuses(row.statuses), _said(row.said), _members(row.asked, Asked), name, linked


def _statuses(statuses: range | frozenset[int]) -> str:
    if isinstance(statuses, range):
        return "any" if statuses.start == 0 else f"{statuses.start} to {statuses.stop - 1}"
    return ", ".join(map(str, sorted(statuses))) if statuses != {0} else "no answer"


def _said(said: AbstractSet[StrEnum]) -> str:
    if said >= set(Voice):
        return "any"
    return ", ".join(member.value for kind in (Voice, Broke) for member in kind if member in said)


def _members(said: AbstractSet[StrEnum], kind: type[StrEnum]) -> str:
    return "any" if said >= set(kind) else ", ".join(member.value for member in kind if member in said)


def _vocabulary() -> str:
    said = table(("Said", "Means"), (pair for kind in (Voice, Broke) for pair in words_of(kind).items()))
    return said + table(("Asked", "Means"), words_of(Asked).items())


def _decisions() -> str:
    rows = ((error.__name__, sentence(error.__doc__), WORDS[step]) for error, step in TABLE.items())
    return "## From class to what follows\n\n" + table(("Class", "Meaning", "What follows"), rows)


def _limits() -> str:
    policy = RetryPolicy()
    budgets = table(
        ("Priority", "A person is asked after"),
        ((code(name) if name else "not said", _time(budget)) for name, budget in policy.budget.items()),
    )
    first, last = (timedelta(milliseconds=ms) for ms in (breaker.REST_MS, breaker.LONGEST_REST_MS))
    delays = (
        f"Delays grow from {_time(policy.first)} to at most {_time(policy.longest)}, and a look comes after "
        f"{_time(policy.look_after)} at first.\n\n"
        f"A partner is taken out of use for a while after {breaker.FAILURES} failures running, or when "
        f"{breaker.REFUSALS} lanes running are refused for the same reason.\n"
        "Then nothing is parked, because the fault is not the referral's.\n"
        f"Its first rest is {_time(first)}, each further one twice as long, at most {_time(last)}.\n\n"
    )
    return "## How long\n\n" + budgets + delays


def _time(span: timedelta) -> str:
    seconds = span.total_seconds()
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return _counted(seconds / size, unit)
    return _counted(seconds, "second")


def _counted(number: float, unit: str) -> str:
    return f"{number:g} {unit}{'' if number == 1 else 's'}"
