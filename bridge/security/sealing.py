"""Sealing: nothing that could tell who a patient is lies readable in the store.

A sealed value is: version (1 byte), key id (4), nonce (12), then ciphertext and tag, by AES-256-GCM (NIST
SP 800-38D). The header and `bound_to` are associated data: a value that was altered, or moved to another row,
does not open. Nonces are random, so one key seals at most 2**32 values (the same standard, 8.3): rotate long
before.

A blind index is a keyed hash that finds equal values without showing them.
"""

import hmac
import os
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.errors import BridgeError, ConfigError, Problem
from bridge.security.keyring import ID_BYTES, KeyRing, Use

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
INDEX_BYTES = 16  # 128 bits: two of a hundred million values meet by chance once in 10**22 stores

_HEADER = 1 + ID_BYTES
_SHORTEST = _HEADER + NONCE_BYTES + TAG_BYTES


class Unopened(BridgeError):
    """A sealed value was altered, cut short or moved to another row."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """What is derived of one ring."""

    current: str
    header: bytes
    ciphers: dict[str, AESGCM]
    indexes: tuple[bytes, ...]

    @classmethod
    def of(cls, ring: KeyRing) -> Self:
        sealing, indexing = ring.of(Use.SEAL), ring.of(Use.INDEX)
        return cls(
            current=sealing[0].id,
            header=bytes([VERSION]) + bytes.fromhex(sealing[0].id),
            ciphers={key.id: AESGCM(key.derive("aes-256-gcm")) for key in sealing},
            indexes=tuple(key.derive("hmac-sha256") for key in indexing),
        )


class Sealer:
    """Seals, opens and indexes with the keys of one ring; safe to share between threads."""

    __slots__ = ("_keys",)

    def __init__(self, ring: KeyRing) -> None:
        self._keys = _Keys.of(ring)

    def renew(self, ring: KeyRing) -> None:
        """From now on use the keys of that ring; whoever is sealing at this moment ends with the old ones."""
        self._keys = _Keys.of(ring)

    @property
    def key_id(self) -> str:
        """The id of the key that seals now."""
        return self._keys.current

    def seal(self, plain: bytes, *, bound_to: str) -> bytes:
        """Seal with the current key; `bound_to` names the place, "table.column:row"."""
        keys, nonce = self._keys, os.urandom(NONCE_BYTES)
        kept = keys.ciphers[keys.current].encrypt(nonce, plain, keys.header + _encoded(bound_to))
        return keys.header + nonce + kept

    def open(self, sealed: bytes, *, bound_to: str) -> bytes:
        """The plain bytes; ConfigError when the ring lacks the key, Unopened when they are not as sealed."""
        sealed = bytes(sealed)
        cipher = self._keys.ciphers.get(key := self.key_of(sealed))
        if cipher is None:
            raise ConfigError(f"Something was sealed with key {key}, which this key ring does not hold.")
        header, rest = sealed[:_HEADER], sealed[_HEADER:]
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], header + _encoded(bound_to))
        except InvalidTag:
            raise _unopened(bound_to) from None

    def index(self, label: str, value: str) -> str:
        """The blind index to store: 32 hexadecimal characters, equal for equal values under one label."""
        return _index(self._keys.indexes[0], label, value)

    @staticmethod
    def key_of(sealed: bytes) -> str:
        """The id of the key a value was sealed with; Unopened when it is no sealed value."""
        if len(sealed) < _SHORTEST or sealed[0] != VERSION:
            raise _unopened("")
        return sealed[1:_HEADER].hex()


def _index(key: bytes, label: str, value: str) -> str:
    # The length before the label keeps ("a", "bc") and ("ab", "c") apart.
    message = _encoded(f"{len(label)}:{label}:{value}")
    return hmac.digest(key, message, "sha256")[:INDEX_BYTES].hex()


def _encoded(text: str) -> bytes:
    """UTF-8 that takes half surrogates too: an encoding error would carry the text."""
    return text.encode("utf-8", "surrogatepass")


def _unopened(bound_to: str) -> Unopened:
    return Unopened(problems=(Problem(code="sealed-value-altered", at=bound_to.partition(":")[0]),))
