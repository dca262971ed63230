"""Who we are when we call a partner: an httpx.Auth for each way of saying so.

A token is kept until a minute before it expires, fetched once however many need it, and once more when the
partner answers 401. Failing to get one is never ambiguous: the request it was for has not left. Async only.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote_plus
from uuid import uuid4

import httpx
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bridge.errors import ConfigError
from bridge.partners.token_answer import TOKEN, answered, unreachable
from bridge.security.secrets import Secret

MARGIN = timedelta(seconds=60)  # a token is not used in its last minute
ASSERTION_LIFE = timedelta(
    seconds=240
)  # NHS: at most 5 minutes ahead; a minute is left for clocks that differ
RSA_BITS = 2048  # RFC 7518, 3.3; NHS England recommends 4096
NOBODY = httpx.Auth()  # for a partner that wants no identity

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _now() -> datetime:
    return datetime.now(UTC)


class Grant(Protocol):
    """How a token is asked for at one token endpoint: the form and the headers of a fresh request."""

    token_url: str

    def request(self) -> tuple[dict[str, str], dict[str, str]]: ...


class SignedJwt:
    """NHS application-restricted access: a JWT signed with our key stands for a secret (RFC 7523, RS512).

    `api_key` is the application's key, both issuer and subject; `kid` names the public key registered there.
    """

    def __init__(
        self,
        *,
        token_url: str,
        private_key: Secret,
        kid: str,
        api_key: Secret,
        now: Callable[[], datetime] = _now,
        new_jti: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        """ConfigError for a key that is not RSA of 2048 bits or more, or an address without TLS."""
        self.token_url = _safe_url(token_url)
        self._key = _rsa_key(private_key)
        self._client = api_key.text()
        self._kid = kid
        self._now = now
        self._new_jti = new_jti

    def request(self) -> tuple[dict[str, str], dict[str, str]]:
        """A form with an assertion that is used once, and no headers."""
        claims = {
            "iss": self._client,
            "sub": self._client,
            "aud": self.token_url,
            "jti": self._new_jti(),
            "exp": int((self._now() + ASSERTION_LIFE).timestamp()),
        }
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(claims, self._key, algorithm="RS512", headers={"kid": self._kid}),
        }, {}


class ClientCredentials:
    """OAuth 2 client credentials (RFC 6749, 4.4): the secret in a header, or `in_body` if a server asks."""

    def __init__(
        self, *, token_url: str, client_id: str, secret: Secret, scope: str = "", in_body: bool = False
    ) -> None:
        """ConfigError for an address without TLS or a secret that cannot be read."""
        self.token_url = _safe_url(token_url)
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        if in_body:
            self._form = form | {"client_id": client_id, "client_secret": secret.text()}
            self._headers: dict[str, str] = {}
        else:
            pair = f"{quote_plus(client_id)}:{quote_plus(secret.text())}"  # RFC 6749, 2.3.1
            self._form = form
            self._headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def request(self) -> tuple[dict[str, str], dict[str, str]]:
        """The same each time."""
        return self._form, self._headers


class Bearer(httpx.Auth):
    """Sends every request with the access token of a grant; one per partner, shared by its requests."""

    def __init__(self, http: httpx.AsyncClient, grant: Grant, now: Callable[[], datetime] = _now) -> None:
        """`http` calls the token endpoint; its timeouts hold there."""
        self._http = http
        self._grant = grant
        self._now = now
        self._token = ""
        self._until = now()
        self._flight: asyncio.Task[str] | None = None

    async def aclose(self) -> None:
        """Close the connections to the token endpoint."""
        await self._http.aclose()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The request with a token, and once again with a new one when the first was not accepted.

        Unauthorised, Throttled, Transient or NotThePartner when there is no token to be had.
        """
        token = await self._get()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            fresh = await self._get(refused=token)
            request.headers["Authorization"] = f"Bearer {fresh}"
            yield request

    def sync_auth_flow(self, _request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Refused: a request must not leave without its token because the client was of the wrong kind."""
        raise RuntimeError("Bearer works with httpx.AsyncClient only.")

    async def _get(self, refused: str = "") -> str:
        if self._token == refused:
            self._token = ""
        if self._token and self._now() < self._until:
            return self._token
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fetch())
            self._flight.add_done_callback(_retrieved)
        # Shielded: whoever stops waiting does not take the token from the others.
        return await asyncio.shield(self._flight)

    async def _fetch(self) -> str:
        asked_at = self._now()
        response = await self._ask()
        token, life = answered(response, asked_at)
        self._token, self._until = token, asked_at + life - MARGIN
        return token

    async def _ask(self) -> httpx.Response:
        form, headers = self._grant.request()
        try:
            return await self._http.post(
                self._grant.token_url, data=form, headers=headers, auth=NOBODY, follow_redirects=False
            )
        except httpx.HTTPError as error:
            failure = type(error).__name__
        raise unreachable(failure)  # here, away from the exception that knows the request and its secret


class ApiKeyHeader(httpx.Auth):
    """A fixed key in a header, `apikey` at NHS APIs."""

    def __init__(self, key: Secret, header: str = "apikey") -> None:
        """ConfigError for a key that cannot stand in a header."""
        self._header = header
        self._key = key.text()
        if not TOKEN.fullmatch(self._key):
            raise ConfigError(f"The key {key.reference} holds characters that cannot stand in a header.")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with the key."""
        request.headers[self._header] = self._key
        yield request


def _retrieved(task: asyncio.Task[str]) -> None:
    """Nobody may be waiting any more; then there is nobody to tell of a failure either."""
    if not task.cancelled():
        task.exception()


def _safe_url(url: str) -> str:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL()
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.host in _LOOPBACK):
        raise ConfigError("A token address starts with https:// (or is on this machine).")
    return url


def _rsa_key(reference: Secret) -> RSAPrivateKey:
    pem = reference.read()
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < RSA_BITS:
        raise ConfigError(
            f"The key {reference.reference} must be PEM, RSA of {RSA_BITS} bits or more, no passphrase."
        )
    return key
