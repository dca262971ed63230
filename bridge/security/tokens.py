"""Callers by signed token: a resource server's checks of a JWT access token (RFC 6750, RFC 7519, RFC 8725).

A token says only who it is; what that caller may do stands in our configuration, never in the token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from bridge.errors import ConfigError, Forbidden, Problem, Unauthenticated
from bridge.security.caller import Caller
from bridge.security.public_keys import Jwk, PublicKeys

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "ES256", "ES384"})
LARGEST = 16 * 1024  # characters of a token
RSA_BITS = 2048  # RFC 7518, 3.3 and 3.5
LEEWAY_S = 30

_YEAR_5000 = 95_617_584_000
_CURVES = {"ES256": "P-256", "ES384": "P-384"}
_BROKEN = (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """One issuer we trust, and which of its clients is which caller.

    `callers` is keyed by the value of `claim` ("sub", "client_id", "azp"). Times may be off by `LEEWAY_S`.
    """

    issuer: str
    audience: str
    keys: PublicKeys
    callers: Mapping[str, Caller]
    claim: str = "sub"
    scopes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not (self.issuer and self.audience and self.claim):
            raise ConfigError(
                "A token issuer needs an issuer, an audience and the claim that names its clients."
            )

    def caller(self, token: str, now: datetime) -> Caller:
        """The caller of a token.

        Unauthenticated when it is not signed, addressed and dated right; Forbidden without the scopes or for
        a client not configured; Unavailable when the issuer's keys cannot be had.
        """
        claims = self._proven(token, now)
        _refuse_if_outside(claims, now.timestamp())
        if not self.scopes <= _scopes(claims):
            raise Forbidden(problems=(Problem(code="caller-not-allowed", at="token", rule="scope"),))
        client = claims.get(self.claim)
        caller = self.callers.get(client) if isinstance(client, str) else None
        if caller is None:
            raise Forbidden(problems=(Problem(code="caller-not-allowed", at="token", rule=self.claim),))
        return caller

    def _proven(self, token: str, now: datetime) -> Mapping[str, Any]:
        """The claims, once signature, issuer and audience are right; their times are not looked at yet."""
        header = _header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise _refused("alg")
        if "crit" in header:
            raise _refused("crit")
        jwk = self.keys.find(kid, now) if isinstance(kid, str) else None
        if jwk is None or jwk.get("alg", algorithm) != algorithm:
            raise _refused("kid")
        claims = _verified(token, jwk, algorithm, self.issuer, self.audience)
        if claims is None:
            raise _refused("signature, iss or aud")
        return claims


def issuer_of(token: str) -> str:
    """Who the token says made it, proven by nothing yet; Unauthenticated when it is no token."""
    _header(token)
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except _BROKEN:
        issuer = None
    if not isinstance(issuer, str):
        raise _refused("iss")
    return issuer


def _header(token: str) -> Mapping[str, Any]:
    try:
        header = jwt.get_unverified_header(token) if len(token) <= LARGEST else None
    except _BROKEN:
        header = None
    if header is None:  # raised here, away from the exception that knows the token
        raise _refused("form")
    return header


def _verified(token: str, jwk: Jwk, algorithm: str, issuer: str, audience: str) -> Mapping[str, Any] | None:
    try:
        key = _public_key(jwk, algorithm)
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=audience,
            options={
                "require": ["iss", "aud", "exp"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except _BROKEN:
        return None


def _public_key(jwk: Jwk, algorithm: str) -> Any:
    if algorithm in _CURVES:
        if jwk.get("crv") != _CURVES[algorithm]:
            raise ValueError
        return ECAlgorithm.from_jwk(dict(jwk))
    key = RSAAlgorithm.from_jwk(dict(jwk))
    if key.key_size < RSA_BITS:
        raise ValueError
    return key


def _refuse_if_outside(claims: Mapping[str, Any], now: float) -> None:
    """`exp` is there and ahead, `nbf` and `iat` behind if there at all; each a sane number of seconds."""
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name, now)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _YEAR_5000:
            raise _refused(name)
        if name != "exp" and value > now + LEEWAY_S:
            raise _refused(name)
    if claims["exp"] <= now - LEEWAY_S:
        raise Unauthenticated(problems=(Problem(code="credential-expired", at="token", rule="exp"),))


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """`scope` (RFC 8693, 4.2: words with spaces between) or `scp`, which some issuers send as a list."""
    given = claims.get("scope", claims.get("scp", ""))
    words = given.split() if isinstance(given, str) else given
    return frozenset(w for w in words if isinstance(w, str)) if isinstance(words, list) else frozenset()


def _refused(rule: str) -> Unauthenticated:
    return Unauthenticated(problems=(Problem(code="credential-refused", at="token", rule=rule),))
