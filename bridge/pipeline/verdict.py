"""What a door asks of the pipeline beside keeping a message, and what it is told of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bridge.domain.journey import EventState
from bridge.errors import Problem
from bridge.store.replays import CONFLICTS
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """One event of a message and what became of it."""

    event_id: str
    position: str
    kind: str
    state: EventState
    code: str
    referral_id: str | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    key_id: str = ""  # the id its referral has or would have; of an outcome, our id of it
    opened: bool = False  # it is the one that made the referral
    unmapped: int = 0  # source fields that held something and went nowhere
    practice: str = ""
    unmapped_codes: int = 0  # that mean nothing here

    @property
    def conflict(self) -> bool:
        """Same key as before, and nobody can tell which of the two is meant."""
        return self.state is EventState.PARKED and self.code in CONFLICTS

    @property
    def failed(self) -> bool:
        """The sender has to hear of it as a failure: nothing came of it, or the sender must mend it."""
        nothing = self.state is EventState.DUPLICATE and self.referral_id is None and not self.held
        return self.state in (EventState.REFUSED, EventState.NOT_SENT) or self.conflict or nothing

    @property
    def held(self) -> bool:
        """A repeat of what a person has still to look at."""
        return self.state is EventState.DUPLICATE and self.code == "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to a message: what became of each thing it said."""

    message_id: str
    events: tuple[Became, ...]

    @property
    def refused(self) -> bool:
        """Nothing of it could be used and the sender must mend it."""
        return bool(self.events) and all(e.state is EventState.REFUSED for e in self.events)

    @property
    def failed(self) -> bool:
        """Something of it the sender has to hear of as a failure."""
        return any(e.failed for e in self.events)

    @property
    def conflict(self) -> bool:
        """Same key and version as before, other content."""
        return any(e.conflict for e in self.events)

    @property
    def duplicate(self) -> bool:
        """Everything it says was said before."""
        return bool(self.events) and all(e.state is EventState.DUPLICATE for e in self.events)


Also: TypeAlias = Callable[[Tx, Verdict], None]


def nothing_more(_tx: Tx, _verdict: Verdict) -> None:
    """What most doors have to do beside keeping a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a door asks for beside keeping a message.

    `allowed`: the practices the sender speaks for; None for a door that is bound by where it stands.
    `whole`: one event that fails takes the others with it, and the message is kept as refused.
    `only_new`: positions whose key, where it is known already, is a repeat whatever else they say.
    `replayed`: the message was told before, and a person has it told again.
    `also`: done with the verdict in the same commit; may run again, so it is a function of what it is given.
    """

    allowed: frozenset[str] | None = None
    whole: bool = False
    only_new: frozenset[str] = frozenset()
    replayed: bool = False
    also: Also = nothing_more


UNBOUND = Terms()
