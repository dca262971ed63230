"""A whole bridge against real servers on loopback: a service and a GP record nobody mocks."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.app import Bridge, data_folder, open_bridge
from bridge.config import CallerSettings, Settings
from bridge.security.keyring import create_key_ring
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running

GP_KEY, SERVICE_KEY, OPERATOR_KEY = "rbk_gp", "rbk_service", "rbk_operator"
PRACTICE = "A99999"

SCHEME = """
name = "journey"
version = "1"
title = "Journey"
minimum_age = 18
history_days = 365
[service]
name = "prescribing"
title = "Test Social Prescribing Service"
endpoint = "{service}/fhir"
ods = "Z9999"
poll_minutes = {poll}
[[records]]
name = "record"
endpoint = "{record}/fhir"
[[practices]]
ods = "A99999"
name = "Test Surgery"
mode = "{mode}"
live_from = 2020-01-01
record = "record"
[risk_contact]
name = "Duty clinician"
telephone = "01632 960000"
[disclosure]
direct-care = ["name", "birth-date", "gender", "nhs-number", "address", "phone", "reason", "reason-text",
  "priority", "requester", "practice", "identifiers", "safe-contact"]
[[write_back]]
on = "closed"
code = "1362721000000106"
display = "Social prescribing case closed"
signed_off_by = "Dr Example"
signed_off_on = 2026-01-01
[[write_back]]
on = "measure"
code = "718466001"
display = "SWEMWBS (Short Warwick-Edinburgh Mental Well-being Scale) score"
signed_off_by = "Dr Example"
signed_off_on = 2026-01-01
{more}
"""


@pytest.fixture(autouse=True)
def nothing_unexpected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A fault of ours that was caught and survived is still a fault: no journey may meet one."""
    yield
    faults = [r.__dict__["fields"] for r in caplog.records if r.__dict__.get("event") == "worker_failed"]
    assert faults == []


@dataclass
class Site:
    """One bridge with its two partners, and how to talk to its doors."""

    bridge: Bridge
    service: FhirServer
    record: FhirServer
    http: httpx.AsyncClient

    async def post(self, path: str, content: Any, key: str = GP_KEY, **headers: str) -> httpx.Response:
        """Send JSON (or bytes) to a door."""
        sent = {"X-API-Key": key, "Content-Type": "application/json", **headers}
        if isinstance(content, bytes):
            return await self.http.post(path, content=content, headers=sent)
        return await self.http.post(path, json=content, headers=sent)

    async def get(self, path: str, key: str = OPERATOR_KEY) -> httpx.Response:
        """Ask a door."""
        return await self.http.get(path, headers={"X-API-Key": key})

    async def drain(self) -> None:
        """Send everything that is due."""
        while sum([await worker.drain() for worker in self.bridge.workers]):
            pass


@dataclass
class Ground:
    """What a site stands on; the bridge can be opened on it again and again."""

    folder: Path
    service: FhirServer = field(default_factory=FhirServer)
    record: FhirServer = field(default_factory=FhirServer)
    urls: dict[str, str] = field(default_factory=dict)
    scheme: str = SCHEME

    def settings(self, mode: str = "live", *, poll: int = 0, more: str = "", **changes: Any) -> Settings:
        """Settings and scheme of this site; `more` is put at the end of the scheme."""
        schemes = self.folder / "mappings" / "schemes"
        schemes.mkdir(parents=True, exist_ok=True)
        text = self.scheme.format(mode=mode, poll=poll, more=more, **self.urls)
        (schemes / "journey.toml").write_text(text, "utf-8")
        values: dict[str, Any] = {
            "base": "https://bridge.test",
            "data": self.folder / "var",
            "mappings": self.folder / "mappings",
            "callers": (
                self._caller("gp", GP_KEY, roles=("system",), practices=(PRACTICE,),
                             sources=("json-event", "fhir-r4", "bars", "hl7v2-ref")),
                self._caller("service", SERVICE_KEY, roles=("service",), service="prescribing"),
                self._caller("operator", OPERATOR_KEY, roles=("operator",)),
            ),
        }  # fmt: skip
        settings = Settings(**(values | changes))
        if not settings.data.exists():
            data_folder(settings)
            create_key_ring(settings.data / "keys.json")
        return settings

    def _caller(self, name: str, key: str, **bound: Any) -> CallerSettings:
        digest = self.folder / f"{name}.digest"
        if not digest.exists():
            digest.touch(mode=0o600)
            digest.write_text(hashlib.sha256(key.encode()).hexdigest(), "ascii")
        last_day = date.today() + timedelta(days=30)  # noqa: DTZ011 - a test caller's last day
        return CallerSettings(name=name, key=f"file:{digest}", key_last_day=last_day, **bound)


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """The service and the record, up and empty."""
    standing = Ground(tmp_path)
    async with running(standing.service.app) as service, running(standing.record.app) as record:
        standing.urls = {"service": service, "record": record}
        yield standing


@pytest.fixture
async def open_site(ground: Ground) -> AsyncIterator[Callable[..., Any]]:
    """Open a bridge on the ground; closing is the test's end, or the test's own doing."""
    async with AsyncExitStack() as stack:

        async def opened(**changes: Any) -> Site:
            bridge = await stack.enter_async_context(open_bridge(ground.settings(**changes)))
            url = await stack.enter_async_context(running(bridge.http()))
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False))
            return Site(bridge, ground.service, ground.record, client)

        yield opened


@pytest.fixture
async def site(open_site: Callable[..., Any]) -> Site:
    """A live site."""
    found: Site = await open_site()
    return found
