"""A site on disk for commands: settings, key ring, one live practice, a service that is not there."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import typer
from click.testing import Result
from typer.testing import CliRunner

from bridge.cli import accounts, again, configuring, parked, purging, reporting, restoring, worklist
from bridge.security.keyring import create_key_ring

KEY = "rbk_gp"
CONFIG = """\
environment = "test"
base = "https://bridge.test"
node = "n1"
[http]
port = {port}
[[callers]]
name = "gp"
roles = ["system"]
practices = ["A99999"]
sources = ["json-event"]
key = "file:{digest}"
key_last_day = 2099-12-31
[partners.prescribing]
identity = "api-key"
api_key = "env:SERVICE_KEY"
"""

SCHEME = """\
name = "site"
version = "1"
title = "Site"
minimum_age = 18
[service]
name = "prescribing"
title = "Test Social Prescribing Service"
endpoint = "{nowhere}/fhir"
ods = "Z9999"
[[practices]]
ods = "A99999"
name = "Test Surgery"
mode = "live"
live_from = 2020-01-01
[risk_contact]
name = "Duty clinician"
telephone = "01632 960000"
[disclosure]
direct-care = ["name", "birth-date", "gender", "nhs-number", "priority", "practice", "identifiers"]
"""

app = typer.Typer()
for part in (again, purging, reporting, restoring):
    part.add_to(app)
app.add_typer(parked.app, name="parked")
app.add_typer(configuring.app, name="config")
app.add_typer(accounts.app, name="accounts")
app.add_typer(worklist.app, name="worklist")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Premises:
    """The folder of a site, and how to command it."""

    folder: Path
    port: int

    @property
    def env(self) -> dict[str, str]:
        """What a command finds in its environment."""
        return {"BRIDGE_CONFIG": str(self.folder / "bridge.toml"), "SERVICE_KEY": "s3cret", "NO_COLOR": "1"}

    def command(self, *words: str, typed: str | None = None) -> Result:
        """Run a command in this process, with what is typed into it."""
        return CliRunner().invoke(app, words, input=typed, env={**self.env, "COLUMNS": "200"})

    def json(self, *words: str) -> Any:
        """What a command prints with --json."""
        done = self.command(*words, "--json")
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return orjson.loads(done.stdout)

    def post(self, event: dict[str, Any]) -> httpx.Response:
        """Send an event to the running bridge."""
        url = f"http://127.0.0.1:{self.port}/events/json-event"
        return httpx.post(url, json=event, headers={"X-API-Key": KEY}, trust_env=False)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """`bridge serve` in a process of its own until the block ends."""
        with (self.folder / "log").open("ab") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "bridge", "serve"], env=os.environ | self.env, stderr=log
            )
        try:
            self._wait(server)
            yield
        finally:
            server.terminate()
            server.wait(30)

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        for _ in range(300):
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/live", trust_env=False)
            except httpx.TransportError:
                assert server.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.1)
            else:
                return
        raise TimeoutError


def set_up(folder: Path) -> Premises:
    """A new site."""
    port = free_port()
    schemes = folder / "mappings" / "schemes"
    schemes.mkdir(parents=True)
    nowhere = f"http://127.0.0.1:{free_port()}"
    (schemes / "site.toml").write_text(SCHEME.format(nowhere=nowhere), "utf-8")
    (folder / "var").mkdir(mode=0o700)
    create_key_ring(folder / "var" / "keys.json")
    digest = folder / "gp.digest"
    digest.touch(mode=0o600)
    digest.write_text(hashlib.sha256(KEY.encode()).hexdigest(), "ascii")
    (folder / "bridge.toml").write_text(CONFIG.format(port=port, digest=digest), "utf-8")
    return Premises(folder, port)
