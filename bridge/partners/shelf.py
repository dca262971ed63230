"""The shelf of a service without a FHIR server: what is put on it is there for the service to collect.

The shelf is our own store, so nothing can be lost between asking and answering: a referral is on it when its
delivery is settled, and the service reads it as it is then.
"""

from datetime import timedelta

from bridge.domain.delivery import Delivery, Effect, Receipt

SHELVED = "queued"


class Shelf:
    """The shelf of one service."""

    effect = Effect.EXACTLY_ONE
    longest_attempt = timedelta(seconds=5)

    def __init__(self, name: str) -> None:
        self.name = name

    async def prepare(self, delivery: Delivery) -> bytes:
        """The body as it is."""
        return delivery.body

    async def send(self, delivery: Delivery) -> Receipt:
        """It is on the shelf by the commit that settles it."""
        held = delivery.referral_id
        return Receipt(reference=f"ServiceRequest/{held}", subject=f"Patient/{held}", level=SHELVED)

    async def look(self, delivery: Delivery) -> Receipt | None:
        """The same: there is no other place to look."""
        return await self.send(delivery)
