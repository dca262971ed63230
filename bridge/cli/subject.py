"""`bridge subject`: a person's rights. The NHS number is typed or piped in, never an argument."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli import output
from bridge.cli.acting import acting
from bridge.cli.options import Json, Why
from bridge.errors import ConfigError
from bridge.security.secrets import write_private

app = typer.Typer(
    help="A person's rights: find, export, rectify, erase; object to sharing, or agree.",
    no_args_is_help=True,
)


def number() -> str:
    """The NHS number from the prompt, which does not show it, or the first line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt("NHS number", hide_input=True))
    return sys.stdin.readline().strip()


@app.command()
def find(why: Why, as_json: Json = False) -> None:
    """How much is held of a person, and the ids of their referrals. Exits 1 when nothing is."""
    with acting(why) as act:
        found = act("subject-find", {"number": number()})
    if as_json:
        output.as_json(found)
    else:
        rows = [
            {"what": name.replace("_", " "), "rows": found[name]} for name in found if name != "referral_ids"
        ]
        output.table(("what", "rows"), rows, "")
        for each in found["referral_ids"]:
            output.out.print(f"  referral {each}")
    raise typer.Exit(0 if any(n for name, n in found.items() if name != "referral_ids") else 1)


@app.command()
def export(
    why: Why,
    to: Annotated[Path, typer.Option("--to", help="A new file, readable by you alone.")],
) -> None:
    """Write all that is held of a person to a file, in clear. Read it before you pass it on.

    It may hold what is unsafe to show: risks, safeguarding, what others said in confidence.
    """
    asked = number()
    with acting(why) as act:
        found = act("subject-export", {"number": asked})
    written(to, found)
    output.out.print(f"Written to {to}. It is in clear: delete it once it is handed over.")


@app.command()
def rectify(why: Why) -> None:
    """Correct the person's details in every open referral, and tell the service.

    Standard input: the NHS number on the first line, then JSON such as {"family": "Right"}. The record of the
    practice stays as it is: correct it there too, or its next message says the old again.
    """
    asked = number()
    try:
        correction = json.loads(
            sys.stdin.read() if not sys.stdin.isatty() else typer.prompt("Correction (JSON)")
        )
    except ValueError:
        raise ConfigError("The correction is not JSON.") from None
    if not isinstance(correction, dict):
        raise ConfigError("The correction is a JSON object.")
    with acting(why) as act:
        changed = act("subject-rectify", {"number": asked, "correction": correction})["changed"]
    output.out.print(f"{len(changed)} open referrals corrected.")


@app.command()
def erase(why: Why, as_json: Json = False) -> None:
    """Take away what is held of a person. Refused while a referral is open.

    Empty rows stay, so that a repeated message is not taken for news; so does an objection.
    """
    asked = number()
    with acting(why) as act:
        gone = act("subject-erase", {"number": asked})
    if as_json:
        output.as_json(gone)
        return
    emptied, dropped = gone["referrals"], gone["messages"] + gone["held_rows"]
    output.out.print(f"{emptied} referrals emptied, {dropped} messages and source rows deleted.")
    if gone["shared_messages"]:
        left = gone["shared_messages"]
        output.out.print(f"{left} messages speak of others too; they go when their time is over.")
    output.out.print("Backups made before still hold it until they are deleted.")


@app.command("object")
def object_(why: Why) -> None:
    """The person objects to all sharing: open referrals are taken back, later ones are not sent."""
    _stand("object", why)


@app.command()
def agree(why: Why) -> None:
    """The person agrees to sharing again: an objection ends, and services outside care may be told."""
    _stand("agree", why)


def _stand(said: str, why: str) -> None:
    asked = number()
    with acting(why) as act:
        code = act("subject-stand", {"number": asked, "said": said})["code"]
    output.out.print(output.meaning(code)[0] if said == "object" else "Noted: the person agrees to sharing.")


def written(to: Path, content: Any) -> None:
    """JSON into a new file of mode 0600; ConfigError when it is there already."""
    write_private(to, json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
