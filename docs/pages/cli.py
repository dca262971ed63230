"""The page of the command line, from the typer application."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from bridge.cli.commands import app
from docs.pages.markdown import code, sentence, table

HEAD = """\
# Command line

`bridge` reads `bridge.toml` in the working folder, or the file that `BRIDGE_CONFIG` names.
`bridge --help` groups the commands by when they are needed, `bridge --version` says which release this is.

| Exit code | Meaning |
| --- | --- |
| 0 | Fine. |
| 1 | Something needs attention. |
| 2 | Wrong usage or configuration. |

With `--json` a refusal is one line of JSON on standard output, beside the words for people on standard error:
`{"error": …, "problems": [{"code": …, "at": …}]}`.

"""
FORMS = {int: "NUMBER", float: "NUMBER", Path: "PATH"}


def text() -> str:
    """The page."""
    return HEAD + "".join(_shown(name, command) for name, command in _commands("bridge", _root()))


def _root() -> Any:
    return typer.main.get_command(app)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command that does something, in the order of the names."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for part, each in sorted(inner.items()):
        if not each.hidden:
            yield from _commands(f"{name} {part}", each)


def _shown(name: str, command: Any) -> str:
    usage = " ".join([name, *(piece for p in command.params for piece in _usage(p))])
    rows = [(code(_named(p)), _default(p), getattr(p, "help", "") or "") for p in command.params if _told(p)]
    options = table(("Argument or option", "Default", "Meaning"), rows) if rows else ""
    return f"## `{name}`\n\n{sentence(command.help)}\n\n```text\n{usage}\n```\n\n{options}"


def _told(parameter: Any) -> bool:
    return bool(parameter.name != "help")


def _usage(parameter: Any) -> Iterator[str]:
    if parameter.param_type_name == "argument":
        name = (parameter.name or "").upper()
        yield name if parameter.required else f"[{name}]"
    elif _told(parameter):
        yield f"[{parameter.opts[0]}{_value(parameter)}]"


def _value(parameter: Any) -> str:
    return "" if parameter.is_flag else f" {FORMS.get(parameter.type_descriptor.annotation, 'TEXT')}"


def _named(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return (parameter.name or "").upper()
    return ", ".join([*parameter.opts, *parameter.secondary_opts])


def _default(parameter: Any) -> str:
    if getattr(parameter, "prompt", None):
        return "asked for"
    if parameter.required:
        return "required"
    shown = parameter.default
    return "" if shown in (None, "", False, ()) or callable(shown) else code(shown)
