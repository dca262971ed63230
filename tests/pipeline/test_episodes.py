"""Which of several tellings of one episode speaks for it, on both databases."""

from sqlalchemy import select

from bridge.domain.journey import EventState
from bridge.pipeline.context import Context
from bridge.store import Store
from bridge.store.tables import delivery
from tests.conftest import a_patient
from tests.pipeline.desk import PRACTICES, a_context, an_event, tell

PERSON = a_patient(1)


async def queued(store: Store) -> list[str]:
    """The kinds of all deliveries that wait."""
    return list(await store.read(lambda tx: list(tx.run(select(delivery.c.kind)).scalars())))


def in_mode(mode: str) -> Context:
    """The rules with every practice in that mode."""
    practices = [{"ods": ods, "mode": mode, "live_from": "2020-01-01"} for ods in PRACTICES]
    return a_context(practices=practices)


async def test_what_was_computed_in_shadow_keeps_no_later_referral_from_the_service(store: Store) -> None:
    """It was never sent and nobody at a service will ever close it."""
    await tell(store, an_event(n=1), in_mode("shadow"))
    became = await tell(store, an_event(n=2, patient=PERSON), in_mode("live"))

    assert (became.state, became.code) == (EventState.APPLIED, "")
    assert await queued(store) == ["create"]


async def test_a_referral_of_the_live_days_is_joined_in_shadow_too(store: Store) -> None:
    """The practice went back for a while: the service has it."""
    await tell(store, an_event(n=1), in_mode("live"))
    became = await tell(store, an_event(n=2, patient=PERSON), in_mode("shadow"))

    assert became.state is EventState.ATTACHED
