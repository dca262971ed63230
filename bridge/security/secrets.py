"""Secrets by reference: where a secret lives is configuration, what it is is read late and kept nowhere.

A reference is `env:NAME` or `file:/absolute/path`. Text of any other form is refused without being repeated,
because it is most likely the secret itself, pasted where its reference belongs.
"""

import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bridge.errors import ConfigError

MOUNTED = Path("/run/secrets")  # where container platforms put secrets, with modes of their own
LARGEST = 64 * 1024  # bytes; a key ring or a certificate key is far smaller

_HINTS = {
    errno.ENOENT: " Put it there, or name another in the settings.",
    errno.EACCES: " It belongs to the user who runs the bridge, in a folder which that user may enter.",
}
_REFERENCE = re.compile(r"env:([A-Z_][A-Z0-9_]{0,127})|file:(/[^\0\r\n]+)")


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A reference to a secret. It never holds the value, and `repr` shows only which kind it is."""

    reference: str

    def __post_init__(self) -> None:
        if not _REFERENCE.fullmatch(self.reference):
            raise ConfigError(
                "A secret is given by reference, env:NAME in capitals or file:/absolute/path, never inline."
            )

    @property
    def path(self) -> Path | None:
        """The file, when the reference names one."""
        return Path(self.reference[5:]) if self.reference.startswith("file:") else None

    def read(self) -> bytes:
        """The secret without one trailing newline; ConfigError when absent, empty or readable by others."""
        path = self.path
        raw = _variable(self.reference[4:]) if path is None else read_private(path)
        value = raw.removesuffix(b"\n").removesuffix(b"\r") if raw.endswith(b"\n") else raw
        if not value:
            raise ConfigError(f"The secret {self.reference} is empty.")
        return value

    def text(self) -> str:
        """The secret as text; ConfigError when it is not UTF-8."""
        text = self.read().decode("utf-8", "replace")
        if "\N{REPLACEMENT CHARACTER}" in text:
            raise ConfigError(f"The secret {self.reference} is not UTF-8 text.")
        return text

    def __repr__(self) -> str:
        return f"Secret({self.reference.partition(':')[0]}:***)"

    __str__ = __repr__

    @classmethod
    def parse(cls, text: str) -> Self:
        """Trim and check; ConfigError for anything that is no reference."""
        return cls(text.strip())


def read_private(path: Path) -> bytes:
    """The bytes of a file only its owner can read; ConfigError when it is missing, open to others or large.

    Files that really lie under /run/secrets may be readable by others, never writable by them.
    """
    try:
        with open(path, "rb", opener=_at_once) as file:
            _refuse_if_open(path, os.fstat(file.fileno()))
            content = file.read(LARGEST + 1)
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "")
        raise ConfigError(f"The secret file {path} cannot be read: {error.strerror}.{hint}") from None
    if len(content) > LARGEST:
        raise ConfigError(f"The secret file {path} is larger than {LARGEST} bytes.")
    return content


def write_private(path: Path, content: bytes) -> None:
    """A new file that only its owner can read; ConfigError when it is there already or cannot be made."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(f"The file {path} cannot be made: {error.strerror}.") from None
    with os.fdopen(file, "wb") as opened:
        opened.write(content)


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for a writer, which a named pipe would."""
    return os.open(path, flags | os.O_NONBLOCK)


def _refuse_if_open(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"The secret file {path} is not a regular file.")
    mounted = path.resolve().is_relative_to(MOUNTED)
    forbidden = 0o022 if mounted else 0o077
    if status.st_mode & forbidden:
        raise ConfigError(f"The secret file {path} is open to other users; run: chmod 600 {path}")


def _variable(name: str) -> bytes:
    value = os.environb.get(name.encode())
    if value is None:
        raise ConfigError(f"The environment variable {name} is not set.")
    return value
