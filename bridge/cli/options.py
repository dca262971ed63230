"""Options that many commands share."""

from typing import Annotated

import typer

Why = Annotated[str, typer.Option("--why", prompt=True, help="The reason, for the audit. No patient data.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
