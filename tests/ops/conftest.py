"""A whole site whose health is looked at anew each time, with the senses of its pulse in the test's hands."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bridge.intake import answers
from bridge.ops.vitals import Vitals
from tests.journeys.conftest import OPERATOR_KEY, Site, ground, nothing_unexpected, open_site, site

__all__ = ["ground", "nothing_unexpected", "open_site", "site"]


@dataclass(frozen=True)
class Told:
    """The codes of /live, /ready, /health and /_status, why it is not ready, and what is not well."""

    codes: tuple[int, int, int, int]
    not_ready: str
    unwell: dict[str, tuple[str, str]]


WELL = Told((200, 200, 200, 200), "", {})


class Watched:
    """A site and what its health says; `senses` are fields of the pulse that a test sets."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.senses: dict[str, Any] = {"fresh_s": 0, "patience_s": 10.0}  # a loaded machine is no fault

    def vitals(self) -> Vitals:
        """How the site is now, remembered by nobody."""
        return Vitals(replace(self.site.bridge.watch.vitals.pulse, **self.senses))

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """What an address answers now."""
        app = FastAPI()
        answers.install(app)
        app.include_router(replace(self.site.bridge.watch, vitals=self.vitals()).routes())
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as client:
            return await client.get(path, headers={"X-API-Key": OPERATOR_KEY, **headers})

    async def told(self) -> Told:
        """Everything that health says, in the form of WELL."""
        found = [await self.get(path) for path in ("/live", "/ready", "/health", "/_status")]
        checks = found[2].json()["checks"]
        unwell = {
            f"{check['name']} {check.get('of', '')}".strip(): (check["status"], check["code"])
            for check in checks
            if check["status"] != "pass"
        }
        live, ready, health, status = (answer.status_code for answer in found)
        return Told((live, ready, health, status), found[1].json()["code"], unwell)


@pytest.fixture
async def watch_site(open_site: Callable[..., Any]) -> Callable[..., Any]:
    """Open a site with these settings and watch it."""

    async def opened(**changes: Any) -> Watched:
        return Watched(await open_site(**changes))

    return opened


@pytest.fixture
async def watched(watch_site: Callable[..., Any]) -> Watched:
    """A live site, watched."""
    found: Watched = await watch_site()
    return found
