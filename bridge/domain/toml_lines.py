"""Where each key of a TOML text stands; the standard library's parser does not say.

Every statement of a TOML text is a TOML text by itself, so statements are collected line by line until they
parse: strings, comments and arrays over several lines need no grammar of ours.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any


def lines_of(text: str) -> dict[str, int]:
    """Line number, from 1, of each key of a valid TOML text, by its dotted name (`fields.patient.family`)."""
    lines: dict[str, int] = {}
    table = pending = ""
    start = 1
    for number, line in enumerate(text.split("\n"), 1):
        pending += line + "\n"
        said = _parsed(pending)
        if said is None:
            continue
        names = list(_names(said, ""))
        if pending.lstrip().startswith("["):
            table, names = f"{names[-1]}.", [names[-1]]
            lines.setdefault(names[0], start)
        else:
            for name in names:
                lines.setdefault(table + name, start)
        pending, start = "", number + 1
    return lines


def line_of(name: str, lines: Mapping[str, int]) -> int:
    """The line of a key, or of the nearest table around it; 1 when neither is there."""
    while name and name not in lines:
        name = name.rpartition(".")[0]
    return lines.get(name, 1)


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
