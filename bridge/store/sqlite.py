"""SQLite: one writer thread, many units to one commit, and nothing acknowledged before its fsync.

The thread takes whatever units are waiting, runs each in a savepoint and commits them together
(`synchronous=FULL` in WAL mode, so a commit returns after the log is on disk). A unit that fails is rolled
back alone; when the transaction itself is lost, the group is run again one by one.
One process serves a file: a lock file beside it says so, and network file systems are refused.
"""

import asyncio
import fcntl
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
from bridge.store.migrate import migrate
from bridge.store.queries import VOID_LEASES
from bridge.store.unit import OnCommit, Sealer, Tx, Work, unobserved

T = TypeVar("T")
GROUP = 256
READERS = 4
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ncpfs", "afs"})


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

        return await asyncio.get_running_loop().run_in_executor(self._pool, reading)

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
        self._thread = threading.Thread(target=self._write_loop, name="store-write", daemon=True)
        self._thread.start()

    async def run(self, work: Work[T]) -> T:
        """Queue the unit for the writer; resolves after the commit that holds it."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put(_Waiting(work, future))
        return await future

    async def close(self) -> None:
        """Finish what is queued, then let go of the file."""
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

    def _commit(self, group: list[_Waiting[Any]]) -> None:
        done: list[_Done] = []
        started = time.perf_counter()
        try:
            if self._conn is None:
                self._conn = self._engine.connect()
            self._conn.begin()
            raw: Any = self._conn.connection.dbapi_connection
            done.extend((waiting, *self._attempt(self._conn, raw, waiting)) for waiting in group)
            self._conn.commit()
        except Exception as error:  # noqa: BLE001 - the store failed; each unit gets its own honest answer
            self._disconnect()
            if len(group) > 1:
                for waiting in group:
                    self._commit([waiting])
                return
            done = [(group[0], None, _unavailable(error))]
        else:
            self._on_commit(len(group), time.perf_counter() - started)
        _resolve(done)

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


def lock_file(path: Path) -> Any:
    """Hold `<file>.lock` for as long as the store is open, or say who may not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = file_system(path.parent)
    if kind in NETWORK_FILE_SYSTEMS:
        raise ConfigError(
            f"the database folder is on a network file system ({kind}), which cannot lock safely"
        )
    lock = path.with_name(path.name + ".lock")
    handle = lock.open("a+", encoding="ascii")
    lock.chmod(0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise ConfigError(f"{path.name} is in use by another bridge process") from None
    return handle


def file_system(folder: Path) -> str:
    """The type of the file system `folder` is on, from /proc/self/mounts; "" where that cannot be read."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return ""
    place = folder.resolve()
    fitting = [m for m in mounts if place.is_relative_to(m[0].replace("\\040", " "))]
    return max(fitting, key=lambda m: len(m[0]), default=["", ""])[1]


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
