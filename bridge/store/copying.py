"""A SQLite database as one file: copied while the bridge runs, checked, and put back under a hold.

The copy is one step of SQLite's online backup: a snapshot, for which no writer waits. What is put back has
the hold in it before it gets its name, so that no bridge ever starts on it as if nothing had happened.
"""

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError, Unavailable
from bridge.store.facts import KEYS, Ring
from bridge.store.file_lock import lock_file
from bridge.store.hold import NAME as HOLD
from bridge.store.migrate import HEAD

MADE = "backup"  # the fact that says when a copy was made, and by which node


def back_up(database: Path, file: Path, *, node: str) -> int:
    """Copy the database into a new file of mode 0600; its size in bytes.

    ConfigError when the file is there already or cannot be written, Unavailable when the copy is damaged.
    """
    if not database.exists():
        raise ConfigError(f"there is no database at {database}")
    if file.exists():
        raise ConfigError(f"{file} is there already; a backup is never overwritten")
    part = _new_part(file)
    try:
        with closing(_opened(database, "ro")) as source, closing(_opened(part, "rw")) as copy:
            source.backup(copy)  # all pages in one step
            copy.execute("PRAGMA journal_mode=DELETE")
            fact = {"at": time.time_ns() // 1_000_000, "node": node}
            _put(copy, MADE, fact)
            _check(copy)
        _keep(part, file)
    except sqlite3.Error as error:
        raise Unavailable(f"the backup could not be made ({type(error).__name__})") from None
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def put_back(file: Path, database: Path, ring: Ring, hold: dict[str, Any]) -> list[Path]:
    """Put a backup in the place of the database, held; where what was there before lies now.

    ConfigError when it is damaged, of a newer bridge, sealed with other keys, or when a bridge runs.
    """
    if not file.is_file():
        raise ConfigError(f"there is no backup at {file}")
    lock = lock_file(database)
    part = _new_part(database)
    try:
        shutil.copyfile(file, part)
        with closing(_opened(part, "rw")) as copy:
            _check(copy)
            _refuse_newer(copy)
            ring.refuse_if_wrong(_fact(copy, KEYS))
            _put(copy, HOLD, hold)
        aside = _set_aside(database)
        _keep(part, database)
    except sqlite3.Error as error:
        raise ConfigError(f"{file} is no backup of a bridge ({type(error).__name__})") from None
    finally:
        part.unlink(missing_ok=True)
        lock.close()
    return aside


def _new_part(file: Path) -> Path:
    """An empty file beside it that only this user can read."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from None
    return part


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    place = f"{file.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(place, uri=True, isolation_level=None, timeout=30)


def _check(copy: sqlite3.Connection) -> None:
    if copy.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise Unavailable("the copy is damaged")


def _refuse_newer(copy: sqlite3.Connection) -> None:
    version = copy.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    if version > HEAD:
        raise ConfigError(f"the backup has schema {version}, newer than this bridge knows ({HEAD})")


def _fact(copy: sqlite3.Connection, name: str) -> str:
    row = copy.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return "" if row is None else str(row[0])


def _put(copy: sqlite3.Connection, name: str, value: dict[str, Any]) -> None:
    copy.execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", (name, json.dumps(value)))


def _set_aside(database: Path) -> list[Path]:
    """Nothing is deleted: whatever was there may be looked into later."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    moved = []
    for suffix in ("", "-wal", "-shm"):
        there = database.with_name(database.name + suffix)
        if there.exists():
            moved.append(there.rename(database.with_name(f"{database.name}.before-{stamp}{suffix}")))
    return moved


def _keep(part: Path, file: Path) -> None:
    """Give it its name once it is on the disk."""
    with part.open("rb") as handle:
        os.fsync(handle.fileno())
    part.rename(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
