"""A small history to purge: a message, what it said, its referral and what was sent."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from bridge.delivery import outbox
from bridge.domain.delivery import Delivery, Receipt
from bridge.domain.journey import DeliveryStep, EventState, ReferralStep
from bridge.domain.outcome import Outcome, OutcomeKind, Value
from bridge.domain.referral import EventKind, Referral, ReferralEvent
from bridge.store import Store, claims, keys, messages, outcomes, referrals
from bridge.store.keys import Key
from bridge.store.messages import EventRow, Message
from bridge.store.outcomes import Told
from bridge.store.referrals import Opening
from bridge.store.unit import Tx
from tests.conftest import a_referral
from tests.contracts.test_lanes import TRIED, an_order, opened

DAY = 86_400


def a_message(n: int, **changes: Any) -> Message:
    """A message with a body."""
    values: dict[str, Any] = {
        "id": f"message-{n}",
        "source": "test",
        "door": "http",
        "caller": "gp",
        "media_type": "application/json",
        "content": b"{}",
        "size": 2,
        "practice": "A99999",
    }
    return Message(**(values | changes))


def an_event(message: str, state: EventState, n: int = 0, **changes: Any) -> EventRow:
    """One thing a message said."""
    values: dict[str, Any] = {
        "id": str(uuid4()),
        "message_id": message,
        "n": n,
        "position": "",
        "kind": "referred",
        "state": state,
        "source": "test",
        "practice": "A99999",
    }
    return EventRow(**(values | changes))


def said(record: Referral) -> ReferralEvent:
    """The canonical event of a referral."""
    return ReferralEvent(kind=EventKind.REFERRED, key=record.key, clock="1", content="c", referral=record)


async def refer(store: Store, n: int = 1, **record: Any) -> str:
    """Message n refers person n: an applied event, an open referral, a delivery that waits; its id."""
    told = replace(a_referral(n), **record)
    referral_id = str(told.key.id)
    event = an_event(f"message-{n}", EventState.APPLIED, referral_id=referral_id, key_id=referral_id)
    opening = Opening(
        id=referral_id, scheme="s", practice="A99999", service="sp",
        shadow=False, patient=f"p{n}", local=f"l{n}", mapping="test@1", correlation_id="c",
    )  # fmt: skip

    def work(tx: Tx) -> None:
        messages.keep(tx, a_message(n))
        referrals.add(tx, opening, told)
        messages.add_event(tx, event)
        key = Key(
            id=referral_id,
            referral_id=referral_id,
            clock="1",
            content="c",
            kind="referred",
            event_id=event.id,
        )
        keys.put_key(tx, key)
        outbox.enqueue(tx, an_order(referral_id, f"p{n}", cause=event.id))

    await store.run(work)
    return referral_id


async def deliver(store: Store) -> list[Delivery]:
    """Send all that is due, one after the other."""
    sent: list[Delivery] = []
    while claimed := await store.run(lambda tx: claims.claim(tx, "sp", limit=50, lease_ms=60_000)):
        for each in claimed:
            delivery = opened(store, each)
            await store.run(
                lambda tx, d=delivery: claims.settle(tx, d, DeliveryStep.ACCEPT, Receipt(), TRIED)
            )
            sent.append(delivery)
    return sent


async def complete(store: Store, referral_id: str) -> None:
    """The service closes it with a score."""
    outcome = Outcome(
        kind=OutcomeKind.CLOSED, identifier="sys|1", version="1", status="final", referral_ref="r",
        value=Value(text="better"), performer="link worker",
    )  # fmt: skip

    def work(tx: Tx) -> None:
        stored = referrals.get(tx, referral_id)
        assert stored is not None
        referrals.step(tx, stored, ReferralStep.COMPLETE)
        told = Told(id=f"o-{referral_id[:30]}", referral_id=referral_id, message_id="m", outcome=outcome)
        outcomes.add(tx, told)

    await store.run(work)
