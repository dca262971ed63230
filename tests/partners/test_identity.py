"""We say who we are as each partner asks, once for many requests, and never let a request go without."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bridge.errors import ConfigError, DeliveryError, NotThePartner, Transient, Unauthorised
from bridge.partners.identity import NOBODY, ApiKeyHeader, Bearer, ClientCredentials, Grant, SignedJwt
from bridge.security.secrets import Secret

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOKENS = "https://token.example.org/oauth2/token"
FHIR = "https://partner.example.org/fhir/Task"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def kept(folder: Path, name: str, content: bytes) -> Secret:
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o600)
    return Secret.parse(f"file:{path}")


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Clock:
    """Noon, until told otherwise."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    return kept(tmp_path, "secret", b"s3cret/&")


@pytest.fixture
def grant(secret: Secret) -> Grant:
    return ClientCredentials(token_url=TOKENS, client_id="bridge", secret=secret, scope="referrals")


@asynccontextmanager
async def partner(grant: Grant, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        httpx.AsyncClient() as tokens,
        httpx.AsyncClient(auth=Bearer(tokens, grant, now=clock)) as client,
    ):
        yield client


def numbered(count: list[int], life: object = "599") -> Callable[[httpx.Request], httpx.Response]:
    """Gives token-1, token-2, … and counts them."""

    def answer(_request: httpx.Request) -> httpx.Response:
        count.append(1)
        body = {"access_token": f"token-{len(count)}", "expires_in": life, "token_type": "Bearer"}
        return httpx.Response(200, json=body)

    return answer


def shown(route: respx.Route) -> list[str]:
    return [call.request.headers["authorization"] for call in route.calls]


async def test_a_token_serves_until_a_minute_before_it_expires(
    grant: Grant, clock: Clock, respx_mock: respx.MockRouter
) -> None:
    """599 seconds, sent as text, are 539 of use."""
    respx_mock.post(TOKENS).mock(side_effect=numbered([]))
    route = respx_mock.get(FHIR)
    async with partner(grant, clock) as client:
        for seconds in (0, 538, 539, 540):
            clock.time = NOON + timedelta(seconds=seconds)
            await client.get(FHIR)

    assert shown(route) == ["Bearer token-1"] * 2 + ["Bearer token-2"] * 2


@pytest.mark.parametrize("life", [None, 60, "59"])
async def test_a_token_of_no_length_serves_once(
    grant: Grant, clock: Clock, life: object, respx_mock: respx.MockRouter
) -> None:
    """Better one request to the endpoint each than a token that may have ended."""
    respx_mock.post(TOKENS).mock(side_effect=numbered([], life))
    route = respx_mock.get(FHIR)
    async with partner(grant, clock) as client:
        await client.get(FHIR)
        await client.get(FHIR)

    assert shown(route) == ["Bearer token-1", "Bearer token-2"]


async def test_many_requests_at_once_fetch_one_token(
    grant: Grant, clock: Clock, respx_mock: respx.MockRouter
) -> None:
    """Fifty lanes starting together are one caller to the endpoint."""
    count: list[int] = []
    answer = numbered(count)

    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.01)
        return answer(request)

    respx_mock.post(TOKENS).mock(side_effect=slow)
    respx_mock.get(FHIR)
    async with partner(grant, clock) as client:
        await asyncio.gather(*(client.get(FHIR) for _ in range(50)))

    assert len(count) == 1


async def test_a_failure_to_get_a_token_is_shared_and_not_kept(
    grant: Grant, clock: Clock, respx_mock: respx.MockRouter
) -> None:
    """All who waited hear of it; the next one tries anew."""
    answers = [httpx.Response(500), httpx.Response(200, json={"access_token": "t", "token_type": "Bearer"})]
    endpoint = respx_mock.post(TOKENS).mock(side_effect=answers)
    respx_mock.get(FHIR)
    async with partner(grant, clock) as client:
        failures = await asyncio.gather(*(client.get(FHIR) for _ in range(20)), return_exceptions=True)
        after = await client.get(FHIR)

    assert [type(failure) for failure in failures] == [Transient] * 20
    assert after.status_code == 200
    assert endpoint.call_count == 2


