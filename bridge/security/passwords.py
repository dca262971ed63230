"""Passwords of people who sign in at the page: kept as Argon2id only (RFC 9106), compared by that alone."""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from bridge.errors import Problem, Unacceptable

SHORTEST, LONGEST = 12, 200  # characters; length is what counts (NIST SP 800-63B, 5.1.1.2)
_HASHER = PasswordHasher()  # its defaults are the second recommended option of RFC 9106


def hashed(password: str, *, of: str) -> str:
    """The hash to keep; Unacceptable for a password that is too short, too long, or the account's name."""
    plain = _normal(password)
    if not SHORTEST <= len(plain) <= LONGEST or of.lower() in plain.lower():
        rule = f"{SHORTEST} to {LONGEST} characters, without the account's name"
        raise Unacceptable(problems=(Problem(code="password-weak", rule=rule),))
    return _HASHER.hash(plain)


def is_it(password: str, kept: str) -> bool:
    """Whether it is the password of that hash; with "" as long as for one, and no."""
    plain = _normal(password)[: LONGEST + 1]
    try:
        return _HASHER.verify(kept or _nobodys(), plain) and bool(kept)
    except (Argon2Error, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """A hash to compare with where there is no account, so that the time taken tells nothing."""
    return _HASHER.hash("nobody signs in with this")


def _normal(password: str) -> str:
    """However a keyboard composes its accents, it is the same password."""
    return unicodedata.normalize("NFC", password)
