"""A whole bridge as an operator sets it up, and everything that can be seen of it from outside."""

import asyncio
import hashlib
import logging
import re
import socket
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
import uvicorn
from typer.testing import CliRunner

from bridge.app import Bridge, open_bridge
from bridge.cli.commands import app as command_line
from bridge.config import read_settings
from bridge.intake import control
from bridge.ops.logging import configure
from bridge.security.keyring import create_key_ring
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running
from tests.security.canaries import Aviary, traces
from tests.security.quoting import Ear, quoting_partner
from tests.security.schemes import a_scheme

KEYS = {"gp": "rbk_gp-of-the-canaries", "service": "rbk_service-of-canaries", "operator": "rbk_operator-here"}
OWN_SECRETS = frozenset({"keys.json"})
ECHOED = ("x-request-id", "x-correlation-id")  # to whoever sent them, as its standards ask
# Header fields of the sender's own that an HL7 v2 acknowledgement repeats to it (HL7 v2.9, 2.13 and 2.14).
_HL7_ECHO = re.compile(r"^MSH\|.*$|^MSA\|[A-Z]{2}\|[^|]*", re.MULTILINE)

SITE = """
environment = "test"
base = "https://bridge.test"
data = "var"
mappings = "mappings"
[http]
port = {port}
[[callers]]
name = "gp"
roles = ["system"]
practices = ["A99999", "ZZ9901"]
sources = ["json-event", "fhir-r4", "bars", "hl7v2-ref"]
key = "file:{folder}/gp.digest"
key_last_day = {last_day}
[[callers]]
name = "service"
roles = ["service"]
service = "prescribing"
key = "file:{folder}/service.digest"
key_last_day = {last_day}
[[callers]]
name = "operator"
roles = ["operator"]
key = "file:{folder}/operator.digest"
key_last_day = {last_day}
[[folders]]
source = "emis"
path = "drop"
settled_s = 0
"""


@dataclass
class Trap:
    """The bridge, and what was seen: where, and what was shown there."""

    folder: Path
    bridge: Bridge
    http: httpx.AsyncClient
    ear: Ear
    service: FhirServer
    aviary: Aviary = field(default_factory=Aviary)
    sent: int = 0
    seen: list[tuple[str, str]] = field(default_factory=list)

    async def ask(self, method: str, path: str, who: str = "gp", **request: object) -> httpx.Response:
        """One request; its answer is seen with its headers, without what standards ask to echo."""
        headers = {"X-API-Key": KEYS[who], **request.pop("headers", {})}  # type: ignore[dict-item]
        answer = await self.http.request(method, path, headers=headers, **request)  # type: ignore[arg-type]
        shown = {k: v for k, v in answer.headers.items() if k not in ECHOED}
        text = answer.text.replace("\r", "\n")
        self.seen.append((f"{method} answer {answer.status_code}", f"{shown} {_HL7_ECHO.sub('', text)}"))
        return answer

    async def send(self, path: str, content: bytes, who: str = "gp", media: str = "application/json") -> None:
        """One message to a door, with canaries in headers and address."""
        self.sent += 1
        word = self.aviary.canary
        headers = {
            f"X-{word('header name')}": word("header value"),
            "X-Request-ID": word("request id"),
            "X-Correlation-ID": word("correlation id"),
            "Content-Type": f"{media}; x={word('media type')}",
            "traceparent": word("traceparent"),
            "User-Agent": word("user agent"),
        }
        query = {word("query name"): word("query value")}
        await self.ask("POST", path, who, content=content, params=query, headers=headers)

    async def drain(self) -> None:
        """Send everything that is due, once."""
        for worker in self.bridge.workers:
            await worker.drain()

    async def command(self, *words: str, typed: str = "") -> None:
        """What a command prints; it may find something to complain about."""
        run = partial(CliRunner().invoke, command_line, list(words), input=typed)
        result = await asyncio.to_thread(run)
        self.seen.append((f"bridge {words[0]}", result.output))
        if result.exception and not isinstance(result.exception, SystemExit):
            trace = "".join(traceback.format_exception(result.exception))
            self.seen.append((f"bridge {words[0]} failed", trace))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Every file of the data folder as its bytes, and every verdict with the name of its folder."""
        for path in (self.folder / "var").rglob("*"):
            if path.is_file() and path.name not in OWN_SECRETS:
                yield path.name, path.read_bytes()
        for path in (self.folder / "drop").rglob("verdict.json"):
            yield "verdict", path.parent.name.encode() + path.read_bytes()

    def leaks(self) -> list[str]:
        """Where a canary shows, and what stands around it."""
        places = [(where, text.encode("utf-8", "replace")) for where, text in self.seen]
        places += [("log", line.encode("utf-8", "replace")) for line in self.ear.heard]
        places += self.files()
        return sorted({f"{where}: {around!r}" for where, data in places for around in traces(data)})


@contextmanager
def logging_as_in_production() -> Iterator[Ear]:
    """Logs as `bridge serve` writes them, and an ear beside."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure("json")
    ear = Ear()
    root.addHandler(ear)
    try:
        yield ear
    finally:
        root.handlers[:] = before
        root.setLevel(level)


@asynccontextmanager
async def set_trap(folder: Path, ear: Ear, environment: pytest.MonkeyPatch) -> AsyncIterator[Trap]:
    """The bridge with a service that keeps what it gets and a record that quotes it back."""
    service, port = FhirServer(), _free_port()
    async with AsyncExitStack() as stack:
        urls = {
            "service_url": await stack.enter_async_context(running(service.app)),
            "record_url": await stack.enter_async_context(running(quoting_partner())),
        }
        config = _set_up(folder, port, **urls)
        environment.setenv("BRIDGE_CONFIG", str(config))
        bridge = await stack.enter_async_context(open_bridge(read_settings(config)))
        url = await stack.enter_async_context(running(bridge.http(), port))
        await stack.enter_async_context(_controlled(bridge))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False, timeout=30))
        yield Trap(folder, bridge, client, ear, service)


@asynccontextmanager
async def _controlled(bridge: Bridge) -> AsyncIterator[None]:
    """The control socket, for the command line."""
    server = uvicorn.Server(
        uvicorn.Config(bridge.control(), log_config=None, access_log=False, lifespan="off")
    )
    listener = control.listen(bridge.settings.data)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _set_up(folder: Path, port: int, **urls: str) -> Path:
    """Files as an operator would write them; gives bridge.toml."""
    schemes = folder / "mappings" / "schemes"
    schemes.mkdir(parents=True)
    (schemes / "one.toml").write_text(a_scheme("one", "prescribing", "A99999", "ZZ9901", **urls), "utf-8")
    for name, key in KEYS.items():
        digest = folder / f"{name}.digest"
        digest.touch(mode=0o600)
        digest.write_text(hashlib.sha256(key.encode()).hexdigest(), "ascii")
    (folder / "var").mkdir(mode=0o700)
    create_key_ring(folder / "var" / "keys.json")
    last_day = date.today() + timedelta(days=30)  # noqa: DTZ011 - a test caller's last day
    config = folder / "bridge.toml"
    config.write_text(SITE.format(port=port, folder=folder, last_day=last_day), "utf-8")
    return config
