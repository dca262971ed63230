"""The `bridge` command. Exit 0 fine, 1 needs attention, 2 wrong usage or configuration."""

import sys

import typer

from bridge.cli import bulk, demo, keys, parked, referrals, running, setting_up, simulate
from bridge.cli.output import problems
from bridge.errors import BridgeError, ConfigError

app = typer.Typer(
    name="bridge",
    help="Carries referrals from GP systems to social prescribing services, and outcomes back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
running.add_to(app)
setting_up.add_to(app)
bulk.add_to(app)
demo.add_to(app)
app.add_typer(simulate.app, name="simulate")
app.add_typer(referrals.app, name="referrals")
app.add_typer(parked.app, name="parked")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Run a command; our own errors become a sentence and an exit code."""
    try:
        app()
    except ConfigError as error:
        problems(error)
        sys.exit(2)
    except BridgeError as error:
        problems(error)
        sys.exit(1)
