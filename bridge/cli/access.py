"""How a command reaches the store: straight for reading; for writing through the running bridge, or alone."""

import asyncio
import os
import pwd
from collections.abc import Callable
from typing import TypeVar

import httpx

from bridge.app.rules import open_rules
from bridge.config import Settings, config_file, read_settings
from bridge.errors import ConfigError, NotFound, Unacceptable
from bridge.intake.control import socket_in
from bridge.pipeline import mend
from bridge.pipeline.context import Context
from bridge.schemes import Rulebook, scheme_file
from bridge.security.audit import AuditChain
from bridge.security.keyring import load_key_ring
from bridge.security.redact import clean
from bridge.security.sealing import Sealer
from bridge.store import Store, Tx, open_store, reading_store
from bridge.store.audit import Hand

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


def mended(verb: str, item: str, *, actor: str, why: str) -> str:
    """Release or discard one item; the state it is in now."""
    site = settings()
    if site.database_url.startswith("sqlite:"):
        answer = _through_server(site, verb, item, actor=actor, why=why)
        if answer is not None:
            return answer
    return asyncio.run(_alone(site, verb, item, actor=actor, why=why))


def running_bridge(site: Settings) -> httpx.Client:
    """A client of the running bridge of this site; its requests raise httpx.ConnectError when none runs."""
    transport = httpx.HTTPTransport(uds=str(socket_in(site.data)))
    return httpx.Client(transport=transport, base_url="http://bridge", timeout=30, trust_env=False)


def _through_server(site: Settings, verb: str, item: str, *, actor: str, why: str) -> str | None:
    said = {"actor": actor, "why": why}
    try:
        with running_bridge(site) as bridge:
            answer = bridge.post(f"/control/{verb}/{item}", json=said)
    except httpx.ConnectError:
        return None
    if answer.status_code == 404:
        raise NotFound("there is no such item")
    if answer.is_error:
        raise refused(answer)
    return str(answer.json()["state"])


def refused(answer: httpx.Response) -> Unacceptable:
    """What the running bridge said was wrong, and what to do, in its own words."""
    issues = answer.json().get("issue", ())
    words = (f"{issue.get('details', {}).get('text', '')} {issue.get('diagnostics', '')}" for issue in issues)
    return Unacceptable("\n".join(words))


async def _alone(site: Settings, verb: str, item: str, *, actor: str, why: str) -> str:
    ring = load_key_ring(site.key_ring)
    store: Store = open_store(site.database_url, Sealer(ring))
    hand = Hand(actor=actor, why=clean(why), node=site.node, chain=AuditChain(ring))
    context: Context = open_rules(site)
    try:
        if verb == "release":
            return await store.run(lambda tx: mend.release(tx, context, hand, item))
        return await store.run(lambda tx: mend.discard(tx, hand, item))
    finally:
        await store.close()
