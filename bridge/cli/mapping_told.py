"""What `bridge map` prints: for a person, or as plain JSON."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from bridge.cli import output
from bridge.cli.mapping_trials import Entry, Explained, Trial
from bridge.errors import Problem
from bridge.fhir.compare import Difference
from bridge.pipeline.rehearsal import Rehearsed
from bridge.sources.told import told

NO_MESSAGE = (
    "There is no message: files that end in .json, .xml, .hl7, .txt, .er7 or .bin, or a folder of extracts."
)
NOTHING = "Nothing of this goes out: `bridge map try` says why."


def as_plain(trial: Trial) -> dict[str, Any]:
    """A trial for a script."""
    return {
        "source": trial.source.name,
        "mapping": trial.source.version,
        "refused": told(trial.refused),
        "events": [_event(each) for each in trial.rehearsed],
    }


def _event(rehearsed: Rehearsed) -> dict[str, Any]:
    decision = rehearsed.decision
    return {
        **told(rehearsed.reading),
        "mapping": rehearsed.reading.mapping,
        "scheme": rehearsed.scheme,
        "gate": {"verdict": decision.verdict.value, "code": decision.code} if decision else None,
        "outgoing_problems": told(rehearsed.problems),
        "bundle": rehearsed.bundle,
    }


def show(trial: Trial) -> None:
    """A trial for a person."""
    output.out.print(f"[bold]{trial.source.version}[/]", highlight=False, soft_wrap=True)
    _problems("refused", trial.refused)
    for rehearsed in trial.rehearsed:
        _show(rehearsed, asked=bool(trial.schemes))
    if not trial.rehearsed and not trial.refused:
        output.out.print("It says nothing of a referral.")


def _show(rehearsed: Rehearsed, *, asked: bool) -> None:
    reading = rehearsed.reading
    said = reading.event or reading.person
    output.out.print(f"[bold]{escape(reading.position or 'the one event')}[/]", highlight=False)
    if said is not None:
        _print(told(said))
    _problems("refused", reading.problems)
    _problems("warning", reading.warnings)
    for place in reading.unmapped:
        output.out.print(f"goes nowhere: {place}", markup=False, highlight=False, soft_wrap=True)
    if any("{" in place for place in reading.unmapped):
        output.out.print("    `bridge map ledger` names them.", style="dim", highlight=False)
    if rehearsed.bundle is None:
        if said is not None:
            output.out.print("[bold]No bundle:[/] what it does depends on what is held.")
        return
    output.out.print(f"[bold]gate[/] {_gate(rehearsed, asked=asked)}", highlight=False, soft_wrap=True)
    _problems("the outgoing check", rehearsed.problems)
    output.out.print("[bold]would go out[/]")
    _print(rehearsed.bundle)


def _gate(rehearsed: Rehearsed, *, asked: bool) -> str:
    decision = rehearsed.decision
    if decision is None:
        unknown = "no scheme names this practice"
        return unknown if asked else "not asked: there is no scheme here; name one with --scheme"
    why = f": {output.meaning(decision.code)[0]}" if decision.code else ""
    return f"{rehearsed.scheme}: {decision.verdict.value}{why}"


def _problems(what: str, problems: Iterable[Problem]) -> None:
    for problem in problems:
        words, step = output.meaning(problem.code)
        target = f" -> {problem.target}" if problem.target else ""
        looks = f" (looks like {problem.shape})" if problem.shape else ""
        place = escape(f"{problem.at or 'the message'}{target}{looks}")
        output.out.print(f"[bold]{what}[/] {place}: {words}", highlight=False, soft_wrap=True)
        for line in filter(None, (problem.rule, step)):
            output.out.print(f"    {escape(line)}", style="dim", highlight=False, soft_wrap=True)


def _print(content: Any) -> None:
    output.out.print(
        json.dumps(content, indent=2, ensure_ascii=False), markup=False, highlight=False, soft_wrap=True
    )


def show_explained(found: Explained, path: str) -> None:
    """One line for each element, or what could make it."""
    for row in found.rows:
        rule = ", ".join(f"{t}" for t in row["targets"])
        at = ", ".join(row["from"]) or "the bridge or the scheme"
        by = f"  [{rule} = {', '.join(row['mapping'])}]" if rule else ""
        output.out.print(
            f"{row['element']} = {_plain(row['value'])}  <- {at}{by}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if not found.rows:
        words = f"Nothing in this message makes {path}." if path else NOTHING
        output.out.print(words, markup=False, highlight=False, soft_wrap=True)
    for row in found.could:
        where = ", ".join(row["mapping"]) or "nowhere in this mapping"
        output.out.print(
            f"  it would come from {row['target']}, looked for at {where}", markup=False, soft_wrap=True
        )


def _plain(value: Any) -> str:
    """A text of one line as it is; anything else as JSON has it."""
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value, ensure_ascii=False)


def difference(name: str, found: Difference) -> dict[str, Any]:
    """One difference of a golden folder for a script."""
    return {"golden": name, "at": found.path, "expected": found.left, "is": found.right}


def show_tested(
    goldens: int, rows: Sequence[dict[str, Any]], untested: Sequence[str], *, accepted: bool
) -> None:
    """The differences, how many folders there are, and the folders of systems without a mapping."""
    for row in rows:
        words = f"{row['golden']} {row['at']}: expected {_value(row['expected'])}, is {_value(row['is'])}"
        output.out.print(words, markup=False, highlight=False, soft_wrap=True)
    for system in untested:
        output.out.print(f"{system}: no mapping has this name, so its folders prove nothing", markup=False)
    differ = len({row["golden"] for row in rows})
    written = ", written anew: review them with git diff" if accepted and differ else ""
    output.out.print(f"{goldens} golden folders, {differ} differ{written}", highlight=False, soft_wrap=True)


def show_changes(messages: int, rows: Sequence[dict[str, Any]]) -> None:
    """What each message says otherwise."""
    for row in rows:
        change = f"{_value(row['before'])} -> {_value(row['after'])}"
        words = f"{row['message']} event {row['event']}, {row['at']}: {change}"
        output.out.print(words, markup=False, highlight=False, soft_wrap=True)
    touched = len({row["message"] for row in rows})
    if not messages:
        output.out.print(NO_MESSAGE, highlight=False, soft_wrap=True)
        return
    output.out.print(f"{messages} messages, {touched} change", highlight=False, soft_wrap=True)


def _value(value: Any) -> str:
    """A value as JSON has it; a missing one is nothing."""
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def show_unusable(files: Sequence[Path], messages: int) -> None:
    """The messages that showed the ledger nothing; beside what is printed for a script."""
    if files:
        words = (
            f"{len(files)} of {messages} messages cannot be used and show nothing: `bridge map try` says why"
        )
        output.err.print(
            f"{words}: {', '.join(map(str, files))}", markup=False, highlight=False, soft_wrap=True
        )
    if not messages:
        output.err.print(NO_MESSAGE, highlight=False, soft_wrap=True)


def show_ledger(entries: Sequence[Entry]) -> None:
    """The fields, the unaccounted ones last, and how many there are of each."""
    for entry in entries:
        where = entry.reason or ", ".join(entry.goes_to) or "decides whether there is an event"
        said = "goes nowhere" if entry.status == "unaccounted" else where
        words = f"{entry.system} {entry.status} {entry.name} ({entry.messages}): {said}"
        output.out.print(words, markup=False, highlight=False, soft_wrap=True)
    counts = Counter(entry.status for entry in entries)
    summary = ", ".join(f"{counts[status]} {status}" for status in ("mapped", "ignored", "unaccounted"))
    output.out.print(f"{len(entries)} fields: {summary}", highlight=False, soft_wrap=True)
