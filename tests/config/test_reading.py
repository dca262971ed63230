"""Whoever edits the settings reads at which line, or in which variable, something is wrong."""

from pathlib import Path

import pytest

from bridge.config import read_settings
from bridge.errors import ConfigError

GOOD = """base = "https://bridge.test"
[[callers]]
name = "first"
roles = ["system"]
key = "env:FIRST"
key_last_day = 2099-12-31
[[callers]]
name = "second"
roles = ["system"]
key = "env:SECOND"
key_last_day = 2099-12-31
[http]
port = 8080
"""


def told(folder: Path, text: str) -> list[tuple[str, str, str]]:
    file = folder / "bridge.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        read_settings(file)
    return [(p.code, p.at.removeprefix(f"{folder}/"), p.target) for p in refused.value.problems]


@pytest.mark.parametrize(
    ("right", "wrong", "line", "setting"),
    [
        ("port = 8080", 'port = "many"', 13, "http.port"),
        ("port = 8080", "prot = 8080", 13, "http.prot"),
        ("key_last_day = 2099-12-31\n[http]", 'key_last_day = "soon"\n[http]', 11, "callers.1.key_last_day"),
        ('name = "second"\n', "", 7, "callers.1.name"),
        ('base = "https://bridge.test"\n', "\n", 1, "base"),
    ],
)
def test_a_wrong_setting_is_told_with_its_line(
    right: str, wrong: str, line: int, setting: str, tmp_path: Path
) -> None:
    """Of several tables of one name, that of its own; of what is missing, that of where it should stand."""
    assert told(tmp_path, GOOD.replace(right, wrong)) == [("setting-wrong", f"bridge.toml:{line}", setting)]


def test_a_practice_in_small_letters_is_the_same_practice(tmp_path: Path) -> None:
    """Its code is compared with that of each message letter by letter."""
    (tmp_path / "bridge.toml").write_text(
        GOOD.replace('name = "first"', 'name = "first"\npractices = ["a99999 "]')
    )

    assert read_settings(tmp_path / "bridge.toml").callers[0].practices == ("A99999",)


@pytest.mark.parametrize("database", ["mysql://x/y", "var/bridge.sqlite", "http://x"])
def test_a_database_of_another_kind_is_told(tmp_path: Path, database: str) -> None:
    """By the settings, and not first when the bridge starts."""
    assert [code for code, _, _ in told(tmp_path, f'database = "{database}"\n{GOOD}')] == ["setting-wrong"]


def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is right; who set the variable has to mend it."""
    monkeypatch.setenv("BRIDGE_HTTP__PORT", "many")

    assert told(tmp_path, GOOD) == [("setting-wrong", "BRIDGE_HTTP__PORT", "http.port")]


def test_a_variable_of_a_whole_table_is_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library says of it reaches nobody."""
    monkeypatch.setenv("BRIDGE_HTTP", "port=many")

    assert told(tmp_path, GOOD) == [("setting-wrong", "BRIDGE_HTTP", "")]


def test_a_file_that_is_no_toml_is_told_with_its_place(tmp_path: Path) -> None:
    """Like every other file of the site; a secret in it is not repeated."""
    assert told(tmp_path, GOOD + 'key = "s3cret') == [("toml-syntax", "bridge.toml:14, column 14", "")]
