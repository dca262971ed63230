"""What is installed is what is locked: every dependency by version and hash, and none that is missing."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
RUN = [*PROJECT["project"]["dependencies"], *EXTRAS["postgres"], *EXTRAS["letters"]]
DEVELOP = [*RUN, *PROJECT["dependency-groups"]["dev"]]

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def pins_of(lock: str) -> dict[str, Version]:
    """The locked version of each package; where markers choose between several, the last."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {canonicalize_name(found["name"]): Version(found["version"]) for found in PIN.finditer(text)}


@pytest.mark.parametrize(
    ("lock", "needed"),
    [("requirements.lock", RUN), ("requirements-dev.lock", DEVELOP)],
    ids=["for production", "for development"],
)
def test_every_dependency_is_locked_to_a_version_it_allows(lock: str, needed: list[str]) -> None:
    """Else a fresh machine does not get what pyproject.toml asks for; `make lock` mends it."""
    pins = pins_of(lock)
    wanted = [Requirement(text) for text in needed]

    assert [r.name for r in wanted if canonicalize_name(r.name) not in pins] == []
    assert [r.name for r in wanted if pins[canonicalize_name(r.name)] not in r.specifier] == []


def test_production_and_development_have_the_same_versions() -> None:
    """What was tested is what runs."""
    production, development = pins_of("requirements.lock"), pins_of("requirements-dev.lock")

    assert {n: v for n, v in production.items() if development.get(n) != v} == {}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_host(lock: str) -> None:
    """Where packages come from is for who installs to say."""
    text = (ROOT / lock).read_text(encoding="utf-8")

    assert re.findall(r"^--|https?://|@ ", text, re.MULTILINE) == []
