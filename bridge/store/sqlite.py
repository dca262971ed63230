"""SQLite: one writer thread, many units to one commit, and nothing acknowledged before its fsync.

The thread takes whatever units are waiting, runs each in a savepoint and commits them together
(`synchronous=FULL` in WAL mode, so a commit returns after the log is on disk). A unit that fails is rolled
back alone; when the transaction itself is lost, the group is run again one by one.
One process serves a file: a lock file beside it says so, and network file systems are refused.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from bridge.errors import ConfigError, Unavailable
from bridge.store.file_lock import lock_file
from bridge.store.migrate import migrate
from bridge.store.queries import VOID_LEASES
from bridge.store.unit import CLOSED, OnCommit, Sealer, Tx, Work, in_thread, unobserved

T = TypeVar("T")
GROUP = 256
READERS = 4


class _Waiting(Generic[T]):
    __slots__ = ("future", "work")

    def __init__(self, work: Work[T], future: asyncio.Future[T]) -> None:
        self.work = work
        self.future = future


class SqliteReader:
    """Reads a file that another process may be serving."""

    dialect = "sqlite"

    def __init__(self, path: Path, sealer: Sealer, clock: Callable[[Connection], int]) -> None:
        if not path.exists():
            raise ConfigError(f"there is no database at {path} yet")
        self._sealer = sealer
        self._clock = clock
        self._readers = _engine(path, read_only=True)
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")

    async def run(self, work: Work[T]) -> T:  # noqa: ARG002 - the protocol's
        """Refuse: this store only reads."""
        raise Unavailable("the database was opened for reading only")

    async def read(self, work: Work[T]) -> T:
        """Run on a read-only connection of its own thread."""

        def reading() -> T:
            try:
                with self._readers.connect() as conn:
                    return work(Tx(conn, self._sealer, self._clock))
            except DBAPIError as error:
                raise _unavailable(error) from None

        return await in_thread(self._pool, reading)

    async def close(self) -> None:
        """Let go of every connection."""
        self._pool.shutdown()
        self._readers.dispose()


class SqliteStore(SqliteReader):
    """Implements `Store` on one file; see the module."""

    def __init__(
        self,
        path: Path,
        sealer: Sealer,
        clock: Callable[[Connection], int],
        on_commit: OnCommit = unobserved,
    ) -> None:
        self._on_commit = on_commit
        self._lock = lock_file(path)
        try:
            self._engine = _engine(path, read_only=False)
            with self._engine.connect() as conn:
                migrate(conn)
                conn.execute(VOID_LEASES, {"now": clock(conn)})  # whoever held them is gone
                conn.commit()
            path.chmod(0o600)
            super().__init__(path, sealer, clock)
        except DBAPIError as error:
            self._lock.close()
            raise _unavailable(error) from None
        except BaseException:
            self._lock.close()
            raise
        self._conn: Connection | None = None  # the writer thread's own
        self._waiting: queue.SimpleQueue[_Waiting[Any] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._write_loop, name="store-write", daemon=True)
        self._thread.start()

    async def run(self, work: Work[T]) -> T:
        """Queue the unit for the writer; resolves after the commit that holds it."""
        if self._closed or not self._thread.is_alive():
            raise Unavailable(CLOSED)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put(_Waiting(work, future))
        return await future

    async def close(self) -> None:
        """Finish what is queued, then let go of the file."""
        self._closed = True
        self._waiting.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        await super().close()
        self._engine.dispose()
        self._lock.close()

    def _write_loop(self) -> None:
        running = True
        while running:
            first = self._waiting.get()
            if first is None:
                break
            group, running = self._gather(first)
            self._commit(group)
        self._disconnect()

    def _gather(self, first: _Waiting[Any]) -> tuple[list[_Waiting[Any]], bool]:
        """Whatever else is waiting, up to GROUP; False when the store is closing."""
        group = [first]
        while len(group) < GROUP:
            try:
                more = self._waiting.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return group, False
            group.append(more)
        return group, True

    def _commit(self, group: list[_Waiting[Any]]) -> Unavailable | None:
        """Commit the group and answer each of it; why none could begin is the answer to them all."""
        started = time.perf_counter()
        done: list[_Done] = []
        try:
            conn = self._begun()
        except Exception as error:  # noqa: BLE001 - locked or gone: nobody need wait for that again
            return self._refuse(group, _unavailable(error))
        try:
            raw: Any = conn.connection.dbapi_connection
            done.extend((waiting, *self._attempt(conn, raw, waiting)) for waiting in group)
            conn.commit()
        except Exception as error:  # noqa: BLE001 - the store failed; each unit gets its own honest answer
            self._disconnect()
            if len(group) > 1:
                self._one_by_one(group)
            else:
                self._refuse(group, _unavailable(error))
            return None
        self._on_commit(len(group), time.perf_counter() - started)
        _resolve(done)
        return None

    def _one_by_one(self, group: list[_Waiting[Any]]) -> None:
        for n, waiting in enumerate(group, 1):
            error = self._commit([waiting])
            if error is not None:
                self._refuse(group[n:], error)
                return

    def _refuse(self, group: list[_Waiting[Any]], error: Unavailable) -> Unavailable:
        self._disconnect()
        _resolve([(waiting, None, Unavailable(str(error))) for waiting in group])
        return error

    def _begun(self) -> Connection:
        if self._conn is None:
            self._conn = self._engine.connect()
        self._conn.begin()
        return self._conn

    def _attempt(self, conn: Connection, raw: Any, waiting: _Waiting[Any]) -> tuple[Any, Exception | None]:
        raw.execute("SAVEPOINT unit")
        try:
            value = waiting.work(Tx(conn, self._sealer, self._clock))
        except Exception as error:
            if not raw.in_transaction:  # SQLite gave the whole transaction up (disk full, I/O error)
                raise
            raw.execute("ROLLBACK TO unit")
            raw.execute("RELEASE unit")
            return None, _unavailable(error) if isinstance(error, DBAPIError) else error
        raw.execute("RELEASE unit")
        return value, None

    def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is None:
            return
        with suppress(Exception):
            conn.rollback()
        with suppress(Exception):
            conn.close()


_Done = tuple[_Waiting[Any], Any, BaseException | None]


def _resolve(done: list[_Done]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[_Done]] = {}
    for item in done:
        loops.setdefault(item[0].future.get_loop(), []).append(item)
    for loop, items in loops.items():
        with suppress(RuntimeError):  # the loop is gone: nobody waits any more
            loop.call_soon_threadsafe(_set_results, items)


def _set_results(items: list[_Done]) -> None:
    for waiting, value, error in items:
        if waiting.future.done():
            continue
        if error is None:
            waiting.future.set_result(value)
        else:
            waiting.future.set_exception(error)


def _engine(path: Path, *, read_only: bool) -> Engine:
    engine = create_engine(
        f"sqlite:///file:{path}?{'mode=ro&' if read_only else ''}uri=true",
        poolclass=QueuePool if read_only else NullPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 5.0},
        query_cache_size=1000,
        **({"pool_size": READERS} if read_only else {}),
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: Any, _record: Any) -> None:
        for pragma in _PRAGMAS[read_only]:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


_PRAGMAS = {
    True: ("query_only=ON", "busy_timeout=5000"),
    False: (
        "auto_vacuum=INCREMENTAL",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=5000",
        "wal_autocheckpoint=4000",
        "cache_size=-16000",
        "temp_store=MEMORY",
    ),
}


def _unavailable(error: BaseException) -> Unavailable:
    """Never the driver's text: it can quote parameters."""
    text = str(getattr(error, "orig", "")).lower()
    for sign, words in (
        ("full", "the disk is full"),
        ("readonly", "the database is read-only"),
        ("locked", "the database is locked"),
        ("disk i/o", "the disk failed"),
        ("malformed", "the database file is damaged"),
    ):
        if sign in text:
            return Unavailable(words)
    return Unavailable(f"the database failed ({type(error).__name__})")
