"""Any request at any address: answered with a status we mean, never by a fault, and unrepeated.

Short form: some hundred requests, in process; `make fuzz` runs many more. What is mutated is a message that
would be taken, so that it comes far.
"""

import asyncio
import copy
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.app import Bridge, data_folder, open_bridge
from bridge.config import CallerSettings, Settings
from bridge.security.keyring import create_key_ring
from tests.security import requests
from tests.security.canaries import MARK, inside, leaves
from tests.security.schemes import a_scheme
from tests.security.test_matrix import LAST_DAY, OURS, SOURCES, _digest, addresses

MOST = int(os.environ.get("FUZZ_EXAMPLES", "250"))

BOMBS = (
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Bundle>&b;</Bundle>',
    b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Bundle xmlns="http://hl7.org/fhir">&f;</Bundle>',
    b"<a>" * 20_000,
    b"MSH|^~\\&|" + b"^" * 50_000,
    b"MSH|^~\\&|A|B|C|D|20260101||REF^I12|1|P|2.4\rPID|" + b"~" * 50_000,
    b"\x00" * 1000,
    b"\xff\xfe" + "{}".encode("utf-16-le"),
    b'{"schema_version": 1e400}',
    b'{"id": "\\ud800"}',
    b"1" * 5000,
)
MEDIA = (
    "application/json",
    "application/fhir+json",
    "application/fhir+xml",
    "application/hl7-v2",
    "text/plain; charset=utf-7",
    "application/json; charset=\x00",
    "",
)
odd = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["../../etc/passwd", "%00", "..%2f..", "a" * 3000, "\x00", "é", "${jndi:x}", "' OR 1=1"]),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), odd, st.just("9990000018")
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(odd, inner, max_size=3)),
    max_leaves=8,
)
WHOLE: tuple[Any, ...] = (
    requests.an_event(1),
    requests.a_bundle(2),
    requests.a_service_request(3),
    requests.a_message(4),
    requests.a_task(5, "00000000-0000-0000-0000-000000000000"),
    requests.an_observation(6, "00000000-0000-0000-0000-000000000000"),
)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A good message with one value replaced, cut or doubled."""
    tree = copy.deepcopy(draw(st.sampled_from(WHOLE)))
    place = draw(st.sampled_from(list(leaves(tree))))
    inside(tree, place[:-1])[place[-1]] = draw(st.one_of(trees, st.just(MARK)))
    body = json.dumps(tree).encode("utf-8", "surrogatepass")
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 9)) == 0 else body


bodies = st.one_of(spoilt(), spoilt(), st.sampled_from(BOMBS), st.binary(max_size=200))
header_values = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"a\x00b", b"\xff", b'W/"1"', b"x" * 9000, b"0", b"-1"])
).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b""))
HEADERS = ("X-Request-ID", "X-Correlation-ID", "If-None-Exist", "If-Match", "Accept", "Prefer", "traceparent",
           "NHSD-Target-Identifier", "Content-Encoding", "Expect", "X-HTTP-Method-Override")  # fmt: skip


class House:
    """A bridge and the one loop it lives in."""

    def __init__(self, runner: asyncio.Runner, bridge: Bridge) -> None:
        self.app = bridge.http()
        self.addresses = sorted(set(addresses(self.app.routes)))
        self.runner = runner
        afar = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 50_000), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=afar, base_url="http://bridge.test")

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request."""
        return self.runner.run(self.client.request(method, path, **request))


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """One locality and one caller that may do everything, so that most requests come far."""
    schemes = folder / "mappings" / "schemes"
    schemes.mkdir(parents=True)
    urls = {"service_url": "http://127.0.0.1:9", "record_url": "http://127.0.0.1:9"}
    (schemes / "one.toml").write_text(a_scheme("one", "prescribing", OURS, **urls))
    caller = CallerSettings(
        name="all",
        roles=("system", "service", "operator", "practice", "data-officer"),
        practices=(OURS,),
        sources=SOURCES,
        service="prescribing",
        key=f"file:{_digest(folder, 'all')}",
        key_last_day=LAST_DAY,
    )
    site = Settings(
        base="https://bridge.test", data=folder / "var", mappings=folder / "mappings", callers=(caller,)
    )
    data_folder(site)
    create_key_ring(site.data / "keys.json")
    with asyncio.Runner() as runner:
        opening = open_bridge(site)
        bridge = runner.run(opening.__aenter__())
        try:
            yield House(runner, bridge)
        finally:
            runner.run(opening.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same for every request: what one leaves behind, the next one meets."""
    with open_house(tmp_path_factory.mktemp("fuzz")) as opened:
        yield opened


def path_of(address: str, words: str) -> str:
    """The path with every parameter replaced."""
    said = quote(words, safe="%/.")
    return "/".join(said if part.startswith("{") else part for part in address.split("/"))


@settings(max_examples=MOST)
@given(data=st.data())
def test_no_request_is_answered_by_a_fault(house: House, data: st.DataObject) -> None:
    """Every address of the router, with what no client should send."""
    method, _, address = data.draw(st.sampled_from(house.addresses)).partition(" ")
    named = st.sampled_from(["json-event", "fhir-r4", "bars", "hl7v2-ref", "5"])
    path = path_of(address, data.draw(st.one_of(named, named, odd)))
    name = data.draw(st.sampled_from(HEADERS))
    given_headers = [
        (b"X-API-Key", b"rbk_all"),
        (b"Content-Type", data.draw(st.sampled_from(MEDIA)).encode()),
        (name.encode(), data.draw(header_values)),
    ]
    answer = house.ask(
        method,
        path,
        headers=given_headers,
        content=data.draw(bodies),
        params=data.draw(st.dictionaries(odd, odd, max_size=2)),
    )

    assert answer.status_code < 500 or answer.status_code in (501, 503), (answer.status_code, answer.text)
    assert answer.status_code != 503 or "Retry-After" in answer.headers
    assert MARK not in answer.text


@pytest.mark.parametrize("bomb", range(len(BOMBS)))
@pytest.mark.parametrize("address", ["/events/json-event", "/events/hl7v2-ref", "/events/fhir-r4", "/fhir"])
def test_a_bomb_is_refused_quickly(house: House, address: str, bomb: int) -> None:
    """Before anything of it is unfolded."""
    for media in ("application/json", "application/fhir+xml", "application/hl7-v2"):
        headers = {"X-API-Key": "rbk_all", "Content-Type": media}
        answer = house.ask("POST", address, headers=headers, content=BOMBS[bomb])

        assert 400 <= answer.status_code < 500 or answer.text.startswith("MSH"), answer.text
        assert "root:" not in answer.text
