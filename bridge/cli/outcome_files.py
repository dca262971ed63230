"""`bridge import FILE --service NAME`: a file of outcome events, for services that send spreadsheets."""

from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from bridge.cli import output
from bridge.cli.acting import acting
from bridge.errors import NotFound

MEDIA_TYPES = {".csv": "text/csv", ".json": "application/json"}
_LEFT = frozenset({"refused", "parked", "not-sent"})


def import_outcomes(file: Path, service: str, why: str) -> int:
    """Import the file and print what became of each event; 1 when a person has to mend or look at some."""
    media_type = MEDIA_TYPES.get(file.suffix.lower(), "")
    if not file.is_file() or not media_type:
        raise typer.BadParameter("outcomes come in a file that ends in .csv or .json")
    content = b64encode(file.read_bytes()).decode()
    said = {"service": service, "media_type": media_type, "content": content}
    try:
        with acting(why or "outcomes imported") as act:
            done = act("outcomes-import", said)
    except NotFound:
        raise typer.BadParameter("no scheme names that service", param_hint="--service") from None
    _show(done)
    return int(any(event["state"] in _LEFT for event in done["events"]))


def _show(done: dict[str, Any]) -> None:
    counts = Counter(event["state"] for event in done["events"])
    for state, n in sorted(counts.items()):
        output.out.print(f"{n:>7}  {state}", highlight=False)
    for event in done["events"]:
        if event["state"] in _LEFT:
            words, step = output.meaning(event["code"])
            place = escape(event["position"])
            output.out.print(f"  {place}: {words} [dim]{escape(step)}[/]", highlight=False)
    if done["risks"]:
        output.out.print(f"{done['risks']} risk raised: bridge risks list", style="bold red")
    output.out.print(f"message {done['message']}", highlight=False, soft_wrap=True)
