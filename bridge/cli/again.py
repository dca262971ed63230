"""`bridge replay`, and `bridge parked release` by filter: many items, one after the other, at a pace."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from bridge.cli import choosing, output
from bridge.cli.access import who
from bridge.cli.acting import Act, acting
from bridge.cli.options import Why
from bridge.store.replays import KINDS, Filter, Run


class What(StrEnum):
    """What is replayed."""

    MESSAGES = "messages"
    DELIVERIES = "deliveries"


class Mapping(StrEnum):
    """Which mapping reads a message again."""

    NOW = "now"
    THEN = "then"


_KIND = {What.MESSAGES: ("message",), What.DELIVERIES: ("settled",)}


def add_to(app: typer.Typer) -> None:
    """Put the command on the main command."""
    app.command()(replay)


def replay(
    why: Why,
    item: Annotated[str, typer.Argument(help="Id of one message or delivery.")] = "",
    what: Annotated[What, typer.Option(help="What the filter picks.")] = What.MESSAGES,
    state: choosing.State = "",
    code: choosing.Code = "",
    source: choosing.Source = "",
    practice: choosing.Practice = "",
    partner: choosing.Partner = "",
    since: choosing.Since = "",
    as_of_mapping: Annotated[
        Mapping, typer.Option(help="Read messages with the mapping of now, or only if it is that of then.")
    ] = Mapping.NOW,
    rate: choosing.Rate = "5/s",
    dry_run: choosing.DryRun = False,
    resume: choosing.Resume = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each item.")] = False,
) -> None:
    """Have kept messages translated again, or settled deliveries queued again. docs/how-to/replay.md.

    What stands already is a repeat and harmless. Exits 1 when something was skipped or parked.
    """
    wanted = choosing.chosen(
        state=state, code=code, source=source, practice=practice, partner=partner, since=since
    )
    kinds = KINDS["replay"] if item else _KIND[what]
    run = a_run("replay", why, kinds, wanted, only=item, mapping=as_of_mapping.value)
    carry_out(run, why, rate=rate, dry_run=dry_run, resume=resume, as_json=as_json)


def a_run(verb: str, why: str, kinds: tuple[str, ...], wanted: Filter, **more: Any) -> Run:
    """A new run under a label that says what it is and when it began."""
    label = f"{verb}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    return Run(label=label, verb=verb, by=who(), why=why, kinds=kinds, filter=wanted, **more)


def carry_out(run: Run, why: str, *, rate: str, dry_run: bool, resume: str, as_json: bool) -> None:
    """Do a run to its end and tell of each item; exits 1 when one was skipped or parked, or none fits."""
    if not resume and run.filter.is_open and not run.only:
        raise typer.BadParameter("name an item, or at least one of the filters")
    counts: dict[str, int] = {}
    pause = choosing.pause(rate)
    with acting(why) as act:
        begun = act("run-begin", {"label": resume, "run": asdict(run), "dry": dry_run})
        try:
            for step in _steps(act, begun, pause, dry=dry_run):
                counts[step["now"]] = counts.get(step["now"], 0) + 1
                _tell(step, dry=dry_run, as_json=as_json)
        except KeyboardInterrupt:
            output.err.print(f"Stopped. Go on with --resume {begun['label']}")
            raise typer.Exit(1) from None
    _sum_up(counts, begun["label"], dry=dry_run, as_json=as_json)
    became = {word for states in counts for word in states.split()}
    raise typer.Exit(0 if became and not became & {"skipped", "parked"} else 1)


def _steps(act: Act, run: dict[str, Any], pause: float, *, dry: bool) -> Iterator[dict[str, Any]]:
    while True:
        started = time.monotonic()
        done = act("run-step", {"run": run, "dry": dry})
        run, step = done["run"], done["step"]
        if step is None:
            return
        yield step
        time.sleep(max(0.0, pause - (time.monotonic() - started)))


def _tell(step: dict[str, Any], *, dry: bool, as_json: bool) -> None:
    if as_json:
        output.as_line({**step["item"], "now": step["now"], "code_now": step["code"]})
        return
    item = step["item"]
    why = f" ({output.meaning(step['code'])[0]})" if step["code"] else ""
    arrow = "would be" if dry else "is now"
    output.out.print(
        f"{item['kind']} {item['id']} {item['state']} {arrow} {step['now']}{why}", highlight=False
    )


def _sum_up(counts: dict[str, int], label: str, *, dry: bool, as_json: bool) -> None:
    if as_json:
        return
    if not counts:
        output.out.print("Nothing fits.")
        return
    listed = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
    output.out.print(f"{listed}. {'Nothing was changed.' if dry else f'Label {label}.'}", highlight=False)
