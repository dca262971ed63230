"""The unit of work: one call that runs inside one transaction; what it returns is durable.

A unit may be run again from the start when the database asks for it (a lost race, a failed neighbour in
the same commit), so it must be a function of its arguments and of what it reads through `Tx`.
"""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, text

from bridge.errors import Unavailable

T = TypeVar("T")
Work = Callable[["Tx"], T]
OnCommit = Callable[[int, float], None]  # how many units a commit held and how many seconds it took


def unobserved(_units: int, _seconds: float) -> None:
    """Nobody counts commits."""


class Sealer(Protocol):
    """What the store needs of sealing; `bound_to` is associated data."""

    def seal(self, plain: bytes, *, bound_to: str) -> bytes: ...
    def open(self, sealed: bytes, *, bound_to: str) -> bytes: ...
    def index(self, label: str, value: str) -> str: ...


class Tx:
    """One open transaction, the sealer, and the database's clock in milliseconds."""

    __slots__ = ("_clock", "_now", "conn", "dialect", "sealer")

    def __init__(self, conn: Connection, sealer: Sealer, clock: Callable[[Connection], int]) -> None:
        self.conn = conn
        self.sealer = sealer
        self.dialect: str = conn.dialect.name
        self._clock = clock
        self._now: int | None = None

    @property
    def now(self) -> int:
        """Milliseconds since 1970 UTC; one value for the whole unit."""
        if self._now is None:
            self._now = self._clock(self.conn)
        return self._now

    def run(self, statement: Executable, params: Any = None) -> CursorResult[Any]:
        """Execute one statement (or one statement for many rows, when `params` is a list)."""
        return self.conn.execute(statement, params)

    def lock(self, *names: str) -> None:
        """Serialise units that touch the same person or key; SQLite has one writer and needs nothing."""
        if self.dialect != "postgresql":
            return
        for name in sorted(names):
            number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
            self.conn.execute(_ADVISORY_LOCK, {"n": number})

    def seal(self, place: str, row: str, plain: bytes) -> bytes:
        """Seal for one column of one row; `place` is "table.column"."""
        return self.sealer.seal(plain, bound_to=f"{place}:{row}")

    def open(self, place: str, row: str, sealed: bytes) -> bytes:
        """Open what `seal` made for the same place and row."""
        return self.sealer.open(sealed, bound_to=f"{place}:{row}")


_ADVISORY_LOCK = text("SELECT pg_advisory_xact_lock(:n)")


CLOSED = "the database was closed"


async def in_thread(pool: Executor, work: Callable[[], T]) -> T:
    """Do it on a thread of the pool; Unavailable once the pool was shut down."""
    try:
        future = asyncio.get_running_loop().run_in_executor(pool, work)
    except RuntimeError:
        raise Unavailable(CLOSED) from None
    return await future


class Store(Protocol):
    """A durable store: `run` commits before it returns; `read` sees one snapshot and cannot write.

    Both raise Unavailable when the database cannot do it, and after `close`; Unacceptable for a value that it
    cannot hold.
    """

    dialect: str

    async def run(self, work: Work[T]) -> T: ...
    async def read(self, work: Work[T]) -> T: ...
    async def close(self) -> None: ...
