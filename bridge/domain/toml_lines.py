"""Where each key of a TOML text stands; the standard library's parser does not say.

Every statement of a TOML text is a TOML text by itself, so statements are collected line by line until they
parse: strings, comments and arrays over several lines need no grammar of ours.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any


def lines_of(text: str) -> dict[str, int]:
    """Line number, from 1, of each key of a valid TOML text, by its dotted name (`fields.patient.family`).

    Of an array of tables each has its number in the name: `callers.1.key` is of the second `[[callers]]`.
    """
    lines: dict[str, int] = {}
    arrays: dict[str, int] = {}
    table = pending = ""
    start = 1
    for number, line in enumerate(text.split("\n"), 1):
        pending += line + "\n"
        said = _parsed(pending)
        if said is None:
            continue
        names = list(_names(said, ""))
        header = pending.lstrip()
        if header.startswith("["):
            name = _numbered(names[-1], arrays, another=header.startswith("[["))
            table, names = f"{name}.", [names[-1], name]
        else:
            names = [table + name for name in names]
        for name in names:
            lines.setdefault(name, start)
        pending, start = "", number + 1
    return lines


def line_of(name: str, lines: Mapping[str, int]) -> int:
    """The line of a key, or of the nearest table around it; 1 when neither is there."""
    while name and name not in lines:
        name = name.rpartition(".")[0]
    return lines.get(name, 1)


def _numbered(name: str, arrays: dict[str, int], *, another: bool) -> str:
    """The name of a table with the number of each array of tables in it; `arrays` counts them."""
    numbered = ""
    for part in name.split("."):
        inside = f"{numbered}.{arrays[numbered] - 1}" if numbered in arrays else numbered
        numbered = f"{inside}.{part}" if inside else part
    if not another:
        return numbered
    arrays[numbered] = arrays.get(numbered, 0) + 1
    return f"{numbered}.{arrays[numbered] - 1}"


def _parsed(statement: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return None


def _names(table: dict[str, Any], prefix: str) -> Iterator[str]:
    """Names of a table and of the tables inside it, the outer first."""
    for key, value in table.items():
        yield prefix + key
        if isinstance(value, dict):
            yield from _names(value, f"{prefix}{key}.")
