"""`bridge parked`: what waits for a person, why, and the one command that mends it."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from bridge.cli import again, choosing, output
from bridge.cli.access import read
from bridge.cli.acting import acting
from bridge.cli.options import Json, Why
from bridge.store import pages, views
from bridge.store.replays import KINDS, Filter
from bridge.store.unit import Tx

app = typer.Typer(
    help="What waits for a person; release it after the fix, or discard it.", no_args_is_help=True
)


@app.command("list")
def list_(
    code: Annotated[str | None, typer.Option(help="Only what is parked for this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 200,
    as_json: Json = False,
) -> None:
    """What is parked, oldest first. Exits 1 when there is something."""
    rows = read(lambda tx: views.parked(tx, code=code, limit=limit))
    if as_json:
        output.as_json(rows)
    else:
        output.table(("id", "what", "practice", "code", "at"), rows, "Nothing is parked.")
        if len(rows) == limit:
            output.out.print(f"These are the first {limit}; there may be more (--limit, --code).")
    raise typer.Exit(1 if rows else 0)


@app.command()
def show(item: str, as_json: Json = False) -> None:
    """Why one item is parked, where the fault is, and what to do next."""
    row = read(lambda tx: _parked(tx, item))
    if row is None:
        output.err.print("Nothing is parked under that id.")
        raise typer.Exit(1)
    words, step = output.meaning(row["code"])
    if as_json:
        output.as_json({**row, "meaning": words, "next_step": step})
        return
    since = output.when(row["at"])
    output.out.print(f"[bold]{row['what']} {row['id']}[/] parked since {since}", highlight=False)
    output.hanging("", f"{words} [dim]({row['code']})[/]")
    output.hanging("", f"[bold]Next:[/] {escape(step)}")
    output.hanging("", f"Practice {row['practice'] or 'not known'}")
    for place in filter(None, [each["at"] for each in row["problems"]] or [row["position"]]):
        output.hanging("", f"At {escape(place)}")


def _parked(tx: Tx, item: str) -> dict[str, Any] | None:
    """One thing that waits for a person; None for anything else."""
    event, delivery = pages.event_of(tx, item), pages.delivery_of(tx, item)
    found = event or delivery or views.referral_story(tx, item)
    if found is None or found["state"] != "parked":
        return None
    at = found["at"] if event else found["created_at"] if delivery else found["updated_at"]
    return {
        "id": item,
        "what": "event" if event else "delivery" if delivery else "referral",
        "code": found["code"],
        "at": at,
        "practice": found["practice"],
        "referral_id": item if not event and not delivery else found["referral_id"],
        "position": event["position"] if event else "",
        "problems": event["problems"] if event else [],
    }


@app.command()
def release(
    why: Why,
    item: Annotated[str, typer.Argument(help="Id of one parked item.")] = "",
    state: choosing.State = "",
    code: choosing.Code = "",
    source: choosing.Source = "",
    practice: choosing.Practice = "",
    partner: choosing.Partner = "",
    since: choosing.Since = "",
    rate: choosing.Rate = "5/s",
    dry_run: choosing.DryRun = False,
    resume: choosing.Resume = "",
    as_json: Json = False,
) -> None:
    """Try a parked item again, the ordinary way, or all that a filter picks (not-sent events: by state)."""
    if item:
        _mend("release", item, why)
        return
    wanted = choosing.chosen(
        state=state, code=code, source=source, practice=practice, partner=partner, since=since
    )
    run = again.a_run("release", why, released_kinds(wanted), wanted)
    again.carry_out(run, why, rate=rate, dry_run=dry_run, resume=resume, as_json=as_json)


def released_kinds(wanted: Filter) -> tuple[str, ...]:
    """Events go to no partner yet; only events are on a list without being parked."""
    if wanted.partner:
        return ("referral", "delivery")
    return ("event",) if wanted.state not in ("", "parked") else KINDS["release"]


@app.command()
def discard(item: str, why: Why) -> None:
    """Close a parked item for good."""
    _mend("discard", item, why)


def _mend(verb: str, item: str, why: str) -> None:
    with acting(why) as act:
        output.out.print(f"{item}: {act(verb, {'item': item})['state']}")
