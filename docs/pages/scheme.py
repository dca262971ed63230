"""The page of scheme files, from bridge.schemes and bridge.fhir.released."""

from collections.abc import Iterator

from pydantic import BaseModel

from bridge.fhir.released import FIELD_GROUPS
from bridge.schemes.scheme import Scheme
from docs.pages.markdown import code, sentence, table
from docs.pages.models import default_of, fields_of, kind_of, meaning_of, models_in

HEAD = """\
# Scheme files

A scheme holds the rules one locality runs by.
Each is one TOML file in `schemes/` of the site's mappings folder.
`bridge init` writes one to start from, and `bridge check` names every mistake with file and line.
An unknown key is an error, and a practice belongs to one scheme.

"""
DISCLOSURE = """\
## Field groups of `[disclosure]`

A field leaves only when its group is in the list for the kind of the service.
What is in no group always goes: our identifier, status, intent, what was asked for, when, and the service.

"""


def text() -> str:
    """The page."""
    groups = table(("Group", "What is in it"), ((code(k), v) for k, v in FIELD_GROUPS.items()))
    return HEAD + "".join(_shown(heading, model) for heading, model in _sections()) + DISCLOSURE + groups


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    yield "Top of the file", Scheme
    yield from _inside(Scheme, "")


def _inside(outer: type[BaseModel], place: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """The tables of a model, each followed by the tables inside it."""
    for name, field in fields_of(outer):
        for model in models_in(field.annotation):
            path = f"{place}{name}"
            listed = kind_of(field.annotation).startswith("list")
            yield f"`[[{path}]]`" if listed else f"`[{path}]`", model
            yield from _inside(model, f"{path}.")


def _shown(heading: str, model: type[BaseModel]) -> str:
    rows = (
        (code(name), kind_of(field.annotation), default_of(field), meaning_of(field))
        for name, field in fields_of(model)
    )
    body = table(("Key", "Form", "Default", "Meaning"), rows)
    return f"## {heading}\n\n{sentence(model.__doc__)}\n\n{body}"
