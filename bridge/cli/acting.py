"""How a command has the bridge do something: through the running one, or alone when none runs."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

import httpx

from bridge.app import open_bridge
from bridge.cli.access import refused, running_bridge, settings, who
from bridge.config import Settings
from bridge.errors import NotFound, Unavailable
from bridge.intake.control import socket_in
from bridge.security.redact import clean
from bridge.store.audit import Hand

Said: TypeAlias = dict[str, Any]
Act: TypeAlias = Callable[[str, Said], Said]


@contextmanager
def acting(why: str) -> Iterator[Act]:
    """What has the bridge do a verb (bridge.app.verbs), for whoever is logged in here.

    Raises NotFound, Unacceptable or Unavailable where the bridge does.
    """
    site, actor = settings(), who()
    if runs(site):
        with running_bridge(site) as client:
            yield lambda verb, said: _ask(client, verb, {"actor": actor, "why": why, "with": said})
        return
    with _alone(site, actor, why) as act:
        yield act


def runs(site: Settings) -> bool:
    """Whether a bridge listens on the control socket of this site."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, suppress(OSError):
        return probe.connect_ex(str(socket_in(site.data))) == 0
    return False


def _ask(client: httpx.Client, verb: str, said: Said) -> Said:
    answer = client.post(f"/control/do/{verb}", json=said, timeout=None)
    if answer.is_success:
        done: Said = answer.json()
        return done
    if answer.status_code == 404:
        raise NotFound("there is no such thing")
    if answer.status_code in (429, 503):
        raise Unavailable("the running bridge cannot do that now")
    raise refused(answer)


@contextmanager
def _alone(site: Settings, actor: str, why: str) -> Iterator[Act]:
    with asyncio.Runner() as runner:
        opening = open_bridge(site)
        bridge = runner.run(opening.__aenter__())
        hand = Hand(actor=actor, why=clean(why), node=site.node, chain=bridge.chain)
        verbs = bridge.verbs()
        try:
            yield lambda verb, said: runner.run(verbs[verb](hand, said))
        finally:
            runner.run(opening.__aexit__(None, None, None))
