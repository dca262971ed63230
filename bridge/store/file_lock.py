"""One process serves a SQLite file: a lock file beside it says so, and network file systems are refused."""

import fcntl
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ncpfs", "afs"})


def lock_file(path: Path) -> Any:
    """Hold `<file>.lock` for as long as the store is open, or say who may not."""
    kind = file_system(path.parent)
    if kind in NETWORK_FILE_SYSTEMS:
        raise ConfigError(
            f"the database folder is on a network file system ({kind}), which cannot lock safely"
        )
    handle = _opened(path.with_name(path.name + ".lock"))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise ConfigError(f"{path.name} is in use by another bridge process") from None
    return handle


def _opened(lock: Path) -> Any:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a+", encoding="ascii")
        lock.chmod(0o600)
    except OSError as error:
        raise ConfigError(f"the database folder cannot be written ({error.strerror})") from None
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
