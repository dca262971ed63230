"""The page of settings, from bridge.config."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_origin

from pydantic import BaseModel

from bridge.config import Settings
from docs.pages.markdown import code, sentence, table
from docs.pages.models import default_of, fields_of, kind_of, meaning_of, models_in

HEAD = """\
# Settings

The bridge reads `bridge.toml` in the working folder, or the file that `BRIDGE_CONFIG` names.
It reads it once, when it starts.
An environment variable comes before the file. Paths in the file are relative to its folder.
An unknown key is an error; `bridge check` names every error at once.

A secret is never written here, only where it lies: `env:NAME` (a variable) or `file:/absolute/path`
(a file that only its owner can read, or one under `/run/secrets`).

"""


@dataclass(frozen=True)
class Section:
    """One table of the file: how it is headed, and how its variables begin."""

    heading: str
    variable: str
    model: type[BaseModel]


def text() -> str:
    """The page."""
    return HEAD + "".join(_shown(section) for section in _sections())


def _sections() -> Iterator[Section]:
    yield Section("", "BRIDGE_", Settings)
    for name, field in fields_of(Settings):
        for model in models_in(field.annotation):
            origin = get_origin(field.annotation)
            if origin is tuple:
                yield Section(f"[[{name}]]", "", model)
            elif origin is dict:
                yield Section(f"[{name}.<name>]", f"BRIDGE_{name.upper()}__<name>__", model)
            else:
                yield Section(f"[{name}]", f"BRIDGE_{name.upper()}__", model)


def _shown(section: Section) -> str:
    rows = (
        (
            code(name),
            code(section.variable + name.upper()) if section.variable else "",
            kind_of(field.annotation),
            default_of(field),
            meaning_of(field),
        )
        for name, field in fields_of(section.model)
    )
    heading = f"## `{section.heading}`" if section.heading else "## Top of the file"
    note = "" if section.variable else "In the environment, the whole list is given as JSON.\n\n"
    body = table(("Setting", "Variable", "Form", "Default", "Meaning"), rows)
    return f"{heading}\n\n{sentence(section.model.__doc__)}\n\n{note}{body}"