async def test_who_stops_waiting_does_not_take_the_token_from_the_others(
    grant: Grant, clock: Clock, respx_mock: respx.MockRouter
) -> None:
    """A cancelled attempt leaves the fetch to those who still wait."""
    started, go = asyncio.Event(), asyncio.Event()
    answer = numbered([])

    async def held(request: httpx.Request) -> httpx.Response:
        started.set()
        await go.wait()
        return answer(request)

    respx_mock.post(TOKENS).mock(side_effect=held)
    respx_mock.get(FHIR)
    async with partner(grant, clock) as client:
        first = asyncio.create_task(client.get(FHIR))
        await started.wait()
        second = asyncio.create_task(client.get(FHIR))
        first.cancel()
        await asyncio.sleep(0)
        go.set()
        response = await second

    assert response.status_code == 200
    assert first.cancelled()


async def test_a_401_is_answered_once_with_a_new_token_and_the_same_bytes(
    grant: Grant, clock: Clock, respx_mock: respx.MockRouter
) -> None:
    """Only the token may differ between the two."""
    respx_mock.post(TOKENS).mock(side_effect=numbered([]))
    route = respx_mock.post(FHIR).mock(side_effect=[httpx.Response(401), httpx.Response(201)])
    async with partner(grant, clock) as client:
        response = await client.post(FHIR, content=b"{}", headers={"x-request-id": "r"})

    assert response.status_code == 201
    assert shown(route) == ["Bearer token-1", "Bearer token-2"]
    assert {(call.request.content, call.request.headers["x-request-id"]) for call in route.calls} == {
        (b"{}", "r")
    }


async def test_a_second_401_is_the_partners_answer(
    grant: Grant, clock: Clock, respx_mock: respx.MockRouter
) -> None:
    """Not a loop."""
    respx_mock.post(TOKENS).mock(side_effect=numbered([]))
    route = respx_mock.get(FHIR).mock(return_value=httpx.Response(401))
    async with partner(grant, clock) as client:
        response = await client.get(FHIR)

    assert response.status_code == 401
    assert route.call_count == 2


async def test_one_new_token_answers_many_401(
    grant: Grant, clock: Clock, respx_mock: respx.MockRouter
) -> None:
    """A token taken back under many requests is fetched anew once."""
    count: list[int] = []

    def check(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401 if request.headers["authorization"].endswith("token-1") else 200)

    respx_mock.post(TOKENS).mock(side_effect=numbered(count))
    respx_mock.get(FHIR).mock(side_effect=check)
    async with partner(grant, clock) as client:
        responses = await asyncio.gather(*(client.get(FHIR) for _ in range(20)))

    assert {response.status_code for response in responses} == {200}
    assert len(count) == 2


async def test_a_late_401_for_an_old_token_takes_the_new_one_there_is(
    grant: Grant, clock: Clock, respx_mock: respx.MockRouter
) -> None:
    """What was refused is the old token, not the one fetched since."""
    count: list[int] = []
    renewed = asyncio.Event()

    async def check(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] != "Bearer token-1":
            renewed.set()
            return httpx.Response(200)
        if request.headers["x-late"] == "yes":
            await renewed.wait()
        return httpx.Response(401)

    respx_mock.post(TOKENS).mock(side_effect=numbered(count))
    respx_mock.get(FHIR).mock(side_effect=check)
    async with partner(grant, clock) as client:
        late = client.get(FHIR, headers={"x-late": "yes"})
        await asyncio.gather(late, client.get(FHIR, headers={"x-late": "no"}))

    assert len(count) == 2


