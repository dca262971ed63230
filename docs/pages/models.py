"""Pydantic models as rows: each field with its default, its limits and its meaning."""

from collections.abc import Iterable, Iterator
from datetime import date
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.pages.markdown import code

NAMES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date",
    Path: "path",
}


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields in the order they are written."""
    return iter(model.model_fields.items())


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models a field is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def default_of(field: FieldInfo) -> str:
    """What counts when nothing is said."""
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined:
        return "none" if field.default_factory in (dict, tuple, list) else "chosen at start"
    if isinstance(field.default, BaseModel):
        return "see below"
    return code(_plain(field.default)) or "none"


def _plain(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


def kind_of(annotation: Any) -> str:
    """What may stand there, in words."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _either(code(member.value) for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    origin, parts = get_origin(annotation), get_args(annotation)
    return _composed(origin, parts) if origin else NAMES.get(annotation, "text")


def _composed(origin: Any, parts: tuple[Any, ...]) -> str:
    if origin is Literal:
        return _either(code(part) for part in parts)
    if origin in (tuple, list):
        return f"list of {kind_of(parts[0])}"
    if origin is dict:
        return f"table by {kind_of(parts[0])}, each a {kind_of(parts[1])}"
    if origin in (Union, UnionType):
        return _either(kind_of(part) for part in parts if part is not type(None))
    return kind_of(parts[0])  # Annotated


def _either(kinds: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind))


def meaning_of(field: FieldInfo) -> str:
    """The description with the limits."""
    return f"{field.description or ''} {_limits(field)}".strip()


def _limits(field: FieldInfo) -> str:
    limits = {name: getattr(each, name) for each in field.metadata for name in ("gt", "ge", "le")
              if getattr(each, name, None) is not None}  # fmt: skip
    low = f"{limits['ge']}" if "ge" in limits else f"more than {limits['gt']}" if "gt" in limits else ""
    high = f"{limits['le']}" if "le" in limits else ""
    return f"({low} to {high})" if low and high else ""
