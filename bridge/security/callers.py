"""Who is calling: an API key, a signed token or a client certificate becomes one configured caller.

A credential that is shown decides: a bad one is never excused by another. Two in the headers are refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from bridge.errors import ConfigError, Problem, Unauthenticated
from bridge.security.api_keys import PREFIX, ApiKeys
from bridge.security.caller import Caller, Role
from bridge.security.certificates import CertificateCallers
from bridge.security.tokens import TokenIssuer, issuer_of

__all__ = ["Caller", "Callers", "RequestFacts", "Role"]

_KEY_HEADERS = ("x-api-key", "apikey")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What a request tells of its sender, before anything is believed.

    `headers` have lower-case names, `peer` is the address at the other end of the connection ("" unknown),
    and `certificate` the client certificate of this connection as PEM, verified by our own door.
    """

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    peer: str = ""
    certificate: str = field(default="", repr=False)

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any]) -> Self:
        """From an ASGI HTTP scope, with its TLS extension when the server offers it.

        `scope["client"]` must be the real peer: the server may not rewrite it from forwarding headers.
        """
        tls = (scope.get("extensions") or {}).get("tls") or {}
        chain = () if tls.get("client_cert_error") else tuple(tls.get("client_cert_chain") or ())
        return cls(
            headers=tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in scope["headers"]),
            peer=(scope.get("client") or ("", 0))[0],
            certificate=chain[0] if chain else "",
        )

    def header(self, name: str) -> str:
        """The value of a header, "" when it is not there; Unauthenticated when it is there twice."""
        values = [value.strip() for key, value in self.headers if key == name]
        if len(values) > 1:
            raise _refused(name, "sent twice")
        return values[0] if values else ""


class Callers:
    """Everyone who may call, by each way they can show it; safe to share between threads.

    Looking up an unknown token key may fetch the issuer's keys and so block: call `identify` off the event
    loop when `may_fetch` says so.
    """

    __slots__ = ("_certificates", "_issuers", "_keys", "_now")

    def __init__(
        self,
        *,
        keys: ApiKeys | None = None,
        issuers: Iterable[TokenIssuer] = (),
        certificates: CertificateCallers | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """ConfigError when two issuers have the same name."""
        listed = tuple(issuers)
        self._keys = keys or ApiKeys(())
        self._issuers = {issuer.issuer: issuer for issuer in listed}
        self._certificates = certificates
        self._now = now
        if len(self._issuers) != len(listed):
            raise ConfigError("Two token issuers have the same name.")

    def may_fetch(self, facts: RequestFacts) -> bool:
        """Whether it may be a token, whose issuer's keys may have to be fetched first."""
        return bool(self._issuers) and any(name == "authorization" for name, _ in facts.headers)

    def identify(self, facts: RequestFacts) -> Caller:
        """The caller.

        Unauthenticated without one good credential, Forbidden for a good one that is not configured here,
        Unavailable when an issuer's keys cannot be had.
        """
        authorization = facts.header("authorization")
        keys = [key for key in map(facts.header, _KEY_HEADERS) if key]
        if len(keys) + bool(authorization) > 1:
            raise _refused("headers", "one credential")
        if authorization:
            return self._by_bearer(authorization)
        if keys:
            return self._keys.caller(keys[0], self._now().date())
        return self._by_certificate(facts)

    def _by_bearer(self, authorization: str) -> Caller:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise _refused("authorization", "bearer")
        token = token.strip()
        if token.startswith(PREFIX):
            return self._keys.caller(token, self._now().date())
        issuer = self._issuers.get(issuer_of(token))
        if issuer is None:
            raise _refused("token", "iss")
        return issuer.caller(token, self._now())

    def _by_certificate(self, facts: RequestFacts) -> Caller:
        certificates, shown = self._certificates, facts.certificate
        if certificates is not None and certificates.trusts(facts.peer):
            shown = facts.header(certificates.header.lower()) or shown
        if certificates is None or not shown:
            raise Unauthenticated(problems=(Problem(code="credential-missing"),))
        return certificates.caller(shown, self._now())


def _refused(place: str, rule: str) -> Unauthenticated:
    return Unauthenticated(problems=(Problem(code="credential-refused", at=place, rule=rule),))
