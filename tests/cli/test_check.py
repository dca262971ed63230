"""`bridge check`, `bridge --version` and who it is that types, on a machine as it is set up."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli import access
from tests.cli.site import Premises, set_up


@pytest.fixture
def site(tmp_path: Path) -> Premises:
    """A site whose bridge does not run."""
    return set_up(tmp_path)


def bridge(site: Premises, *words: str) -> subprocess.CompletedProcess[str]:
    """What the command says, in a process of its own."""
    command = [sys.executable, "-m", "bridge", *words]
    env = os.environ | site.env | {"COLUMNS": "200"}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_site_without_its_key_ring_is_not_fine(site: Premises) -> None:
    """Better told by the check than by a service that does not start."""
    well = bridge(site, "check")
    (ring,) = site.folder.rglob("keys.json")
    ring.rename(ring.with_name("elsewhere.json"))
    lost = bridge(site, "check")

    assert (well.returncode, well.stdout.split(".")[0]) == (0, "Fine")
    assert lost.returncode == 2
    assert "keys.json cannot be read" in lost.stderr
    assert "Put it there" in lost.stderr


PORT = """
[[mllp]]
name = "{name}"
port = {port}
practices = ["{practice}"]
source = "hl7v2-ref"
"""
TLS = 'certificate = "no.pem"\ncertificate_key = "no.key"\n'


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        (PORT.format(name="pas", port=2575, practice="A99999") + TLS, "no.key cannot be read"),
        (PORT.format(name="pas", port=2575, practice="fern lane"), "3 to 12 letters and digits"),
        (
            PORT.format(name="pas", port=2575, practice="a99999")
            + PORT.format(name="his", port=2575, practice="A99999"),
            "mllp his Two doors of this bridge are to listen on the same port",
        ),
    ],
    ids=["certificate", "practice", "port"],
)
def test_a_port_that_could_not_be_opened_is_not_fine(site: Premises, ports: str, words: str) -> None:
    """Told by the check, in words about the settings, and not by a service that does not start."""
    with (site.folder / "bridge.toml").open("a", encoding="utf-8") as file:
        file.write(ports)
    told = bridge(site, "check")

    assert (told.returncode, words in told.stderr) == (2, True)


@pytest.mark.parametrize("command", [["migrate"], ["referrals", "list"]], ids=" ".join)
@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_database_that_does_not_answer_is_told_in_our_words(
    site: Premises, command: list[str], scheme: str
) -> None:
    """Never in those of its driver, which quote what they were given."""
    nobody = {"BRIDGE_DATABASE": f"{scheme}://bridge@127.0.0.1:1/bridge"}
    env = os.environ | site.env | nobody | {"COLUMNS": "200"}
    words = [sys.executable, "-m", "bridge", *command]
    told = subprocess.run(words, env=env, capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (1, "PostgreSQL does not answer\n")


def test_a_site_without_its_folder_of_mappings_is_not_fine(site: Premises) -> None:
    """It has no scheme either, so that nothing would ever leave."""
    (site.folder / "mappings").rename(site.folder / "elsewhere")

    assert "The folder of mappings does not exist" in bridge(site, "check").stderr


def test_a_script_gets_what_is_in_force_or_what_is_wrong(site: Premises) -> None:
    """In one JSON object each, by the code of every problem; people still read it on standard error."""
    well = bridge(site, "check", "--json")
    (site.folder / "mappings" / "sources").mkdir(exist_ok=True)
    (site.folder / "mappings" / "sources" / "hub.toml").write_text("version =", "utf-8")
    wrong = bridge(site, "check", "--json")

    assert (well.returncode, wrong.returncode) == (0, 2)
    assert json.loads(well.stdout)["mappings"]["hl7v2-ref"].startswith("hl7v2-ref@")
    assert [problem["code"] for problem in json.loads(wrong.stdout)["problems"]] == ["toml-syntax"]
    assert "a value is expected" in wrong.stderr


def test_a_command_in_a_wrong_folder_says_how_to_name_the_right_one(tmp_path: Path) -> None:
    """Most often it is only the folder."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    command = [sys.executable, "-m", "bridge", "health"]
    told = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (told.returncode, "BRIDGE_CONFIG" in told.stderr) == (2, True)


def test_the_release_is_told_without_a_site(site: Premises) -> None:
    """The first thing anybody asks for in a ticket."""
    told = bridge(site, "--version")

    assert (told.returncode, told.stdout.split()[0]) == (0, "bridge")


def test_the_audit_names_the_account_and_not_what_the_environment_calls_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many share the service's account through sudo; each is told apart."""
    account = pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("LOGNAME", "somebody-else")
    alone = access.who()
    monkeypatch.setenv("SUDO_USER", "kim")

    assert (alone, access.who()) == (account, f"kim as {account}")
