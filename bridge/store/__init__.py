"""Durable state. `open_store` picks the dialect; the other modules are functions of an open transaction."""

import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, text

from bridge.errors import ConfigError
from bridge.store.unit import OnCommit, Sealer, Store, Tx, Work, unobserved

__all__ = ["Sealer", "Store", "Tx", "Work", "open_store", "reading_store"]

_PG_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)")


def _machine_clock(_conn: Connection) -> int:
    return time.time_ns() // 1_000_000


def _postgres_clock(conn: Connection) -> int:
    return int(conn.execute(_PG_NOW).scalar_one())


def open_store(
    url: str,
    sealer: Sealer,
    *,
    clock: Callable[[], int] | None = None,
    connections: int = 8,
    on_commit: OnCommit = unobserved,
) -> Store:
    """Open `sqlite:<path>` or `postgresql://…`; raises ConfigError (unusable) or Unavailable (away).

    `clock` (milliseconds) replaces the database's own clock in tests. `on_commit` is told of each commit, in
    a thread of the store.
    """
    given = (lambda _conn: clock()) if clock else None
    if url.startswith("sqlite:"):
        from bridge.store.sqlite import SqliteStore  # noqa: PLC0415 - only the dialect in use is loaded

        return SqliteStore(Path(url.removeprefix("sqlite:")), sealer, given or _machine_clock, on_commit)
    if url.startswith(("postgresql://", "postgres://")):
        from bridge.store.postgres import PostgresStore  # noqa: PLC0415

        return PostgresStore(url, sealer, given or _postgres_clock, connections, on_commit)
    raise ConfigError("database must be sqlite:<path> or postgresql://…")


def reading_store(url: str, sealer: Sealer) -> Store:
    """The same for reading only: beside a running bridge, without its lock."""
    if not url.startswith("sqlite:"):
        return open_store(url, sealer, connections=1)
    from bridge.store.sqlite import SqliteReader  # noqa: PLC0415

    return SqliteReader(Path(url.removeprefix("sqlite:")), sealer, _machine_clock)
