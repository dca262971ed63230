"""The doors' limits: what waits, since when, free disk, and the hold."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.delivery import Receipt
from bridge.domain.journey import DeliveryStep
from bridge.errors import Unavailable
from bridge.errors.catalogue import CATALOGUE
from bridge.ops.limits import DISK, Bounds, Gauge
from bridge.pipeline.forward import HELD_BACK
from bridge.store import Store, claims, hold
from bridge.store.hold import Hold
from tests.contracts.test_lanes import TRIED, an_order, claim, opened, queue

HOUR = 3_600


def gauge_of(store: Store, folder: Path, **changes: Any) -> Gauge:
    values: dict[str, Any] = {
        "most_unsettled": 0,
        "oldest_ms": 0,
        "least_free": 0,
        "every_s": 1,
        "partners": ["sp"],
        "held_back": HELD_BACK,
    }
    return Gauge(store, folder, Bounds(**(values | changes)))


async def looked(gauge: Gauge) -> str:
    await gauge.look()
    return gauge.full()


async def test_nothing_is_full_without_limits(store: Store, tmp_path: Path) -> None:
    """0 means no limit."""
    await queue(store, an_order())

    assert await looked(gauge_of(store, tmp_path)) == ""


async def test_as_many_as_the_limit_is_too_many(store: Store, tmp_path: Path) -> None:
    """And when one of them is sent the doors open again."""
    gauge = gauge_of(store, tmp_path, most_unsettled=2)
    await queue(store, an_order("r1"), an_order("r2", "p2"))
    before = await looked(gauge)
    delivery = opened(store, (await claim(store))[0])
    await store.run(lambda tx: claims.settle(tx, delivery, DeliveryStep.ACCEPT, Receipt(), TRIED))

    assert (before, await looked(gauge)) == ("too-much-waiting", "")


async def test_the_oldest_that_is_under_way_counts(store: Store, tmp_path: Path, clock: Any) -> None:
    """A partner that has been away for longer than the limit closes the doors."""
    gauge = gauge_of(store, tmp_path, oldest_ms=HOUR * 1000)
    await queue(store, an_order())
    clock.forward(HOUR)
    at_the_limit = await looked(gauge)
    clock.forward(1)

    assert (at_the_limit, await looked(gauge)) == ("", "waiting-too-long")


async def test_what_waits_for_a_person_does_not_close_the_doors(
    store: Store, tmp_path: Path, clock: Any
) -> None:
    """A parked delivery may be weeks old."""
    await queue(store, an_order())
    delivery = opened(store, (await claim(store))[0])
    await store.run(lambda tx: claims.park(tx, delivery, TRIED))
    clock.forward(HOUR * 24 * 14)

    assert await looked(gauge_of(store, tmp_path, oldest_ms=1)) == ""


async def test_what_waits_for_its_practice_does_not_close_the_doors(
    store: Store, tmp_path: Path, clock: Any
) -> None:
    """A practice that was switched off says nothing of the service."""
    await queue(store, an_order())
    delivery = opened(store, (await claim(store))[0])
    held = claims.Try(took_ms=1, result="held", status=None, code=HELD_BACK[0], node="n1")
    await store.run(
        lambda tx: claims.postpone(tx, delivery, DeliveryStep.POSTPONE, delay_ms=600_000, tried=held)
    )
    clock.forward(HOUR)

    assert await looked(gauge_of(store, tmp_path, oldest_ms=1)) == ""


async def test_a_disk_that_is_nearly_full_closes_the_doors(store: Store, tmp_path: Path) -> None:
    """Before anything that was promised can no longer be kept."""
    assert await looked(gauge_of(store, tmp_path, least_free=1 << 60)) == "disk-nearly-full"


async def test_a_hold_closes_the_doors_of_every_node_until_it_is_lifted(store: Store, tmp_path: Path) -> None:
    """It is a row of the database, not a state of a process."""
    one, other = gauge_of(store, tmp_path), gauge_of(store, tmp_path)
    await store.run(lambda tx: hold.put(tx, Hold(by="op", why="restore", at=tx.now)))
    held = [await looked(one), await looked(other)]
    await store.run(hold.lift)

    assert (held, await looked(one)) == (["held", "held"], "")


async def test_a_store_that_does_not_answer_changes_nothing(store: Store, tmp_path: Path) -> None:
    """The doors find out for themselves, and say so."""

    class Away:
        dialect = "sqlite"

        async def run(self, _work: Any) -> Any:
            raise Unavailable

        async def read(self, _work: Any) -> Any:
            raise Unavailable

        async def close(self) -> None: ...

    gauge = gauge_of(Away(), tmp_path, most_unsettled=1)

    assert await looked(gauge) == ""


@pytest.mark.parametrize("code", HELD_BACK)
def test_codes_of_what_is_held_back_have_words(code: str) -> None:
    """They stand on deliveries, where people read them."""
    assert CATALOGUE[code].meaning


async def test_a_data_folder_that_is_away_does_not_end_the_looking(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told of, and looked at again once it is back."""
    folder, stop = tmp_path / "away", asyncio.Event()
    gauge = gauge_of(store, folder, least_free=1 << 62, every_s=0.01)
    watching = asyncio.create_task(gauge.watch(stop))
    with caplog.at_level(logging.ERROR):
        async with asyncio.timeout(30):
            while "worker_failed" not in [record.__dict__.get("event") for record in caplog.records]:
                await asyncio.sleep(0.01)
            folder.mkdir()
            while gauge.full() != DISK.code:
                await asyncio.sleep(0.01)
    stop.set()
    await watching
