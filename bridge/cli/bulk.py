"""`bridge import`: a bulk extract from a folder, with a progress bar."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn
from rich.progress import TimeRemainingColumn as TimeColumn
from rich.table import Table

from bridge.app import Bridge, open_bridge
from bridge.cli import outcome_files, output
from bridge.cli.access import settings, who
from bridge.cli.acting import runs
from bridge.config import Settings
from bridge.errors.catalogue import CATALOGUE
from bridge.pipeline.extracts import Imported, Importer
from bridge.pipeline.importing import import_extract
from bridge.security.redact import clean
from bridge.store.audit import Hand

FORMATS = frozenset({"emis"})  # whose sources come as extracts


def add_to(app: typer.Typer) -> None:
    """Put the command on the main command."""
    app.command("import")(import_)


def import_(
    folder: Annotated[
        Path, typer.Argument(exists=True, help="A folder with one whole extract, or a file of outcomes.")
    ],
    source: Annotated[str, typer.Option(help="Source system the extract comes from.")] = "emis",
    service: Annotated[
        str, typer.Option(help="The service whose outcomes the file holds, as the scheme names it.")
    ] = "",
    many_cancellations: Annotated[
        bool, typer.Option("--many-cancellations", help="Let it through though it cancels too many.")
    ] = False,
    why: Annotated[
        str, typer.Option(help="With --many-cancellations or --service: why, for the audit. No patient data.")
    ] = "",
) -> None:
    """Import an extract while the bridge is stopped; a running one takes it from its drop folder.

    With --service: a file of outcomes (CSV or JSON) of that service, also into a running bridge.
    """
    if service:
        raise typer.Exit(outcome_files.import_outcomes(folder, service, why))
    if not folder.is_dir():
        raise typer.BadParameter("an extract is a folder; a file of outcomes needs --service")
    if many_cancellations and not why:
        raise typer.BadParameter("--many-cancellations needs --why: the audit keeps it")
    site = settings()
    if runs(site):
        _say_how(site, source)
        raise typer.Exit(1)
    imported = asyncio.run(_import(site, folder, source, why if many_cancellations else ""))
    _show(imported)
    raise typer.Exit(0 if imported.state in ("done", "repeated") else 1)


def _say_how(site: Settings, source: str) -> None:
    """A running bridge has the database to itself and reads extracts on its own."""
    err = output.err
    watched = [entry.path for entry in site.folders if entry.source == source]
    err.print("The bridge is running, so nothing was read; it reads extracts itself.")
    if watched:
        err.print(f"Put the files into {watched[0]}", highlight=False, soft_wrap=True)
        err.print("It takes them when they are all there, and leaves its verdict in done, refused or parked.")
        err.print("One that lies in parked: `bridge parked list`, then `bridge parked release`.")
    else:
        err.print(f"It watches no folder for {source}: add [[folders]] to its settings, or stop it first.")


async def _import(site: Settings, folder: Path, source: str, many: str) -> Imported:
    async with open_bridge(site) as bridge:
        importer = _importer(bridge, source, let_through=bool(many))
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), DownloadColumn())
        with Progress(*columns, TimeColumn(), console=output.err) as bar:
            task = bar.add_task("Looking through the extract", total=None)

            def progress(read: int, of: int) -> None:
                bar.update(task, description="Reading", completed=read, total=of)

            imported = await import_extract(importer, folder, progress)
        if many:
            await _audit(bridge, imported, many)
        return imported


def _importer(bridge: Bridge, source: str, *, let_through: bool) -> Importer:
    bulk = [name for name in bridge.sources if bridge.sources[name].mapping.format in FORMATS]
    if source not in bulk:
        raise typer.BadParameter(f"extracts come from {', '.join(bulk)}", param_hint="--source")
    return Importer(
        store=bridge.store,
        context=bridge.context,
        source=bridge.sources[source],
        caller="import",
        many_cancellations=let_through,
    )


async def _audit(bridge: Bridge, imported: Imported, why: str) -> None:
    hand = Hand(actor=who(), why=clean(why), node=bridge.settings.node, chain=bridge.chain)
    await bridge.store.run(lambda tx: hand.sign(tx, "many-cancellations", imported.message_id))


def _show(imported: Imported) -> None:
    shown = Table.grid(padding=(0, 2))
    shown.add_column(justify="right", min_width=9)
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for name, n in sorted(imported.counts.items()):
        if n:
            shown.add_row(f"{n:,}", name, _meaning(name))
    output.out.print(shown, highlight=False)
    for words in _problems(imported):
        output.err.print(words, highlight=False)
    output.out.print(f"{imported.state}: message {imported.message_id}", highlight=False, soft_wrap=True)
    if imported.state == "done":
        output.out.print("What came of it is sent when the bridge runs: `bridge serve`.")


def _meaning(name: str) -> str:
    """The words for a tally whose name ends with a code."""
    entry = CATALOGUE.get(name.partition(".")[2] or name.partition(": ")[2])
    return entry.meaning if entry else ""


def _problems(imported: Imported) -> Iterator[str]:
    for problem in imported.problems:
        words, step = output.meaning(problem.code)
        at = f"[bold]{escape(problem.at)}[/] " if problem.at else ""
        yield f"{at}{words} [dim]{escape(step)}[/]"