@pytest.mark.respx(assert_all_called=False)
@pytest.mark.parametrize("fault", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
async def test_without_a_token_nothing_is_sent_and_nothing_is_in_doubt(
    grant: Grant, clock: Clock, fault: type[httpx.TransportError], respx_mock: respx.MockRouter
) -> None:
    """Even a time-out at the token endpoint leaves no question whether the referral arrived."""
    respx_mock.post(TOKENS).mock(side_effect=fault("s3cret"))
    route = respx_mock.post(FHIR)
    async with partner(grant, clock) as client:
        with pytest.raises(Transient) as caught:
            await client.post(FHIR)

    assert route.call_count == 0
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.respx(assert_all_called=False)
async def test_a_redirect_does_not_carry_our_secret_elsewhere(
    grant: Grant, clock: Clock, respx_mock: respx.MockRouter
) -> None:
    """A token endpoint that moved is a change of configuration."""
    respx_mock.post(TOKENS).mock(
        return_value=httpx.Response(307, headers={"location": "https://evil.example"})
    )
    evil = respx_mock.post("https://evil.example")
    async with partner(grant, clock) as client:
        with pytest.raises(NotThePartner):
            await client.get(FHIR)

    assert evil.call_count == 0


@pytest.mark.parametrize("in_body", [False, True])
async def test_a_secret_is_shown_in_the_header_or_the_form(
    secret: Secret, clock: Clock, in_body: object, respx_mock: respx.MockRouter
) -> None:
    """Encoded before it is joined (RFC 6749, 2.3.1), so that no sign in it can end it."""
    grant = ClientCredentials(
        token_url=TOKENS, client_id="br:idge", secret=secret, scope="a b", in_body=bool(in_body)
    )
    endpoint = respx_mock.post(TOKENS).mock(side_effect=numbered([]))
    respx_mock.get(FHIR)
    async with partner(grant, clock) as client:
        await client.get(FHIR)

    request = endpoint.calls.last.request
    form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
    header = {"authorization": request.headers.get("authorization")}
    common = {"grant_type": "client_credentials", "scope": "a b"}
    expected = {
        False: (common, {"authorization": "Basic YnIlM0FpZGdlOnMzY3JldCUyRiUyNg=="}),
        True: (common | {"client_id": "br:idge", "client_secret": "s3cret/&"}, {"authorization": None}),
    }
    assert (form, header) == expected[bool(in_body)]


async def test_a_fixed_key_goes_in_its_header(secret: Secret, respx_mock: respx.MockRouter) -> None:
    """`apikey` at NHS APIs, another name elsewhere."""
    route = respx_mock.get(FHIR)
    async with httpx.AsyncClient() as client:
        await client.get(FHIR, auth=ApiKeyHeader(secret))
        await client.get(FHIR, auth=ApiKeyHeader(secret, "x-key"))
        await client.get(FHIR, auth=NOBODY)

    sent = [call.request.headers for call in route.calls]
    assert [(h.get("apikey"), h.get("x-key")) for h in sent] == [
        ("s3cret/&", None),
        (None, "s3cret/&"),
        (None, None),
    ]


def test_a_key_that_would_end_its_header_is_refused(tmp_path: Path) -> None:
    """And not shown."""
    with pytest.raises(ConfigError) as caught:
        ApiKeyHeader(kept(tmp_path, "key", b"one\r\nX-Evil: two"))

    assert "Evil" not in str(caught.value)


@pytest.mark.respx(assert_all_called=False)
def test_a_client_of_the_wrong_kind_sends_nothing(grant: Grant, respx_mock: respx.MockRouter) -> None:
    """Rather than a request without its token."""
    with httpx.Client() as client:
        route = respx_mock.get(FHIR)
        with pytest.raises(RuntimeError, match="AsyncClient only"):
            client.get(FHIR, auth=Bearer(httpx.AsyncClient(), grant))

    assert route.call_count == 0


@pytest.mark.parametrize(
    "url", ["http://token.example.org", "ftp://x", "token", "", "http://127.0.0.1.evil.example"]
)
def test_a_token_address_without_tls_is_refused(secret: Secret, url: str) -> None:
    """A secret in the clear is no secret; this machine is allowed for trying things out."""
    with pytest.raises(ConfigError, match="https"):
        ClientCredentials(token_url=url, client_id="bridge", secret=secret)

    ClientCredentials(token_url="http://127.0.0.1:8080/token", client_id="bridge", secret=secret)


@pytest.mark.parametrize(
    "content",
    [
        b"no key",
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - to be refused
    ],
)
def test_a_signing_key_that_will_not_do_is_refused(tmp_path: Path, secret: Secret, content: bytes) -> None:
    """At start, with the way to mend it and without the key."""
    with pytest.raises(ConfigError, match="must be PEM, RSA") as caught:
        SignedJwt(token_url=TOKENS, private_key=kept(tmp_path, "pem", content), kid="k", api_key=secret)

    assert caught.value.__context__ is None


class TokenServer:
    """Checks a signed JWT as the NHS token endpoint does and answers a refusal in its words."""

    def __init__(self, clock: Clock) -> None:
        self.url = ""
        self.api_key = "synthetic-app"
        self.keys = {"key-1": KEY.public_key()}
        self._clock = clock
        self._seen: set[str] = set()
        self.given = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        form = {
            name: values[0] for name, values in parse_qs((await reader.readexactly(length)).decode()).items()
        }
        said = self._refusal(form)
        status, body = (
            (400, {"error": "invalid_request", "error_description": said}) if said else (200, self._token())
        )
        content = json.dumps(body).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
        )
        writer.write(content)
        await writer.drain()
        writer.close()

    def _token(self) -> dict[str, str]:
        self.given += 1
        return {"access_token": f"token-{self.given}", "expires_in": "599", "token_type": "Bearer"}

    def _refusal(self, form: dict[str, str]) -> str:
        if form.get("grant_type") != "client_credentials":
            return "grant_type is invalid"
        assertion = form.get("client_assertion", "")
        header, claims = jwt.get_unverified_header(assertion), self._claims(assertion)
        return (
            self._refused_header(header)
            or self._refused_claims(claims)
            or self._refused_signature(assertion, header)
        )

    @staticmethod
    def _claims(assertion: str) -> dict[str, object]:
        return jwt.decode(assertion, options={"verify_signature": False})

    def _refused_header(self, header: dict[str, object]) -> str:
        if header.get("alg") != "RS512":
            return "Invalid 'alg' header in JWT - unsupported JWT algorithm - must be 'RS512'"
        if header.get("typ", "JWT") != "JWT":
            return "Invalid 'typ' header in JWT - must be 'JWT'"
        return (
            "" if header.get("kid") in self.keys else "Invalid 'kid' header in JWT - no matching public key"
        )

    def _refused_claims(self, claims: dict[str, object]) -> str:
        jti = str(claims.get("jti", ""))
        known, used = jti in self._seen, bool(jti)
        self._seen.add(jti)
        rules = {
            "Missing or non-matching 'iss'/'sub' claims in JWT": claims.get("iss") == claims.get("sub"),
            "Invalid 'iss'/'sub' claims in JWT": claims.get("iss") == self.api_key,
            "Missing or invalid 'aud' claim in JWT": claims.get("aud") == self.url,
            "Missing 'jti' claim in JWT": used,
            "Non-unique 'jti' claim in JWT": not known,
        }
        return next((said for said, kept in rules.items() if not kept), self._refused_time(claims.get("exp")))

    def _refused_time(self, exp: object) -> str:
        now = self._clock().timestamp()
        if not isinstance(exp, int):
            return "Invalid 'exp' claim in JWT - must be an integer"
        if exp <= now:
            return "Invalid 'exp' claim in JWT - JWT has expired"
        return "Invalid 'exp' claim in JWT - more than 5 minutes in future" if exp > now + 300 else ""

    def _refused_signature(self, assertion: str, header: dict[str, object]) -> str:
        try:
            key = self.keys[str(header["kid"])]
            jwt.decode(assertion, key, algorithms=["RS512"], audience=self.url, options={"verify_exp": False})
        except jwt.InvalidSignatureError:
            return "JWT signature verification failed"
        return ""


