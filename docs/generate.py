"""Write docs/reference from the code, or say with --check which pages are stale. Run by `make docs`."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
PAGES = ("cli", "delivery", "errors", "events", "http", "metrics", "scheme", "settings", "states")
NOTICE = "<!-- Written from the code by `make docs`; changes made here are lost. -->\n\n"


def main() -> int:
    """Write every page that says something else than the code; with --check exit 1 when there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args().check
    stale = [name for name in PAGES if not is_fresh(name)]
    for name in stale:
        if not check:
            file_of(name).write_text(page_of(name), encoding="utf-8")
        print(f"{'stale' if check else 'wrote'} {file_of(name).relative_to(ROOT)}")
    return int(check and bool(stale))


def page_of(name: str) -> str:
    """What a page should say: `docs.pages.<name>.text()` under the notice."""
    written: str = import_module(f"docs.pages.{name}").text()
    return NOTICE + written.rstrip() + "\n"


def file_of(name: str) -> Path:
    """Where a page stands."""
    return REFERENCE / f"{name}.md"


def is_fresh(name: str) -> bool:
    """Whether a page is there and says what it should."""
    return file_of(name).exists() and file_of(name).read_text(encoding="utf-8") == page_of(name)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
