"""The list of a practice that no system reaches: a letter is delivered when it stands there.

It is our own, so nothing can be lost between asking and answering: what is put on it twice stands there once.
"""

from datetime import timedelta

from bridge.domain.delivery import Delivery, Effect, Receipt

LISTED = "listed"


class Worklist:
    """One route of letters to the practices' own lists."""

    effect = Effect.EXACTLY_ONE
    longest_attempt = timedelta(seconds=5)

    def __init__(self, name: str) -> None:
        self.name = name

    async def prepare(self, delivery: Delivery) -> bytes:
        """The letter as it is."""
        return delivery.body

    async def send(self, delivery: Delivery) -> Receipt:  # noqa: ARG002 - the settle itself lists it
        """It is listed by the commit that settles it."""
        return Receipt(level=LISTED)

    async def look(self, delivery: Delivery) -> Receipt | None:
        """The same: there is no other place to look."""
        return await self.send(delivery)
