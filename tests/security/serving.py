"""A bridge with a few callers behind the real door of its settings, on 127.0.0.1."""

import asyncio
import hashlib
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import uvicorn

from bridge.app import Bridge, data_folder, doors, open_bridge
from bridge.config import CallerSettings, Http, Settings
from bridge.security.keyring import create_key_ring

LAST_DAY = date.today() + timedelta(days=30)  # noqa: DTZ011 - a test caller's last day
KEY = "rbk_operator"


def an_operator(folder: Path, **more: Any) -> CallerSettings:
    """A caller that may see how everything is, known by API key unless `more` says otherwise."""
    if more:
        return CallerSettings(name="operator", roles=("operator",), **more)
    digest = folder / "operator.digest"
    digest.touch(mode=0o600)
    digest.write_text(hashlib.sha256(KEY.encode()).hexdigest(), "ascii")
    return CallerSettings(name="operator", roles=("operator",), key=f"file:{digest}", key_last_day=LAST_DAY)


def a_site(folder: Path, *callers: CallerSettings, **changes: Any) -> Settings:
    """Settings with these callers and without any scheme."""
    settings = Settings(
        base="https://bridge.test",
        data=folder / "var",
        mappings=folder / "mappings",
        callers=callers or (an_operator(folder),),
        **changes,
    )
    data_folder(settings)
    create_key_ring(settings.data / "keys.json")
    return settings


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[Bridge, int]]:
    """The bridge and the port of its door."""
    async with open_bridge(settings) as bridge, listening(bridge, settings.http) as port:
        yield bridge, port


@asynccontextmanager
async def listening(bridge: Bridge, http: Http) -> AsyncIterator[int]:
    """The door as `bridge serve` opens it, on any free port."""
    options = doors.options(http)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(bridge.http(), **options, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join)
