"""`bridge health`: how the running bridge is, what is not well, and what to do about it."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx
import typer
from rich.markup import escape

from bridge.cli import output
from bridge.cli.access import running_bridge, settings
from bridge.cli.options import Json
from bridge.domain.durations import span

_COLUMNS = {
    "partner:breaker": "breaker",
    "partner:queue": "waiting",
    "partner:oldest": "oldest",
    "parked:deliveries": "parked",
}


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def health(as_json: Json = False) -> None:
    """Ask the running bridge how it is. Exits 0 when all is well, 1 when somebody should look."""
    site = settings()
    try:
        with running_bridge(site) as bridge:
            body = bridge.get("/health").json()
    except httpx.HTTPError:
        output.err.print("The bridge does not answer.")
        raise typer.Exit(1) from None
    if as_json:
        output.as_json(body)
    else:
        _show(body)
    raise typer.Exit(0 if body["status"] == "pass" else 1)


def _show(body: Mapping[str, Any]) -> None:
    checks = body["checks"]
    unwell = [check for check in checks if check["status"] != "pass"]
    output.out.print(
        f"[bold]{body['status']}[/]: {len(checks)} checks, {len(unwell)} not well", highlight=False
    )
    for check in unwell:
        _tell(check)
    output.table(("partner", *_COLUMNS.values()), _partners(checks), "No partners.")


def _tell(check: Mapping[str, Any]) -> None:
    since = f" since {output.when(check['since'])}" if "since" in check else ""
    output.out.print(f"[bold]{check['status']}[/] {escape(_measured(check))}{since}", highlight=False)
    output.hanging("  ", escape(check.get("words", "")))
    output.hanging("  ", f"[bold]Next:[/] {escape(check.get('next_step', ''))}")


def _measured(check: Mapping[str, Any]) -> str:
    """What was looked at and what was found; a time as people say it."""
    return " ".join(part for part in (check["name"], check.get("of", ""), _found(check)) if part)


def _found(check: Mapping[str, Any]) -> str | None:
    """What was found, a time as people say it; None when there was nothing to find."""
    value, unit = check.get("value"), check.get("unit", "")
    if value is None:
        return None
    return span(1000 * int(value)) if unit == "s" else f"{value} {unit}".rstrip()


def _partners(checks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for check in checks:
        column = _COLUMNS.get(check["name"])
        if column:
            rows.setdefault(check["of"], {"partner": check["of"]})[column] = _found(check)
    return list(rows.values())
