"""Every command of `bridge`, by the file it stands in."""

from importlib.metadata import version
from typing import Annotated

import typer

from bridge.cli import (
    accounts,
    again,
    alerting,
    audit,
    bulk,
    configuring,
    demo,
    keys,
    mapping,
    output,
    parked,
    practice,
    purging,
    referrals,
    reloading,
    reporting,
    restoring,
    risks,
    running,
    setting_up,
    simulate,
    subject,
    worklist,
)


def _release(asked: bool) -> None:
    if asked:
        output.out.print(f"bridge {version('referral-bridge')}", highlight=False)
        raise typer.Exit


app = typer.Typer(
    name="bridge",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def bridge(
    _: Annotated[
        bool, typer.Option("--version", help="Say which release this is.", is_eager=True, callback=_release)
    ] = False,
) -> None:
    """Carries referrals from GP systems to social prescribing services, and outcomes back."""


running.add_to(app)
setting_up.add_to(app)
reloading.add_to(app)
bulk.add_to(app)
demo.add_to(app)
again.add_to(app)
purging.add_to(app)
reporting.add_to(app)
restoring.add_to(app)
app.add_typer(simulate.app, name="simulate")
app.add_typer(referrals.app, name="referrals")
app.add_typer(parked.app, name="parked")
app.add_typer(accounts.app, name="accounts")
app.add_typer(risks.app, name="risks")
app.add_typer(configuring.app, name="config")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(subject.app, name="subject")
app.add_typer(practice.app, name="practice")
app.add_typer(alerting.app, name="alerts")
app.add_typer(worklist.app, name="worklist")
app.add_typer(mapping.app, name="map")

PANELS = {  # of `bridge --help`
    "Run": ("serve", "health", "reload", "migrate", "alerts"),
    "Try it and set up": ("demo", "simulate", "init", "check", "config", "map"),
    "See and mend": ("referrals", "parked", "replay", "import", "report", "risks", "worklist", "undelivered"),
    "Keep and bring back": ("backup", "restore", "hold", "reconcile", "resume", "purge"),
    "People, keys, proof": ("accounts", "keys", "audit", "subject", "practice"),
}
_PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}
for _one in app.registered_commands:
    _one.rich_help_panel = _PANEL_OF[str(_one.name or getattr(_one.callback, "__name__", ""))]
for _group in app.registered_groups:
    _group.rich_help_panel = _PANEL_OF[_group.name or ""]
