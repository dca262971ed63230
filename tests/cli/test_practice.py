"""`bridge practice`: what is under way is said, and what leaves is on disk before it is gone."""

import hashlib
import json
from collections import Counter

import pytest

from bridge.cli.demo_site import Site
from tests.cli.test_import import an_extract, bridge, site

__all__ = ["site"]
PRACTICE = "ZZ9901"


@pytest.fixture
def off(site: Site) -> Site:
    """A practice that is off and has sent an extract."""
    for scheme in (site.folder / "mappings" / "schemes").glob("*.toml"):
        scheme.write_text(scheme.read_text("utf-8").replace('mode = "live"', 'mode = "off"'), "utf-8")
    assert bridge(site, "import", str(an_extract(site))).returncode == 0
    return site


def test_a_practice_leaves_with_everything_and_a_certificate(off: Site) -> None:
    """What waits for a person is decided first; then the export holds as many rows as were deleted."""
    to = off.folder / "left"
    leave = ("practice", "leave", PRACTICE, "--why", "moved to another scheme", "--to", str(to))
    early = bridge(off, *leave)
    assert (early.returncode, to.exists()) == (1, False)

    for row in json.loads(bridge(off, "parked", "list", "--json").stdout):
        assert bridge(off, "parked", "discard", row["id"], "--why", "the practice leaves").returncode == 0
    left = bridge(off, *leave)
    assert left.returncode == 0, left.stderr
    certificate = json.loads((to / "certificate.json").read_text("utf-8"))
    export = (to / "export.jsonl").read_bytes()
    told: Counter[str] = Counter()
    for line in export.splitlines():
        told.update({name: len(rows) for name, rows in json.loads(line).items()})
    gone = certificate["rows_deleted"]

    assert certificate["export_sha256"] == hashlib.sha256(export).hexdigest()
    assert (told["events"], told["source_rows"]) == (gone["event"], gone["held"])
    assert gone["event"] > 0
    assert bridge(off, "practice", "show", PRACTICE).returncode == 0
    assert bridge(off, "audit", "verify").returncode == 0
