"""One FHIR partner over HTTP: every request leaves through here, and every failure gets its class here.

One request has one deadline, over connecting, sending and reading together. Identifiers are never in a URL:
looking is `POST [type]/_search`. No redirect is followed, and no proxy or password is taken from the
environment.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import tenacity

from bridge.errors import ConfigError, NotThePartner, Refused, Transient
from bridge.events import current_trace
from bridge.partners.answers import Answer, Key, answer_of, reading_of
from bridge.partners.connections import Connections
from bridge.partners.failures import Asked, Broke, broken, failure, raise_for
from bridge.partners.identity import Bearer
from bridge.partners.searches import Matches, matches_of
from bridge.partners.waiting import asked_wait
from bridge.wire.traceparent import onward

FHIR_JSON = "application/fhir+json"
CONNECT = timedelta(seconds=5)  # enough for a handshake with certificates on both sides
ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)
LARGEST = 5_000_000  # bytes of an answer; a page of a hundred resources is a tenth of it
FORM = "application/x-www-form-urlencoded"

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_BLIPS = frozenset({"partner-unreached", "partner-lost"})


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `request_id` "" gets a fresh one: it is nobody's retry."""

    asked: Asked
    method: str
    url: str
    correlation_id: str
    request_id: str = ""
    body: bytes = b""
    media: str = ""
    headers: Mapping[str, str] | None = None


