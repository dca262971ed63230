"""The page of the HTTP doors, from the OpenAPI description of the application."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bridge.app import data_folder, open_bridge
from bridge.config import Settings
from bridge.intake.answers import ANSWERS
from bridge.security.keyring import create_key_ring
from docs.pages.markdown import code, sentence, table

HEAD = """\
# HTTP

Every answer carries `X-Request-ID` and `X-Correlation-ID` as they came.
A message that was kept, also one that was kept and refused, has its receipt id in `X-Receipt-ID`.
A refusal is a FHIR OperationOutcome that names places and [problem codes](errors.md), never values.
FHIR is taken in JSON and in XML, and answered in JSON unless Accept or `_format` would rather have XML.
The door of the Booking and Referral Standard takes an Accept only that allows FHIR JSON.
`GET /openapi.json` describes all of it to programs; `HEAD /_ping` answers as GET does, without a body.

## Refusals

"""
VERBS = ("get", "post", "put", "patch", "delete")


def text() -> str:
    """The page."""
    rows = (
        (status, _kind(error), f"[{code(problem)}](errors.md#{problem})")
        for error, (status, problem) in sorted(ANSWERS.items(), key=lambda row: row[1][0])
    )
    refusals = table(("Status", "When", "Problem code when no other says more"), rows)
    paths = asyncio.run(_description())["paths"]
    return HEAD + refusals + "".join(_operations(paths))


def _kind(error: type[Exception]) -> str:
    return sentence(error.__doc__)


async def _description() -> dict[str, Any]:
    """The description of a bridge with nothing in it."""
    with TemporaryDirectory() as folder:
        settings = Settings(
            base="https://bridge.invalid", data=Path(folder) / "var", database="", node="docs"
        )
        data_folder(settings)
        create_key_ring(settings.data / "keys.json")
        async with open_bridge(settings) as bridge:
            return bridge.http().openapi()


def _operations(paths: dict[str, Any]) -> Iterator[str]:
    for path, verbs in sorted(paths.items()):
        for verb in VERBS:
            if verb in verbs:
                yield _operation(f"{verb.upper()} {path}", verbs[verb])


def _operation(name: str, said: dict[str, Any]) -> str:
    told = sentence(said.get("description"))
    parameters = [
        (code(p["name"]), p["in"], _form(p.get("schema", {})), sentence(p.get("description")))
        for p in said.get("parameters", ())
    ]
    shown = table(("Parameter", "In", "Form", "Meaning"), parameters) if parameters else ""
    return f"## `{name}`\n\n" + (f"{told}\n\n" if told else "") + shown


def _form(schema: dict[str, Any]) -> str:
    return code(schema["pattern"]) if "pattern" in schema else str(schema.get("type", ""))
