"""A store that cannot write now, or not any more, says so at once to everybody who waits."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bridge.errors import Unavailable
from bridge.store import Store, facts

UNITS = 40


async def test_who_waits_for_a_locked_file_waits_once(sqlite_store: Store, tmp_path: Path) -> None:
    """All units of a group are told together: none waits for the lock after another has waited in vain."""
    begun: list[Any] = []
    engine: Any = sqlite_store._engine  # type: ignore[attr-defined]
    event.listen(engine, "connect", lambda raw, _record: raw.execute("PRAGMA busy_timeout=300"))
    event.listen(engine, "begin", begun.append)
    other = sqlite3.connect(tmp_path / "bridge.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    told = await asyncio.gather(*(put(sqlite_store, n) for n in range(UNITS)), return_exceptions=True)
    other.execute("ROLLBACK")
    other.close()

    assert [str(each) for each in told] == ["the database is locked"] * UNITS
    assert len(begun) <= 3  # the first alone, then what came meanwhile
    await put(sqlite_store, 1)


async def put(store: Store, n: int) -> None:
    """Any small unit."""
    await store.run(lambda tx: facts.put(tx, f"fact {n}", {}))


async def test_a_store_that_was_closed_refuses(store: Store) -> None:
    """Nobody waits for a writer that is gone."""
    await put(store, 1)
    await store.close()
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable):
            await put(store, 2)
        with pytest.raises(Unavailable):
            await store.read(lambda tx: facts.known(tx, "fact 1"))