@pytest.fixture
async def endpoint(clock: Clock) -> AsyncIterator[TokenServer]:
    server = TokenServer(clock)
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    async with listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/oauth2/token"
        yield server


def signed(endpoint: TokenServer, folder: Path, clock: Callable[[], datetime], **more: object) -> SignedJwt:
    given: dict[str, object] = {
        "token_url": endpoint.url,
        "private_key": kept(folder, "pem", pem(KEY)),
        "kid": "key-1",
        "api_key": kept(folder, "api-key", b"synthetic-app\n"),
        "now": clock,
    }
    return SignedJwt(**(given | more))  # type: ignore[arg-type]


async def ask(grant: Grant, clock: Clock) -> str:
    """The Authorization header a request to the partner goes out with."""
    async with httpx.AsyncClient() as tokens:
        flow = Bearer(tokens, grant, now=clock).async_auth_flow(httpx.Request("GET", FHIR))
        request = await anext(flow)
        await flow.aclose()
    return request.headers["authorization"]


async def test_a_signed_jwt_is_accepted_by_the_endpoints_rules(
    endpoint: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    """Each time anew: no jti is used twice."""
    grant = signed(endpoint, tmp_path, clock)

    assert [await ask(grant, clock) for _ in range(3)] == [
        "Bearer token-1",
        "Bearer token-2",
        "Bearer token-3",
    ]


@pytest.mark.parametrize("minutes", [-1, 0, 1])
async def test_clocks_may_differ_by_a_minute(
    endpoint: TokenServer, tmp_path: Path, clock: Clock, minutes: int
) -> None:
    """Ours before theirs and behind."""
    grant = signed(endpoint, tmp_path, lambda: NOON + timedelta(minutes=minutes))

    assert await ask(grant, clock) == "Bearer token-1"


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"kid": "key-2"}, "kid"),
        ({"now": lambda: NOON + timedelta(minutes=2)}, "exp"),
        ({"now": lambda: NOON - timedelta(minutes=5)}, "exp"),
        ({"new_jti": lambda: ""}, "jti"),
    ],
)
async def test_what_the_endpoint_refuses_is_named(
    endpoint: TokenServer, tmp_path: Path, clock: Clock, more: dict[str, object], rule: str
) -> None:
    """The part, from its own words."""
    with pytest.raises(Unauthorised) as caught:
        await ask(signed(endpoint, tmp_path, clock, **more), clock)

    assert caught.value.code == "partner-token-refused"
    assert caught.value.problems[0].rule == rule


