"""`bridge config show`: the settings in force; secrets by their reference, never what they hold."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from pydantic import BaseModel

from bridge.cli import output
from bridge.cli.access import settings
from bridge.cli.options import Json

app = typer.Typer(help="The settings in force.", no_args_is_help=True)

_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):[^/@\s]*@")  # of a URL
_REFERENCE = re.compile(r"env:[A-Z_][A-Z0-9_]*|file:/.*")
_SECRET = (
    "key",
    "keys",
    "secret",
    "passphrase",
    "password",
    "webhook",
)  # how settings end that hold a reference
HIDDEN = "*** (not a reference)"


@app.callback()
def config() -> None:
    """The settings in force."""


@app.command()
def show(as_json: Json = False) -> None:
    """Every setting with its value, file and environment taken together; what nobody set is marked."""
    site = settings()
    if as_json:
        output.as_json(shown(site))
        return
    for line in _lines("", site):
        output.out.print(line, highlight=False, markup=False, soft_wrap=True)


def shown(model: BaseModel) -> dict[str, Any]:
    """The settings as JSON: URLs without passwords, no secret that was pasted in place of its reference."""
    return {name: _plain(model, name) for name in type(model).model_fields}


def _plain(model: BaseModel, name: str) -> Any:
    value = getattr(model, name)
    if isinstance(value, BaseModel):
        return shown(value)
    if isinstance(value, Mapping):
        return {key: shown(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [shown(each) if isinstance(each, BaseModel) else _masked(each) for each in value]
    if isinstance(value, str) and value and name.endswith(_SECRET) and not _REFERENCE.fullmatch(value):
        return HIDDEN
    return _masked(model.model_dump(mode="json", include={name})[name])


def _masked(value: Any) -> Any:
    return _PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value


def _lines(title: str, model: BaseModel) -> Iterator[str]:
    """A table of the file: its own values first, then the tables inside it."""
    if title:
        yield f"\n[{title}]"
    inner = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            inner.append((name, value))
        elif isinstance(value, Mapping):
            inner += [(f"{name}.{key}", each) for key, each in value.items()]
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            inner += [(f"{name}[{n}]", each) for n, each in enumerate(value)]
        else:
            note = "" if name in model.model_fields_set else "  # nobody set it"
            yield f"{name} = {_written(_plain(model, name))}{note}"
    for name, each in inner:
        yield from _lines(f"{title}.{name}" if title else name, each)


def _written(value: Any) -> str:
    """A value as TOML writes it; there is no nothing in TOML."""
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value).replace("'", '"')
