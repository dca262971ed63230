"""A message as a specimen: every value in it with its place, and the message again with one value exchanged.

What a mapping makes of each copy shows where each value goes, whether a rule or code carried it there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import orjson

from bridge.domain import strict_json
from bridge.fhir import inbound
from bridge.fhir.writing import to_json
from bridge.sources import Source
from bridge.sources.emis_record import JoinedRecord, joined
from bridge.sources.fhir_bundle import LIMIT, element_at
from bridge.sources.hl7v2_sender import reads_hl7v2
from bridge.sources.hl7v2_unused import WholeSegment
from bridge.sources.json_record import JsonRecord
from bridge.sources.mapping import Mapping
from bridge.wire.hl7v2 import DELETE, Message, Repetition, parse
from bridge.wire.hl7v2_path import Path
from bridge.wire.hl7v2_text import escape


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Leaf:
    """One value of a message: `place` is its notation, `event` the number of the event it stands in."""

    place: str
    value: str
    event: int = 0


class Specimen(Protocol):
    """One message."""

    def leaves(self) -> Iterator[Leaf]:
        """Every value that says something."""

    def changed(self, leaf: Leaf, value: str | None) -> Any:
        """The same with another value in that place, or with none; bytes of a message."""

    def ignored(self, leaf: Leaf, mapping: Mapping) -> str:
        """Why the mapping leaves the value out, or ""."""

    def named(self, leaf: Leaf) -> str:
        """The place as a mapping would name it: without the numbers of one message."""


def specimen_of(source: Source, body: bytes) -> Specimen:
    """The message as that source reads it; Unreadable when it is none."""
    if reads_hl7v2(source):
        return Hl7Specimen(parse(body))
    if source.format.records is None:
        return FhirSpecimen(inbound.read(body, limit=LIMIT))
    return JsonSpecimen(strict_json.loads(body, limit=LIMIT))


# JSON

_Steps = tuple[str | int, ...]


class JsonSpecimen:
    """A JSON message: one event, or an array of them."""

    def __init__(self, root: Any) -> None:
        self._events: list[Any] = root if isinstance(root, list) else [root]
        self._many = isinstance(root, list)
        self._at: dict[tuple[int, str], _Steps] = {}

    def leaves(self) -> Iterator[Leaf]:
        """Every text, number and truth value."""
        for n, event in enumerate(self._events):
            for steps, value in _values(event):
                place = "$" + _notation(steps)
                self._at[n, place] = steps
                yield Leaf(place=place, value=_plain(value), event=n)

    def changed(self, leaf: Leaf, value: str | None) -> bytes:
        """The message with another value in that place, of the same JSON type, or with none."""
        events = list(self._events)
        events[leaf.event] = _with(events[leaf.event], self._at[leaf.event, leaf.place], value)
        return to_json(events if self._many else events[0])  # type: ignore[arg-type]  # any JSON value

    def ignored(self, leaf: Leaf, mapping: Mapping) -> str:
        """Why the mapping leaves the value out, or ""."""
        record = JsonRecord(root=self._events[leaf.event])
        for place in mapping.ignored:
            if any(_is_under(leaf.place, found.at) for found in record.get(place.path)):  # type: ignore[arg-type]
                return mapping.reasons[place.text]
        return ""

    def named(self, leaf: Leaf) -> str:
        """Without the numbers of array elements."""
        steps = (step for step in self._at[leaf.event, leaf.place] if isinstance(step, str))
        return "$" + _notation(tuple(steps))


class FhirSpecimen:
    """A FHIR resource or Bundle, from JSON or XML; changed copies are JSON."""

    def __init__(self, resource: dict[str, Any]) -> None:
        self._resource = resource
        self._kind = str(resource["resourceType"])
        self._at: dict[str, _Steps] = {}

    def leaves(self) -> Iterator[Leaf]:
        """Every primitive value but the types of resources."""
        for steps, value in _values(self._resource):
            if steps[-1] != "resourceType":
                place = self._kind + _notation(steps)
                self._at[place] = steps
                yield Leaf(place=place, value=_plain(value))

    def changed(self, leaf: Leaf, value: str | None) -> bytes:
        """The message with another value in that place, of the same JSON type, or with none."""
        return to_json(_with(self._resource, self._at[leaf.place], value))

    def ignored(self, leaf: Leaf, mapping: Mapping) -> str:
        """Why the mapping leaves the value out, or ""."""
        _, precise = element_at(leaf.place, self._resource)
        for place in mapping.ignored:
            if f"{precise}.".startswith((f"{place.text}.", f"{place.text}[")):
                return mapping.reasons[place.text]
        return ""

    def named(self, leaf: Leaf) -> str:
        """The element path, from its own resource on."""
        return element_at(leaf.place, self._resource)[0]


def _values(value: Any, steps: _Steps = ()) -> Iterator[tuple[_Steps, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _values(inner, (*steps, name))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _values(inner, (*steps, n))
    elif value not in (None, ""):
        yield steps, value


def _with(value: Any, steps: _Steps, text: str | None) -> Any:
    """The same tree with another value at the end of the steps, or without it."""
    if not steps:
        return _typed(value, text)
    first, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        inner = _with(value[first], rest, text)
        others = {name: held for name, held in value.items() if name != first}
        return others if inner is None else {**value, first: inner}
    items = [_with(held, rest, text) if n == first else held for n, held in enumerate(value)]
    return [held for held in items if held is not None]


def _typed(old: Any, text: str | None) -> Any:
    if text is None or isinstance(old, str):
        return text
    if isinstance(old, bool):
        return not old
    return Decimal(text) if isinstance(old, Decimal) else int(text)


def _notation(steps: _Steps) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode().strip('"')


def _is_under(place: str, above: str) -> bool:
    return place == above or place.startswith((f"{above}.", f"{above}["))


# EMIS


class JoinedSpecimen:
    """The joined record of one EMIS entry, column by column; changed copies are joined records."""

    def __init__(self, record: JoinedRecord) -> None:
        self._record = record

    def leaves(self) -> Iterator[Leaf]:
        """Every column that says something."""
        for alias, row in self._record.parts.items():
            for column, value in row.items():
                if value.strip():
                    yield Leaf(place=f"{alias}.{column}", value=value)

    def changed(self, leaf: Leaf, value: str | None) -> JoinedRecord:
        """The record joined anew from rows with another value in that column, or without it."""
        changed, _, column = leaf.place.partition(".")
        others = {name: text for name, text in self._record.parts[changed].items() if name != column}
        row = others if value is None else others | {column: value}
        said = {name: texts[0] for name, texts in self._record.said.items() if texts}
        return joined(
            {**self._record.parts, changed: row},
            kind=said["Kind"],
            shape_is=said["Shape"],
            extracted_at=said["ExtractedAt"],
            position=self._record.position,
            clock=self._record.clock,
        )

    def ignored(self, leaf: Leaf, mapping: Mapping) -> str:
        """Why the mapping leaves the column, or all of its row, out; else ""."""
        reasons = mapping.reasons
        return reasons.get(leaf.place, "") or reasons.get(leaf.place.partition(".")[0], "")

    def named(self, leaf: Leaf) -> str:
        """The column."""
        return leaf.place


# HL7 v2


class Hl7Specimen:
    """An HL7 v2 message, component by component."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._at: dict[str, tuple[Repetition, int]] = {}

    def leaves(self) -> Iterator[Leaf]:
        """Every component that says something, but for the delimiters."""
        for segment in self._message.segments:
            for field in range(3 if segment.id == "MSH" else 1, len(segment.fields)):
                for repetition in segment.repetitions(field):
                    yield from self._components(repetition)

    def _components(self, repetition: Repetition) -> Iterator[Leaf]:
        count = repetition.raw.count(self._message.delimiters.component) + 1
        for component in range(1, count + 1):
            value = repetition.part(component)
            if value.strip() not in ("", DELETE):
                place = repetition.place(component if count > 1 else 0)
                self._at[place] = (repetition, component)
                yield Leaf(place=place, value=value)

    def changed(self, leaf: Leaf, value: str | None) -> bytes:
        """The message with another component there, or an empty one."""
        at, component = self._at[leaf.place]
        d = self._message.delimiters
        lines = []
        for segment in self._message.segments:
            fields = list(segment.fields)
            if segment is at.segment:
                repetitions = fields[at.field].split(d.repetition)
                parts = repetitions[at.number - 1].split(d.component)
                parts[component - 1] = escape(value or "", d)
                repetitions[at.number - 1] = d.component.join(parts)
                fields[at.field] = d.repetition.join(repetitions)
            start = "MSH" + fields[1] if segment.id == "MSH" else segment.id + d.field
            lines.append(start + d.field.join(fields[2 if segment.id == "MSH" else 1 :]))
        return "".join(f"{line}\r" for line in lines).encode(self._message.charset)

    def ignored(self, leaf: Leaf, mapping: Mapping) -> str:
        """Why the mapping leaves the value out, or ""."""
        at, _ = self._at[leaf.place]
        for place in mapping.ignored:
            path = place.path
            if isinstance(path, WholeSegment) and path.id == at.segment.id:
                return mapping.reasons[place.text]
            if isinstance(path, Path) and any(
                f"{leaf.place}.".startswith(f"{found.place(path.component)}.")
                for found in self._message.find(path)
            ):
                return mapping.reasons[place.text]
        return ""

    def named(self, leaf: Leaf) -> str:
        """Without the numbers of segments and repetitions."""
        at, component = self._at[leaf.place]
        many = self._message.delimiters.component in at.raw
        return f"{at.segment.id}-{at.field}" + (f".{component}" if many else "")
