"""The key ring: the master keys of sealing, blind indexes and the audit chain, each with older ones kept.

One JSON file of mode 0600, or the same text in an environment variable. Each master key serves one use, and
what it is used with is derived from it by HKDF under that use's own label, so that no two uses share a key.
Losing the ring loses everything that was sealed with it: it is backed up apart from the store.
"""

import base64
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.errors import ConfigError
from bridge.security.secrets import Secret

KEY_BYTES = 32
ID_BYTES = 4  # of the id inside a sealed value; twice as many characters as text
_VERSION = 1
_UNREADABLE = "The key ring {place} cannot be used: {why}."


class Use(StrEnum):
    """What a master key is for."""

    SEAL = "seal"
    INDEX = "index"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One master key; `id` is eight hexadecimal characters."""

    id: str
    use: Use
    master: bytes = field(repr=False)

    def derive(self, label: str) -> bytes:
        """32 bytes for one purpose (RFC 5869)."""
        info = f"referral-bridge/{_VERSION}/{self.use}/{label}".encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self.master)

    def check(self) -> str:
        """Says which key this is without telling anything of it: `id:check value`."""
        return f"{self.id}:{self.derive('check')[:16].hex()}"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every key, the current one of each use before its older ones."""

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if len({key.id for key in self.keys}) != len(self.keys):
            raise ConfigError("The key ring holds two keys of the same id.")
        missing = [use.value for use in Use if not self.of(use)]
        if missing:
            raise ConfigError(f"The key ring has no key for: {', '.join(missing)}.")

    def of(self, use: Use) -> tuple[Key, ...]:
        """The keys of one use, current first."""
        return tuple(key for key in self.keys if key.use is use)

    @property
    def index_key(self) -> str:
        """The id of the key that blind indexes are made with."""
        return self.of(Use.INDEX)[0].id

    def fingerprint(self) -> str:
        """What the store keeps to know its ring again: the check value of each key, nothing secret."""
        return " ".join(sorted(key.check() for key in self.keys))

    def refuse_if_wrong(self, kept: str) -> None:
        """ConfigError unless this ring holds every key of a fingerprint kept earlier; others may join."""
        missing = set(kept.split()) - set(self.fingerprint().split())
        if missing:
            ids = ", ".join(sorted(check.partition(":")[0] for check in missing))
            raise ConfigError(f"This key ring is not the one the store was written with: it lacks key {ids}.")


def _new_key(use: Use) -> Key:
    return Key(id=secrets.token_hex(ID_BYTES), use=use, master=secrets.token_bytes(KEY_BYTES))


def create_key_ring(path: Path) -> KeyRing:
    """Make a ring with one key for each use and write it, mode 0600; ConfigError when the file exists."""
    ring = KeyRing(tuple(_new_key(use) for use in Use))
    with _locked(path.parent):
        if path.exists() or path.is_symlink():
            raise ConfigError(f"There is already a file at {path}; a key ring is never overwritten.")
        _write(path, ring)
    return ring


def load_key_ring(reference: str) -> KeyRing:
    """The ring at `file:/path` or in `env:NAME`; ConfigError when missing, malformed or open to others."""
    return _parsed(reference, Secret.parse(reference).read())


def save_key_ring(path: Path, ring: KeyRing, *, replaces: KeyRing) -> None:
    """Replace the ring in the file; ConfigError when it no longer holds `replaces`, so no key is lost."""
    with _locked(path.parent):
        if load_key_ring(f"file:{path.absolute()}") != replaces:
            raise ConfigError(f"The key ring {path} was changed meanwhile; load it and try again.")
        _write(path, ring)


def rotate(ring: KeyRing, use: Use = Use.SEAL) -> KeyRing:
    """The ring with a new current key for that use; the older ones still open what they sealed."""
    new = _new_key(use)
    while any(key.id == new.id for key in ring.keys):
        new = _new_key(use)
    return KeyRing((new, *ring.keys))


def prepare(ring: KeyRing, use: Use) -> KeyRing:
    """The ring with a new key for that use that opens and is not used yet: every node gets it first."""
    return KeyRing((*ring.keys, rotate(ring, use).keys[0]))


def promote(ring: KeyRing, key_id: str) -> KeyRing:
    """The ring with that key as the current one of its use; ConfigError when it has none of that id."""
    chosen = tuple(key for key in ring.keys if key.id == key_id)
    if not chosen:
        raise ConfigError(f"The key ring has no key {key_id}.")
    return KeyRing((*chosen, *(key for key in ring.keys if key.id != key_id)))


def retire(ring: KeyRing, key_id: str) -> KeyRing:
    """The ring without one older key, for when nothing is kept under it; ConfigError for a current key."""
    if key_id in {ring.of(use)[0].id for use in Use}:
        raise ConfigError(f"Key {key_id} is in use; rotate before retiring it.")
    if key_id not in {key.id for key in ring.keys}:
        raise ConfigError(f"The key ring has no key {key_id}.")
    return KeyRing(tuple(key for key in ring.keys if key.id != key_id))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time in this folder; a finished write is on the disk."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"The folder {folder} cannot be opened: {error.strerror}.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, ring: KeyRing) -> None:
    """Whole or not at all: a temporary file beside it (mkstemp makes it 0600), synced, then renamed."""
    rows = [
        {"id": key.id, "use": key.use.value, "key": base64.b64encode(key.master).decode()}
        for key in ring.keys
    ]
    text = json.dumps({"version": _VERSION, "keys": rows}, indent=2) + "\n"
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"The key ring {path} cannot be written: {error.strerror}.") from None


def _parsed(place: str, raw: bytes) -> KeyRing:
    ring = _ring(raw)
    if isinstance(ring, str):  # raised here, away from the exception that knows the text
        raise ConfigError(_UNREADABLE.format(place=place, why=ring))
    return ring


def _ring(raw: bytes) -> KeyRing | str:
    """The ring, or why there is none."""
    try:
        document = json.loads(raw)
        if document["version"] != _VERSION:
            return "it is of another version"
        keys = tuple(_key(cast("dict[str, str]", row)) for row in document["keys"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "it is not a key ring"
    return KeyRing(keys)


def _key(row: dict[str, str]) -> Key:
    master, id_ = base64.b64decode(row["key"], validate=True), bytes.fromhex(row["id"])
    if len(master) != KEY_BYTES or len(id_) != ID_BYTES or id_.hex() != row["id"]:
        raise ValueError
    return Key(id=row["id"], use=Use(row["use"]), master=master)
