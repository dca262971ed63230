"""Every folder fixtures/<system>/<case>/ is a test: what came in, what it means, and what would go out.

expected.json and servicerequest.json say so; `bridge map test --accept` writes them, a person reviews them.
Adding a case, or a system, edits no Python.
"""

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.mapping_trials import Entry, ledger_of
from bridge.errors import Problem, Unreadable
from bridge.errors.catalogue import CATALOGUE
from bridge.pipeline.goldens import ARRIVED, BUNDLES, READINGS, Golden, compared, goldens_in, outcome_of
from bridge.pipeline.rehearsal import Rehearsing
from bridge.sources import Source, load

ROOT = Path(__file__).resolve().parents[2]
GOLDENS = goldens_in([ROOT / "fixtures"])
MESSAGES = [golden for golden in GOLDENS if golden.message]
UNACCOUNTED = Path(__file__).with_name("unaccounted.json")


@pytest.fixture(scope="module")
def systems() -> dict[str, Source]:
    return load(ROOT / "mappings" / "sources")


def name_of(golden: Golden) -> str:
    return golden.name


@pytest.mark.parametrize("golden", GOLDENS, ids=name_of)
def test_a_message_becomes_what_its_folder_says(golden: Golden, systems: dict[str, Source]) -> None:
    """The mapping of a system is proven by its examples, good and bad, from what came in to what goes out."""
    assert compared(golden, outcome_of(golden, systems)) == []


@pytest.mark.parametrize("golden", MESSAGES, ids=name_of)
def test_every_problem_of_an_example_is_explained(golden: Golden, systems: dict[str, Source]) -> None:
    """Whoever has to mend a message finds each code in the catalogue."""
    assert golden.message
    try:
        readings = list(systems[golden.system].read(golden.message.read_bytes(), arrived=ARRIVED))
        problems: list[Problem] = [p for r in readings for p in (*r.problems, *r.warnings)]
    except Unreadable as refusal:
        problems = list(refusal.problems)

    assert {p.code for p in problems} <= CATALOGUE.keys()


def test_every_shipped_mapping_has_examples(systems: dict[str, Source]) -> None:
    """A mapping without a golden pair is a claim, not a fact."""
    assert set(systems) <= {golden.system for golden in GOLDENS}


def test_every_system_shows_what_goes_out(systems: dict[str, Source]) -> None:
    """And what does is accepted by the outgoing check."""
    shown = [golden for golden in GOLDENS if (golden.folder / BUNDLES).exists()]
    refused = [g.name for g in shown if "refused" in json.loads((g.folder / BUNDLES).read_text("utf-8"))]

    assert {golden.system for golden in shown} == set(systems)
    assert refused == []


def test_a_difference_names_its_element(systems: dict[str, Source], tmp_path: Path) -> None:
    """Else nobody would find it in a bundle of two hundred lines."""
    golden = next(golden for golden in MESSAGES if golden.name == "hl7v2-ref/referral-in-full")
    shutil.copy(golden.message or "", tmp_path)
    for name in (READINGS, BUNDLES):
        text = (golden.folder / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace('"female"', '"male"'), "utf-8")
    changed = Golden(system=golden.system, folder=tmp_path)

    assert [(d.path, d.left, d.right) for d in compared(changed, outcome_of(golden, systems))] == [
        ("expected.json readings[0].event.referral.patient.gender", "male", "female"),
        ("servicerequest.json Patient.gender", "male", "female"),
    ]


@pytest.fixture(scope="module")
def ledger(systems: dict[str, Source]) -> list[Entry]:
    """Every field of every golden message, and what becomes of it at best."""
    files = [(golden.message or golden.folder, systems[golden.system]) for golden in GOLDENS]
    return ledger_of(files, Rehearsing(arrived=ARRIVED)).entries


def test_no_further_field_goes_nowhere(ledger: list[Entry]) -> None:
    """What holds something is mapped, or ignored for a reason, or on this list, which only gets shorter.

    A field that is new here: map it, or say in the mapping's `[ignored]` why not. One that is no longer
    unaccounted: take it off the list.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for entry in ledger:
        if entry.status == "unaccounted":
            found[entry.system].append(entry.name)
    known: dict[str, Any] = json.loads(UNACCOUNTED.read_text("utf-8"))

    assert {system: sorted(names) for system, names in found.items()} == known


def test_what_is_ignored_has_a_reason(ledger: list[Entry]) -> None:
    """The reader of a report wants to know why, not only that."""
    assert all(entry.reason for entry in ledger if entry.status == "ignored")
