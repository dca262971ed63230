"""What delivery needs of a partner; `partners/` has one file per counterpart."""

from datetime import timedelta
from typing import Protocol

from bridge.domain.delivery import Delivery, Effect, Receipt


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
