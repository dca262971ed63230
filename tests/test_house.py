"""The house rules of CONTRIBUTING.md that a machine can keep: sizes, names, docstrings, honest tests."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TypeAlias

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "bridge").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

LONGEST_FILE = 300  # lines
LONGEST_TABLE = 800  # lines of a file that only holds data
LONGEST_FUNCTION_OF_TABLE = 3  # lines
USUAL_FUNCTION = 8  # lines, the median
LONG_FUNCTION = 40  # lines, of which one in twenty may have more

VAGUE_NAMES = re.compile(r"utils?|helpers?|common|base|core|misc|.*_(utils?|helpers?|manager)")
VAGUE_CLASSES = re.compile(r".*(Manager|Handler|Helper|Utils?)")
PUT_OFF = re.compile(r"\b(TODO|FIXME|XXX)\b")
FAKES = re.compile(r"\b(Magic|Async)?Mock\(|\b(mocker\.)?patch(\.object)?\(")
# Words of workshops and workers, which say nothing to who reads the code later.
WORKSHOP = re.compile(
    r"chatgpt|openai\b|anthropic|\bclaude|copilot|language model|\bai assist|agent session"
    r"|(?<!\w)/work/|\b(design|style|brief)\.md\b",
    re.IGNORECASE,
)

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def tree_of(file: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(file.read_text(encoding="utf-8"))


def lines_of(file: Path) -> int:
    """How many lines a file has."""
    return len(file.read_text(encoding="utf-8").splitlines())


def functions_of(file: Path) -> Iterator[Function]:
    """Every function of a module, inner ones too."""
    return (node for node in ast.walk(tree_of(file)) if isinstance(node, FUNCTIONS))


def length_of(function: Function) -> int:
    """Lines from the first statement to the last, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


def is_table(file: Path) -> bool:
    """Whether a module only holds data: its functions are a few lines, or one statement that is a table."""
    return all(
        length_of(function) <= LONGEST_FUNCTION_OF_TABLE or is_one_return(function)
        for function in functions_of(file)
    )


def is_one_return(function: Function) -> bool:
    """Whether a function is a single return after its docstring."""
    return isinstance(function.body[-1], ast.Return) and len(function.body) == 1 + bool(
        ast.get_docstring(function)
    )


def is_silent(function: Function) -> bool:
    """Whether it has no body of its own: a method of a Protocol, told of by its class."""
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in function.body)


def untold(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[str]:
    """Public classes and functions without a docstring."""
    for inner in node.body:
        if not isinstance(inner, (*FUNCTIONS, ast.ClassDef)) or inner.name.startswith("_"):
            continue
        name = f"{prefix}{inner.name}"
        silent = isinstance(inner, FUNCTIONS) and is_silent(inner)
        if not silent and not ast.get_docstring(inner):
            yield name
        if isinstance(inner, ast.ClassDef):
            yield from untold(inner, f"{name}.")


def files_of_the_repository() -> list[Path]:
    """The texts under version control, but for this file; skips where there is no git."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout")
    names = (name for name in listed.stdout.decode().split("\0") if not name.endswith((".png", ".pdf")))
    files = (ROOT / name for name in names if name)
    return [file for file in files if file.is_file() and file != Path(__file__)]


def places(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """File and line of each match; bytes that are no UTF-8 are read as well as they can be."""
    return [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").split("\n"), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_file_can_be_read_at_one_sitting(file: Path) -> None:
    """Longer than three hundred lines is two ideas; data and a migration that was frozen may be longer."""
    is_data = is_table(file) or file.parent.name == "versions"

    assert lines_of(file) <= (LONGEST_TABLE if is_data else LONGEST_FILE)


def test_functions_are_short() -> None:
    """Half of them fit in eight lines and nineteen of twenty on a screen."""
    lengths = sorted(length_of(function) for file in MODULES for function in functions_of(file))

    assert median(lengths) <= USUAL_FUNCTION
    assert lengths[len(lengths) * 95 // 100] <= LONG_FUNCTION


def test_names_say_what_is_inside() -> None:
    """A name that would fit anywhere helps nobody to find a line."""
    files = [file for file in MODULES if VAGUE_NAMES.fullmatch(file.stem)]
    folders = [file for file in MODULES if VAGUE_NAMES.fullmatch(file.parent.name)]
    classes = [
        f"{file.relative_to(ROOT)}:{node.name}"
        for file in MODULES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.ClassDef) and VAGUE_CLASSES.fullmatch(node.name)
    ]

    assert (files, folders, classes) == ([], [], [])


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_what_is_public_says_what_it_does(file: Path) -> None:
    """Module, class and function each have a sentence; a revision of the schema has that of its module."""
    tree = tree_of(file)

    assert ast.get_docstring(tree)
    assert "versions" in file.parts or list(untold(tree)) == []


def test_nothing_is_put_off_in_a_comment() -> None:
    """Later work is an issue, where somebody sees it."""
    assert places(PUT_OFF, files_of_the_repository()) == []


def test_tests_use_real_parts() -> None:
    """A test of a stand-in for our own code proves the stand-in."""
    assert places(FAKES, [file for file in TESTS if file != Path(__file__)]) == []


def test_the_repository_speaks_of_the_bridge_only() -> None:
    """Not of the tools and rooms it was made with."""
    assert places(WORKSHOP, files_of_the_repository()) == []
