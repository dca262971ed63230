"""The reference pages say what the code does."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from bridge.sources import load
from bridge.sources.targets import TARGETS
from bridge.sources.transforms import TRANSFORMS

ROOT = Path(__file__).resolve().parents[2]
ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAPPING = (ROOT / "docs" / "reference" / "mapping.md").read_text(encoding="utf-8")
JSON_EVENT = (ROOT / "docs" / "reference" / "json-event.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the mapping page."""
    section = MAPPING.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]


def test_every_target_is_on_the_page_with_its_strictness() -> None:
    """An engineer writes a mapping with this page and nothing else."""
    told = {name.strip("`"): (takes.split(":")[0], strict) for name, takes, strict in rows("Targets")}

    assert told == {name: (t.take.value, "no" if t.lenient else "yes") for name, t in TARGETS.items()}


def test_every_transform_is_on_the_page() -> None:
    """A name that is not told cannot be used."""
    assert [row[0].strip("`") for row in rows("Transforms")] == list(TRANSFORMS)


def test_the_example_of_a_mapping_is_a_mapping(tmp_path: Path) -> None:
    """Copied from the page it works, overlay and all."""
    example, overlay, _ = re.findall(r"```toml\n(.*?)```", MAPPING, re.DOTALL)
    (tmp_path / "greenfield.toml").write_text(
        example + '\n[codes.urgency]\n"U" = "urgent"\n', encoding="utf-8"
    )
    (tmp_path / "leeds.toml").write_text(overlay, encoding="utf-8")

    assert load(tmp_path)["greenfield"].mapping.overlays["A99999"].label == "greenfield@3+leeds@1"


def test_the_example_of_codes_keeps_the_sources_own_beside_ours(tmp_path: Path) -> None:
    """Put into a mapping that names what every event has."""
    *_, codes = re.findall(r"```toml\n(.*?)```", MAPPING, re.DOTALL)
    needed = 'event.kind = { at = "$.type" }\nevent.record = { at = "$.id" }\npractice.ods = { at = "$.p" }\n'
    text = 'version = 1\nformat = "json"\n' + codes.replace("[fields]\n", f"[fields]\n{needed}")
    (tmp_path / "greenfield.toml").write_text(text, encoding="utf-8")
    message = {"type": "referred", "id": "1", "p": "A99999", "code": "8T09.00"}

    (reading,) = load(tmp_path)["greenfield"].read(json.dumps(message).encode(), arrived=ARRIVED)

    assert reading.event is not None
    assert reading.event.referral is not None
    assert [c.code for c in reading.event.referral.requested.codings] == ["871731000000106", "8T09."]


def test_the_example_of_an_event_is_an_event() -> None:
    """Copied from the page it is accepted, without a warning."""
    (example,) = re.findall(r"```json\n(.*?)```", JSON_EVENT, re.DOTALL)
    source = load(ROOT / "mappings" / "sources")["json-event"]

    (reading,) = source.read(json.dumps(json.loads(example)).encode(), arrived=ARRIVED)

    assert reading.event is not None
    assert (reading.problems, reading.warnings, reading.unmapped) == ((), (), ())
