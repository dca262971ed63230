"""A mapping file becomes a mapping, or a list of everything wrong with it: each with file and line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path as File
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bridge.domain.identifiers import OdsCode
from bridge.domain.toml_file import read_toml
from bridge.domain.toml_lines import line_of
from bridge.errors import ConfigError, Problem
from bridge.errors.catalogue import meaning as explained
from bridge.errors.wording import rule_of
from bridge.sources.formats import Format, format_of
from bridge.sources.mapping import Codes, FieldText, Mapping, MappingText, OverlayText, Place, Rule
from bridge.sources.targets import TARGETS, Target, with_tpp

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")  # a label of two names and versions is kept with each event
_NEEDED = (
    ("event.kind",),
    ("event.record",),
    ("event.owner", "practice.ods"),
)  # else no event has an identity
_CODES = {"extra_forbidden": "mapping-unknown-key", "missing": "mapping-missing-key"}

Model = TypeVar("Model", bound=BaseModel)


@dataclass(slots=True)
class Sheet:
    """One TOML file: what it says, where each key stands and what was found wrong so far."""

    file: File
    said: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The system's or overlay's name: the file's, without `.toml`."""
        return self.file.stem

    def tell(self, code: str, key: str, rule: str = "") -> None:
        """Note a problem of the key with that dotted name: a mapping holds no patient, so it is named."""
        self.problems.append(
            Problem(code=code, at=f"{self.file}:{line_of(key, self.lines)}", target=key, rule=rule)
        )


def open_sheet(file: File) -> Sheet:
    """Read a TOML file; `said` stays empty when it is none."""
    sheet = Sheet(file)
    if not _NAME.fullmatch(file.stem):
        sheet.tell("mapping-file-name", "")
    try:
        toml = read_toml(file)
    except ConfigError as error:
        sheet.problems.extend(error.problems)
    else:
        sheet.said, sheet.lines = toml.said, toml.lines
    return sheet


def mapping_of(sheet: Sheet) -> Mapping | None:
    """The mapping of a sheet; None, with the reasons in `sheet.problems`, when it cannot be used."""
    fields = sheet.said.get("fields")
    flat = {**sheet.said, "fields": dict(_flattened(fields))} if isinstance(fields, dict) else sheet.said
    text = _checked(MappingText, flat, sheet)
    if text is None:
        return None
    try:
        reader = format_of(text.format)
    except ConfigError:
        sheet.tell("mapping-unknown-format", "format")
        return None
    return _compiled(text, reader, sheet)


def overlays_of(sheet: Sheet, base: Mapping) -> dict[str, Mapping]:
    """The base mapping with this overlay's codes, by the ODS code of each of its practices."""
    text = _checked(OverlayText, sheet.said, sheet)
    if text is None:
        return {}
    for table in text.codes.keys() - base.codes.keys():
        sheet.tell("mapping-unknown-table", f"codes.{table}")
    _check_codes(base.rules, text.codes, format_of(base.format), sheet)
    codes = {name: table | text.codes.get(name, {}) for name, table in base.codes.items()}
    overlaid = replace(base, label=f"{base.label}+{sheet.name}@{text.version}", codes=codes)
    return dict.fromkeys(_practices(text, sheet), overlaid)


def _practices(text: OverlayText, sheet: Sheet) -> Iterator[str]:
    for practice in text.practices:
        try:
            yield OdsCode.parse(practice).code
        except ValueError as error:
            sheet.tell(str(error), "practices")


def _flattened(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`patient.family = {…}` is a table in a table for TOML and one dotted name for us."""
    for key, value in table.items():
        if isinstance(value, dict) and value and not value.keys() & FieldText.model_fields.keys():
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _checked(model: type[Model], said: dict[str, Any], sheet: Sheet) -> Model | None:
    try:
        return model.model_validate(said)
    except ValidationError as errors:
        for error in errors.errors(include_url=False, include_input=False):
            key = ".".join(map(str, error["loc"]))
            sheet.tell(_CODES.get(error["type"], "mapping-wrong-value"), key, rule_of(error))
    return None


def _compiled(text: MappingText, reader: Format, sheet: Sheet) -> Mapping:
    rules = tuple(_rules(text, reader, sheet))
    ignored = tuple(_places(list(text.ignored), "ignored.{}", reader, sheet))
    _check_codes(rules, text.codes, reader, sheet)
    _check_needed(text, reader, sheet)
    mapped = tuple(place.path for rule in rules for place in rule.places)
    return Mapping(
        label=f"{sheet.name}@{text.version}",
        source=sheet.name,
        format=text.format,
        rules=rules,
        codes=text.codes,
        ignored=ignored,
        known=mapped + tuple(place.path for place in ignored),
        tpp=text.systems.tpp,
        reasons=text.ignored,
    )


def _rules(text: MappingText, reader: Format, sheet: Sheet) -> Iterator[Rule]:
    for name in text.fields.keys() - TARGETS.keys():
        sheet.tell("mapping-unknown-target", f"fields.{name}")
    for name, target in TARGETS.items():
        if name in text.fields:
            yield _rule(target, text, reader, sheet)


def _rule(target: Target, text: MappingText, reader: Format, sheet: Sheet) -> Rule:
    said: FieldText = text.fields[target.name]
    key = f"fields.{target.name}"
    if said.codes is not None and said.codes not in text.codes:
        sheet.tell("mapping-unknown-table", f"{key}.codes")
    if said.transform is not None and said.transform not in reader.transforms:
        sheet.tell("mapping-unknown-transform", f"{key}.transform")
    return Rule(
        target=with_tpp(target, text.systems.tpp),
        places=tuple(_places(said.at, f"{key}.at", reader, sheet)),
        required=said.required or target.name in _identity(text),
        transform=reader.transforms.get(said.transform or ""),
        table=said.codes,
    )


def _identity(text: MappingText) -> tuple[str, ...]:
    """What every event of this mapping must have, whether or not the mapping says so."""
    return ("event.kind", "event.record", "event.owner" if "event.owner" in text.fields else "practice.ods")


def _places(paths: list[str], key: str, reader: Format, sheet: Sheet) -> Iterator[Place]:
    for path in paths:
        try:
            yield Place(text=path, path=reader.parse_path(path))
        except ValueError as error:
            sheet.tell("mapping-path", key.format(path), str(error))


def _check_codes(rules: tuple[Rule, ...], codes: Codes, reader: Format, sheet: Sheet) -> None:
    """What a code table makes of a value must be something its target, or the reader, understands."""
    for rule in rules:
        for code, meaning in codes.get(rule.table or "", {}).items():
            try:
                _ = meaning and rule.target.parse(meaning)
            except ValueError as error:
                words = f"{rule.target.name}: {explained(str(error))[0]}"
                sheet.tell("mapping-code", f"codes.{rule.table}.{code}", words)
    if reader.code_problem is not None:
        for table, lines in codes.items():
            for code, meaning in lines.items():
                if problem := reader.code_problem(table, code, meaning):
                    sheet.tell("mapping-code", f"codes.{table}.{code}", problem)


def _check_needed(text: MappingText, reader: Format, sheet: Sheet) -> None:
    if reader.records is None:
        if text.fields:
            sheet.tell("mapping-fields-unused", "fields")
        return
    for names in _NEEDED:
        if not text.fields.keys() & set(names):
            sheet.tell("mapping-needs-target", "fields", " or ".join(names))
