"""`bridge demo`: a whole day in under a minute, on loopback, with synthetic people.

Starts the bridge, a simulated service and a simulated GP record as processes of their own, drops two days of
a simulated EMIS practice, shows what becomes of everything, then tells the story of one referral.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.live import Live
from rich.syntax import Syntax
from rich.table import Table

from bridge.cli import output
from bridge.cli.simulate import plan_of
from bridge.config import shipped
from bridge.security.api_keys import new_api_key
from bridge.security.keyring import create_key_ring
from bridge.simulators import gp as gp_practice

SEED = 7
LONGEST_S = 55.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where everything of the demo is."""

    folder: Path
    bridge: str
    service: str
    record: str
    operator_key: str
    start: str

    def ask(self, path: str) -> Any:
        """A JSON answer of the bridge."""
        headers = {"X-API-Key": self.operator_key}
        return httpx.get(f"{self.bridge}{path}", headers=headers, timeout=10, trust_env=False).json()


def add_to(app: typer.Typer) -> None:
    """Put the command on the main command."""
    app.command()(demo)


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Stay up afterwards and say where everything is.")
    ] = False,
) -> None:
    """Send a simulated day through the bridge and back, and tell the story of one referral."""
    with tempfile.TemporaryDirectory(prefix="bridge-demo-") as scratch, ExitStack() as running:
        stage = _set_up(Path(scratch), running)
        done = _play(stage)
        _tell(stage)
        if keep:
            _stay(stage)
        raise typer.Exit(0 if done else 1)


def _set_up(folder: Path, running: ExitStack) -> Stage:
    ports = [_free_port() for _ in range(3)]
    bridge, service, record = (f"http://127.0.0.1:{port}" for port in ports)
    start = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    service_key, operator_key = new_api_key(), new_api_key()
    _write_site(
        folder, ports[0], service, record, {"service": service_key.digest, "operator": operator_key.digest}
    )
    here = {"BRIDGE_CONFIG": str(folder / "bridge.toml"), "BRIDGE_SIMULATOR_KEY": service_key.token}
    simulated = ("simulate", "record", "--port", str(ports[2]), "--seed", str(SEED), "--start", start)
    running.enter_context(_process(folder, "record", ports[2], simulated, here))
    simulated = ("simulate", "prescribing", "--port", str(ports[1]), "--bridge", bridge, "--delay-s", "0.5")
    running.enter_context(_process(folder, "service", ports[1], simulated, here))
    running.enter_context(_process(folder, "bridge", ports[0], ("serve",), here))
    output.out.print(f"The bridge is at {bridge}, the service at {service}, the GP record at {record}.")
    return Stage(
        folder=folder, bridge=bridge, service=service, record=record,
        operator_key=operator_key.token, start=start,
    )  # fmt: skip


def _write_site(folder: Path, port: int, service: str, record: str, digests: dict[str, str]) -> None:
    schemes = folder / "mappings" / "schemes"
    schemes.mkdir(parents=True)
    scheme = (shipped("mappings") / "schemes" / "demo.toml").read_text("utf-8")
    (schemes / "demo.toml").write_text(
        scheme.replace("http://127.0.0.1:8104", service).replace("http://127.0.0.1:8105", record), "utf-8"
    )
    (folder / "var").mkdir(mode=0o700)
    create_key_ring(folder / "var" / "keys.json")
    for name, digest in digests.items():
        file = folder / f"{name}.digest"
        file.touch(mode=0o600)
        file.write_text(digest, "ascii")
    last_day = (datetime.now(UTC) + timedelta(days=2)).date()
    (folder / "bridge.toml").write_text(_CONFIG.format(folder=folder, port=port, last_day=last_day), "utf-8")


_CONFIG = """\
environment = "test"
base = "https://demo.bridge.invalid"
node = "demo"
data = "var"
mappings = "mappings"
[http]
port = {port}
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
every_s = 0.5
settled_s = 0
"""


