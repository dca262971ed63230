"""What two mappings make of the same event, beside each other."""

from collections.abc import Iterable, Iterator

from bridge.errors import Problem
from bridge.fhir.compare import Difference, differences
from bridge.fhir.trees import Json
from bridge.pipeline.rehearsal import Rehearsed
from bridge.sources.told import told


def said(rehearsed: Rehearsed) -> Json:
    """All that one of them makes of it: event, person, gate, problems, warnings, unmapped, bundle."""
    reading = rehearsed.reading
    event = told(reading.event) if reading.event else {}
    return {
        "event": {name: value for name, value in event.items() if name != "content"},
        "person": told(reading.person) if reading.person else {},
        "gate": {"code": rehearsed.decision.code} if rehearsed.decision else {},
        "problems": problems_said((*reading.problems, *rehearsed.problems)),
        "warnings": problems_said(reading.warnings),
        "unmapped": dict.fromkeys(reading.unmapped, "goes nowhere"),
        "bundle": rehearsed.bundle or {},
    }


def problems_said(problems: Iterable[Problem]) -> Json:
    """Problems by code and place."""
    return {f"{problem.code} at {problem.at}": "told" for problem in problems}


def compared(left: Json, right: Json) -> Iterator[Difference]:
    """What is not the same; of what stands on one side only no more than that it does."""
    both = bool(left.get("event")) == bool(right.get("event"))
    follows = ("gate", "bundle") if both else ()
    for name in ("event", "person", "problems", "warnings", "unmapped", *follows):
        before, after = left.get(name), right.get(name)
        if bool(before) != bool(after):
            yield Difference(path=name, left=_presence(before), right=_presence(after))
        elif before and after:
            yield from differences({"resourceType": name, **before}, {"resourceType": name, **after})


def _presence(held: Json | None) -> str | None:
    return ", ".join(held) if held else None
