"""Whoever meets a problem code finds its words, and no words stand there for a code that nothing gives."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import bridge
from bridge.errors import catalogue
from bridge.errors.catalogue import CATALOGUE, Entry
from bridge.fhir.required_codes import REQUIRED_CODES
from bridge.pipeline import ending, outcomes

ROOT = Path(bridge.__path__[0])
THEMES = sorted(module.name for module in iter_modules(catalogue.__path__) if module.name != "entry")
SOURCES = sorted(
    file for file in ROOT.rglob("*.py") if "catalogue" not in file.parts and "simulators" not in file.parts
)

CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
CODE_OF_WORDS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")

# Arguments that carry a problem code, and calls that take one by position.
KEYWORDS = frozenset({"overdue", "withhold"})
PROBLEMS = frozenset({"Problem", "Applied", "Recorded", "LastLook", "move_event", "step", "step_unclaimed"})
FAILURES = frozenset({"Ambiguous", "Doubtful", "NotThePartner", "Refused", "Throttled", "Transient"})
BY_POSITION = frozenset({"ValueError", "Row", "applied", "failure", "warn"})
# Here every word with a hyphen is a problem code.
ONLY_CODES = ("pipeline", "schemes/gate.py", "delivery/outbox.py")

ISSUE_TYPES = REQUIRED_CODES["OperationOutcomeIssue.code"]


def name_of(call: ast.Call) -> str:
    """The last part of what is called: `step` of `lanes.step(…)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def texts_in(node: ast.expr, form: re.Pattern[str]) -> Iterator[str]:
    """The text constants of an expression that have the form of a code; comparisons are not among them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and form.fullmatch(node.value):
        yield node.value
    if isinstance(node, ast.IfExp):
        yield from (*texts_in(node.body, form), *texts_in(node.orelse, form))


def codes_of_call(call: ast.Call) -> Iterator[str]:
    """The problem codes written in a call."""
    name = name_of(call)
    for keyword in call.keywords:
        carries = keyword.arg == "code" and name in PROBLEMS | FAILURES
        if carries or keyword.arg in KEYWORDS:
            yield from texts_in(keyword.value, CODE)
    if name in BY_POSITION:
        for argument in call.args:
            yield from texts_in(argument, CODE_OF_WORDS)


def codes_of(file: Path) -> set[str]:
    """Every problem code that a module gives."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    codes = {code for node in ast.walk(tree) if isinstance(node, ast.Call) for code in codes_of_call(node)}
    if file.relative_to(ROOT).as_posix().startswith(ONLY_CODES):
        functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        inside = (node for function in functions for node in ast.walk(function))
        codes |= {
            text
            for node in inside
            if isinstance(node, ast.Constant)
            for text in texts_in(node, CODE_OF_WORDS)
        }
    return codes


def patterns_of(file: Path) -> Iterator[re.Pattern[str]]:
    """What the f-strings of a module that look like codes can become."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
            if all(part is None or re.fullmatch(r"[a-z0-9-]+", str(part)) for part in parts):
                yield re.compile("".join("[a-z0-9-]+" if part is None else str(part) for part in parts))


def texts_of(file: Path) -> set[str]:
    """Every text constant of a module."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_code_that_is_given_has_its_words(file: Path) -> None:
    """A code without a meaning and a next step leaves its reader alone."""
    assert sorted(codes_of(file) - CATALOGUE.keys()) == []


def test_the_reader_of_codes_finds_them() -> None:
    """Else the test above would prove nothing."""
    found = set[str]().union(*map(codes_of, SOURCES))

    assert found >= {"practice-unknown", "under-age", "partner-late", "may-have-arrived", "ods-code-shape"}


def test_what_ends_a_referral_has_its_words() -> None:
    """The kind of an event or outcome is the reason that stands on the referral it ends."""
    kinds = {kind.value for kind in (*ending.ENDINGS, *outcomes.STEPS)}

    assert sorted(kinds - CATALOGUE.keys()) == []


def test_every_entry_is_given_somewhere() -> None:
    """What nothing gives any more is taken out of the catalogue."""
    written = set[str]().union(*map(texts_of, SOURCES))
    built = [pattern for file in SOURCES for pattern in patterns_of(file)]
    kinds = {kind.value for kind in (*ending.ENDINGS, *outcomes.STEPS)}
    unused = CATALOGUE.keys() - written - kinds

    assert sorted(code for code in unused if not any(p.fullmatch(code) for p in built)) == []


def test_a_code_stands_in_one_file_only() -> None:
    """Of two entries one would be lost in the merge, and with it somebody's words."""
    entries = [import_module(f"{catalogue.__name__}.{theme}").ENTRIES for theme in THEMES]
    counted = Counter(code for theme in entries for code in theme)

    assert [code for code, count in counted.items() if count > 1] == []
    assert counted.keys() == CATALOGUE.keys()


@pytest.mark.parametrize(("code", "entry"), CATALOGUE.items(), ids=CATALOGUE.keys())
def test_an_entry_speaks_to_a_person(code: str, entry: Entry) -> None:
    """A sentence that says what it means, a sentence that says what to do, and a type that FHIR knows."""
    assert CODE.fullmatch(code)
    assert entry.fhir in ISSUE_TYPES
    assert all(text[0].isupper() or text[0] in "_$" for text in (entry.meaning, entry.next_step))
    assert all(text.endswith(".") and len(text) <= 160 for text in (entry.meaning, entry.next_step))
