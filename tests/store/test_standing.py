"""How things stand: what is counted, and that counting never reads a whole table."""

from typing import Any

import pytest
from sqlalchemy import TextClause, text

from bridge.domain.delivery import Kind
from bridge.pipeline.forward import HELD_BACK
from bridge.store import Store, claims, feeds, hold, messages, standing
from bridge.store.hold import Hold
from bridge.store.messages import Message
from bridge.store.standing import Asked, Pile, Standing
from bridge.store.unit import Tx
from tests.contracts.test_lanes import TRIED, accept, an_order, claim, opened, queue

ASKED = Asked(partners=["sp"], sources=["json-event", "emis"], held_back=HELD_BACK)
INDEX = {
    "DEPTH": "delivery_state_ix",
    "PARKED_SINCE": "delivery_state_ix",
    "URGENT_SINCE": "delivery_urgent_ix",
    "CANCELS": "delivery_cancel_ix",
    "EVENTS": "event_unsettled_ix",
    "REFERRALS": "referral_state_ix",
}
STATEMENTS = {name: getattr(standing, name) for name in INDEX}
PARAMETERS = {"state": "parked", "partner": "sp", "source": "emis", "most": 10}


async def look(store: Store) -> Standing:
    return await store.read(lambda tx: standing.look(tx, ASKED))


async def test_an_empty_store_stands_well(store: Store) -> None:
    """Nothing waits, nothing is parked, nobody was heard."""
    found = await look(store)

    assert set(found.queues["sp"].states.values()) == {0}
    assert {pile.n for pile in (*found.events.values(), *found.referrals.values())} == {0}
    assert (found.heard, found.feeds, found.hold) == ({"json-event": None, "emis": None}, {}, None)


async def test_urgent_deliveries_have_a_clock_of_their_own(store: Store, clock: Any) -> None:
    """A long routine queue must not hide the one that cannot wait."""
    await queue(store, an_order("r1"))
    clock.forward(60)
    await queue(store, an_order("r2", "p2", priority="urgent"))
    queued = (await look(store)).queues["sp"]

    assert queued.states["queued"] == 2
    assert queued.urgent == clock.ms
    assert queued.oldest == clock.ms - 60_000


@pytest.mark.parametrize("kind", [Kind.CHANGE, Kind.CANCEL])
async def test_a_parked_cancel_is_counted_apart(store: Store, clock: Any, kind: Kind) -> None:
    """Someone may still be contacted who should not be; and what is parked is not under way."""
    await queue(store, an_order())
    await accept(store, (await claim(store))[0])
    await queue(store, an_order(kind=kind))
    delivery = opened(store, (await claim(store))[0])
    await store.run(lambda tx: claims.park(tx, delivery, TRIED))
    parked = (await look(store)).queues["sp"]

    assert parked.parked == Pile(1, clock.ms)
    assert parked.cancels == (Pile(1, clock.ms) if kind is Kind.CANCEL else Pile(0, None))
    assert (parked.oldest, parked.urgent) == (None, None)


async def test_a_source_is_heard_of_with_each_of_its_messages(store: Store, clock: Any) -> None:
    """The newest counts, and only its own."""

    def say(tx: Tx) -> None:
        said = Message(
            id=str(tx.now), source="emis", door="http", caller="gp", media_type="", content=b"", size=0
        )
        messages.keep(tx, said)
        feeds.heard(tx, "emis", "A99999", tx.now - 5)

    await store.run(say)
    clock.forward(1)
    await store.run(say)
    found = await look(store)

    assert found.heard == {"json-event": None, "emis": clock.ms}
    assert found.feeds == {"A99999": clock.ms - 5}


async def test_who_stopped_the_bridge_is_known(store: Store) -> None:
    """Whoever looks at health asks that first."""
    await store.run(lambda tx: hold.put(tx, Hold(by="op", why="restore", at=tx.now)))
    found = (await look(store)).hold

    assert found is not None
    assert (found.by, found.why) == ("op", "restore")


@pytest.mark.parametrize("name", STATEMENTS)
async def test_on_sqlite_every_look_is_a_search(sqlite_store: Store, name: str) -> None:
    """A scan of a million rows every second would be the fault that health reports."""
    plan = await sqlite_store.read(lambda tx: _plan(tx, STATEMENTS[name], "EXPLAIN QUERY PLAN "))

    assert [line for line in plan if line.startswith("SCAN") and line != "SCAN found"] == []
    assert any(INDEX[name] in line for line in plan)


@pytest.mark.postgres
@pytest.mark.parametrize("name", STATEMENTS)
async def test_on_postgres_every_look_can_be_an_index_scan(postgres_store: Store, name: str) -> None:
    """An empty table is scanned whatever there is, so scanning is made dear for the question."""

    def plan(tx: Tx) -> list[str]:
        tx.run(text("SET LOCAL enable_seqscan = off"))
        tx.run(text("SET LOCAL enable_bitmapscan = off"))
        return _plan(tx, STATEMENTS[name], "EXPLAIN ")

    found = await postgres_store.read(plan)

    assert [line for line in found if "Seq Scan" in line] == []
    assert any(INDEX[name] in line for line in found)


def _plan(tx: Tx, statement: TextClause, explain: str) -> list[str]:
    asked = text(explain + statement.text)
    wanted = {name: PARAMETERS[name] for name in asked._bindparams}
    return [str(row[-1]).strip() for row in tx.run(asked, wanted)]
