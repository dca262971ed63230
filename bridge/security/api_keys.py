"""API keys: 256 random bits, shown once; we keep only their SHA-256, and that by reference."""

import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from bridge.errors import ConfigError, Problem, Unauthenticated
from bridge.security.caller import Caller
from bridge.security.secrets import Secret

PREFIX = "rbk_"  # says what it is to whoever finds one, and to `redact`
_AT_ONCE = 2  # the key in use and its successor

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key just made. `token` goes to the caller and is not kept; `digest` is what an `ApiKey` refers to."""

    token: str = field(repr=False)
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key of one caller: where its SHA-256 (64 hexadecimal characters) lies, and its last day, UTC."""

    caller: Caller
    digest: Secret
    last_day: date


def new_api_key() -> NewApiKey:
    """A fresh random key."""
    token = PREFIX + secrets.token_urlsafe(32)
    return NewApiKey(token=token, digest=_digest(token))


class ApiKeys:
    """Finds the caller of a key. A caller may have two at once, so that one can replace the other."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        """Read each digest; ConfigError when one is missing, malformed, shared, or a third of one caller."""
        self._keys = tuple((_kept(key), key) for key in keys)
        if len({digest for digest, _ in self._keys}) != len(self._keys):
            raise ConfigError("Two API keys have the same digest; each caller needs keys of its own.")
        for name, count in Counter(key.caller.name for _, key in self._keys).items():
            if count > _AT_ONCE:
                raise ConfigError(
                    f"The caller {name!r} has {count} API keys; two at once are enough to rotate."
                )

    def caller(self, token: str, today: date) -> Caller:
        """The caller whose key this is; Unauthenticated when it is nobody's or its last day (UTC) has passed.

        Every digest is compared, each in constant time, so the time taken does not tell which one was near.
        """
        shown = _digest(token)
        found = [key for digest, key in self._keys if hmac.compare_digest(digest, shown)]
        if not found:
            raise Unauthenticated(
                problems=(Problem(code="credential-refused", at="API key", rule="unknown"),)
            )
        if today > found[0].last_day:
            raise Unauthenticated(problems=(Problem(code="credential-expired", at="API key"),))
        return found[0].caller


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _kept(key: ApiKey) -> str:
    digest = key.digest.text().strip()
    if not _DIGEST.fullmatch(digest):
        raise ConfigError(
            f"{key.digest.reference} holds no SHA-256 of an API key, as {key.caller.name!r} needs."
        )
    return digest
