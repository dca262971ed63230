"""What delivery needs of others: of a partner (`partners/` has one file for each), and of the pipeline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from bridge.domain.delivery import Delivery, Effect, Receipt
from bridge.domain.journey import DeliveryState
from bridge.store.claims import Claimed
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLook:
    """What is known at send time: send, withhold for good, park, or hold for `wait`; and how old that is."""

    withhold: str = ""  # a problem code: never send
    park: str = ""  # a problem code: a person decides
    wait: timedelta | None = None  # try again later
    code: str = ""
    known_at: int | None = None


Looker = Callable[[Tx, Sequence[Claimed]], dict[str, LastLook]]
Settled = Callable[[Tx, Delivery, DeliveryState, Receipt], None]


class Partner(Protocol):
    """A system we send to. Every method raises `DeliveryError`s and nothing else."""

    name: str
    effect: Effect
    longest_attempt: timedelta  # prepare, look and send together; a lease is more than twice as long

    async def prepare(self, delivery: Delivery) -> bytes:
        """The bytes to send, with what only the partner knows filled in (ids, subject).

        Called once, before the bytes are frozen; it may read from the partner, never write.
        """
        ...

    async def send(self, delivery: Delivery) -> Receipt:
        """One attempt with the frozen bytes and request id."""
        ...

    async def look(self, delivery: Delivery) -> Receipt | None:
        """Whether an earlier attempt arrived: its receipt, or None when it surely did not."""
        ...
