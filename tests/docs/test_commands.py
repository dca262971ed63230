"""What the pages tell people to type is there: commands with their options, make targets, settings."""

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel
from typer.main import get_command

from bridge.cli.commands import app
from bridge.cli.mapping import app as map_app
from bridge.config import Settings
from bridge.errors.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
FENCE = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
END = re.compile(r"\s(?:\||>|<|&&|;|#)|\)(?:\s|$)")
# What may stand before a program: a subshell, a mask, variables, one of them set to what a command says.
SETTING = re.compile(r"^\(\s*|umask \d+;\s*|^[A-Z_]+=(?:\$\(.*\)|\S*)(?:\s+|$)")
# What else a page may tell people to run; another program is most likely a slip.
PROGRAMS = {
    "bridge",
    "cat",
    "cd",
    "chmod",
    "chown",
    "cp",
    "curl",
    "docker",
    "export",
    "git",
    "gpg",
    "grep",
    "head",
    "install",
    "journalctl",
    "jq",
    "ln",
    "ls",
    "make",
    "mkdir",
    "mv",
    "openssl",
    "pg_dump",
    "pg_restore",
    "pip",
    "promtool",
    "psql",
    "python3",
    "rmdir",
    "rsync",
    "scp",
    "sed",
    "sha256sum",
    "sleep",
    "systemctl",
    "tar",
    "tr",
    "useradd",
}


def blocks(page: Path, language: str) -> Iterator[str]:
    """The fenced blocks of a language, without their indent."""
    for indent, kind, body in FENCE.findall(page.read_text("utf-8")):
        if kind == language:
            yield re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)


def lines(page: Path) -> Iterator[str]:
    """Every line of a block of commands; what is continued is one line."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()


def typed(line: str) -> Iterator[list[str]]:
    """The words after each `bridge` of a line."""
    for part in [*re.findall(r"\$\(([^()]*)\)", line), re.sub(r"\$\([^()]*\)", "X", line)]:
        start = re.match(r"\(?(?:[A-Z_]+=\S+\s+)?(?:\S*/)?bridge\s+(?=[a-z-])", part)
        if start:
            rest = f"{part[start.end() :]} "
            cut = END.search(rest)
            yield shlex.split(rest[: cut.start()] if cut else rest)


LINES = [(page, line) for page in PAGES for line in lines(page)]
TYPED = [(page, words) for page, line in LINES if not line.startswith("docker") for words in typed(line)]


def found(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words name, and what is left of them; KeyError when there is none."""
    rest = list(words)
    command: Any = get_command(app)
    if rest[0] == "map":
        command, rest = get_command(map_app), rest[1:]
    while rest and not rest[0].startswith("-") and hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    return command, rest


def named(page: Path) -> str:
    """A page as a test names it."""
    return page.relative_to(ROOT).as_posix()


@contextmanager
def suppress_missing_files() -> Iterator[None]:
    """The files of a page are not on this machine."""
    try:
        yield
    except Exception as error:
        if "does not exist" not in str(error):
            raise


@pytest.mark.parametrize(
    ("page", "words"), TYPED, ids=[f"{named(page)}: {' '.join(words)}" for page, words in TYPED]
)
def test_a_command_of_a_page_can_be_typed_so(page: Path, words: list[str]) -> None:
    """With its arguments and options, as the command line itself reads them."""
    command, rest = found(words)
    if "--help" not in rest:
        with suppress_missing_files():
            command.make_context("bridge", rest)


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "decisions"], ids=named)
def test_a_command_named_in_a_sentence_is_there(page: Path) -> None:
    """Whoever reads of it can type it; a decision speaks of its own day and is never rewritten."""
    for said in re.findall(r"`bridge ([a-z][^`]*)`", page.read_text("utf-8")):
        assert found(re.split(r"[|\s]", said)[:2])[0] is not None


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_next_step_names_commands_that_are_there(code: str) -> None:
    """It is read at night."""
    for said in re.findall(r"`bridge ([a-z][^`]*)`", CATALOGUE[code].next_step):
        assert found(said.split())[0] is not None


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_a_page_has_people_run_is_a_program_we_know(page: Path) -> None:
    """And bash can read it."""
    for line in lines(page):
        program, *words = shlex.split(SETTING.sub("", line) or "cd", comments=True)
        assert Path(program).name in PROGRAMS, line
        if program == "make" and words:
            assert words[0] in TARGETS or "=" in words[0], line
    for block in blocks(page, "bash"):
        read = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
        assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_a_page_shows_as_settings_can_be_set(page: Path) -> None:
    """Every name of it; TOML and YAML are at least well formed."""
    for block in blocks(page, "yaml"):
        yaml.safe_load(block)
    for block in blocks(page, "toml"):
        said = tomllib.loads(block)
        if said.keys() <= Settings.model_fields.keys():
            assert list(unknown(Settings, said)) == []


def unknown(model: type[BaseModel], said: dict[str, Any]) -> Iterator[str]:
    """Names that the model does not have."""
    for name, value in said.items():
        field = model.model_fields.get(name)
        if field is None:
            yield name
            continue
        inner = [m for m in models(field.annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
        tables = value if isinstance(value, list) else [value]
        if inner and isinstance(value, dict) and "dict" in str(field.annotation):
            tables = list(value.values())
        for table in tables:
            if inner and isinstance(table, dict):
                yield from unknown(inner[0], table)


def models(annotation: Any) -> Iterator[Any]:
    """The types that an annotation is made of."""
    yield annotation
    for each in get_args(annotation):
        yield from models(each)


def test_pages_have_commands_to_check() -> None:
    """Else the tests above prove nothing."""
    assert len(TYPED) > 30
    assert {named(page) for page, _ in TYPED} >= {"README.md", "docs/how-to/replay.md"}
