"""Each fault is told by its own name while it lasts, by nothing else, and not a moment longer."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text, update

from bridge.config.limits import Limits
from bridge.config.watching import ExpectedSettings
from bridge.delivery.breaker import BreakerState
from bridge.delivery.worker import running_ms
from bridge.errors import Unavailable
from bridge.ops.pulse import WEDGED_MS, Expiry, now_ms
from bridge.security.keyring import create_key_ring
from bridge.simulators.trouble import Step, Trouble
from bridge.store import feeds, hold
from bridge.store.hold import Hold
from bridge.store.tables import delivery, feed, message
from bridge.store.unit import Tx
from tests.journeys.test_json_event import a_person, an_event, cancel
from tests.ops.conftest import WELL, Told, Watched

OPEN = (200, 200, 200, 200)  # somebody should look; messages are taken and kept
DOWN = (200, 503, 503, 503)  # no message can be kept here
SHUT = (200, 200, 503, 503)  # messages could be kept, and none is taken
HOUR = 3_600_000


async def send(watched: Watched, n: int = 1, **changes: Any) -> None:
    """A referral of the n-th person comes in."""
    numbers = ["9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069"]
    person = a_person(nhs_number=numbers[n - 1])
    answer = await watched.site.post("/events/json-event", an_event(id=f"SPR-{n}", patient=person, **changes))
    assert answer.status_code == 202, answer.text


async def store(watched: Watched, work: Callable[[Tx], Any]) -> Any:
    return await watched.site.bridge.store.run(work)


async def test_all_is_well(watched: Watched) -> None:
    """Else none of the tests below would prove anything."""
    assert await watched.told() == WELL


async def test_a_locked_database_takes_readiness_away(watched: Watched) -> None:
    """Reading goes on, so how things stand is still told."""
    file = watched.site.bridge.settings.data / "bridge.sqlite"
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        watched.senses |= {"patience_s": 1.0}
        during = await watched.told()
        watched.senses |= {"patience_s": 10.0}
        other.execute("ROLLBACK")
    other.close()

    assert during == Told(DOWN, "unavailable", {"database:write": ("fail", "unavailable")})
    assert await watched.told() == WELL


@pytest.mark.postgres
async def test_a_database_that_is_away_takes_readiness_away(watch_site: Any, postgres_url: str) -> None:
    """And with it goes what only the database knows; the process itself lives."""
    import psycopg

    watched: Watched = await watch_site(database=postgres_url)
    server, _, name = postgres_url.rpartition("/")
    before = await watched.told()
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[call-overload]
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        during = await watched.told()
        names = {check["name"] for check in (await watched.get("/health")).json()["checks"]}
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[call-overload]

    lost = {"database:write": ("fail", "unavailable"), "database:read": ("fail", "unavailable")}
    assert (before, during) == (WELL, Told(DOWN, "unavailable", lost))
    assert "partner:queue" not in names
    assert "partner:breaker" in names
    assert await watched.told() == WELL


async def test_a_disk_that_is_nearly_full_takes_readiness_away(watched: Watched) -> None:
    """Before a write fails; and it warns before that."""
    least = watched.site.bridge.watch.vitals.pulse.bounds.least_free
    watched.senses["free"] = lambda _folder: 2 * least - 1
    filling = await watched.told()
    watched.senses["free"] = lambda _folder: least - 1
    full = await watched.told()
    watched.senses["free"] = lambda _folder: 2 * least

    assert filling == Told(OPEN, "", {"disk:free data": ("warn", "disk-filling")})
    assert full == Told(DOWN, "disk-nearly-full", {"disk:free data": ("fail", "disk-nearly-full")})
    assert await watched.told() == WELL


async def test_a_read_only_database_takes_readiness_away(watched: Watched) -> None:
    """A write that changes nothing would not have noticed."""
    engine = watched.site.bridge.store._engine

    def read_only(raw: Any, _record: Any) -> None:
        raw.execute("PRAGMA query_only = ON")

    event.listen(engine, "connect", read_only)
    with suppress(Unavailable):  # the writer's connection is lost, and the next one is read-only
        await store(watched, lambda tx: tx.run(text("PRAGMA query_only = ON")))
    during = await watched.told()
    event.remove(engine, "connect", read_only)

    assert during == Told(DOWN, "unavailable", {"database:write": ("fail", "unavailable")})
    assert await watched.told() == WELL


@pytest.mark.postgres
async def test_a_read_only_postgres_takes_readiness_away(watch_site: Any, postgres_url: str) -> None:
    """As a standby is that nobody has promoted."""
    import psycopg

    watched: Watched = await watch_site(database=postgres_url)
    name = postgres_url.rpartition("/")[2]
    ask = 'ALTER DATABASE "{}" SET default_transaction_read_only = {}'
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <>"
    leave = f"{others} pg_backend_pid()"
    with psycopg.connect(
        postgres_url, autocommit=True, options="-c default_transaction_read_only=off"
    ) as admin:
        admin.execute(ask.format(name, "on"))  # type: ignore[call-overload]
        admin.execute(leave, [name])
        during = await watched.told()
        admin.execute(ask.format(name, "off"))  # type: ignore[call-overload]
        admin.execute(leave, [name])

    assert during == Told(DOWN, "unavailable", {"database:write": ("fail", "unavailable")})
    assert await watched.told() == WELL


async def test_a_wedged_worker_asks_for_a_restart(watched: Watched) -> None:
    """The node can still keep messages, so it stays ready until it is restarted."""
    worker = watched.site.bridge.workers[0]
    worker.beat -= WEDGED_MS + 1000
    during = await watched.told()
    worker.beat = running_ms()

    wedged = {f"worker:turn {worker.name}": ("fail", "worker-wedged")}
    assert during == Told((503, 200, 503, 503), "", wedged)
    assert await watched.told() == WELL


async def test_an_attempt_that_never_ends_is_a_wedged_worker(watched: Watched) -> None:
    """The loop may turn and turn while every place in it is taken."""
    await send(watched)
    worker = watched.site.bridge.workers[0]
    watched.site.service.script(Step(trouble=Trouble.HANG, seconds=3))
    sending = asyncio.create_task(worker.drain())
    async with asyncio.timeout(30):
        while worker.oldest_flight is None:
            await asyncio.sleep(0.01)
    in_time = await watched.told()
    watched.senses["running"] = lambda: running_ms() + WEDGED_MS + 1000
    worker.beat += WEDGED_MS + 1000
    late = await watched.told()
    del watched.senses["running"]
    worker.beat = running_ms()
    await sending

    assert in_time == WELL
    assert late.codes == (503, 200, 503, 503)
    assert late.unwell[f"worker:turn {worker.name}"] == ("fail", "worker-wedged")
    assert await watched.told() == WELL


async def test_a_key_ring_that_is_gone_is_told_while_there_is_time(watched: Watched) -> None:
    """The node works on with the keys it holds; after a restart nothing could be read."""
    ring = watched.site.bridge.settings.data / "keys.json"
    held = ring.read_bytes()
    ring.unlink()
    gone = await watched.told()
    create_key_ring(ring)
    another = await watched.told()
    ring.write_bytes(held)

    assert gone == another == Told((200, 200, 200, 200), "", {"keys:ring": ("warn", "key-ring-gone")})
    assert await watched.told() == WELL


async def test_a_partner_that_is_down_is_told_and_nothing_else_is_hurt(watched: Watched) -> None:
    """Readiness is about keeping: what cannot leave yet is safe here."""
    watched.site.service.script(Step(trouble=Trouble.EMPTY, status=503, times=0))
    for n in range(1, 6):
        await send(watched, n)
    await watched.site.drain()
    during = await watched.told()
    breaker = watched.site.bridge.workers[0].breaker
    shown = (await watched.get("/health")).json()["checks"][0]
    watched.site.service.recover()
    breaker._until = 0
    await store(watched, lambda tx: tx.run(text("UPDATE lane SET due_at = 0 WHERE due_at IS NOT NULL")))
    await watched.site.drain()

    assert during == Told(OPEN, "", {"partner:breaker prescribing": ("warn", "partner-away")})
    assert (shown["value"], shown["until"] > shown["since"]) == ("open", True)
    assert (breaker.state, await watched.told()) == (BreakerState.CLOSED, WELL)


async def test_a_service_that_cannot_be_asked_is_told_after_three_polls(watch_site: Any) -> None:
    """Nothing is parked and nothing fails to leave; only its outcomes do not come."""
    watched: Watched = await watch_site(poll=5)
    (poller,) = watched.site.bridge.pollers
    stop = asyncio.Event()
    watched.site.service.script(Step(trouble=Trouble.EMPTY, status=503, times=0))
    running = asyncio.create_task(poller.run(stop))
    polled = watched.site.bridge.watch.vitals.pulse.polls["prescribing"]
    async with asyncio.timeout(60):
        while not polled.code:
            await asyncio.sleep(0.01)
    once = await watched.told()
    polled.since -= 600_000
    lasting = await watched.told()
    stop.set()
    await running
    watched.site.service.recover()
    await poller.poll_once()
    poller.told("")

    assert once == WELL
    assert lasting == Told(OPEN, "", {"partner:poll prescribing": ("warn", "poll-failing")})
    assert await watched.told() == WELL


async def test_a_partner_that_refuses_for_one_reason_is_told_apart(watched: Watched) -> None:
    """A rule has changed somewhere: that is for people, not for patience."""
    watched.site.service.script(Step(trouble=Trouble.STATUS, status=422, times=0, method="POST"))
    for n in range(1, 6):
        await send(watched, n)
    await watched.site.drain()
    during = await watched.told()

    assert during.unwell["partner:breaker prescribing"] == ("warn", "partner-refusing")
    assert set(during.unwell) == {"partner:breaker prescribing", "parked:deliveries prescribing"}
    watched.site.service.recover()
    watched.site.bridge.workers[0].breaker._until = 0
    await store(watched, lambda tx: tx.run(text("UPDATE lane SET due_at = 0 WHERE due_at IS NOT NULL")))
    await watched.site.drain()
    assert set((await watched.told()).unwell) == {"parked:deliveries prescribing"}


async def test_a_parked_delivery_is_told_until_a_person_has_dealt_with_it(watched: Watched) -> None:
    """One is enough: somebody waits for it."""
    watched.site.service.script(Step(trouble=Trouble.STATUS, status=422, method="POST"))
    await send(watched)
    await watched.site.drain()
    during = await watched.told()
    parked = await store(watched, lambda tx: tx.run(text("SELECT id FROM delivery")).scalar_one())
    await mend(watched, "release", parked)
    await watched.site.drain()

    assert during == Told(OPEN, "", {"parked:deliveries prescribing": ("warn", "parked-waiting")})
    assert await watched.told() == WELL


async def test_a_parked_cancel_has_a_name_of_its_own(watched: Watched) -> None:
    """Someone may still be contacted: that is not one parked thing among others."""
    await send(watched)
    await watched.site.drain()
    watched.site.service.script(Step(trouble=Trouble.STATUS, status=422, method="PUT"))
    await watched.site.post("/events/json-event", cancel())
    await watched.site.drain()
    during = await watched.told()
    parked = await store(watched, lambda tx: tx.run(text("SELECT id FROM delivery")).scalar_one())
    await mend(watched, "release", parked)
    await watched.site.drain()

    assert during.unwell == {
        "parked:deliveries prescribing": ("warn", "parked-waiting"),
        "parked:cancels prescribing": ("warn", "cancel-waiting"),
    }
    assert await watched.told() == WELL


async def test_a_parked_event_is_told_until_a_person_has_dealt_with_it(watched: Watched) -> None:
    """It has no delivery yet, and nobody will be contacted."""
    person = a_person(nhs_number=None)
    await watched.site.post("/events/json-event", an_event(patient=person))
    during = await watched.told()
    parked = await store(watched, _parked_event)
    await mend(watched, "discard", parked)

    assert during == Told(OPEN, "", {"parked:events": ("warn", "parked-waiting")})
    assert await watched.told() == WELL


def _parked_event(tx: Tx) -> str:
    return str(tx.run(text("SELECT id FROM event WHERE state = 'parked'")).scalar_one())


async def mend(watched: Watched, verb: str, item: str) -> None:
    """What a person does with a parked item."""
    from bridge.pipeline import mend as mending
    from bridge.store.audit import Hand

    bridge = watched.site.bridge
    hand = Hand(actor="op", why="test", node="n1", chain=bridge.chain)
    if verb == "release":
        await bridge.store.run(lambda tx: mending.release(tx, bridge.context, hand, item))
    else:
        await bridge.store.run(lambda tx: mending.discard(tx, bridge.context, hand, item))


async def test_an_old_queue_is_told_and_an_urgent_one_sooner(watched: Watched) -> None:
    """The breaker may be closed and the partner slow all the same."""
    await send(watched)

    def age(minutes: int, priority: str) -> Callable[[Tx], Any]:
        values = {"created_at": now_ms() - minutes * 60_000, "priority": priority}
        return lambda tx: tx.run(update(delivery).values(**values))

    await store(watched, age(20, "routine"))
    routine = await watched.told()
    await store(watched, age(20, "urgent"))
    urgent = await watched.told()
    await store(watched, age(61, "routine"))
    old = await watched.told()
    await watched.site.drain()

    assert routine == WELL
    assert urgent == Told(OPEN, "", {"partner:urgent prescribing": ("warn", "queue-urgent-late")})
    assert old == Told(OPEN, "", {"partner:oldest prescribing": ("warn", "queue-oldest-late")})
    assert await watched.told() == WELL


async def test_a_stale_feed_is_told_by_its_practice(watched: Watched) -> None:
    """What is known of its people may be wrong by now."""
    await store(watched, lambda tx: feeds.heard(tx, "emis", "A99999", tx.now - 35 * HOUR))
    fresh = await watched.told()
    await store(watched, lambda tx: tx.run(update(feed).values(extracted_at=tx.now - 37 * HOUR)))
    during = await watched.told()
    await store(watched, lambda tx: feeds.heard(tx, "emis", "A99999", tx.now))

    assert fresh == WELL
    assert during == Told(OPEN, "", {"feed:age A99999": ("warn", "feed-too-old")})
    assert await watched.told() == WELL


async def test_a_practice_that_is_off_has_no_feed_to_miss(watch_site: Any) -> None:
    """Nothing of it is sent, so nothing about it can be late."""
    watched: Watched = await watch_site(mode="off")
    await store(watched, lambda tx: feeds.heard(tx, "emis", "A99999", tx.now - 100 * HOUR))

    assert await watched.told() == WELL


async def test_a_silent_source_is_missed(watch_site: Any) -> None:
    """Nobody calls to say that they have stopped calling."""
    expected = ExpectedSettings(source="json-event", every_hours=26, working_days=False)
    watched: Watched = await watch_site(expected=(expected,))
    never = await watched.told()
    await send(watched)
    await watched.site.drain()
    heard = await watched.told()
    await store(watched, lambda tx: tx.run(update(message).values(received_at=tx.now - 27 * HOUR)))
    silent = await watched.told()
    await send(watched, 2)
    await watched.site.drain()

    missed = Told(OPEN, "", {"source:heard json-event": ("warn", "source-silent")})
    assert (never, heard, silent) == (missed, WELL, missed)
    assert await watched.told() == WELL


@pytest.mark.parametrize("kind", ["certificate", "key"])
async def test_what_expires_is_told_before_and_after(watched: Watched, kind: str) -> None:
    """A month is enough to get another one; the day after is a partner that says no."""
    watched.senses["expiries"] = (Expiry(kind=kind, of="prescribing", at=now_ms() + 31 * 24 * HOUR),)
    good = await watched.told()
    watched.senses["now"] = lambda: now_ms() + 2 * 24 * HOUR
    watched.senses["hearts"], watched.senses["workers"] = watched.vitals().pulse.hearts, ()
    soon = (await watched.told()).unwell
    watched.senses["now"] = lambda: now_ms() + 31 * 24 * HOUR
    over = await watched.told()
    watched.senses = {"fresh_s": 0}

    assert good == WELL
    assert soon[f"{kind}:expiry prescribing"] == ("warn", f"{kind}-expiring")
    assert over.unwell[f"{kind}:expiry prescribing"] == ("warn", f"{kind}-expired")
    assert over.codes == OPEN
    assert await watched.told() == WELL


@pytest.mark.parametrize("seconds", [6, -6])
async def test_a_clock_that_is_off_is_told(watched: Watched, seconds: int) -> None:
    """Leases go by the database's clock, tokens and certificates by the node's."""
    watched.senses["now"] = lambda: now_ms() + seconds * 1000
    during = await watched.told()
    del watched.senses["now"]

    assert during == Told(OPEN, "", {"database:clock": ("warn", "clock-offset")})
    assert await watched.told() == WELL


async def test_a_hold_is_told_by_name(watched: Watched) -> None:
    """Nothing is broken, and nothing is taken: every node says so until it is lifted."""
    bridge = watched.site.bridge
    await store(watched, lambda tx: hold.put(tx, Hold(by="op", why="restore", at=tx.now)))
    await bridge.gauge.look()
    during = await watched.told()
    await store(watched, hold.lift)
    await bridge.gauge.look()

    assert during == Told(DOWN, "held", {"intake:doors": ("fail", "held")})
    assert await watched.told() == WELL


async def test_back_pressure_shuts_the_doors_and_leaves_readiness(watch_site: Any) -> None:
    """Every node is as full as this one: to send callers elsewhere would help nobody."""
    watched: Watched = await watch_site(limits=Limits(most_unsettled=1))
    await send(watched)
    await watched.site.bridge.gauge.look()
    during = await watched.told()
    await watched.site.drain()
    await watched.site.bridge.gauge.look()

    assert during == Told(SHUT, "", {"intake:doors": ("fail", "too-much-waiting")})
    assert await watched.told() == WELL


async def test_a_slow_database_is_told(watch_site: Any) -> None:
    """Before it is so slow that it counts as away."""
    watched: Watched = await watch_site()
    bounds = watched.site.bridge.watch.vitals.pulse.bounds
    watched.senses["bounds"] = type(bounds)(least_free=bounds.least_free, slow=timedelta())
    during = await watched.told()
    del watched.senses["bounds"]

    slow = ("warn", "database-slow")
    assert during == Told(OPEN, "", {"database:write": slow, "database:read": slow})
    assert await watched.told() == WELL
