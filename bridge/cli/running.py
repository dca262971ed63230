"""`bridge serve`, `check`, `health`, `migrate`: running a node."""

import asyncio
import signal
from typing import Annotated

import typer

from bridge.app import data_folder, open_bridge
from bridge.app.alerting import tellers
from bridge.app.callers import read_callers
from bridge.app.doors import options, refuse_open_doors
from bridge.app.mllp import refuse_wrong_ports
from bridge.app.partners import check_letters, refuse_wrong_endpoints
from bridge.app.risk_telling import refuse_silent_risks
from bridge.app.rules import read_rules, read_tried
from bridge.app.running import run
from bridge.cli import output
from bridge.cli.access import settings
from bridge.cli.health import health
from bridge.errors import ConfigError, Problem
from bridge.ops.logging import configure
from bridge.security.keyring import load_key_ring
from bridge.store.migrate import upgrade

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def add_to(app: typer.Typer) -> None:
    """Put the commands of this file on the main command."""
    for command in (serve, check, health, migrate):
        app.command()(command)


@app.command()
def serve() -> None:
    """Run doors and workers of this node until SIGTERM; what is in flight finishes. SIGHUP reloads."""
    site = settings()
    configure(site.log)
    asyncio.run(_serve())


async def _serve() -> None:
    site = settings()
    data_folder(site)
    stop, anew = asyncio.Event(), asyncio.Event()
    for name, told in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, anew)):
        asyncio.get_running_loop().add_signal_handler(name, told.set)
    async with open_bridge(site) as bridge:
        await run(bridge, stop, anew)


def check(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Read settings, mappings, schemes and secrets; name every problem of the rules at once."""
    site = settings()
    if not site.mappings.is_dir():
        raise ConfigError(problems=(Problem(code="mapping-no-folder", at=str(site.mappings)),))
    sources, rulebook = read_rules(site)
    tried = read_tried(site)
    load_key_ring(site.key_ring)
    refuse_open_doors(site)
    options(site.http)
    refuse_wrong_ports(site)
    refuse_wrong_endpoints(site, rulebook)
    check_letters(site, rulebook)
    refuse_silent_risks(site, rulebook)
    read_callers(site)
    tellers(site)
    practices = [p for scheme in rulebook.schemes for p in scheme.practices]
    live = sum(p.mode.value == "live" for p in practices)
    if as_json:
        in_force = {"mappings": sources.versions(), "schemes": rulebook.versions()}
        output.as_json(in_force | {"practices": len(practices), "live": live, "tried": tried.versions()})
        return
    output.out.print(
        f"Fine. Sources: {len(sources)}; schemes: {len(rulebook.schemes)}; practices: {len(practices)} "
        f"({live} live){f'; mappings tried: {len(tried)}' if tried else ''}.",
        highlight=False,
    )


def migrate() -> None:
    """Bring a PostgreSQL database to this version's schema; SQLite is brought there when it starts."""
    site = settings()
    if site.database_url.startswith("sqlite:"):
        output.out.print("SQLite is migrated when the bridge starts.")
        return
    upgrade(site.database_url)
    output.out.print("The database has the schema of this version.")
