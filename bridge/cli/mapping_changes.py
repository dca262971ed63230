"""What a change of a mapping changes: both readings of each message, beside each other."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bridge.cli.mapping_trials import tried
from bridge.errors import Problem
from bridge.fhir.compare import Difference, differences
from bridge.fhir.trees import Json
from bridge.pipeline.rehearsal import Rehearsed, Rehearsing
from bridge.sources import Source
from bridge.sources.told import told


def changes(old: Source, new: Source, files: Sequence[Path], assumed: Rehearsing) -> Iterator[dict[str, Any]]:
    """A row for each thing that is not the same."""
    for file in files:
        before, after = _said(file, old, assumed), _said(file, new, assumed)
        for n, (left, right) in enumerate(zip_longest(before, after), 1):
            for found in _differences(left or {}, right or {}):
                yield {
                    "message": str(file),
                    "event": n,
                    "at": found.path,
                    "before": found.left,
                    "after": found.right,
                }


def _differences(left: Json, right: Json) -> Iterator[Difference]:
    both = bool(left.get("event")) == bool(right.get("event"))
    follows = ("gate", "bundle") if both else ()
    for name in ("event", "person", "problems", "warnings", "unmapped", *follows):
        before, after = left.get(name), right.get(name)
        if bool(before) != bool(after):
            yield Difference(path=name, left=_presence(before), right=_presence(after))
        elif before and after:
            yield from differences({"resourceType": name, **before}, {"resourceType": name, **after})


def _presence(said: Json | None) -> str | None:
    """Of what stands on one side only, no more than that: nobody wants to read all of it twice."""
    return ", ".join(said) if said else None


def _said(file: Path, source: Source, assumed: Rehearsing) -> list[Json]:
    """What a mapping makes of a message, event by event; a refusal of the whole comes first."""
    trial = tried(file, source, assumed)
    refused: list[Json] = [{"problems": _problems(trial.refused)}] if trial.refused else []
    return refused + [_plain(each) for each in trial.rehearsed]


def _plain(rehearsed: Rehearsed) -> Json:
    reading = rehearsed.reading
    event = told(reading.event) if reading.event else {}
    return {
        "event": {name: value for name, value in event.items() if name != "content"},
        "person": told(reading.person) if reading.person else {},
        "gate": {"code": rehearsed.decision.code} if rehearsed.decision else {},
        "problems": _problems((*reading.problems, *rehearsed.problems)),
        "warnings": _problems(reading.warnings),
        "unmapped": dict.fromkeys(reading.unmapped, "goes nowhere"),
        "bundle": rehearsed.bundle or {},
    }


def _problems(problems: Iterable[Problem]) -> Json:
    return {f"{problem.code} at {problem.at}": "told" for problem in problems}
