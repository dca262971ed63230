"""The plans of what runs all day, against a long history: each big table is entered by an index.

What is asked about are the very statements that the store's functions execute, with their parameters.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event

from bridge.delivery import outbox
from bridge.domain.delivery import Kind, Receipt
from bridge.domain.journey import DeliveryStep
from bridge.pipeline.forward import HELD_BACK
from bridge.pipeline.later import _due as due_messages
from bridge.store import (
    Store,
    claims,
    hold,
    keys,
    lanes,
    messages,
    outcomes,
    paring,
    people,
    pressure,
    purging,
    referrals,
    replays,
    reports,
    restoring,
    views,
)
from bridge.store.keys import Key
from bridge.store.people import Person
from bridge.store.replays import Filter, Run
from bridge.store.unit import Tx
from tests.conftest import Clock
from tests.contracts.history import BIG, DAY_MS, DUE, fill
from tests.contracts.keeping import a_message, an_event
from tests.contracts.test_lanes import TRIED, an_order

Said = tuple[str, Any]


class Rollback(Exception):
    """Ends a unit after it was looked at, so that the next finds the same history."""


@contextmanager
def heard(conn: Connection) -> Iterator[list[Said]]:
    """Every statement that is executed inside the block, with its parameters (the first set of many)."""
    said: list[Said] = []

    def hear(_c: Any, _cur: Any, statement: str, parameters: Any, _ctx: Any, many: bool) -> None:  # noqa: FBT001
        said.append((statement, parameters[0] if many else parameters))

    event.listen(conn, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(conn, "before_cursor_execute", hear)


def scans(tx: Tx, said: Said) -> list[str]:
    """Big tables that this statement reads from end to end."""
    statement, parameters = said
    if not statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
        return []
    if tx.dialect == "sqlite":
        rows = tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        return [row.detail for row in rows if row.detail.startswith("SCAN") and _named(row.detail, statement)]
    plan = tx.conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    tree = json.loads(plan) if isinstance(plan, str) else plan
    return [_told(node) for node in _nodes(tree[0]["Plan"]) if _is_scan(node)]


def _named(detail: str, statement: str) -> bool:
    """Whether what SQLite scans is a big table, under its name or an alias."""
    name = detail.split()[1]
    return name in BIG or any(f"{table} AS {name}" in statement for table in BIG)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _is_scan(node: dict[str, Any]) -> bool:
    """A sequential scan, or an index read from end to end; one that a LIMIT above it ends is bounded."""
    if node.get("Relation Name") not in BIG:
        return False
    whole_index = node["Node Type"].startswith("Index") and not node.keys() & {"Index Cond", "Filter"}
    return node["Node Type"] == "Seq Scan" or (whole_index and node["Plan Rows"] > 1_000)


def _told(node: dict[str, Any]) -> str:
    return f"{node['Node Type']} {node.get('Relation Name')}"


def _claimed(tx: Tx) -> Any:
    claimed = claims.claim(tx, "sp", limit=16, lease_ms=60_000)
    assert len(claimed) == 16
    return claimed[0].opened(lambda _sealed, bound_to: bound_to.encode())


def _settle(tx: Tx) -> None:
    claims.settle(tx, _claimed(tx), DeliveryStep.ACCEPT, Receipt(), TRIED)


def _postpone(tx: Tx) -> None:
    claims.postpone(tx, _claimed(tx), DeliveryStep.POSTPONE, delay_ms=1_000, tried=TRIED)


def _park(tx: Tx) -> None:
    outbox.park(tx, _claimed(tx), TRIED)


def _freeze(tx: Tx) -> None:
    claimed = _claimed(tx)
    claims.note_known(tx, {claimed.id: 1})
    claims.freeze(tx, claimed, b"{}")


def _prove(tx: Tx) -> None:
    found = lanes.in_lane(tx, f"w{3 * DUE}")
    assert found is not None
    lanes.step_unclaimed(tx, *found, DeliveryStep.PROVE)


def _cancel(tx: Tx) -> None:
    assert outbox.enqueue(tx, an_order("r40000", "p40000", kind=Kind.CANCEL))


def _must_create(tx: Tx) -> None:
    tx.conn.exec_driver_sql("DELETE FROM delivery WHERE id = 'w40000'")
    assert not outbox.must_create(tx, "r40000", "sp", "p40000")


def _keep(tx: Tx) -> None:
    messages.keep(tx, a_message(1))
    messages.add_event(tx, an_event("message-1", messages.EventState.APPLIED))
    key = Key(id="k9", referral_id="r9", clock="2", content="c", kind="changed", event_id="e9")
    keys.put_key(tx, key)


def _key(tx: Tx) -> None:
    keys.put_key(
        tx,
        Key(id="k40000", referral_id="r40000", clock="1", content="c", kind="referred", event_id="e40000"),
    )
    assert keys.key_of(tx, "k40000")
    messages.parked_under(tx, "k40000")
    keys.other_living_keys(tx, "r40000", "k1", asked=True)
    replays.has_told(tx, "m40000", "k40000", "1")


def _person(tx: Tx) -> None:
    assert referrals.about(tx, ["r40000", "r40001"])
    people.put_person(
        tx,
        Person(
            local="l40000",
            nhs="p40000",
            practice="P1",
            registered=True,
            deceased=False,
            known_at=9,
        ),
    )
    assert people.person_of(tx, "l40000")


def _request(tx: Tx) -> None:
    assert messages.seen_request(tx, "gp", "q40000")


def _stories(tx: Tx) -> None:
    assert views.message_story(tx, "m40000")
    assert views.referral_story(tx, "r40000")


def _lists(tx: Tx) -> None:
    (told,) = reports.report(tx, since=tx.now - 3 * DAY_MS, practice="P17", quiet_days=1)
    assert (told.referred, told.sent) == (250, 250)
    for practice in ("", "P17"):
        for state in ("", "open"):
            assert views.referral_list(tx, practice=practice, state=state, limit=10)
    assert len(views.parked(tx, limit=10)) == 10


def _outcomes(tx: Tx) -> None:
    outcomes.of_identifier(tx, "r1", "none")
    outcomes.already_coded(tx, "r40000", "1")


def _limits(tx: Tx) -> None:
    pressure.oldest(tx, ["sp"], HELD_BACK)
    hold.is_held(tx)


def _restored(tx: Tx) -> None:
    restoring.newest(tx)


def _purges(tx: Tx) -> None:
    for purge in (
        purging.BODIES_PURGE,
        purging.DOCUMENTS_PURGE,
        purging.REQUESTS_PURGE,
        purging.ATTEMPTS_PURGE,
        purging.EVENTS_PURGE,
        purging.MESSAGES_PURGE,
        paring.RECORDS_PURGE,
        paring.JOURNEYS_PURGE,
    ):
        purge.find(tx, tx.now - DAY_MS, purging.START, 100)


def _drops(tx: Tx) -> None:
    purging.BODIES_PURGE.drop(tx, ["m40000", "d40000"])
    purging.REQUESTS_PURGE.drop(tx, [("gp", "q40000", "d40001")])
    purging.ATTEMPTS_PURGE.drop(tx, [40_000])


def _release(tx: Tx) -> None:
    kinds = ("event", "referral", "delivery")
    run = Run(label="l", verb="release", by="op", why="", kinds=kinds, filter=Filter(code="none"))
    assert replays.next_item(tx, run) is None
    assert replays.next_item(tx, replace(run, filter=Filter(), kinds=("event",)))


HOT: dict[str, Callable[[Tx], Any]] = {
    "claim": _claimed,
    "settle": _settle,
    "postpone": _postpone,
    "park": _park,
    "freeze": _freeze,
    "prove": _prove,
    "cancel": _cancel,
    "change": _must_create,
    "keep a message": _keep,
    "look up a key": _key,
    "look at a person": _person,
    "repeat a request": _request,
    "show a story": _stories,
    "show the lists": _lists,
    "record an outcome": _outcomes,
    "translate later": due_messages,
    "look at the limits": _limits,
    "find the end of a backup": _restored,
    "find what to purge": _purges,
    "purge it": _drops,
    "release by filter": _release,
}
WHOLE = frozenset({"release by filter"})  # what is parked may be read whole: few, and by a person's command


@pytest.fixture
async def long_store(store: Store, clock: Clock) -> Store:
    """A store that has run for long."""
    start = clock.ms
    clock.forward(2 * 86_400)
    await store.run(lambda tx: fill(tx, start))
    return store


async def test_what_runs_all_day_enters_big_tables_by_an_index(long_store: Store) -> None:
    """However long the history; each function as it is called, on both dialects."""
    found: dict[str, list[str]] = {}
    counted = 0
    for name, work in HOT.items():

        def unit(tx: Tx, work: Callable[[Tx], Any] = work) -> None:
            with heard(tx.conn) as said:
                work(tx)
            raise Rollback(said, [f"{told} in {each[0]}" for each in said for told in scans(tx, each)])

        with pytest.raises(Rollback) as ended:
            await long_store.run(unit)
        said, whole = ended.value.args
        counted += len(said)
        if whole and name not in WHOLE:
            found[name] = whole

    assert found == {}
    assert counted > 100


async def test_counting_what_waits_ends_at_the_limit(store: Store, clock: Clock) -> None:
    """The one look that reads many rows is bounded by what the limit says."""
    await store.run(lambda tx: fill(tx, clock.ms, rows=1_000))

    assert await store.read(lambda tx: pressure.depth(tx, 500)) == 500
