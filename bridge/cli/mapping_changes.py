"""What a change of a mapping changes: both readings of each message, beside each other."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bridge.cli.mapping_trials import tried
from bridge.fhir.trees import Json
from bridge.pipeline.comparing import compared, problems_said, said
from bridge.pipeline.rehearsal import Rehearsing
from bridge.sources import Source


def changes(old: Source, new: Source, files: Sequence[Path], assumed: Rehearsing) -> Iterator[dict[str, Any]]:
    """A row for each thing that is not the same."""
    for file in files:
        before, after = _all_said(file, old, assumed), _all_said(file, new, assumed)
        for n, (left, right) in enumerate(zip_longest(before, after), 1):
            for found in compared(left or {}, right or {}):
                yield {
                    "message": str(file),
                    "event": n,
                    "at": found.path,
                    "before": found.left,
                    "after": found.right,
                }


def _all_said(file: Path, source: Source, assumed: Rehearsing) -> list[Json]:
    """What a mapping makes of a message, event by event; a refusal of the whole comes first."""
    trial = tried(file, source, assumed)
    refused: list[Json] = [{"problems": problems_said(trial.refused)}] if trial.refused else []
    return refused + [said(each) for each in trial.rehearsed]
