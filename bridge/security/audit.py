"""The audit chain: each row is hashed with a key over itself and the link before it, so a change shows.

Pure. Without the key nobody can make a chain that holds. What the chain alone cannot show is rows missing at
its end: for that a head (how long, and its last link) is exported from time to time and kept elsewhere.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from bridge.security.keyring import KeyRing, Use

LINK_BYTES = 32

Row = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How many rows a chain has and the link of the last one; what is exported and compared later."""

    length: int = 0
    link: bytes = bytes(LINK_BYTES)


START = Head()


class AuditChain:
    """Links and verifies rows with the audit keys of one ring: the current one makes links, all verify."""

    __slots__ = ("_keys",)

    def __init__(self, ring: KeyRing) -> None:
        self.renew(ring)

    def renew(self, ring: KeyRing) -> None:
        """From now on link with the current key of that ring, and verify with all of its keys."""
        self._keys = tuple(key.derive("chain") for key in ring.of(Use.AUDIT))

    def link(self, previous: bytes, row: Row) -> bytes:
        """The 32-byte link of a row behind `previous` (`START.link` for the first).

        TypeError for a value that is neither text, whole number, truth value nor None.
        """
        return _link(self._keys[0], previous, row)

    def verify(
        self, rows: Iterable[tuple[Row, bytes]], head: Head = START, after: Head = START
    ) -> int | None:
        """The position (from 0) of the first row that does not hold, or None; `rows` come with their links.

        `after` is where `rows` begin, for a chain whose oldest rows were archived. A chain that ends before
        `head`, or differs from it there, breaks at that place; rows added since are verified as well.
        """
        previous, place = after.link, after.length
        if head.length == place and head.link != previous:
            return place
        for row, link in rows:
            holds = place + 1 != head.length or hmac.compare_digest(head.link, link)
            if not holds or not self._made(previous, row, link):
                return place
            previous, place = link, place + 1
        return place if place < head.length else None

    def _made(self, previous: bytes, row: Row, link: bytes) -> bool:
        try:
            return any(hmac.compare_digest(_link(key, previous, row), link) for key in self._keys)
        except TypeError:  # a value we never write
            return False


def _link(key: bytes, previous: bytes, row: Row) -> bytes:
    if len(previous) != LINK_BYTES:
        raise ValueError(f"a link has {LINK_BYTES} bytes")
    return hmac.digest(key, previous + canonical(row), "sha256")


def canonical(row: Row) -> bytes:
    """The one byte string of a row: JSON with sorted keys and no space; different rows never share one."""
    for part in chain(row.keys(), row.values()):
        if not isinstance(part, str | int | None):
            raise TypeError("an audit row holds text, whole numbers, truth values and nothing else")
    if not all(isinstance(key, str) for key in row):
        raise TypeError("an audit row is keyed by text")
    text = json.dumps(dict(row), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")
