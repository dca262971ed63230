"""The way of the command line into a running bridge: a socket of its own user, and nothing on the network."""

import asyncio
import stat
from pathlib import Path

import httpx
import pytest

from bridge.errors import ConfigError
from bridge.intake import control
from tests.security.trap import Trap


def test_only_its_own_user_can_open_the_socket(tmp_path: Path) -> None:
    """What an earlier process left behind is replaced, and the mode is 0600 whatever the umask says."""
    control.socket_in(tmp_path).touch(mode=0o666)
    with control.listen(tmp_path) as listener:
        status = control.socket_in(tmp_path).stat()

        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert listener.getsockname() == str(control.socket_in(tmp_path))


def test_a_path_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    """The operating system would cut it or fail in words that help nobody."""
    with pytest.raises(ConfigError, match="too long"):
        control.listen(tmp_path / ("x" * 100))


async def test_the_doors_know_nothing_of_control(trap: Trap) -> None:
    """Neither the address nor any header reaches it over the network."""
    answer = await trap.ask(
        "POST", "/control/do/release", "operator", json={"actor": "me", "why": "so", "with": {"item": "1"}}
    )

    assert answer.status_code == 404


async def test_the_socket_serves_health_and_control(trap: Trap) -> None:
    """Without a credential: who can open the socket is the bridge's own user."""

    def ask() -> tuple[httpx.Response, httpx.Response]:
        transport = httpx.HTTPTransport(uds=str(control.socket_in(trap.bridge.settings.data)))
        with httpx.Client(transport=transport, base_url="http://bridge") as client:
            said = {"actor": "me", "why": "so", "with": {"item": "nothing"}}
            return client.get("/health"), client.post("/control/do/discard", json=said)

    health, discarded = await asyncio.to_thread(ask)

    assert health.json()["status"] == "pass"
    assert discarded.status_code == 404
