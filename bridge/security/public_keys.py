"""The public keys of a token issuer (JWKS, RFC 7517), kept and fetched again when that may help."""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bridge.errors import BridgeError, Problem, Unavailable

FRESH_FOR = timedelta(hours=1)  # then look whether a key was added or withdrawn
USABLE_FOR = timedelta(hours=24)  # with the issuer away; a withdrawn key works no longer than this
PAUSE = timedelta(minutes=1)  # between fetches, however many unknown key ids come in

Jwk = Mapping[str, Any]
_TYPES = ("RSA", "EC")


class PublicKeys:
    """Key id → JWK. `fetch` gives the JWKS text of a file or an address; it may block, and so may `find`."""

    __slots__ = ("_fetch", "_fetched_at", "_keys", "_lock", "_tried_at")

    def __init__(self, fetch: Callable[[], bytes]) -> None:
        """Fetch nothing yet; `fetch` may raise OSError or a BridgeError."""
        self._fetch = fetch
        self._keys: Mapping[str, Jwk] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._lock = threading.Lock()

    def find(self, kid: str, now: datetime) -> Jwk | None:
        """The key of that id, None when the issuer has none; Unavailable when its keys cannot be had."""
        if kid not in self._keys or not self._within(FRESH_FOR, now):
            self._refresh(kid, now)
        if not self._within(USABLE_FOR, now):
            raise Unavailable(problems=(Problem(code="issuer-keys-unavailable"),))
        return self._keys.get(kid)

    def _within(self, age: timedelta, now: datetime) -> bool:
        return self._fetched_at is not None and now - self._fetched_at < age

    def _refresh(self, kid: str, now: datetime) -> None:
        """One fetch at a time and one a minute; while another runs, a caller of a known key does not wait."""
        if not self._lock.acquire(blocking=kid not in self._keys):
            return
        try:
            if self._tried_at is None or now - self._tried_at >= PAUSE:
                self._tried_at = now
                self._replace(now)
        finally:
            self._lock.release()

    def _replace(self, now: datetime) -> None:
        try:
            keys = _keys(self._fetch())
        except (OSError, BridgeError):
            return  # the keys we have stay usable for a while
        if keys:
            self._keys, self._fetched_at = keys, now


def _keys(text: bytes) -> dict[str, Jwk]:
    """The signing keys of a JWKS by id; none when it is no JWKS. A published private key is no key."""
    try:
        listed = json.loads(text)["keys"]
        return {
            key["kid"]: key
            for key in listed
            if isinstance(key.get("kid"), str)
            and key.get("kty") in _TYPES
            and key.get("use", "sig") == "sig"
            and "d" not in key
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
