"""`bridge alerts`: whether people can be told of trouble."""

import asyncio

import typer

from bridge.app.alerting import tellers
from bridge.cli import output
from bridge.cli.access import settings
from bridge.cli.options import Json
from bridge.errors import NotTold
from bridge.ops import alert_words
from bridge.ops.pulse import now_ms
from bridge.partners.alerts import Teller

app = typer.Typer(help="Who is told of trouble.", no_args_is_help=True)


@app.callback()
def alerts() -> None:
    """Who is told of trouble."""


@app.command("test")
def tell(as_json: Json = False) -> None:
    """Tell people by every configured way that this is a test. Exits 1 unless each of them worked."""
    site = settings()
    message = alert_words.trial(site.node, now_ms())

    async def told(teller: Teller) -> str:
        try:
            await teller.tell(message)
        except NotTold as error:
            return str(error)
        return ""

    said = {teller.name: asyncio.run(told(teller)) for teller in tellers(site)}
    if as_json:
        output.as_json(said)
    else:
        for name, problem in said.items():
            output.out.print(f"{name}: {problem or 'told'}", highlight=False)
        if not said:
            output.out.print(
                "Nobody is told: [alerts] names neither a webhook nor a mail server.", markup=False
            )
    raise typer.Exit(0 if said and not any(said.values()) else 1)
