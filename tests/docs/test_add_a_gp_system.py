"""The how-to for a new GP system does what it says, from the first mapping to examples that hold."""

import json
import re
import shutil
from pathlib import Path

from tests.cli.test_mapping import Bridge, bridge  # noqa: F401 - a fixture

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/add-a-gp-system.md").read_text("utf-8")
MESSAGE = {
    "messageType": "NEW",
    "printedAt": "desk 2",
    "referral": {"guid": "G-1", "code": "871731000000106"},
    "practice": {"code": "a99999"},
    "patient": {"nhs": "999 000 0018", "surname": "Quillfeather", "dob": "09/04/1951"},
}


def blocks(kind: str) -> list[str]:
    """The code blocks of the page in that language."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_steps_lead_to_examples_that_hold(bridge: Bridge, tmp_path: Path) -> None:  # noqa: F811
    """The mapping of the page, tried, accounted for, accepted and held."""
    mapping = tmp_path / "mappings/sources/greenfield.toml"
    message = tmp_path / "fixtures/greenfield/first-referral/message.json"
    for file in (mapping, message):
        file.parent.mkdir(parents=True)
    message.write_text(json.dumps(MESSAGE), "utf-8")
    first, reason = blocks("toml")[:2]
    mapping.write_text(first, "utf-8")
    tried = bridge("try", message)
    open_fields = bridge("ledger", "fixtures/greenfield")
    mapping.write_text(first + reason, "utf-8")
    done = [bridge("ledger", "fixtures/greenfield"), bridge("test", "greenfield", "--accept")]

    assert (tried.code, "goes nowhere: $.{" in tried.out) == (0, True)
    assert (open_fields.code, "unaccounted $.printedAt" in open_fields.out) == (1, True)
    assert [each.code for each in (*done, bridge("test", "greenfield"))] == [0, 0, 0]


def test_the_files_it_says_to_copy_are_there(tmp_path: Path) -> None:
    """A copy under a name of one's own is where HL7 v2 and FHIR senders begin."""
    for name in re.findall(r"\(\.\./\.\./(mappings/[^)]+)\)", PAGE):
        shutil.copy(ROOT / name, tmp_path)

    assert {file.stem for file in tmp_path.iterdir()} == {"hl7v2-ref", "fhir-r4", "bars"}
