"""Whoever edits a file of the site reads where it is wrong and what is wrong, in words about the file."""

import inspect
import re
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import toml_file
from bridge.domain.toml_file import read_toml
from bridge.errors import ConfigError, Problem

FAULTS = {
    "version 1": (1, "= is expected"),
    'a = 1\nb = "open\nc = 2': (2, "is its quotation mark closed?"),
    'a = "open': (1, "no closing quotation mark"),
    "a = 'open": (1, "no closing quotation mark"),
    "a = '''open": (1, "no closing quotation mark"),
    'a = """open\n\n': (1, "no closing quotation mark"),
    'at = ["$.a", "$.b" }': (1, "a comma is missing in it"),
    'x = { at = "a" codes = "b" }': (1, "a comma is missing in it"),
    'x = { at = "a",\n required = true }': (1, "stands on one line"),
    "a = 1\na = 2": (2, "has a value already"),
    "x = { a = 1, a = 2 }": (1, "has a value already"),
    "[codes]\n[fields]\n[codes]": (3, "this [table] is there already"),
    "a.b = 1\n[a]": (2, "this [table] is there already"),
    "[a]\nx = 1\n[a.x]": (3, "has a value already"),
    "a = { b = 1 }\na.c = 2": (2, "completed before"),
    "a = { b = 1, b.c = 2 }": (1, ""),
    "[a.b]\n[a]\nb.c = 1": (3, "completed before"),
    "a = []\n[[a]]": (2, "completed before"),
    "[fields\na = 1": (1, "expected at the end of the [table]"),
    "a = 1 b = 2": (1, "one key and one value to a line"),
    "é = 1": (1, "odd letters in a key need quotes"),
    "a = ": (1, "a value is expected"),
    "a = yes": (1, "a value is expected"),
    "a = 2026-02-30": (1, "no such date"),
    'a = "\\q"': (1, "write two of them"),
    'a = "\\u12"': (1, "hexadecimal digits"),
    'a = "\\ud800"': (1, "stands for no character"),
    "# \x07": (1, "control character"),
}


def refused(folder: Path, held: bytes) -> Problem:
    file = folder / "site.toml"
    file.write_bytes(held)
    with pytest.raises(ConfigError) as told:
        read_toml(file)
    [problem] = told.value.problems
    return problem


@pytest.mark.parametrize("text", FAULTS, ids=repr)
def test_each_fault_of_form_is_told_at_its_line_and_column_in_our_words(text: str, tmp_path: Path) -> None:
    """Never in those of the parser, whose words are about its own grammar."""
    line, words = FAULTS[text]
    problem = refused(tmp_path, text.encode())

    assert problem.code == "toml-syntax"
    assert re.search(rf"site\.toml:{line}, column [1-9]", problem.at)
    assert words in problem.rule
    with pytest.raises(tomllib.TOMLDecodeError) as theirs:
        tomllib.loads(text)
    assert problem.rule != "this is not TOML"
    assert str(theirs.value).partition(" (at ")[0] not in problem.rule


def test_every_text_of_the_parser_has_words_of_ours() -> None:
    """Also those of a version of Python that comes later, as far as this one runs on it."""
    parser = inspect.getmodule(tomllib.loads)
    assert parser
    begins = re.findall(r'suffixed_err\(\s*src,\s*\w+,\s*f?"((?:[^"\\{]|\\.)*)', inspect.getsource(parser))

    assert len(begins) > 15
    assert [
        text
        for text in begins
        if toml_file._in_our_words(text.encode().decode("unicode_escape")) == "this is not TOML"
    ] == []


def test_a_file_that_is_no_text_is_told_with_the_line_of_the_first_wrong_byte(tmp_path: Path) -> None:
    """TOML is UTF-8; an editor on Windows may write another."""
    problem = refused(tmp_path, 'a = 1\nb = "é"\n'.encode("latin-1"))

    assert (problem.code, problem.at.rpartition(":")[2]) == ("toml-not-utf-8", "2")


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    """As an editor on Windows writes them."""
    file = tmp_path / "site.toml"
    file.write_bytes(b"\xef\xbb\xbf[a]\r\nb = 1\r\n")
    toml = read_toml(file)

    assert (toml.said, toml.place("a.b")) == ({"a": {"b": 1}}, f"{file}:2")


def test_a_number_nobody_can_read_and_endless_nesting_are_told(tmp_path: Path) -> None:
    """The parser gives up over both in a way of its own."""
    number = refused(tmp_path, b"a = 1\nb = " + b"9" * 5_000)
    nested = refused(tmp_path, b"a = " + b"[" * 5_000)

    assert (number.code, number.at.rpartition(":")[2]) == ("toml-number-too-long", "2")
    assert nested.code == "toml-too-deep"


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    """A folder, and a link that leads nowhere."""
    (tmp_path / "a.toml").mkdir()
    (tmp_path / "b.toml").symlink_to(tmp_path / "nowhere")

    for name in ("a.toml", "b.toml"):
        with pytest.raises(ConfigError) as told:
            read_toml(tmp_path / name)
        assert [(p.code, p.at) for p in told.value.problems] == [("toml-unreadable", str(tmp_path / name))]


@given(st.binary(max_size=60))
def test_no_bytes_surprise_it(tmp_path_factory: pytest.TempPathFactory, held: bytes) -> None:
    """Whatever stands in a file, it is read or refused."""
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(held)
    with suppress(ConfigError):
        read_toml(file)
