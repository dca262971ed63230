"""A page that no index names is not found."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(
    page
    for folder in ("tutorials", "how-to", "reference", "explanation")
    for page in (DOCS / folder).glob("*.md")
)
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_the_index_names_every_page(page: Path) -> None:
    """docs/README.md is where a reader begins."""
    assert f"({page.relative_to(DOCS).as_posix()})" in (DOCS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)
def test_the_index_names_every_decision(page: Path) -> None:
    """And each has a title, a date and a status, as docs/decisions/README.md asks."""
    text = page.read_text(encoding="utf-8")

    assert f"({page.name})" in (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {page.name[:4]} ")
    assert re.match(r".*\n\n\d{4}-\d\d-\d\d · (accepted|superseded by \d{4})\n", text)
