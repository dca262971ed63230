"""`bridge worklist`: the letters that a practice puts into its record by hand."""

import os
from base64 import b64decode
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import output
from bridge.cli.access import read
from bridge.cli.acting import acting
from bridge.cli.options import Json
from bridge.errors import NotFound
from bridge.pipeline import worklist

app = typer.Typer(
    help="Letters that a practice puts into its record by hand, because no system of it takes them.",
    no_args_is_help=True,
)
Practice = Annotated[str, typer.Argument(help="ODS code of the practice.")]
Why = Annotated[str, typer.Option(help="The reason, for the audit. No patient data.")]


@app.command("list")
def list_(practice: Practice, as_json: Json = False) -> None:
    """What waits to be filed, oldest first; no patient data."""
    rows = [item.plain() for item in read(lambda tx: worklist.of_practice(tx, practice.upper()))]
    if as_json:
        output.as_json(rows)
        return
    shown = [row | {"since": output.when(int(row["since"]))} for row in rows]
    output.table(
        ("id", "referral", "kind", "version", "state", "since"), shown, "Nothing waits for this practice."
    )


@app.command()
def download(
    practice: Practice,
    file: Annotated[Path, typer.Argument(help="Where to write it: name.pdf or name.html.")],
    why: Why = "worklist printed",
) -> None:
    """Write the letters, one to a page, into a new file that only you can read. They hold patient data."""
    form = file.suffix.lower().lstrip(".")
    if form not in ("pdf", "html"):
        output.err.print("The name of the file ends in .pdf or .html.")
        raise typer.Exit(2)
    with acting(why) as act:
        made = act("worklist-print", {"practice": practice.upper(), "form": form})
    if not made["letters"]:
        output.out.print("Nothing waits for this practice; no file was written.")
        return
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as opened:
            opened.write(b64decode(made["content"]))
    except FileExistsError:
        output.err.print("There is a file of that name already; it stays as it is.")
        raise typer.Exit(1) from None
    output.out.print(
        f"{made['letters']} letters in {file}. Say `bridge worklist filed` of each that is filed."
    )


@app.command()
def filed(practice: Practice, letter: str, why: Why = "in the record") -> None:
    """Say that a letter is in the record: it leaves the list."""
    try:
        with acting(why) as act:
            done = act("worklist-filed", {"practice": practice.upper(), "letter": letter})
    except NotFound:
        output.err.print("There is no such letter on this practice's list.")
        raise typer.Exit(1) from None
    output.out.print(f"{done['id']}: {done['state']}", highlight=False)
