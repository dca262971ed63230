"""PostgreSQL: the same unit of work, on pooled connections, for many nodes over one database.

A unit that loses a race (serialisation, deadlock, unique key) is run again from the start. A connection
that breaks before COMMIT means nothing happened and the unit is run again; one that breaks during COMMIT
is told to the caller as Unavailable, because nobody knows, and every caller's key makes repeating harmless.
"""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from bridge.errors import BridgeError, ConfigError, Problem, Unacceptable, Unavailable
from bridge.store.migrate import HEAD, current, driver_url
from bridge.store.unit import OnCommit, Sealer, Tx, Work, in_thread, unobserved

T = TypeVar("T")
TRIES = 6
RACES = frozenset({"40001", "40P01", "23505"})  # serialization_failure, deadlock_detected, unique_violation


class PostgresStore:
    """Implements `Store` on one PostgreSQL database; see the module."""

    dialect = "postgresql"

    def __init__(
        self,
        url: str,
        sealer: Sealer,
        clock: Callable[[Connection], int],
        connections: int = 8,
        on_commit: OnCommit = unobserved,
    ) -> None:
        self._on_commit = on_commit
        self._sealer = sealer
        self._clock = clock
        self._engine = engine(url, connections)
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="store")
        try:
            self._check()
        except BaseException:
            self._pool.shutdown()
            self._engine.dispose()
            raise

    def _check(self) -> None:
        try:
            with self._engine.connect() as conn:
                version = current(conn)
                durable = conn.execute(text("SHOW synchronous_commit")).scalar_one()
        except OperationalError:
            raise Unavailable("PostgreSQL does not answer") from None
        if version != HEAD:
            raise ConfigError(
                f"the database has schema {version or 'none'}, not {HEAD}: run `bridge migrate`"
            )
        if durable == "off":
            raise ConfigError("synchronous_commit is off: an acknowledged event could be lost")

    async def run(self, work: Work[T]) -> T:
        """Run the unit on a pooled connection; returns after COMMIT."""
        return await in_thread(self._pool, partial(self._run, work))

    async def read(self, work: Work[T]) -> T:
        """Run on a read-only, repeatable-read snapshot."""

        def reading() -> T:
            try:
                with self._engine.connect() as conn, conn.begin():
                    conn.execute(_READ_ONLY)
                    return work(Tx(conn, self._sealer, self._clock))
            except DBAPIError as error:
                raise _told(error) from None

        return await in_thread(self._pool, reading)

    async def close(self) -> None:
        """Let go of every connection."""
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)
        self._engine.dispose()

    def _run(self, work: Work[T]) -> T:
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            committing = False
            started = time.perf_counter()
            try:
                with self._engine.connect() as conn:
                    transaction = conn.begin()
                    value = work(Tx(conn, self._sealer, self._clock))
                    committing = True
                    transaction.commit()
            except DBAPIError as error:
                again = _lost_race(error) or (error.connection_invalidated and not committing)
                if last or not again:
                    raise _told(error) from None
            else:
                self._on_commit(1, time.perf_counter() - started)
                return value
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - spreads losers of a race
        raise Unavailable("the database is too busy")


# A line that goes dead without a word is given up in half a minute, not in hours.
_CONNECT = {
    "connect_timeout": 5,
    "application_name": "bridge",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def engine(url: str, connections: int) -> Engine:
    """The pool; `url` is a postgresql:// URL."""
    return create_engine(
        driver_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        pool_recycle=1800,
        connect_args=_CONNECT,
        query_cache_size=1000,
    )


_READ_ONLY = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _lost_race(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in RACES


def _told(error: DBAPIError) -> BridgeError:
    """Never the driver's text, which can quote parameters. A value that cannot be stored is the sender's."""
    if isinstance(error, DataError):
        return Unacceptable(problems=(Problem(code="value-not-storable"),))
    if isinstance(error, IntegrityError):
        return Unavailable("the database refused a row")
    state = getattr(error.orig, "sqlstate", None) or ""
    words = {
        "53100": "the database disk is full",
        "25006": "the database is read-only",
        "57P03": "starting up",
    }
    return Unavailable(words.get(state, f"PostgreSQL failed ({state or type(error).__name__})"))
