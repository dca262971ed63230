"""The HTTP door: what it refuses to start with, whom it lets in, and how long it waits for anybody."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import pytest
from pydantic import ValidationError
from sqlalchemy import select

from bridge.app import doors, open_bridge
from bridge.app.callers import read_callers
from bridge.app.partners import refuse_wrong_endpoints
from bridge.app.rules import read_rules
from bridge.config import Http, IssuerSettings, PartnerSettings, Settings
from bridge.errors import ConfigError
from bridge.security.tls import outbound_context
from bridge.store.tables import message
from tests.security.schemes import a_scheme
from tests.security.serving import KEY, a_site, an_operator, served
from tests.security.test_tls import Authority
from tests.security.test_tokens import RSA, jwk_of

WORDS = "I understand that patient data crosses the network unencrypted"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whoever issues certificates here."""
    return Authority(tmp_path, "ours")


@pytest.fixture(autouse=True)
def nothing_unexpected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a caller does is no fault of ours."""
    yield
    faults = [r for r in caplog.records if r.__dict__.get("event") == "worker_failed"]
    assert faults == []


def test_beyond_loopback_needs_a_certificate_a_proxy_or_plain_words(tmp_path: Path) -> None:
    """Nobody opens a door in clear text by mistake."""
    with pytest.raises(ValidationError, match="beyond loopback"):
        Http(host="0.0.0.0")  # noqa: S104 - what is to be refused
    with pytest.raises(ValidationError, match="open_without_tls"):
        Http(host="10.0.0.5", open_without_tls="yes")  # type: ignore[arg-type]

    pem = tmp_path / "door.pem"
    assert Http(host="10.0.0.5", open_without_tls=WORDS).open_without_tls == WORDS  # type: ignore[arg-type]
    assert Http(host="10.0.0.5", certificate=pem, certificate_key=pem).certificate == pem
    assert Http(host="10.0.0.5", proxies=("10.0.0.9",)).proxies == ("10.0.0.9",)


@pytest.mark.parametrize(
    ("http", "address"),
    [
        (Http(), "http://127.0.0.1:8080"),
        (Http(host="::1", port=9000), "http://[::1]:9000"),
        (Http(certificate=Path("c.pem"), certificate_key=Path("k.pem")), "https://127.0.0.1:8080"),
    ],
)
def test_the_log_says_where_the_door_is(http: Http, address: str) -> None:
    """As whoever started it would type it."""
    assert doors.address(http) == address


async def test_a_door_beyond_loopback_needs_somebody_who_may_come(tmp_path: Path) -> None:
    """Without callers nobody could be known."""
    settings = a_site(tmp_path, http=Http(host="10.0.0.5", proxies=("10.0.0.9",)))
    alone = settings.model_copy(update={"callers": ()})

    with pytest.raises(ConfigError, match="no callers"):
        async with open_bridge(alone):
            pass


@pytest.mark.parametrize(
    "half",
    [
        {"certificate": Path("door.pem")},
        {"client_ca": Path("ca.pem")},
        {"certificate_header": "X-Client-Cert"},
        {"proxies": ("not an address",)},
    ],
)
def test_half_a_setting_is_refused(half: dict[str, Any]) -> None:
    """What stands alone would silently do nothing."""
    with pytest.raises(ValidationError):
        Http(**half)


def test_without_tls_only_the_named_proxies_and_this_machine_connect() -> None:
    """Nobody walks round the proxy that ends TLS."""
    manners = doors.options(Http(host="0.0.0.0", proxies=("10.0.0.9", "fd00::/8")))["http"].terms  # noqa: S104

    peers = ("10.0.0.9", "127.0.0.1", "::1", "fd00::7", "::ffff:10.0.0.9", "10.0.0.10", "203.0.113.9", "")
    assert [manners.admits(peer) for peer in peers] == [True] * 5 + [False] * 3


async def test_a_client_certificate_is_a_caller(tmp_path: Path, authority: Authority) -> None:
    """Verified in the handshake, told to the application, found in the configuration."""
    door = authority.issue("bridge.example.org")
    http = Http(certificate=door.chain, certificate_key=door.key, client_ca=authority.bundle)
    site = a_site(tmp_path, an_operator(tmp_path, certificates=("dns:ops.example.org",)), http=http)
    async with served(site) as (_, port):
        statuses = {}
        for name in ("ops.example.org", "other.example.org"):
            tls = outbound_context(ca=authority.bundle, certificate=authority.issue(name))
            async with httpx.AsyncClient(verify=tls, base_url=f"https://127.0.0.1:{port}") as client:
                statuses[name] = (await client.get("/health")).status_code
        async with httpx.AsyncClient(verify=outbound_context(ca=authority.bundle)) as nobody:
            with pytest.raises(httpx.TransportError):
                await nobody.get(f"https://127.0.0.1:{port}/live")

    assert statuses == {"ops.example.org": 200, "other.example.org": 401}


@pytest.mark.parametrize(("proxies", "status"), [(("127.0.0.0/8",), 200), (("10.0.0.9",), 401)])
async def test_a_certificate_in_a_header_is_believed_from_named_proxies_only(
    tmp_path: Path, authority: Authority, proxies: tuple[str, ...], status: int
) -> None:
    """Anybody can write a header."""
    shown = quote(authority.issue("ops.example.org").chain.read_text("ascii"))
    http = Http(proxies=proxies, certificate_header="X-Client-Cert")
    site = a_site(tmp_path, an_operator(tmp_path, certificates=("dns:ops.example.org",)), http=http)
    async with served(site) as (_, port), httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/health", headers={"X-Client-Cert": shown})

    assert answer.status_code == status


def an_issuer(keys: str) -> IssuerSettings:
    """Whose tokens are believed."""
    return IssuerSettings(name="login", issuer="https://login.example", audience="bridge", keys=keys)


async def test_a_signed_token_is_a_caller(tmp_path: Path) -> None:
    """Its issuer's keys come from a file here; what it may do stands with the caller."""
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [jwk_of("rsa")]}))
    issuer = an_issuer(f"file:{keys}")
    site = a_site(tmp_path, an_operator(tmp_path, issuer="login", client="app-1"), issuers=(issuer,))
    said = {"iss": "https://login.example", "aud": "bridge", "sub": "app-1", "exp": time.time() + 60}
    async with served(site) as (_, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        statuses = []
        for more in ({}, {"exp": time.time() - 60}, {"sub": "somebody else"}):
            token = jwt.encode(said | more, RSA, algorithm="RS512", headers={"kid": "rsa"})
            answer = await client.get("/health", headers={"Authorization": f"Bearer {token}"})
            statuses.append(answer.status_code)

    assert statuses == [200, 401, 403]


@pytest.mark.parametrize("keys", ["http://login.example/jwks", "jwks.json", "ftp://login.example"])
def test_keys_of_an_issuer_come_over_tls_or_from_a_file(tmp_path: Path, keys: str) -> None:
    """Whoever can change the keys can be anybody."""
    issuer = an_issuer(keys)
    site = a_site(tmp_path, an_operator(tmp_path, issuer="login", client="app-1"), issuers=(issuer,))

    with pytest.raises(ConfigError, match="https"):
        read_callers(site)


def test_a_caller_is_not_configured_twice(tmp_path: Path) -> None:
    """Two entries of one name would be two callers that look the same in the audit."""
    one = an_operator(tmp_path)

    with pytest.raises(ConfigError, match="same name"):
        read_callers(a_site(tmp_path, one, one))


async def test_too_many_requests_of_one_caller_are_told_when_to_come_again(tmp_path: Path) -> None:
    """429 with Retry-After in whole seconds."""
    site = a_site(tmp_path, http=Http(requests_per_s=0.5, burst=2))
    async with served(site) as (_, port), httpx.AsyncClient(headers={"X-API-Key": KEY}) as client:
        answers = [await client.get(f"http://127.0.0.1:{port}/health") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "2"
    assert "caller-too-often" in answers[-1].text


async def spoken(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """What the door says to these bytes, sent one after the other, until it closes the line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


HEAD = f"POST /events/json-event HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n".encode()


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"POST /events"],
        [HEAD, b"X-Slow: a\r\n", b"X-Slow: b\r\n", b"X-Slow: c\r\n"],
        [HEAD + b"Content-Length: 100\r\n\r\n", b"{", b'"', b"a"],
    ],
    ids=["silent", "half a line", "header by header", "byte by byte"],
)
async def test_a_caller_that_dawdles_is_cut_off(tmp_path: Path, pieces: list[bytes]) -> None:
    """The clock runs from when it began, however often another byte trickles in."""
    site = a_site(tmp_path, http=Http(header_s=0.3, body_s=0.3))
    async with served(site) as (_, port):
        began = time.monotonic()
        await spoken(port, *pieces, pause=0.05)

        assert time.monotonic() - began < 3


async def test_a_caller_that_takes_its_time_between_requests_is_let(tmp_path: Path) -> None:
    """Keeping a line open is no dawdling."""
    first = b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    site = a_site(tmp_path, http=Http(header_s=0.2, body_s=0.2))
    async with served(site) as (_, port):
        said = await spoken(port, first, last, pause=0.6)

    assert said.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"X-A: a\0b\r\n\r\n", b"400"),
        (HEAD + b"X-A: a\r\n b\r\n: c\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n{}{}", b"400"),
        (HEAD + b"Content-Length: many\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: -1\r\n\r\n", b"400"),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /live%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (HEAD + b"Connection: close\r\nContent-Length: 99000000\r\n\r\n", b"413"),
    ],
    ids=["NUL", "folded", "two lengths", "no length", "negative", "no URL", "NUL in URL", "announced large"],
)
async def test_what_is_not_http_is_refused(tmp_path: Path, sent: bytes, status: bytes) -> None:
    """In so many words, and without a fault of ours."""
    site = a_site(tmp_path, _a_system(tmp_path), http=Http(largest_body_mb=1, header_s=0.5))
    async with served(site) as (_, port):
        said = await spoken(port, sent)

    assert said[9:12] == status


CHUNK = b"FFFFF\r\n" + b" " * 0xFFFFF + b"\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"X-Long: " + b"a" * 300_000 + b"\r\n\r\n",
        HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK + CHUNK,
    ],
    ids=["header", "body"],
)
async def test_what_grows_too_large_is_refused_or_cut_off(tmp_path: Path, sent: bytes) -> None:
    """Whether the answer arrives depends on how much more was under way; nothing is kept either way."""
    site = a_site(tmp_path, _a_system(tmp_path), http=Http(largest_body_mb=1, header_s=0.5))
    async with served(site) as (bridge, port):
        said = await spoken(port, sent)
        kept = await bridge.store.read(lambda tx: tx.run(select(message.c.id)).all())

    assert said[9:12] in {b"400", b"413", b""}
    assert kept == []


def _a_system(folder: Path) -> Any:
    operator = an_operator(folder)
    bound = {"roles": ("system",), "sources": ("json-event",), "practices": ("A99999",)}
    return operator.model_copy(update=bound)


async def test_a_header_is_never_split_by_what_is_echoed(tmp_path: Path) -> None:
    """An id that holds a line end in any encoding comes back as it came or not at all."""
    async with served(a_site(tmp_path)) as (_, port), httpx.AsyncClient() as client:
        sent = {"X-Request-ID": "a%0d%0aX-Evil: 1", "X-Correlation-ID": "b" * 65}
        answer = await client.get(f"http://127.0.0.1:{port}/live", headers=sent)
        raw = await spoken(
            port, b"GET /live HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\x01b\r\nConnection: close\r\n\r\n"
        )

    assert b"\x01" not in raw
    assert "X-Evil" not in answer.headers
    assert answer.headers["X-Request-ID"] == "a%0d%0aX-Evil: 1"
    assert "X-Correlation-ID" not in answer.headers


def rules_of(folder: Path, url: str, said: str, environment: str) -> None:
    """Read a scheme whose service and record are at `url` and whose environment is `said`."""
    schemes = folder / "mappings" / "schemes"
    schemes.mkdir(parents=True, exist_ok=True)
    text = a_scheme("one", "prescribing", "A99999", service_url=url, record_url=url)
    (schemes / "one.toml").write_text(text.replace('/fhir"\n', f'/fhir"\nenvironment = "{said}"\n'))
    settings = Settings(base="https://b.test", mappings=folder / "mappings", environment=environment)  # type: ignore[arg-type]
    refuse_wrong_endpoints(settings, read_rules(settings)[1])


@pytest.mark.parametrize(
    ("url", "said", "environment", "wrong"),
    [
        ("http://127.0.0.1:8104", "", "live", 0),
        ("http://127.0.0.1:8104", "", "test", 0),
        ("https://sp.example", "live", "live", 0),
        ("https://sp.example", "test", "test", 0),
        ("http://sp.example", "test", "test", 0),
        ("http://sp.example", "live", "live", 2),
        ("https://sp.example", "live", "test", 2),
        ("https://sp.example", "test", "live", 2),
        ("https://sp.example", "", "test", 2),
        ("https://sp.example", "", "live", 2),
    ],
)
def test_a_bridge_talks_to_endpoints_of_its_own_kind_only(
    tmp_path: Path, url: str, said: str, environment: str, wrong: int
) -> None:
    """A test bridge reaches no live system, a live one no test system, nor any in clear text (promise 10)."""
    found: tuple[Any, ...] = ()
    try:
        rules_of(tmp_path, url, said, environment)
    except ConfigError as error:
        found = error.problems

    assert len(found) == wrong


@pytest.mark.parametrize(
    "half",
    [
        {"identity": "api-key"},
        {"identity": "client-credentials", "token_url": "https://login.example"},
        {"identity": "nhs-signed-jwt", "token_url": "https://login.example", "key_id": "k"},
        {"certificate": Path("us.pem")},
        {"proxy": "http://me:secret@proxy.example:3128"},
        {"verify": False},
    ],
)
def test_a_partner_s_identity_is_whole_and_its_certificate_is_always_verified(half: dict[str, Any]) -> None:
    """There is no setting that turns verification off."""
    with pytest.raises(ValidationError):
        PartnerSettings(**half)
