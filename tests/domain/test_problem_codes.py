"""Every reason the domain can give is explained in the catalogue."""

import ast
from pathlib import Path

import pytest

import bridge.domain
from bridge.errors.catalogue import CATALOGUE

MODULES = sorted(Path(bridge.domain.__path__[0]).glob("*.py"))


def raised_texts(module: Path) -> list[str]:
    """The literal texts of the ValueErrors a module raises."""
    return [
        argument.value
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ValueError"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_the_text_of_every_refusal_is_a_code_of_the_catalogue(module: Path) -> None:
    """What is shown to a sender is a sentence with a next step, never a programmer's remark."""
    assert [text for text in raised_texts(module) if text not in CATALOGUE] == []


def test_the_reader_of_texts_finds_them() -> None:
    """Else the test above would prove nothing."""
    assert "ods-code-shape" in [text for module in MODULES for text in raised_texts(module)]
