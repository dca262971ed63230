"""`bridge purge`: drop what is past its time, now."""

from collections.abc import Mapping
from typing import Annotated

import typer

from bridge.cli import output
from bridge.cli.acting import acting
from bridge.cli.options import Json


def add_to(app: typer.Typer) -> None:
    """Put the command on the main command."""
    app.command()(purge)


def purge(
    why: Annotated[str, typer.Option(help="The reason, for the audit. No patient data.")] = "by hand",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go; change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Drop what is past the times set for it; a running bridge does so once a day by itself."""
    verb = "purge-preview" if dry_run else "purge"
    with acting(why) as act:
        counts = act(verb, {})
    if counts.get("busy"):
        output.err.print("Another node purges now, or the bridge is held.")
        raise typer.Exit(1)
    if as_json:
        output.as_json(counts)
        return
    _tell(counts, "would go" if dry_run else "gone")


def _tell(counts: Mapping[str, int], done: str) -> None:
    rows = [{"what": name, done: n} for name, n in counts.items() if n]
    output.table(("what", done), rows, "Nothing is past its time.")
