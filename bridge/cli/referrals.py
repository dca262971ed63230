"""`bridge referrals`: where each referral stands; no patient data."""

from typing import Annotated

import typer

from bridge.cli import output, story
from bridge.cli.access import partner_titles, read, settings
from bridge.cli.options import Json
from bridge.store import pages, views

app = typer.Typer(
    help="Referrals and their stories; no patient data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("list")
def list_(
    practice: Annotated[str, typer.Option(help="ODS code of one practice.")] = "",
    state: Annotated[str, typer.Option(help="Only this state.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    after: Annotated[str, typer.Option(help="Go on behind the last referral of another list.")] = "",
    as_json: Json = False,
) -> None:
    """Referrals: of one practice the newest first, else what changed last first."""
    if after and read(lambda tx: pages.kind_of(tx, after)) != "referrals":
        output.err.print("There is no such referral.")
        raise typer.Exit(1)
    rows = read(lambda tx: views.referral_list(tx, practice=practice, state=state, limit=limit, after=after))
    if as_json:
        output.as_json(rows)
        return
    columns = ("id", "practice", "service", "state", "task_status", "shadow", "opened_at")
    output.table(columns, rows, "There are no referrals.")


@app.command()
def show(
    referral_id: str,
    released: Annotated[bool, typer.Option(help="Name the field groups that left.")] = False,
    as_json: Json = False,
) -> None:
    """One referral's story: events in, deliveries out, what the service said."""
    told = read(lambda tx: views.referral_story(tx, referral_id))
    if told is None:
        output.err.print("There is no such referral.")
        raise typer.Exit(1)
    if as_json:
        output.as_json(told)
        return
    story.show(told, partner_titles(settings()), released=released)
