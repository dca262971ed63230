"""`bridge map`: write a mapping and see at once what it makes of a message; offline, nothing is kept or sent.

These commands read local files and print what is in them, patient data too.
"""

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import mapping_told as told
from bridge.cli import output
from bridge.cli.bench import (
    File,
    MappingFolder,
    SchemeFile,
    SourceName,
    golden_folders,
    message_at,
    messages_in,
    one_source,
    open_bench,
)
from bridge.cli.mapping_changes import changes
from bridge.cli.mapping_trials import explained, ledger_of, tried
from bridge.cli.options import Json

app = typer.Typer(
    help="Try, explain, test and compare mappings on files; offline, and nothing is sent. "
    "What these commands print can hold patient data: it is what the files hold.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
Corpus = Annotated[Path, typer.Argument(exists=True, help="A message, or a folder of messages.")]


@app.command("try")
def try_(
    file: File,
    source: SourceName = "",
    scheme: SchemeFile = None,
    mappings: MappingFolder = None,
    as_json: Json = False,
) -> None:
    """What a message means and what would go out. Prints its values. Exits 1 when not all would go out."""
    bench = open_bench(mappings, scheme)
    file = message_at(file)
    trial = tried(file, bench.source_of(file, source), bench.assumed)
    if as_json:
        output.as_json(told.as_plain(trial))
    else:
        told.show(trial)
    raise typer.Exit(0 if trial.fine else 1)


@app.command()
def show(
    system: Annotated[str, typer.Argument(help="The system, by the name of its mapping file.")],
    mappings: MappingFolder = None,
) -> None:
    """The mapping file of a system as it stands, such as to begin one of your own with."""
    output.out.file.write(open_bench(mappings).file_of(system).read_text("utf-8"))


@app.command()
def explain(
    file: File,
    path: Annotated[
        str, typer.Argument(help="An element (Patient.birthDate), a target (patient.family) or a place.")
    ] = "",
    source: SourceName = "",
    scheme: SchemeFile = None,
    mappings: MappingFolder = None,
    as_json: Json = False,
) -> None:
    """Which place in the message and which rule made each element of what goes out. Prints its values."""
    bench = open_bench(mappings, scheme)
    file = message_at(file)
    found = explained(file, bench.source_of(file, source), bench.assumed, path)
    if as_json:
        output.as_json(found.rows)
    else:
        told.show_explained(found, path)
    raise typer.Exit(0 if found.rows else 1)


@app.command("test")
def goldens_tested(
    system: Annotated[str, typer.Argument(help="Only the golden folders of this system.")] = "",
    fixtures: Annotated[
        Path | None, typer.Option(exists=True, help="Folder of golden folders; else fixtures/ here.")
    ] = None,
    accept_all: Annotated[
        bool, typer.Option("--accept", help="Write what is into the folders that differ; review it first.")
    ] = False,
    mappings: MappingFolder = None,
    as_json: Json = False,
) -> None:
    """Every golden folder: is the mapping still what its examples say? Prints values. Exits 1 when not."""
    # Only this command needs a store, to read extracts into; the others start without one.
    from bridge.pipeline.goldens import accept, compared, goldens_in, outcome_of  # noqa: PLC0415

    bench = open_bench(mappings)
    rows = []
    sources = bench.sources_named(system)
    found_here = goldens_in(golden_folders(fixtures), system)
    untested = sorted({golden.system for golden in found_here} - sources.keys())
    goldens = [golden for golden in found_here if golden.system in sources]
    for golden in goldens:
        outcome = outcome_of(golden, sources)
        found = compared(golden, outcome)
        rows += [told.difference(golden.name, each) for each in found]
        if found and accept_all:
            accept(golden, outcome)
    if as_json:
        output.as_json(
            {"goldens": len(goldens), "differences": rows, "accepted": accept_all, "untested": untested}
        )
    else:
        told.show_tested(len(goldens), rows, untested, accepted=accept_all)
    raise typer.Exit(1 if (rows and not accept_all) or not goldens or untested else 0)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(exists=True, help="A mapping file, or a folder of them.")],
    new: Annotated[Path, typer.Argument(exists=True, help="The same after the change.")],
    corpus: Corpus,
    source: SourceName = "",
    scheme: SchemeFile = None,
    as_json: Json = False,
) -> None:
    """What a change of a mapping changes on a folder of messages. Prints values. Exits 1 when any does."""
    bench = open_bench(scheme=scheme)
    files = list(messages_in(corpus))
    rows = list(changes(one_source(old, source), one_source(new, source), files, bench.assumed))
    if as_json:
        output.as_json({"messages": len(files), "changes": rows})
    else:
        told.show_changes(len(files), rows)
    raise typer.Exit(1 if rows or not files else 0)


@app.command()
def shadow(
    new: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="The mapping file to try; none: all of the folder that `shadow` names.",
        ),
    ] = None,
    since: Annotated[str, typer.Option(help="Messages since then: 2026-03-01, 36h, 7d.")] = "7d",
    as_json: Json = False,
) -> None:
    """What a changed mapping would have made of the messages that came. Prints no values.

    Messages of the last days are kept as they came. Exits 1 when any would be read otherwise.
    """
    # Only this command needs the settings and the database of a site.
    from bridge.cli import mapping_shadow  # noqa: PLC0415
    from bridge.cli.choosing import moment  # noqa: PLC0415

    compared = mapping_shadow.compared_since(new, moment(since) or 0)
    if as_json:
        plain = [mapping_shadow.as_plain(each) for each in compared]
        output.as_json(plain if new is None else plain[0])
    else:
        for each in compared:
            mapping_shadow.show(each)
    raise typer.Exit(1 if any(each.found.changed for each in compared) else 0)


@app.command()
def ledger(
    corpus: Corpus,
    source: SourceName = "",
    mappings: MappingFolder = None,
    as_json: Json = False,
) -> None:
    """Each field that holds something: mapped, ignored for a reason, or unaccounted. Prints no values.

    A field is mapped when another value in its place changes what we make of the message. Exits 1 when one
    is unaccounted, or no message can be used.
    """
    bench = open_bench(mappings)
    files = [(file, bench.source_of(file, source)) for file in messages_in(corpus)]
    found = ledger_of(files, bench.assumed)
    if as_json:
        output.as_json([entry.plain for entry in found.entries])
    else:
        told.show_ledger(found.entries)
    told.show_unusable(found.unusable, len(files))
    nowhere = any(entry.status == "unaccounted" for entry in found.entries)
    raise typer.Exit(1 if nowhere or not found.entries else 0)
