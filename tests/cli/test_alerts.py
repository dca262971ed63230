"""`bridge alerts test`: whether people can be told, as an operator finds out."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.cli.alerting import app
from bridge.simulators.loopback import running
from tests.cli.site import Premises, set_up
from tests.partners.test_alerts import Hook


@pytest.fixture
def site(tmp_path: Path) -> Premises:
    """A new site, stopped."""
    return set_up(tmp_path)


def tell(site: Premises, **env: str) -> Any:
    """What the command says with these settings."""
    return CliRunner().invoke(app, ["test"], env={**site.env, **env})


def test_nobody_to_tell_needs_attention(site: Premises) -> None:
    """A bridge that can call nobody at night should be a decision."""
    done = tell(site)

    assert (done.exit_code, "Nobody is told" in done.output) == (1, True)


async def test_each_way_is_tried_and_says_what_came_of_it(site: Premises) -> None:
    """One works and one does not: the command asks for attention and names the broken one."""
    hook = Hook()
    async with running(hook.app) as url:
        done = await asyncio.to_thread(
            tell,
            site,
            HOOK=f"{url}/hook",
            BRIDGE_ALERTS__WEBHOOK="env:HOOK",
            BRIDGE_ALERTS__MAIL_SERVER="127.0.0.1",
            BRIDGE_ALERTS__MAIL_PORT="1",
            BRIDGE_ALERTS__MAIL_FROM="bridge@trust.test",
            BRIDGE_ALERTS__MAIL_TO='["it@trust.test"]',
        )

    assert done.exit_code == 1
    assert "webhook: told" in done.output
    assert "mail: not reached" in done.output
    assert "Nothing is wrong" in hook.told[0]["text"]
