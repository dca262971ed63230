"""Formats by name: reader modules of this package and of the entry point group `bridge.sources`."""

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import ModuleType
from typing import Protocol

from bridge.errors import ConfigError, Problem
from bridge.sources.apply import apply
from bridge.sources.mapping import Mapping
from bridge.sources.people import news_of
from bridge.sources.reading import Reading
from bridge.sources.record import Path, PersonRecord, Record
from bridge.sources.transforms import TRANSFORMS, Transform

_MODULES = {"json": "json_record", "fhir": "fhir_bundle"}  # the rest are named as their format
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Read(Protocol):
    """How a message becomes readings; raises Unreadable when it cannot."""

    def __call__(self, body: bytes, *, mapping: Mapping, arrived: datetime) -> Iterator[Reading]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A reader module (see `bridge.sources.record`); `records` is None where its `read` does it all."""

    parse_path: Callable[[str], Path]
    records: Callable[[bytes], Iterator[Record | PersonRecord]] | None
    read: Read
    transforms: Table[str, Transform]
    code_problem: Callable[[str, str, str], str] | None  # where code tables serve the reader, not fields

    def reading(self, records: Callable[[bytes], Iterator[Record | PersonRecord]]) -> "Format":
        """The same format with another way to find the records of a message."""
        return replace(self, records=records, read=_by_records(records))


def format_of(name: str) -> Format:
    """The format of that name; ConfigError when there is no reader module for it."""
    module = _module(name) if _NAME.fullmatch(name) else None
    if module is None or not hasattr(module, "parse_path"):
        raise ConfigError(problems=(Problem(code="mapping-unknown-format"),))
    records = getattr(module, "records", None)
    return Format(
        parse_path=module.parse_path,
        records=records,
        read=_by_records(records) if records else module.read,
        transforms={**TRANSFORMS, **getattr(module, "TRANSFORMS", {})},
        code_problem=getattr(module, "code_problem", None),
    )


def _by_records(records: Callable[[bytes], Iterator[Record | PersonRecord]]) -> Read:
    def read(body: bytes, *, mapping: Mapping, arrived: datetime) -> Iterator[Reading]:
        return (_reading(record, mapping, arrived) for record in records(body))

    return read


def _reading(record: Record | PersonRecord, mapping: Mapping, arrived: datetime) -> Reading:
    if isinstance(record, PersonRecord):
        return news_of(record, mapping, arrived=arrived)
    return apply(record, mapping, arrived=arrived)


def _module(name: str) -> ModuleType | None:
    offered = next(iter(entry_points(group="bridge.sources", name=name)), None)
    if offered is not None:
        module: ModuleType = offered.load()
        return module
    full = f"{__package__}.{_MODULES.get(name, name)}"
    return import_module(full) if find_spec(full) else None
