"""The loops of a node go on whatever happens in them, and end when they are told to."""

import asyncio
import logging

import pytest

from bridge.errors import Unavailable
from bridge.pipeline.turning import turn


async def test_neither_a_store_away_nor_a_fault_of_ours_ends_a_loop(caplog: pytest.LogCaptureFixture) -> None:
    """Both are logged, and the next look comes."""
    stop = asyncio.Event()
    troubles = [LookupError("on purpose"), Unavailable("on purpose")]

    async def look() -> bool:
        if troubles:
            raise troubles.pop()
        stop.set()
        return False

    with caplog.at_level(logging.INFO):
        async with asyncio.timeout(30):
            await turn(stop, "test", look, every_s=0.01)

    told = [record.__dict__.get("event") for record in caplog.records]
    assert told == ["store_unavailable", "worker_failed"]


async def test_a_loop_does_not_rest_while_more_waits() -> None:
    """A hundred looks of which each says so take no hundred rests."""
    stop = asyncio.Event()
    looks = 0

    async def look() -> bool:
        nonlocal looks
        looks += 1
        if looks == 100:
            stop.set()
        return True

    async with asyncio.timeout(30):
        await turn(stop, "test", look, every_s=3600)

    assert looks == 100