async def test_another_key_or_application_is_refused(
    endpoint: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    """A key that was not registered, an application that is not ours."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    wrong_key = signed(endpoint, tmp_path, clock, private_key=kept(tmp_path, "other", pem(other)))
    wrong_app = signed(endpoint, tmp_path, clock, api_key=kept(tmp_path, "app", b"another-app"))
    rules = []
    for grant in (wrong_key, wrong_app):
        with pytest.raises(Unauthorised) as caught:
            await ask(grant, clock)
        rules.append(caught.value.problems[0].rule)

    assert rules == ["signature", "iss"]


async def test_an_assertion_that_came_twice_is_tried_again(
    endpoint: TokenServer, tmp_path: Path, clock: Clock
) -> None:
    """As when something on the way repeats our request."""
    grant = signed(endpoint, tmp_path, clock, new_jti=lambda: "same")
    await ask(grant, clock)

    with pytest.raises(Transient):
        await ask(grant, clock)


async def test_an_endpoint_that_is_down_is_transient(
    tmp_path: Path, clock: Clock, endpoint: TokenServer
) -> None:
    """Nobody listens on port 9 of this machine."""
    endpoint.url = "http://127.0.0.1:9/token"
    with pytest.raises(DeliveryError) as caught:
        await ask(signed(endpoint, tmp_path, clock), clock)

    assert type(caught.value) is Transient
    assert caught.value.problems[0].rule == "ConnectError"
