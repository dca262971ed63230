"""PostgreSQL is backed up by its own tools; what they put back is held like any other restored database."""

import asyncio
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from bridge.errors import Conflict
from bridge.pipeline import restored
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing
from bridge.store import Store, hold, open_store, restoring
from bridge.store.audit import Hand
from bridge.store.tables import delivery, event, message, referral
from tests.contracts.keeping import deliver, refer

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is not installed here"),
]


async def test_what_pg_dump_took_beside_a_running_bridge_is_put_back_and_held(
    postgres_store: Store, postgres_url: str, tmp_path: Path, sealer: Any, ring: KeyRing
) -> None:
    """Dump, restore into an empty database, hold, and resume only once partners were asked."""
    await refer(postgres_store, 1)
    await deliver(postgres_store)
    await refer(postgres_store, 2)
    file = tmp_path / "bridge.dump"
    await asyncio.to_thread(
        subprocess.run, ["pg_dump", "--format=custom", f"--file={file}", postgres_url], check=True
    )
    await refer(postgres_store, 3)
    copy = f"{postgres_url}-copy{time.time_ns()}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{copy.rpartition("/")[2]}"')
    await asyncio.to_thread(
        subprocess.run, ["pg_restore", "--no-owner", f"--dbname={copy}", file], check=True
    )
    store = open_store(copy, sealer, connections=2)
    try:
        hand = Hand(actor="op", why="restore", node="n1", chain=AuditChain(ring))
        made = await store.run(lambda tx: restored.stand_still(tx, hand, restored=True))
        counts = [
            await store.read(lambda tx, t=t: tx.run(select(func.count()).select_from(t)).scalar_one())
            for t in (message, event, referral, delivery)
        ]
        waiting = await store.read(lambda tx: restoring.unsettled(tx, "", 10))
        with pytest.raises(Conflict):
            await store.run(lambda tx: restored.go_on(tx, hand, park=False))
        lifted = await store.run(lambda tx: restored.go_on(tx, hand, park=True))

        assert counts == [2, 2, 2, 1]
        assert made.newest > 0
        assert [each.state.value for each in waiting] == ["queued"]
        assert lifted["parked"] == 1
        assert not await store.read(hold.is_held)
    finally:
        await store.close()
