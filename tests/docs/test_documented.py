"""Everything there is, is on a page: settings, commands, endpoints, problem codes, events, metrics, checks.

The pages are written from the code; this asks the running program instead, so that what a page's writer
overlooks is found too.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from typer.main import get_command

from bridge.app import open_bridge
from bridge.cli.commands import app
from bridge.config import Settings
from bridge.errors.catalogue import CATALOGUE
from bridge.events import Event
from bridge.ops.checks import NAMES
from tests.security.serving import a_site
from tests.security.test_matrix import addresses

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def page(name: str) -> str:
    """A page of the reference."""
    return (REFERENCE / f"{name}.md").read_text("utf-8")


def missing(name: str, wanted: Iterator[str]) -> list[str]:
    """What a page does not have as code."""
    said = page(name)
    return [each for each in wanted if f"`{each}`" not in said]


def settings(model: type[BaseModel]) -> Iterator[str]:
    """The name of every setting, at every depth."""
    for name, field in model.model_fields.items():
        yield name
        for inner in parts(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from settings(inner)


def parts(annotation: Any) -> Iterator[Any]:
    """The types an annotation is made of."""
    yield annotation
    for each in get_args(annotation):
        yield from parts(each)


def commands(name: str, command: Any) -> Iterator[str]:
    """Every command that can be typed."""
    inner = getattr(command, "commands", {})
    for part, each in inner.items():
        yield from commands(f"{name} {part}", each)
    if not inner and hasattr(command, "params") and not hasattr(command, "commands"):
        yield name


def test_every_setting_is_documented() -> None:
    """By its name."""
    assert missing("settings", settings(Settings)) == []


def test_every_command_is_documented() -> None:
    """Hidden ones would be a secret."""
    assert missing("cli", commands("bridge", get_command(app))) == []


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("errors", list(CATALOGUE)),
        ("events", [event.name.lower() for event in Event]),
        ("metrics", list(NAMES)),
    ],
    ids=["problem codes", "events", "checks of health"],
)
def test_every_name_is_documented(name: str, wanted: list[str]) -> None:
    """Whoever meets one can look it up."""
    assert missing(name, iter(wanted)) == []


async def test_every_endpoint_and_metric_is_documented(tmp_path: Path) -> None:
    """As a bridge that runs has them; the page for operators has a page of its own."""
    async with open_bridge(a_site(tmp_path)) as bridge:
        endpoints = [each for each in addresses(bridge.http().routes) if " /ops" not in each]
        metrics = [
            family.name + "_total" * (family.type == "counter")
            for family in bridge.watch.metrics.registry.collect()
            if not family.name.startswith("process_")
        ]

    assert len(endpoints) > 15
    assert missing("http", iter(endpoints)) == []
    assert len(metrics) > 40
    assert missing("metrics", iter(metrics)) == []