@contextmanager
def _process(
    folder: Path, name: str, port: int, arguments: tuple[str, ...], env: dict[str, str]
) -> Iterator[None]:
    """One command of ours as a process, until the block ends."""
    command = [sys.executable, "-m", "bridge", *arguments]
    with (folder / f"{name}.log").open("wb") as log:
        running = subprocess.Popen(command, env=os.environ | env, cwd=folder, stdout=log, stderr=log)  # noqa: S603
    try:
        _wait_for(port, running)
        yield
    finally:
        running.terminate()
        running.wait(15)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    output.err.print("A part of the demo did not start; its log is in the demo's folder.")
    raise typer.Exit(1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _play(stage: Stage) -> bool:
    """Drop two days and watch until nothing moves any more; False when time ran out."""
    plan = plan_of(SEED, stage.start)
    until = time.monotonic() + LONGEST_S
    (stage.folder / "drop").mkdir(exist_ok=True)
    with Live(refresh_per_second=4, console=output.out) as live:
        for number in (1, 2):
            gp_practice.drop(stage.folder / "drop", plan, number)
            words = f"Day {number} of a simulated EMIS practice"
            if not _watch(stage, live, words, until, extracts=number):
                return False
    return True


def _watch(stage: Stage, live: Live, words: str, until: float, *, extracts: int) -> bool:
    still = 0
    before: Any = None
    while time.monotonic() < until:
        health = stage.ask("/health")
        live.update(_progress(words, health))
        moving = sum(_queues(health).values())
        done = len(list((stage.folder / "drop" / "done").glob("*"))) >= extracts
        still = still + 1 if done and not moving and health["counts"] == before else 0
        before = health["counts"]
        if still >= 8:  # two seconds without a change
            return True
        time.sleep(0.25)
    return False


def _progress(words: str, health: dict[str, Any]) -> Table:
    table = Table(title=words, title_justify="left", box=None)
    for column in ("", "state", "how many"):
        table.add_column(column)
    for name, n in sorted(health["counts"].items()):
        what, _, state = name.partition(".")
        if n:
            table.add_row(what, state, str(n))
    for partner, n in _queues(health).items():
        table.add_row("waiting for", partner, str(n))
    return table


def _queues(health: dict[str, Any]) -> dict[str, int]:
    """How much is on its way to each partner."""
    return {c["of"]: c["value"] for c in health["checks"] if c["name"] == "partner:queue"}


def _tell(stage: Stage) -> None:
    """The story of one closed referral, the ServiceRequest that went out and the Observations that came back."""
    env = os.environ | {"BRIDGE_CONFIG": str(stage.folder / "bridge.toml")}
    listed = _command(env, "referrals", "list", "--state", "completed", "--json")
    closed = json.loads(listed) if listed else []
    if not closed:
        output.out.print("No referral came all the way round.")
        return
    chosen = closed[-1]["id"]
    output.out.rule("One referral, both ways")
    output.story(json.loads(_command(env, "referrals", "show", chosen, "--json")))
    system = "https://demo.bridge.invalid/Id/referral"
    out = _search(stage.service, "ServiceRequest", f"{system}|{chosen}")
    output.out.rule("The ServiceRequest at the service")
    _show(out[0] if out else {})
    output.out.rule("The Observations in the GP record")
    observations = _filed(stage, chosen)
    for observation in observations:
        _show(observation)
    parked = json.loads(_command(env, "parked", "list", "--json") or "[]")
    output.out.rule("What waits for a person")
    for row in parked:
        output.out.print(f"  {row['code']}: {output.meaning(row['code'])[0]}", highlight=False)


def _command(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "bridge", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout  # noqa: S603


def _search(base: str, kind: str, identifier: str) -> list[dict[str, Any]]:
    found = httpx.post(
        f"{base}/fhir/{kind}/_search", data={"identifier": identifier}, timeout=10, trust_env=False
    ).json()
    return [entry["resource"] for entry in found.get("entry", [])]


def _filed(stage: Stage, referral: str) -> list[dict[str, Any]]:
    found = httpx.get(f"{stage.record}/fhir/Observation", timeout=10, trust_env=False).json()
    resources = [entry["resource"] for entry in found.get("entry", [])]
    return [r for r in resources if any(b["identifier"]["value"] == referral for b in r.get("basedOn", []))]


def _show(resource: dict[str, Any]) -> None:
    output.out.print(Syntax(json.dumps(resource, indent=1, ensure_ascii=False), "json", word_wrap=True))


def _stay(stage: Stage) -> None:
    output.out.rule("Everything stays up; Ctrl-C ends it")
    output.out.print(f"  bridge   {stage.bridge}/health", highlight=False)
    output.out.print(f"  service  {stage.service}/fhir/ServiceRequest", highlight=False)
    output.out.print(f"  record   {stage.record}/", highlight=False)
    output.out.print(f"  folder   {stage.folder} (drop extracts into drop/)", highlight=False)
    output.out.print(
        f"  commands BRIDGE_CONFIG={stage.folder / 'bridge.toml'} bridge referrals list", highlight=False
    )
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        return
