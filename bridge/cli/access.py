"""How a command reaches the site: its settings, its store for reading, its running bridge, who types."""

import asyncio
import os
import pwd
from collections.abc import Callable
from typing import TypeVar

import httpx

from bridge.config import Settings, config_file, read_settings
from bridge.errors import ConfigError, Unacceptable
from bridge.intake.control import socket_in
from bridge.schemes import Rulebook, scheme_file
from bridge.security.keyring import load_key_ring
from bridge.security.sealing import Sealer
from bridge.store import Tx, reading_store

T = TypeVar("T")


def settings() -> Settings:
    """The settings of this site."""
    return read_settings(config_file())


def who() -> str:
    """The user of the machine who types, for the audit; "kim as bridge" where sudo stands between.

    The account of the process, not what its environment calls it; what sudo says stands beside it.
    """
    uid = os.getuid()
    try:
        account = pwd.getpwuid(uid).pw_name
    except KeyError:
        account = str(uid)
    through = os.environ.get("SUDO_USER", "")
    return f"{through} as {account}" if through else account


def read(work: Callable[[Tx], T]) -> T:
    """Run a read on the store; a running bridge does not mind."""
    site = settings()
    sealer = Sealer(load_key_ring(site.key_ring))

    async def reading() -> T:
        store = reading_store(site.database_url, sealer)
        try:
            return await store.read(work)
        finally:
            await store.close()

    return asyncio.run(reading())


def partner_titles(site: Settings) -> dict[str, str]:
    """Every partner as people call it; none while a scheme file has mistakes, which `bridge check` tells."""
    try:
        return Rulebook(scheme_file.load(site.mappings / "schemes")).titles()
    except ConfigError:
        return {}


def running_bridge(site: Settings) -> httpx.Client:
    """A client of the running bridge of this site; its requests raise httpx.ConnectError when none runs."""
    transport = httpx.HTTPTransport(uds=str(socket_in(site.data)))
    return httpx.Client(transport=transport, base_url="http://bridge", timeout=30, trust_env=False)


def refused(answer: httpx.Response) -> Unacceptable:
    """What the running bridge said was wrong, and what to do, in its own words."""
    issues = answer.json().get("issue", ())
    words = (f"{issue.get('details', {}).get('text', '')} {issue.get('diagnostics', '')}" for issue in issues)
    return Unacceptable("\n".join(words))
