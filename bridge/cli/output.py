"""What a person or a script sees: tables and sentences, or JSON."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.domain.dates import LONDON
from bridge.errors import BridgeError, catalogue

meaning = catalogue.meaning
out = Console()
err = Console(stderr=True)
WIDEST = 160  # columns of a table that is not folded; more is text


def as_json(content: Any) -> None:
    """Print JSON for a script."""
    print(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())  # noqa: T201 - the command's output


def as_line(content: Any) -> None:
    """Print one line of JSON for a script that reads as it goes."""
    print(orjson.dumps(content).decode(), flush=True)  # noqa: T201 - the command's output


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], empty: str) -> None:
    """Print rows, or what it means that there are none."""
    listed = list(rows)
    if not listed:
        out.print(empty)
        return
    shown = Table(box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column.replace("_", " "), overflow="fold")
    for row in listed:
        shown.add_row(*(escape(cell(column, row.get(column))) for column in columns))
    # Wider than the terminal rather than folded: an id in two pieces cannot be given to the next command.
    natural = out.measure(shown, options=out.options.update(width=WIDEST)).maximum
    Console(width=max(out.width, natural)).print(shown)


def cell(column: str, value: Any) -> str:
    """A value as a person reads it; columns that end in _at, and `at`, are times."""
    if value is None or value == "":
        return "-"
    if column == "at" or column.endswith("_at"):
        return when(value)
    if isinstance(value, bool):
        return "yes" if value else "-"
    return str(value)


def when(ms: int | None) -> str:
    """A store time as the clock on the wall says it, to the second."""
    if ms is None:
        return "-"
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(LONDON):%Y-%m-%d %H:%M:%S %Z}"


def hanging(lead: str, words: str) -> None:
    """Print a sentence behind a number or nothing; where it goes on, it begins in its own column."""
    shown = Table.grid(padding=(0, 2))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    shown.add_row(lead, words)
    out.print(shown, highlight=False)


def problems(error: BridgeError) -> None:
    """Say what is wrong, where, and what to do; a script that asked for JSON gets it too."""
    if "--json" in sys.argv:
        told = [{name: said for name, said in asdict(problem).items() if said} for problem in error.problems]
        as_line({"error": str(error), "problems": told})
    if not error.problems:
        err.print(f"[bold red]{escape(str(error))}[/]", highlight=False, soft_wrap=True)
        return
    for problem in error.problems:
        words, step = meaning(problem.code)
        place = " ".join(part for part in (problem.at, problem.target) if part)
        err.print(f"[bold]{escape(place or problem.code)}[/] {words}", highlight=False, soft_wrap=True)
        if problem.rule:
            err.print(f"    {escape(problem.rule)}", highlight=False, soft_wrap=True)
        if step:
            err.print(f"    [dim]{escape(step)}[/]", highlight=False, soft_wrap=True)
