"""Retention, on both dialects: what is past its time goes, and what anything still hangs on stays."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select, update

from bridge.delivery import outbox
from bridge.domain.delivery import Kind
from bridge.domain.journey import EventState, EventStep, ReferralStep
from bridge.domain.referral import Concept
from bridge.errors import Unavailable
from bridge.fhir.naming import Naming
from bridge.ops.retention import BATCH, DAY_MS, LostTurn, Periods, Purger
from bridge.pipeline.context import Context
from bridge.schemes import Rulebook
from bridge.sources.emis_shelf import HALF
from bridge.store import Store, claims, facts, held, hold, keys, messages, outcomes, referrals
from bridge.store.hold import Hold
from bridge.store.tables import attempt, body, event, event_key, message, referral, request, settled
from bridge.store.tables import outcome as outcome_table
from tests.conftest import a_referral
from tests.contracts.keeping import DAY, a_message, an_event, complete, deliver, refer, said
from tests.contracts.test_lanes import TRIED, an_order, claim, opened

PERIODS = Periods(bodies=30, requests=30, records=365, attempts=365, journey=1096)
CONTEXT = Context(rulebook=Rulebook(), environment="test", naming=Naming(base="https://bridge.test"))


async def no_rest(_seconds: float) -> None:
    """A test waits for nothing."""


def a_purger(store: Store, node: str = "n1", **changes: Any) -> Purger:
    return Purger(
        **({"store": store, "context": CONTEXT, "periods": PERIODS, "node": node, "rest": no_rest} | changes)
    )


async def purge(store: Store, **changes: Any) -> Counter[str]:
    counts = await a_purger(store, **changes).purge()
    assert counts is not None
    return +counts


async def rows(store: Store, table: Table) -> int:
    return int(await store.read(lambda tx: tx.run(select(func.count()).select_from(table)).scalar_one()))


async def bodies(store: Store) -> set[str]:
    found = await store.read(lambda tx: tx.run(select(body.c.kind)).scalars().all())
    return set(found)


async def test_bodies_go_when_what_came_of_them_has_been_settled_for_the_window(
    store: Store, clock: Any
) -> None:
    """Until then a dispute can be settled by what was really said and sent."""
    await refer(store)
    await deliver(store)
    clock.forward(30 * DAY)
    early = await purge(store)
    clock.forward(1)
    late = await purge(store)

    assert (early, late) == (Counter(), Counter(bodies=2))
    assert await bodies(store) == set()
    assert await rows(store, message) == 1


async def test_a_body_counts_from_the_settlement_not_from_the_arrival(store: Store, clock: Any) -> None:
    """A referral that a dead service took six weeks late is in dispute now."""
    await refer(store)
    clock.forward(42 * DAY)
    await deliver(store)
    clock.forward(29 * DAY)

    assert await purge(store) == Counter()


async def test_nothing_that_is_not_delivered_loses_its_body(store: Store, clock: Any) -> None:
    """Whatever the pressure."""
    await refer(store)
    clock.forward(5_000 * DAY)

    assert await purge(store) == Counter()
    assert await bodies(store) == {"message", "delivery"}


@pytest.mark.parametrize("state", [EventState.KEPT, EventState.WAITING, EventState.PARKED])
async def test_a_message_somebody_must_look_at_keeps_everything(
    store: Store, clock: Any, state: EventState
) -> None:
    """Even when another event of it was delivered."""
    await refer(store)
    await store.run(
        lambda tx: messages.add_event(tx, an_event("message-1", state, 1, event=said(a_referral())))
    )
    await deliver(store)
    clock.forward(5_000 * DAY)
    await purge(store)

    assert await bodies(store) == {"message"}
    assert await rows(store, event) == 2


async def test_a_parked_referral_keeps_the_message_it_came_from(store: Store, clock: Any) -> None:
    """What is wrong with it may only be seen there."""
    referral_id = await refer(store)
    await deliver(store)

    def park(tx: Any) -> None:
        stored = referrals.get(tx, referral_id)
        assert stored is not None
        referrals.step(tx, stored, ReferralStep.PARK, code="x")

    await store.run(park)
    clock.forward(5_000 * DAY)
    await purge(store)

    assert await bodies(store) == {"message"}


async def test_what_a_not_sent_event_said_goes_with_the_bodies(store: Store, clock: Any) -> None:
    """The reason stays on the list; nobody asked for its release in time."""
    row = an_event("message-1", EventState.NOT_SENT, code="not-a-trigger", event=said(a_referral()))

    def work(tx: Any) -> None:
        messages.keep(tx, a_message(1, content=None))
        messages.add_event(tx, row)

    await store.run(work)
    clock.forward(31 * DAY)

    assert await purge(store) == Counter(documents=1)
    assert await store.read(lambda tx: messages.open_event(tx, row.id)) is None


async def test_a_request_is_forgotten_with_its_answer(store: Store, clock: Any) -> None:
    """The same id gets the same answer for so long, and no longer."""

    def answered(tx: Any) -> None:
        messages.answer_request(
            tx, caller="gp", request_id="r1", correlation_id="c", message_id=None, status=200,
            answer=b"{}", answer_id="answer-1",
        )  # fmt: skip

    await store.run(answered)
    clock.forward(31 * DAY)

    assert await purge(store) == Counter(requests=1)
    assert (await rows(store, request), await rows(store, body)) == (0, 0)


async def test_attempts_go_after_their_time_but_not_those_of_what_still_waits(
    store: Store, clock: Any
) -> None:
    """An operator who looks at what is stuck sees all that was tried."""
    await refer(store, 1)
    await deliver(store)
    await refer(store, 2)
    stuck = opened(store, (await claim(store))[0])
    await store.run(lambda tx: claims.park(tx, stuck, TRIED))
    clock.forward(366 * DAY)

    assert (await purge(store))["attempts"] == 1
    left = await store.read(lambda tx: tx.run(select(attempt.c.delivery_id)).scalars().all())
    assert left == [stuck.id]


async def test_an_open_referral_keeps_its_content(store: Store, clock: Any) -> None:
    """A change, a cancel or an outcome may come at any time."""
    referral_id = await refer(store, note="a note")
    await deliver(store)
    clock.forward(5_000 * DAY)
    await purge(store)
    kept = await store.read(lambda tx: referrals.get(tx, referral_id))

    assert kept is not None
    assert kept.record.note == "a note"


async def test_a_closed_referral_loses_its_content_and_then_its_person(store: Store, clock: Any) -> None:
    """What a late correction needs stays longer than what was wrong with the person."""
    reasons = (Concept(text="lonely"),)
    referral_id = await refer(store, note="a note", reasons=reasons)
    await deliver(store)
    await complete(store, referral_id)

    async def held_now() -> tuple[str, bool, str]:
        kept = await store.read(lambda tx: referrals.get(tx, referral_id))
        assert kept is not None
        record = kept.record
        return record.note, bool(record.reasons), record.patient.family

    before = await held_now()
    clock.forward(366 * DAY)
    await purge(store)
    then = await held_now()
    clock.forward(731 * DAY)
    await purge(store)

    assert before == ("a note", True, "Testfamily1")
    assert then == ("", False, "Testfamily1")
    assert await held_now() == ("", False, "")


async def test_what_a_service_said_loses_its_content_with_the_referral(store: Store, clock: Any) -> None:
    """That it was said, and which version, stays: a repeat is known as one."""
    referral_id = await refer(store)
    await deliver(store)
    await complete(store, referral_id)
    clock.forward(366 * DAY)
    await purge(store)
    told = (await store.read(lambda tx: outcomes.of_referral(tx, referral_id)))[0]

    assert (told.outcome.value, told.outcome.performer) == (None, "")
    assert (told.outcome.identifier, told.outcome.version) == ("sys|1", "1")
    found = await store.read(lambda tx: outcomes.of_identifier(tx, referral_id, "sys|1"))
    assert [t.id for t in found] == [told.id]


async def test_after_everything_the_same_key_is_still_known_and_may_have_left(
    store: Store, clock: Any
) -> None:
    """Promises 2, 3 and 5 hold for ever: no second referral, and a cancel still goes out."""
    referral_id = await refer(store)
    await store.run(lambda tx: outbox.enqueue(tx, an_order(referral_id, kind=Kind.CHANGE, version=2)))
    await deliver(store)
    await complete(store, referral_id)
    clock.forward(1_100 * DAY)
    await purge(store)
    key = await store.read(lambda tx: keys.key_of(tx, referral_id))

    assert key is not None
    assert key.referral_id == referral_id
    counts = {t.name: await rows(store, t) for t in (event_key, referral, outcome_table, settled)}
    assert counts == {"event_key": 1, "referral": 1, "outcome": 1, "settled": 1}
    assert [await rows(store, t) for t in (message, event, body, attempt)] == [0, 0, 0, 0]
    assert await store.run(lambda tx: outbox.enqueue(tx, an_order(referral_id, kind=Kind.CANCEL)))


async def test_a_closed_referral_somebody_must_look_at_keeps_everything(store: Store, clock: Any) -> None:
    """A parked outcome of it has to be readable."""
    referral_id = await refer(store, note="a note")
    await deliver(store)
    await complete(store, referral_id)
    parked = an_event("message-1", EventState.PARKED, 1, referral_id=referral_id)
    await store.run(lambda tx: messages.add_event(tx, parked))
    clock.forward(5_000 * DAY)
    await purge(store)
    held_back = await store.read(lambda tx: referrals.get(tx, referral_id))
    await store.run(lambda tx: messages.move_event(tx, parked.id, EventStep.DISCARD))
    await purge(store)
    gone = await store.read(lambda tx: referrals.get(tx, referral_id))

    assert held_back is not None
    assert gone is not None
    assert (held_back.record.note, gone.record.note) == ("a note", "")


async def test_events_that_led_to_nothing_go_with_their_messages(store: Store, clock: Any) -> None:
    """A bulk extract with more of them than one batch takes as well."""

    def work(tx: Any) -> None:
        messages.keep(tx, a_message(1, content=None, door="folder"))
        for n in range(3 * BATCH + 1):
            messages.add_event(tx, an_event("message-1", EventState.NOT_SENT, n, code="x"))

    await store.run(work)
    clock.forward(1_097 * DAY)

    assert await purge(store) == Counter(events=3 * BATCH + 1, messages=1)


async def test_a_preview_says_what_would_go_and_changes_nothing(store: Store, clock: Any) -> None:
    """An operator looks first."""
    for n in range(1, 4):
        await complete(store, await refer_and_deliver(store, n))
    clock.forward(400 * DAY)
    would = +await a_purger(store).preview()
    again = +await a_purger(store).preview()

    assert would == again == Counter(bodies=6, records=3, attempts=3)
    assert await purge(store) == would
    assert +await a_purger(store).preview() == Counter()


async def refer_and_deliver(store: Store, n: int) -> str:
    referral_id = await refer(store, n)
    await deliver(store)
    return referral_id


async def test_more_than_one_batch_is_purged_batch_by_batch(store: Store, clock: Any) -> None:
    """And a few that must stay do not stop the rest."""
    for n in range(1, BATCH + 20):
        await refer(store, n)
    await deliver(store)
    await store.run(
        lambda tx: tx.run(update(event).where(event.c.message_id == "message-3").values(state="parked"))
    )
    clock.forward(31 * DAY)
    counts = await purge(store)

    assert counts["bodies"] == 2 * (BATCH + 19) - 1
    assert await rows(store, body) == 1


async def test_one_node_at_a_time_purges_and_once_a_day(store: Store, clock: Any) -> None:
    """The turn is a row of the database; a node that died loses it when its lease is over."""
    take = {"every_ms": DAY_MS, "lease_ms": 600_000}
    first = await store.run(lambda tx: facts.take_turn(tx, "purge", node="a", **take))
    second = await store.run(lambda tx: facts.take_turn(tx, "purge", node="b", **take))
    clock.forward(601)
    after_death = await store.run(lambda tx: facts.take_turn(tx, "purge", node="b", **take))
    await store.run(lambda tx: facts.end_turn(tx, "purge"))
    same_day = await store.run(lambda tx: facts.take_turn(tx, "purge", node="a", **take))
    clock.forward(DAY)
    next_day = await store.run(lambda tx: facts.take_turn(tx, "purge", node="a", **take))

    assert [first, second, after_death, same_day, next_day] == [True, False, True, False, True]


async def test_a_node_that_was_silent_for_too_long_stops_purging(store: Store, clock: Any) -> None:
    """Another has the turn by then."""

    async def long_rest(_seconds: float) -> None:
        clock.forward(601)
        await store.run(lambda tx: facts.take_turn(tx, "purge", node="n2", every_ms=0, lease_ms=600_000))

    with pytest.raises(LostTurn):
        await a_purger(store, rest=long_rest).purge()


async def test_a_held_bridge_purges_nothing(store: Store, clock: Any) -> None:
    """What a restore brought back may be all there is."""
    await refer(store)
    await deliver(store)
    clock.forward(31 * DAY)
    await store.run(lambda tx: hold.put(tx, Hold(by="op", why="restore", at=tx.now)))

    assert await a_purger(store).purge() is None
    assert await bodies(store) == {"message", "delivery"}


async def test_held_rows_are_listed_when_their_time_is_over(store: Store, clock: Any) -> None:
    """More of them than one unit takes, each once."""
    half = [
        held.Row(
            kind=HALF.name, owner="o", key=f"k{n}", fields={"Wait.At": f"row {n}"}, clock="1", until=clock.ms
        )
        for n in range(501)
    ]
    await store.run(lambda tx: held.put(tx, half))
    counts = await purge(store, lapsing="emis")

    assert counts["lapsed"] == 501
    listed = await store.read(lambda tx: tx.run(select(event.c.code, event.c.state)).all())
    assert set(listed) == {("emis-half-alone", "not-sent")}
    assert len(listed) == 501


async def test_sqlite_gives_the_room_back_to_the_disk(
    sqlite_store: Store, tmp_path: Path, clock: Any
) -> None:
    """Purging frees pages, and the file shrinks."""
    store = sqlite_store
    file = tmp_path / "bridge.sqlite"

    def large(tx: Any) -> None:
        for n in range(200):
            messages.keep(tx, a_message(n, content=bytes(20_000)))

    units = 0

    async def counted(_seconds: float) -> None:
        nonlocal units
        units += 1

    await store.run(large)
    clock.forward(31 * DAY)
    await purge(store, rest=counted)
    pages = await store.read(lambda tx: tx.conn.exec_driver_sql("PRAGMA page_count").scalar_one())

    assert pages * 4096 < 1_000_000
    assert units < 30
    assert file.exists()


async def test_a_store_that_is_away_is_said_so(store: Store) -> None:
    """The daily task tries again later."""

    class Away:
        dialect = "sqlite"

        async def run(self, _work: Any) -> Any:
            raise Unavailable("away")

        async def read(self, _work: Any) -> Any:
            raise Unavailable("away")

        async def close(self) -> None: ...

    with pytest.raises(Unavailable):
        await a_purger(Away()).purge()
