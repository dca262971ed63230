"""The pages an information governance lead and a safety officer read say what the code does."""

import re
from pathlib import Path

import pytest

from bridge.store.subjects import HOLDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "explanation"
NAMED = re.compile(r"\[`(test_[a-z0-9_]+)`\]\(\.\./\.\./([^)]+)\)")
HAZARDS = [f"H{n}" for n in range(1, 21)]


def rows(page: str) -> list[list[str]]:
    """The cells of every table row of a page."""
    lines = (PAGES / page).read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]


def test_every_table_is_on_the_data_protection_page() -> None:
    """What can be held of a person, word by word as an erasure treats it."""
    told = {row[0].strip("`"): row[1] for row in rows("data-protection.md") if row[0].startswith("`")}

    assert told == HOLDS


@pytest.mark.parametrize("page", ["clinical-safety.md", "threat-model.md", "data-protection.md"])
def test_every_control_is_proven_by_a_test_that_exists(page: str) -> None:
    """A control whose test was renamed or removed is a control nobody checks."""
    named = NAMED.findall((PAGES / page).read_text("utf-8"))
    missing = [name for name, file in named if f"def {name}(" not in (ROOT / file).read_text("utf-8")]

    assert named
    assert missing == []


def test_every_hazard_has_a_control_a_proof_and_a_rest() -> None:
    """The eight columns of the log."""
    listed = {row[0]: row for row in rows("clinical-safety.md") if row[0] in HAZARDS}

    assert list(listed) == HAZARDS
    assert all(len(row) == 8 and all(row) and NAMED.search(row[6]) for row in listed.values())
