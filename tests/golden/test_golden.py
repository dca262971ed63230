"""Every folder fixtures/<system>/<case>/ with a message.* is a test: what came in, and what we made of it.

expected.json lists the readings, without what is empty or at its default, or says why the whole message was
refused. Adding a case, or a system, edits no Python.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Problem, Unreadable
from bridge.errors.catalogue import CATALOGUE
from bridge.sources import Reading, Source, load
from bridge.sources.told import told

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = sorted(ROOT.glob("fixtures/*/*/message.*"))
ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def systems() -> dict[str, Source]:
    return load(ROOT / "mappings" / "sources")


def case_name(message: Path) -> str:
    return f"{message.parts[-3]}/{message.parts[-2]}"


def outcome_of(source: Source, body: bytes) -> dict[str, Any]:
    try:
        readings: tuple[Reading, ...] = tuple(source.read(body, arrived=ARRIVED))
    except Unreadable as refusal:
        return {"refused": told(refusal.problems)}
    return {"readings": told(readings)}


@pytest.mark.parametrize("message", MESSAGES, ids=case_name)
def test_a_message_becomes_what_its_folder_says(message: Path, systems: dict[str, Source]) -> None:
    """The mapping of a system is proven by its examples, good and bad."""
    system, expected = message.parts[-3], message.with_name("expected.json")

    outcome = outcome_of(systems[system], message.read_bytes())

    assert outcome == json.loads(expected.read_text())


@pytest.mark.parametrize("message", MESSAGES, ids=case_name)
def test_every_problem_of_an_example_is_explained(message: Path, systems: dict[str, Source]) -> None:
    """Whoever has to mend a message finds each code in the catalogue."""
    try:
        readings = list(systems[message.parts[-3]].read(message.read_bytes(), arrived=ARRIVED))
        problems: list[Problem] = [p for r in readings for p in (*r.problems, *r.warnings)]
    except Unreadable as refusal:
        problems = list(refusal.problems)

    assert {p.code for p in problems} <= CATALOGUE.keys()


def test_every_shipped_mapping_has_examples(systems: dict[str, Source]) -> None:
    """A mapping without a golden pair is a claim, not a fact."""
    shown = {folder.name for folder in (ROOT / "fixtures").iterdir() if any(folder.iterdir())}

    assert set(systems) <= shown
