"""`bridge accounts`: people who may sign in at the page. A password is asked for, or read from stdin."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from bridge.cli import output
from bridge.cli.access import read
from bridge.cli.acting import acting
from bridge.cli.options import Json, Why
from bridge.security import passwords
from bridge.store import accounts

app = typer.Typer(help="People who may sign in at the page, /ops.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The account's name, in small letters.")]


class PersonRole(StrEnum):
    """What a person may be."""

    OPERATOR = "operator"
    PRACTICE = "practice"
    DATA_OFFICER = "data-officer"


@app.command()
def add(
    name: Name,
    role: Annotated[list[PersonRole], typer.Option(help="What they may do; may be given more than once.")],
    why: Why,
    practice: Annotated[
        list[str] | None, typer.Option(help="ODS code of a practice of theirs; may be given more than once.")
    ] = None,
) -> None:
    """Add somebody. Asks for the password, or reads it as one line from standard input."""
    password = passwords.hashed(_password(), of=name)
    said = {"name": name, "roles": list(role), "practices": practice or [], "password": password}
    _act("account-add", said, why)
    output.out.print(f"{name} may sign in.", highlight=False)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Everybody who may sign in, and who no longer may."""
    rows = [
        {
            "name": each.name,
            "roles": " ".join(each.roles),
            "practices": " ".join(each.practices),
            "state": "disabled" if each.disabled else "enabled",
            "password_at": each.password_at,
            "signed_in_at": each.seen_at,
        }
        for each in read(accounts.every)
    ]
    if as_json:
        output.as_json(rows)
        return
    columns = ("name", "roles", "practices", "state", "password_at", "signed_in_at")
    output.table(columns, rows, "Nobody may sign in. `bridge accounts add` adds somebody.")


@app.command()
def disable(name: Name, why: Why) -> None:
    """Keep somebody out from now on, signed in or not."""
    _act("account-disable", {"name": name, "disabled": True}, why)
    output.out.print(f"{name} may no longer sign in.", highlight=False)


@app.command()
def enable(name: Name, why: Why) -> None:
    """Let somebody in again who was disabled."""
    _act("account-disable", {"name": name, "disabled": False}, why)
    output.out.print(f"{name} may sign in again.", highlight=False)


@app.command()
def password(name: Name, why: Why) -> None:
    """Give somebody a new password; whoever is signed in under that name has to sign in again."""
    chosen = passwords.hashed(_password(), of=name)
    _act("account-password", {"name": name, "password": chosen}, why)
    output.out.print(f"{name} has a new password.", highlight=False)


def _act(verb: str, said: dict[str, Any], why: str) -> None:
    with acting(why) as act:
        act(verb, said)


def _password() -> str:
    """Typed twice without being shown, else one line of standard input: never an argument."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
