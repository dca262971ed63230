"""What is installed from the wheel works away from the checkout: nothing is missing in it."""

import os
import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a fresh environment with the wheel in it; its dependencies are those of this one."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed here")
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist"]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    (place,) = (folder / "venv").glob("lib/python*/site-packages")
    (place / "dependencies.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    commands = folder / "venv" / "bin"
    into = ["-m", "pip", "--python", commands / "python", "install", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, *into], capture_output=True, check=True)
    return commands


def run(*command: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """A command that knows nothing of this checkout."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BRIDGE_"))}
    return subprocess.run(
        command,
        cwd=cwd,
        env=env | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_the_installed_bridge_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    """Else the rest would prove nothing."""
    asked = run(installed / "python", "-c", "import bridge; print(bridge.__file__)", cwd=tmp_path)

    assert Path(asked.stdout).is_relative_to(installed.parent), asked.stderr


def test_an_installed_bridge_sets_up_a_site_that_is_sound(installed: Path, tmp_path: Path) -> None:
    """Mappings and schemes come with it."""
    made = run(installed / "bridge", "init", "site", cwd=tmp_path)
    checked = run(installed / "bridge", "check", cwd=tmp_path / "site")

    assert made.returncode == 0, made.stderr
    assert checked.returncode == 0, checked.stderr
    assert "schemes: 1" in checked.stdout


def test_an_installed_bridge_plays_the_demo(installed: Path, tmp_path: Path) -> None:
    """The first thing anybody runs."""
    played = run(installed / "bridge", "demo", cwd=tmp_path)

    assert played.returncode == 0, played.stderr
    assert "The story of that referral" in played.stdout


def test_an_installed_bridge_has_its_page(installed: Path, tmp_path: Path) -> None:
    """Templates, style and script are no Python and still in the wheel."""
    there = "from bridge.ops.page.rendering import HERE; print(*sorted(f.suffix for f in HERE.rglob('*.*')))"
    asked = run(installed / "python", "-c", there, cwd=tmp_path)

    assert {".css", ".html", ".js", ".svg"} <= set(asked.stdout.split()), asked.stderr
