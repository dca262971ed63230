"""What an operator reads is what the code does."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from docs.generate import PAGES, REFERENCE, ROOT, page_of

WRITTEN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMED_IN = sorted(
    file
    for folder in ("bridge", "mappings")
    for kind in ("*.py", "*.toml")
    for file in (ROOT / folder).rglob(kind)
)


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_says_what_the_code_says(name: str) -> None:
    """A stale page misleads; `make docs` writes it anew."""
    assert (REFERENCE / f"{name}.md").read_text(encoding="utf-8") == page_of(name)


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_link_leads_somewhere(file: Path) -> None:
    """Between our own pages, to the very place."""
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]+)?\)", file.read_text(encoding="utf-8"))
    targets = [((file.parent / path) if path else file, place) for path, place in links]

    assert [str(path) for path, _ in targets if not path.exists()] == []
    assert [place for path, place in targets if place and place[1:] not in places_in(path)] == []


@pytest.mark.parametrize("file", NAMED_IN, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_page_that_the_code_names_exists(file: Path) -> None:
    """Whoever follows a hint finds the page."""
    named = re.findall(r"docs/[a-z0-9/.-]+\.(?:md|json)", file.read_text(encoding="utf-8"))

    assert [page for page in named if not (ROOT / page).is_file()] == []


def places_in(file: Path) -> set[str]:
    """The anchors of a page: those set by hand and those of its headings, as GitHub makes them."""
    if file.suffix != ".md":
        return set()
    text = file.read_text(encoding="utf-8")
    headings = (
        re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
        for h in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    )
    return {*re.findall(r'<a id="([^"]+)">', text), *headings}


def test_the_pages_are_all_of_them() -> None:
    """A generator that nobody calls writes nothing."""
    modules = {file.stem for file in (ROOT / "docs" / "pages").glob("*.py")}
    writers = {name for name in modules if hasattr(import_module(f"docs.pages.{name}"), "text")}

    assert writers == set(PAGES)
