"""The few forms of Markdown the pages use."""

import re
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a blank line after it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n\n"


def code(text: object) -> str:
    """Text as code; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def sentence(docstring: str | None) -> str:
    """A docstring as running text."""
    return re.sub(r"\s+", " ", docstring or "").strip()


def anchor(text: str) -> str:
    """A place that a link can lead to."""
    return f'<a id="{text}"></a>'


def _cell(value: object) -> str:
    return re.sub(r"\s+", " ", str(value)).replace("|", "\\|").strip()
