"""What a person reads when a file of ours is wrong: our words, never those of the library that looked."""

from pathlib import Path

import pytest
from pydantic_core._pydantic_core import list_all_errors

from bridge.config import read_settings
from bridge.errors import ConfigError, Problem
from bridge.errors.catalogue import CATALOGUE
from bridge.errors.wording import rule_of
from bridge.schemes import scheme_file
from bridge.sources import load

THEIRS = ("Input should", "Field required", "Extra inputs", "Value error", "should have at", "Unable")

SETTINGS = """
base = 7
unheard = 1
environment = "elsewhere"
[http]
port = "many"
[[callers]]
name = "x"
key_last_day = "soon"
[limits]
least_free_mb = -1
"""
SCHEME = """
name = 1
version = "1"
minimum_age = "old"
[service]
name = "s"
[[practices]]
ods = "A99999"
mode = "alive"
live_from = "soon"
"""
MAPPING = """
version = 0
format = ""
[fields]
event.kind = { at = [], codes = 1, unheard = true }
event.record = 7
[codes]
kind = 1
"""


def wrong_settings(folder: Path) -> None:
    (folder / "bridge.toml").write_text(SETTINGS, "utf-8")
    read_settings(folder / "bridge.toml")


def wrong_scheme(folder: Path) -> None:
    (folder / "x.toml").write_text(SCHEME, "utf-8")
    scheme_file.load(folder)


def wrong_mapping(folder: Path) -> None:
    (folder / "x.toml").write_text(MAPPING, "utf-8")
    load(folder)


@pytest.mark.parametrize("read", [wrong_settings, wrong_scheme, wrong_mapping], ids=lambda r: r.__name__)
def test_a_wrong_file_is_told_in_our_words(read: object, tmp_path: Path) -> None:
    """Each problem says what is wanted, and none says how a library put it."""
    assert callable(read)
    with pytest.raises(ConfigError) as refused:
        read(tmp_path)
    rules = [problem.rule for problem in refused.value.problems]

    assert len(rules) > 3
    assert all(isinstance(problem, Problem) for problem in refused.value.problems)
    assert not [rule for rule in rules if any(words in rule for words in THEIRS)]


def test_a_bound_is_told_with_the_rule() -> None:
    """Who has to mend it needs no documentation of a library."""
    assert rule_of({"type": "greater_than_equal", "ctx": {"ge": 1}}) == "at least 1"
    code = {"type": "value_error", "ctx": {"error": ValueError("ods-code-shape")}}
    assert rule_of(code) == CATALOGUE["ods-code-shape"].meaning
    assert rule_of({"type": "string_too_short", "ctx": {"min_length": 1}}) == "a text that is not empty"
    assert rule_of({"type": "too_short", "ctx": {"min_length": 1}}) == "at least one of them"
    assert rule_of({"type": "too_short", "ctx": {"min_length": 2}}) == "at least 2 of them"
    assert rule_of({"type": "literal_error", "ctx": {"expected": "'a' or 'b'"}}) == "one of 'a' or 'b'"
    assert rule_of({"type": "value_error", "ctx": {"error": ValueError("our own words")}}) == "our own words"


@pytest.mark.parametrize("detail", list_all_errors(), ids=lambda detail: str(detail["type"]))
def test_every_kind_of_error_has_words(detail: dict[str, object]) -> None:
    """What we have no words for is another kind of value, and nothing fails while it is told."""
    said = rule_of({"type": detail["type"], "ctx": detail["example_context"] or {}})

    assert said
    assert said != detail["example_message_python"]
    assert "_" not in said.replace(str((detail["example_context"] or {}).get("pattern")), "")
