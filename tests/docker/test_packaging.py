"""Image, practice site and service unit say what is so, and give nothing away that they need not."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from bridge.cli.commands import app
from tests.cli.site import Premises, set_up

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
OURS = sorted(name for name, said in COMPOSE["services"].items() if said["image"] == "referral-bridge")


def linted(program: str, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    """What a program of this machine says, or a reason to skip."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return subprocess.run([found, *words], capture_output=True, text=True, check=False)


def test_the_image_is_made_as_hadolint_would() -> None:
    """Every warning is one to mend."""
    done = linted("hadolint", DOCKER / "Dockerfile")

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_as_nobody_in_particular_and_asks_itself_whether_it_turns() -> None:
    """In two stages, by the lock file, with what the build needs left behind."""
    said = (DOCKER / "Dockerfile").read_text("utf-8")
    stages = re.split(r"^FROM ", said, flags=re.MULTILINE)[1:]

    assert len(stages) == 2
    assert "--require-hashes" in stages[0]
    assert re.search(r"^USER 10001:10001$", stages[1], re.MULTILINE)
    assert "HEALTHCHECK" in stages[1]


def test_everything_the_image_copies_is_sent_to_the_build() -> None:
    """What .dockerignore forgets is missing in the image."""
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"
    }
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    wanted = {name for line in copied for name in line.split()}

    assert wanted <= allowed
    assert all((ROOT / name).exists() for name in wanted)


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_change_nothing_but_its_volumes(name: str) -> None:
    """Read-only root, no capability, no way to get one."""
    service = COMPOSE["services"][name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_a_container_runs_a_command_that_is_there(name: str) -> None:
    """With options it has."""
    service = COMPOSE["services"][name]
    words = [str(word) for word in service.get("command", ["serve"])]
    if service.get("entrypoint") == ["/bin/sh", "-c"]:
        words = words[0].partition("exec bridge ")[2].split()
    elif service.get("entrypoint"):
        assert (DOCKER / Path(service["entrypoint"][1]).name).is_file()
        return
    command, context = get_command(app), None
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    context = command.make_context("bridge", words)

    assert context.command is command


def test_what_compose_names_is_there() -> None:
    """Volumes and services; nothing is published beyond this machine."""
    services = COMPOSE["services"]
    volumes = {v.split(":")[0] for s in services.values() for v in s.get("volumes", ()) if v[0] not in "./"}
    needed = {name for s in services.values() for name in s.get("depends_on", ())}
    ports = [port for s in services.values() for port in s.get("ports", ())]

    assert volumes == set(COMPOSE["volumes"])
    assert needed <= set(services)
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_practice_site_is_sound_with_the_settings_of_its_containers(tmp_path: Path) -> None:
    """Set up once by the script of compose.yaml; a second run changes nothing."""
    site = tmp_path / "site"
    env = {k: v for k, v in os.environ.items() if not k.startswith("BRIDGE_")} | {
        "PATH": f"{BIN}:{os.environ['PATH']}"
    }
    for _ in range(2):
        made = subprocess.run([sys.executable, DOCKER / "setup.py", site], env=env, check=False)
        assert made.returncode == 0
    node = COMPOSE["services"]["bridge-1"]["environment"]
    told = env | {k: str(v).replace("/site/", f"{site}/") for k, v in node.items() if k.startswith("BRIDGE_")}
    checked = subprocess.run(
        [BIN / "bridge", "check"],
        env=told | {"BRIDGE_CONFIG": str(site / "bridge.toml"), "BRIDGE_DATA": str(tmp_path / "data")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    callers = tomllib.loads((site / "bridge.toml").read_text("utf-8"))["callers"]

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 live" in checked.stdout
    assert [caller["name"] for caller in callers] == ["gp", "service", "operator"]
    assert {file.stat().st_mode & 0o077 for file in site.glob("*.key")} == {0}


def alive(data: Path) -> int:
    """How the image's question about a data folder ends."""
    command = [sys.executable, DOCKER / "alive.py"]
    return subprocess.run(command, env=os.environ | {"BRIDGE_DATA": str(data)}, check=False).returncode


def test_the_image_knows_whether_the_bridge_turns(tmp_path: Path) -> None:
    """Over the control socket, whatever the doors look like."""
    site: Premises = set_up(tmp_path)
    before = alive(site.folder / "var")
    with site.serving():
        during = alive(site.folder / "var")

    assert (before, during, alive(site.folder / "var")) == (1, 0, 1)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The service unit with the program of this environment in place of the installed one."""
    file = tmp_path / "bridge.service"
    said = (DOCKER / "bridge.service").read_text("utf-8")
    file.write_text(said.replace("/opt/bridge/bin/bridge", str(BIN / "bridge")), "utf-8")
    return file


def test_systemd_can_read_the_unit(unit: Path) -> None:
    """Without a word of complaint."""
    done = linted("systemd-analyze", "verify", unit)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_leaves_little_exposed(unit: Path) -> None:
    """By systemd's own measure, of ten; the network has to stay open."""
    done = linted("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", unit)

    assert done.returncode == 0, done.stdout[-200:]


def test_a_mistake_in_the_settings_ends_a_service_for_good(tmp_path: Path) -> None:
    """The unit does not start it again on the code of a wrong configuration."""
    said = (DOCKER / "bridge.service").read_text("utf-8")
    env = os.environ | {"BRIDGE_CONFIG": str(tmp_path / "none.toml")}
    done = subprocess.run([BIN / "bridge", "serve"], env=env, capture_output=True, check=False)

    assert f"RestartPreventExitStatus={done.returncode}\n" in said


def test_the_command_for_people_runs_the_program_of_the_unit_with_its_settings() -> None:
    """Else the one would look at another site than the other."""
    unit, script = ((DOCKER / name).read_text("utf-8") for name in ("bridge.service", "bridge.sh"))
    settings = re.search(r"BRIDGE_CONFIG=\S+", unit)

    assert settings is not None
    assert settings[0] in script
    assert "/opt/bridge/bin/bridge" in script
    assert "/opt/bridge/bin/bridge serve" in unit
    assert "--user=bridge" in script
    assert "User=bridge" in unit
