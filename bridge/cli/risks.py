"""`bridge risks`: what services reported as a risk, whom it is about, and that somebody has seen it."""

from typing import Annotated

import typer

from bridge.cli import output
from bridge.cli.access import read
from bridge.cli.acting import acting
from bridge.cli.options import Json, Why
from bridge.errors import NotFound, Unacceptable
from bridge.store import risks

app = typer.Typer(help="Risks that services reported: who is to hear, and who has.", no_args_is_help=True)
_COLUMNS = ("id", "kind", "scheme", "practice", "referral_id", "raised_at", "due_at", "level", "told_at")


@app.command("list")
def list_(
    seen: Annotated[bool, typer.Option("--all", help="Those that were seen too.")] = False,
    as_json: Json = False,
) -> None:
    """Risks that nobody has acknowledged, oldest first. Exits 1 when there is one. No patient data."""
    rows = read(lambda tx: risks.listed(tx, seen=seen))
    if as_json:
        output.as_json(rows)
    else:
        columns = (*_COLUMNS, "seen_at", "seen_by") if seen else _COLUMNS
        output.table(columns, rows, "No risk waits for anybody.")
    raise typer.Exit(1 if any(row["seen_at"] is None for row in rows) else 0)


@app.command()
def show(risk: str, why: Why, as_json: Json = False) -> None:
    """One risk and the person it is about. Patient data: the audit keeps who looked, and why."""
    try:
        with acting(why) as act:
            found = act("risk-show", {"risk": risk})
    except NotFound:
        output.err.print("There is no risk under that id.")
        raise typer.Exit(1) from None
    if as_json:
        output.as_json(found)
        return
    for name, value in (*found["risk"].items(), *(found["person"] or {}).items()):
        told = ", ".join(value) if isinstance(value, list) else output.cell(name, value)
        output.out.print(f"{name.replace('_', ' '):>24}  {told}", highlight=False)
    if found["person"] is None:
        output.out.print("The message named no referral of ours: ask the service whom it is about.")


@app.command()
def acknowledge(risk: str, why: Why) -> None:
    """Say that somebody has seen it and acts on it: nobody is told any more."""
    try:
        with acting(why) as act:
            act("risk-acknowledge", {"risk": risk})
    except (NotFound, Unacceptable):
        output.err.print("There is no open risk under that id.")
        raise typer.Exit(1) from None
    output.out.print(f"{risk}: acknowledged")