class FhirClient:
    """Talks to the FHIR server at `base_url`; raises DeliveryErrors only.

    `tls` is a context of `bridge.security.tls` and holds our certificate too, `deadline` is for one request,
    `headers` go with each. `now` reads the waits a partner asks for, `new_id` names requests and spans.
    """

    def __init__(
        self,
        base_url: str,
        *,
        tls: ssl.SSLContext,
        auth: httpx.Auth | None = None,
        proxy: str | None = None,
        deadline: timedelta = timedelta(seconds=10),
        connections: int = 16,
        largest: int = LARGEST,
        headers: Mapping[str, str] | None = None,
        now: Callable[[], datetime] = _now,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        self.base = _base(base_url)
        self.deadline = deadline
        seconds = deadline.total_seconds()
        self._auth = auth
        self._largest = largest
        self._now = now
        self._new_id = new_id

        def connection() -> httpx.AsyncHTTPTransport:
            return httpx.AsyncHTTPTransport(verify=tls, proxy=proxy, trust_env=False, limits=ONE)

        self._http = httpx.AsyncClient(
            transport=Connections(connection, connections),
            auth=auth,
            trust_env=False,
            follow_redirects=False,
            # Connecting and TLS have this long each: a handshake cut off by the deadline leaks its socket.
            timeout=httpx.Timeout(seconds, connect=min(seconds / 3, CONNECT.total_seconds())),
            headers={"Accept": FHIR_JSON, "User-Agent": "referral-bridge", **(headers or {})},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, those to the token endpoint too."""
        await self._http.aclose()
        if isinstance(self._auth, Bearer):
            await self._auth.aclose()

    async def submit(self, body: bytes, *, request_id: str, correlation_id: str) -> Answer:
        """A transaction, byte for byte as it is; its entries are not read here."""
        return await self._exchange(
            Call(
                asked=Asked.CREATE,
                method="POST",
                url=self.base,
                body=body,
                media=FHIR_JSON,
                request_id=request_id,
                correlation_id=correlation_id,
            )
        )

    async def update(
        self, reference: str, body: bytes, *, version: str, correlation_id: str, request_id: str = ""
    ) -> Answer:
        """PUT `Type/id`, on condition that `version` is still the newest when it is known."""
        return await self._exchange(
            Call(
                asked=Asked.UPDATE,
                method="PUT",
                url=f"{self.base}/{reference}",
                body=body,
                media=FHIR_JSON,
                request_id=request_id,
                correlation_id=correlation_id,
                headers={"If-Match": version} if version else None,
            )
        )

    async def search(self, kind: str, *keys: Key, correlation_id: str) -> Matches:
        """The resources of a type that carry any of these identifiers, asked past every cache."""
        form = urlencode({"identifier": ",".join(k.token for k in keys), "_count": str(len(keys) + 10)})
        answer = await self._read_twice(
            Call(
                asked=Asked.READ,
                method="POST",
                url=f"{self.base}/{kind}/_search",
                body=form.encode(),
                media=FORM,
                correlation_id=correlation_id,
                headers={"Cache-Control": "no-cache"},
            )
        )
        return matches_of(answer.body, kind, keys)

    async def page(self, kind: str, parameters: Sequence[tuple[str, str]], *, correlation_id: str) -> Answer:
        """The first page of a search by parameters in the address; none of them: what `kind` leads to."""
        asked = f"?{urlencode(parameters)}" if parameters else ""
        return await self._get(f"{self.base}/{kind}{asked}", correlation_id)

    async def next_page(self, link: str, *, correlation_id: str) -> Answer:
        """A further page; NotThePartner when its link leads to another origin, which would get our token."""
        target = self._on_our_origin(link)
        if not target:
            raise failure(NotThePartner, "partner-link-elsewhere")
        return await self._get(target, correlation_id)

    async def _get(self, url: str, correlation_id: str) -> Answer:
        headers = {"Cache-Control": "no-cache"}
        return await self._read_twice(
            Call(asked=Asked.READ, method="GET", url=url, correlation_id=correlation_id, headers=headers)
        )

    def _on_our_origin(self, link: str) -> str:
        """The link as an absolute address; "" when scheme, host or port are not those of the base."""
        here = httpx.URL(self.base)
        try:
            there = here.join(link)
        except httpx.InvalidURL:
            return ""
        same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
        return str(there) if same and not there.userinfo else ""

    async def _read_twice(self, call: Call) -> Answer:
        """A blip of a read is ridden out within its deadline; anything longer is delivery's to schedule."""
        again = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(2),
            wait=tenacity.wait_random(0.05, 0.3),
            retry=tenacity.retry_if_exception(_is_blip),
            reraise=True,
        )
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                return await again(self._exchange, call)
        except TimeoutError:
            raise broken(Broke.LATE, Asked.READ) from None

    async def _exchange(self, call: Call) -> Answer:
        request, left = self._request(call)
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                return self._judged(call, *await self._sent(request))
        except TimeoutError:
            why = Broke.LATE if left.is_set() else Broke.NOT_SENT
        except httpx.RequestError as error:
            why = _why(error, request)
        raise broken(why, call.asked)  # here, away from an exception that knows the request and its body

    def _judged(self, call: Call, response: httpx.Response, raw: bytes) -> Answer:
        said, body = reading_of(raw, response.headers, status=response.status_code, limit=self._largest)
        after = asked_wait(response.headers, self._now())
        raise_for(response.status_code, said, call.asked, body=body, after=after)
        return answer_of(response, said, body)

    async def _sent(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """The answer and at most `largest` bytes of it and one more, which makes it half an answer."""
        response = await self._http.send(request, stream=True)
        try:
            raw = bytearray()
            async for piece in response.aiter_bytes():
                raw += piece
                if len(raw) > self._largest:
                    break
            return response, bytes(raw[: self._largest + 1])
        finally:
            await response.aclose()

    def _request(self, call: Call) -> tuple[httpx.Request, asyncio.Event]:
        """The request, and an event that is set once its first byte may have left."""
        left = asyncio.Event()

        async def trace(step: str, info: Mapping[str, Any]) -> None:
            through_proxy = getattr(info.get("request"), "method", b"") == b"CONNECT"
            if step.endswith("send_request_headers.started") and not through_proxy:
                left.set()

        try:
            request = self._http.build_request(
                call.method,
                call.url,
                content=call.body or None,
                headers=self._headers(call),
                extensions={"trace": trace},
            )
        except (ValueError, httpx.InvalidURL):  # an id that no header can carry
            raise failure(Refused, "delivery-unsendable") from None
        return request, left

    def _headers(self, call: Call) -> dict[str, str]:
        request_id = call.request_id or str(self._new_id())
        media = {"Content-Type": call.media} if call.media else {}
        return {
            "X-Request-ID": request_id,
            "X-Correlation-ID": call.correlation_id,
            "traceparent": self._traceparent(call),
            **media,
            **(call.headers or {}),
        }

    def _traceparent(self, call: Call) -> str:
        received, span = current_trace().traceparent, self._new_id().hex[16:]
        return onward(received, correlation_id=call.correlation_id, span=span)


def _base(url: str) -> str:
    """The FHIR base without a slash at its end; ConfigError when it is no plain http address."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise ConfigError("A partner's base address is http or https, with a host and without a password.")
    if parsed.query or parsed.fragment:
        raise ConfigError("A partner's base address has no query and no fragment.")
    return str(parsed).rstrip("/")


def _why(error: httpx.RequestError, request: httpx.Request) -> Broke:
    """A request of the identity's own that broke means ours was never sent, or was answered 401."""
    if error.request is not request or isinstance(error, _NEVER_LEFT):
        return Broke.NOT_SENT
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return Broke.UNSENDABLE
    return Broke.LATE if isinstance(error, httpx.TimeoutException) else Broke.LOST


def _is_blip(error: BaseException) -> bool:
    return isinstance(error, Transient) and error.code in _BLIPS and error.status is None
