"""`bridge reload`: mappings and schemes as their files are now, without a restart."""

from typing import Any

import httpx
import typer

from bridge.cli import output
from bridge.cli.access import running_bridge, settings, who
from bridge.cli.options import Json, Why
from bridge.errors import ConfigError, Problem


def add_to(app: typer.Typer) -> None:
    """Put the command on the main command."""
    app.command("reload")(reload)


def reload(
    why: Why,
    as_json: Json = False,
) -> None:
    """Have the running bridge read mappings and schemes anew: all, or none with every problem told."""
    told = _told({"actor": who(), "why": why, "with": {}})
    if as_json:
        output.as_json(told)
    if "problems" in told:
        if as_json:
            raise typer.Exit(2)
        raise ConfigError(problems=tuple(Problem(**problem) for problem in told["problems"]))
    if not as_json:
        for name, version in (*told["mappings"].items(), *told["schemes"].items()):
            output.out.print(f"{name:<20} {version}", highlight=False)


def _told(said: dict[str, Any]) -> dict[str, Any]:
    try:
        with running_bridge(settings()) as bridge:
            answer = bridge.post("/control/do/reload", json=said)
    except httpx.ConnectError:
        output.err.print("No bridge is running here; it reads mappings and schemes when it starts.")
        raise typer.Exit(1) from None
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told
