"""A name that leads nowhere is found when the settings are checked, not when a referral comes."""

from pathlib import Path

import pytest

from bridge.app.rules import read_rules
from bridge.config import read_settings
from bridge.errors import ConfigError

SITE = """base = "https://bridge.test"
[[callers]]
name = "gp"
roles = ["system"]
practices = ["A99999"]
sources = ["json-event", "{caller}"]
key = "env:KEY"
key_last_day = 2099-12-31
[[folders]]
source = "{folder}"
path = "drop"
[[mllp]]
name = "pas"
port = 2575
practices = ["A99999"]
source = "{port}"
"""


def told(site: Path, **names: str) -> list[tuple[str, str]]:
    known = {"caller": "fhir-r4", "folder": "emis", "port": "hl7v2-ref"}
    (site / "bridge.toml").write_text(SITE.format(**(known | names)), "utf-8")
    try:
        read_rules(read_settings(site / "bridge.toml"))
    except ConfigError as refused:
        return [(problem.code, problem.rule) for problem in refused.problems]
    return []


@pytest.mark.parametrize(
    ("names", "problems"),
    [
        ({}, []),
        ({"caller": "fhir"}, [("caller-source", "fhir")]),
        ({"folder": "emis-2"}, [("folder-source", "emis-2")]),
        ({"folder": "json-event"}, [("folder-source", "json-event")]),
        ({"port": "hl7"}, [("mllp-source", "hl7")]),
        ({"caller": "fhir", "folder": "emis-2"}, [("caller-source", "fhir"), ("folder-source", "emis-2")]),
    ],
    ids=str,
)
def test_a_name_of_no_system_is_told(
    names: dict[str, str], problems: list[tuple[str, str]], tmp_path: Path
) -> None:
    """Else every message of that sender would be turned away, and only the sender would see it."""
    assert told(tmp_path, **names) == problems
