"""One referral's story on the terminal, in London time."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from bridge.cli import output
from bridge.domain.dates import LONDON
from bridge.ops.story import Moment, moments


def show(told: Mapping[str, Any], names: Mapping[str, str], *, released: bool = False) -> None:
    """Print a story as `views.referral_story` tells it; `names` are those of partners, for people."""
    shadow = ", in shadow: nothing is sent" if told["shadow"] else ""
    output.out.print(
        f"[bold]Referral {told['id']}[/]: {told['state']}{shadow}; practice {told['practice']}",
        highlight=False,
    )
    shown = Table.grid(padding=(0, 2))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    day = ""
    for moment in moments(told, names, released=released):
        when = _london(moment.at)
        if (today := f"{when:%A %d %B %Y}, London") != day:
            day = today
            shown.add_row("", f"[dim]{day}[/]")
        shown.add_row(f"  {when:%H:%M:%S}", _words(moment))
    output.out.print(shown, highlight=False)


def _words(moment: Moment) -> str:
    if moment.times == 1:
        return moment.words
    return f"{moment.words} ({moment.times} times until {_london(moment.until):%d %B %H:%M:%S})"


def _london(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(LONDON)
