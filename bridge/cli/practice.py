"""`bridge practice`: what a practice still has under way, and its leaving."""

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import output
from bridge.cli.acting import Act, acting
from bridge.cli.options import Json, Why
from bridge.cli.subject import written
from bridge.domain.identifiers import OdsCode
from bridge.errors import ConfigError
from bridge.security.secrets import write_private

app = typer.Typer(help="A practice: what is under way, and its leaving.", no_args_is_help=True)
Ods = Annotated[str, typer.Argument(help="ODS code of the practice.")]
UNDER_WAY = ("referrals", "deliveries", "events")


@app.command()
def show(practice: Ods, as_json: Json = False) -> None:
    """What is open, to be delivered or undecided. Exits 1 while there is something."""
    with acting("") as act:
        state = act("practice-state", {"practice": _ods(practice)})
    if as_json:
        output.as_json(state)
    else:
        output.table(("practice", "mode", *UNDER_WAY), [state], "")
    raise typer.Exit(1 if any(state[each] for each in UNDER_WAY) else 0)


@app.command()
def leave(
    practice: Ods,
    why: Why,
    to: Annotated[Path, typer.Option("--to", help="A new folder for the export and the certificate.")],
) -> None:
    """Export everything of a practice, delete it, and write a certificate.

    Its mode must be off and nothing under way (`bridge practice show`), else nothing is written.
    """
    ods = _ods(practice)
    with acting(why) as act:
        state = act("practice-state", {"practice": ods})
        if state["mode"] != "off" or any(state[each] for each in UNDER_WAY):
            output.table(("practice", "mode", *UNDER_WAY), [state], "")
            output.err.print("The practice must be off, with nothing under way.")
            raise typer.Exit(1)
        _new_folder(to)
        digest = _export(act, ods, to / "export.jsonl")
        gone = _delete(act, ods)
        said = {"practice": ods, "gone": gone, "export_sha256": digest}
        certificate = act("practice-certify", said)
    written(to / "certificate.json", certificate)
    output.out.print(f"{ods} has left: {sum(gone.values())} rows deleted; see {to}.")
    output.out.print("Take it out of its scheme and callers; delete backups when their time is over.")


def _export(act: Act, ods: str, file: Path) -> str:
    """One line for each step, on disk before anything is deleted; the SHA-256 of the file."""
    digest, after = hashlib.sha256(), ""
    write_private(file, b"")
    with file.open("ab") as lines:
        while True:
            step = act("practice-export", {"practice": ods, "after": after})
            line = json.dumps(step["content"], ensure_ascii=False).encode() + b"\n"
            lines.write(line)
            digest.update(line)
            after = step["after"]
            if not after:
                break
        lines.flush()
        os.fsync(lines.fileno())
    return digest.hexdigest()


def _delete(act: Act, ods: str) -> Counter[str]:
    gone: Counter[str] = Counter()
    more = True
    while more:
        step = act("practice-delete", {"practice": ods})
        gone.update(step["gone"])
        more = step["more"]
    return gone


def _new_folder(to: Path) -> None:
    try:
        to.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigError(f"The folder {to} cannot be made: {error.strerror}.") from None


def _ods(text: str) -> str:
    try:
        return OdsCode.parse(text).code
    except ValueError:
        raise ConfigError("This is no ODS code.") from None
