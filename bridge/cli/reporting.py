"""`bridge report`: the list a practice manager reads; no patient data."""

import os
import time
from base64 import b64decode
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from bridge.app.rules import open_rules
from bridge.cli import choosing, output
from bridge.cli.access import read, settings
from bridge.cli.acting import acting
from bridge.cli.options import Json
from bridge.store import reports
from bridge.store.reports import Practice, Reason

_PLACE = ("partner", "kind", "source", "position", "priority", "owner")
USUAL_DAYS = 28  # of silence, in a scheme that is gone
SHOWN = 5  # entries of a reason on the page; JSON has more


def add_to(app: typer.Typer) -> None:
    """Put the command on the main command."""
    app.command()(report)
    app.command()(undelivered)


def report(
    practice: Annotated[str, typer.Option(help="ODS code of one practice; none: all of them.")] = "",
    since: choosing.Since = "24h",
    quiet_days: Annotated[
        int | None,
        typer.Option(min=1, help="List what had no news for so many days; else as each scheme says."),
    ] = None,
    as_json: Json = False,
) -> None:
    """What was sent for each practice, what was not and why, what waits for whom. No patient data."""
    begin = choosing.moment(since) or 0
    terms = () if quiet_days else open_rules(settings()).rulebook.terms_of_silence()
    usual, asked = quiet_days or USUAL_DAYS, practice or None
    found = read(lambda tx: reports.report(tx, since=begin, practice=asked, quiet_days=usual, terms=terms))
    if as_json:
        output.as_json({"since": begin, "until": time.time_ns() // 1_000_000, "practices": _json(found)})
        return
    output.out.print(f"Since {output.when(begin)}", highlight=False)
    for each in found:
        _tell(each)
    if not found:
        output.out.print("Nothing is known of any practice.")


def _json(found: list[Practice]) -> list[dict[str, Any]]:
    told = [asdict(each) for each in found]
    for each in told:
        for name in ("not_sent", "parked", "refused"):
            for reason in each[name]:
                reason["meaning"], reason["next_step"] = output.meaning(reason["code"])
    return told


def _tell(told: Practice) -> None:
    output.out.print(f"\n[bold]{told.ods or 'Of no known practice'}[/]", highlight=False)
    for source, at in sorted(told.feeds.items()):
        output.out.print(f"  what {source} told is as of {output.when(at)}", highlight=False)
    counts = (
        (told.referred, "new referrals"),
        (told.sent, "sent to the service"),
        (told.changed, "changes and cancellations sent"),
        (told.filed, "entries filed into the record"),
        (told.waiting, "waiting to be sent now"),
        (told.shadow, "computed and not sent: the practice is in shadow"),
        (told.unmapped_codes, "codes that mean nothing beyond their source"),
    )
    for n, words in counts:
        if n:
            output.out.print(f"  {n:>5}  {words}", highlight=False)
    _reasons("Not sent", told.not_sent)
    _reasons("Refused: the sender has to mend and send again", told.refused)
    _reasons("Waiting for a person", told.parked)
    _listed("Risks that nobody has acknowledged (bridge risks)", told.risks)
    _listed("The service cannot reach the person", told.unreachable)
    if told.rejected:
        output.out.print(f"  [bold]Not accepted by the service: {len(told.rejected)}[/]", highlight=False)
        _entries(told.rejected)
    if told.n_ageing:
        words = f"Ageing, open and without news from the service for too long: {told.n_ageing}"
        output.out.print(f"  [bold]{words}[/]", highlight=False)
        _entries(told.ageing)


def _listed(title: str, entries: list[dict[str, Any]]) -> None:
    if entries:
        output.out.print(f"  [bold]{title}: {len(entries)}[/]", highlight=False)
        _entries(entries)


def _reasons(title: str, reasons: list[Reason]) -> None:
    if not reasons:
        return
    more = "+" if any(reason.more for reason in reasons) else ""
    output.out.print(f"  [bold]{title}: {sum(reason.n for reason in reasons)}{more}[/]", highlight=False)
    for reason in reasons:
        meaning, step = output.meaning(reason.code)
        n = f"{reason.n}{'+' if reason.more else ''}"
        output.hanging(f"{n:>7}", f"{meaning} [dim]({reason.code})[/]")
        if step:
            output.hanging(" " * 7, f"Next: {escape(step)}")
        _entries(list(reason.entries))


def _entries(entries: list[dict[str, Any]]) -> None:
    for entry in entries[:SHOWN]:
        at = output.when(entry.get("at") or entry.get("heard_at") or entry.get("opened_at"))
        place = " ".join(str(entry[name]) for name in _PLACE if entry.get(name))
        output.hanging(" " * 7, f"{at}  {entry['id']}  {escape(place)}")
    if len(entries) > SHOWN:
        output.out.print("           … and more: --json has them all", highlight=False)


def undelivered(
    practice: Annotated[str, typer.Argument(help="ODS code of the practice.")],
    file: Annotated[Path, typer.Argument(help="Where to write it: name.html.")],
    why: Annotated[
        str, typer.Option(help="The reason, for the audit. No patient data.")
    ] = "list for downtime",
) -> None:
    """Write whose referral has not reached the service yet, to print for a day without IT. Patient data."""
    with acting(why) as act:
        made = act("undelivered-print", {"practice": practice.upper()})
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as opened:
            opened.write(b64decode(made["content"]))
    except FileExistsError:
        output.err.print("There is a file of that name already; it stays as it is.")
        raise typer.Exit(1) from None
    output.out.print(f"{made['people']} people in {file}; only you can read it.", highlight=False)
