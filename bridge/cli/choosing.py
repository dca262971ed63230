"""Which items a command is about: options that `bridge replay` and `bridge parked release` share."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from bridge.store.replays import Filter

State = Annotated[str, typer.Option(help="Only what is in this state.")]
Code = Annotated[str, typer.Option(help="Only what has this problem code.")]
Source = Annotated[str, typer.Option(help="Only what this source system sent.")]
Practice = Annotated[str, typer.Option(help="Only of this practice (ODS code).")]
Partner = Annotated[str, typer.Option(help="Only what goes to this partner.")]
Since = Annotated[str, typer.Option(help="Only since then: 2026-03-01, 2026-03-01T09:30 (UTC), 36h, 7d.")]
Rate = Annotated[str, typer.Option(help="At most so many in a second (5/s) or a minute (30/m).")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")]
Resume = Annotated[str, typer.Option("--resume", help="Go on with the run of this label.")]

_RATE = re.compile(r"([1-9]\d{0,3})/([sm])")
_AGO = re.compile(r"([1-9]\d{0,4})([hd])")


def chosen(*, state: str, code: str, source: str, practice: str, partner: str, since: str) -> Filter:
    """The filter of these options; BadParameter for a time that cannot be read."""
    return Filter(
        state=state, code=code, source=source, practice=practice, partner=partner, since=moment(since)
    )


def moment(since: str) -> int | None:
    """A time as milliseconds; None for ""."""
    if not since:
        return None
    ago = _AGO.fullmatch(since)
    if ago:
        then = datetime.now(UTC) - timedelta(**{{"h": "hours", "d": "days"}[ago[2]]: int(ago[1])})
        return int(then.timestamp() * 1000)
    try:
        told = datetime.fromisoformat(since)
    except ValueError:
        raise typer.BadParameter("a time is 2026-03-01, 2026-03-01T09:30, 36h or 7d") from None
    return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1000)


def pause(rate: str) -> float:
    """Seconds between two items."""
    found = _RATE.fullmatch(rate)
    if not found:
        raise typer.BadParameter("a rate is 5/s or 30/m")
    return {"s": 1, "m": 60}[found[2]] / int(found[1])
