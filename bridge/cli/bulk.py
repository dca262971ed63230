"""`bridge import`: a bulk extract from a folder, with a progress bar."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from bridge.app import open_bridge
from bridge.cli import output
from bridge.cli.access import settings
from bridge.pipeline.extracts import Imported, Importer
from bridge.pipeline.importing import import_extract


def add_to(app: typer.Typer) -> None:
    """Put the command on the main command."""
    app.command("import")(import_)


def import_(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Holds one whole extract.")],
    source: Annotated[str, typer.Option(help="Source system the extract comes from.")] = "emis",
    many_cancellations: Annotated[
        bool, typer.Option(help="Let an extract through that was parked because it cancels too many.")
    ] = False,
) -> None:
    """Import an extract while the bridge is stopped; a running one takes it from its drop folder."""
    imported = asyncio.run(_import(folder, source, many_cancellations=many_cancellations))
    for name, n in sorted(imported.counts.items()):
        output.out.print(f"{n:>9}  {name}", highlight=False)
    for problem in imported.problems:
        output.err.print(f"{output.meaning(problem.code)[0]} {problem.at}", highlight=False)
    output.out.print(f"{imported.state}: message {imported.message_id}")
    raise typer.Exit(0 if imported.state in ("done", "repeated") else 1)


async def _import(folder: Path, source: str, *, many_cancellations: bool) -> Imported:
    site = settings()
    async with open_bridge(site) as bridge:
        importer = Importer(
            store=bridge.store,
            context=bridge.context,
            source=bridge.sources[source],
            caller="import",
            many_cancellations=many_cancellations,
        )
        with Progress(console=output.err) as bar:
            task = bar.add_task(f"Reading {folder.name}", total=None)
            return await import_extract(
                importer, folder, lambda read, of: bar.update(task, completed=read, total=of)
            )
