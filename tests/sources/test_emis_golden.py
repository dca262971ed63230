"""Every folder fixtures/emis/<case>/ is a test: the extracts of some days, and what came of each.

expected.json says, day by day, why the extract was refused, or what was counted before anything took effect,
what was told, whose facts are known, and what could not be read. Adding a case edits no Python.
"""

import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.errors import IntakeError, Problem
from bridge.errors.catalogue import CATALOGUE
from bridge.sources.emis import open_extract
from bridge.store import Store
from tests.sources.emis_site import ROOT, Came, by_code, read

CASES = sorted((ROOT / "fixtures" / "emis").iterdir())

# They carry the version of the mapping, which may rise without a change of what an extract means.
UNTOLD = ("rule", "mapping")


def told(value: Any) -> Any:
    """What a value says, as JSON; a field at its default says nothing."""
    match value:
        case NhsNumber():
            return value.digits
        case OdsCode():
            return value.code
        case datetime():
            return value.astimezone(UTC).isoformat()
        case tuple() | list():
            return [told(v) for v in value]
    if not is_dataclass(value):
        return value
    said = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in UNTOLD and says(value, f)}
    return {name: told(inner) for name, inner in said.items()}


def says(value: Any, field: Any) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(getattr(value, field.name) != default)


def day_of(came: Came, warnings: tuple[Problem, ...]) -> dict[str, Any]:
    """What came of one day, without what is empty."""
    said = {
        "warnings": told(warnings),
        "before": told(came.survey.problems),
        "would_cancel": came.would_cancel,
        "counts": by_code(came.counts),
        "people": told(came.people),
        "readings": told(came.readings),
        "unreadable": told(came.problems),
    }
    return {name: value for name, value in said.items() if value}


async def days_of(case: Path, store: Store) -> list[dict[str, Any]]:
    days = []
    for folder in sorted(case.glob("day-*")):
        try:
            warnings = open_extract(folder).warnings
            days.append(day_of(await read(store, folder), warnings))
        except IntakeError as refusal:
            days.append({"refused": told(refusal.problems)})
    return days


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_an_extract_becomes_what_its_folder_says(case: Path, sqlite_store: Store) -> None:
    """The reader and the mapping are proven by their examples, good and bad."""
    days = await days_of(case, sqlite_store)

    assert days == json.loads((case / "expected.json").read_text())["days"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_code_of_an_example_is_explained(case: Path) -> None:
    """Whoever has to mend a feed finds each code in the catalogue."""
    codes = set(_codes(json.loads((case / "expected.json").read_text())))

    assert codes <= CATALOGUE.keys()


def _codes(said: Any) -> list[str]:
    if isinstance(said, list):
        return [code for one in said for code in _codes(one)]
    if not isinstance(said, dict):
        return []
    own = [said["code"]] if "code" in said and "system" not in said else []
    return own + [code for one in said.values() for code in _codes(one)]
