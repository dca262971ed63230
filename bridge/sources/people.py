"""News of a person, read by the same mapping as a referral: its places of practice and patient alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bridge.domain.identifiers import NhsNumber
from bridge.domain.person import NewsKind, PersonNews
from bridge.errors import Problem
from bridge.sources.apply import MOST, Understood, for_practice, understood
from bridge.sources.assemble import Values, patient_of
from bridge.sources.mapping import Mapping, Rule
from bridge.sources.reading import Reading
from bridge.sources.record import PersonRecord
from bridge.sources.targets import clock_of

# Where a message may say nothing of it: what is held stays.
_MAY_BE_SILENT = frozenset({"patient.family", "patient.birth_date"})
_OF_MERGE = ("event.time", "practice.", "patient.test")
_OF_CHANGE = ("event.time", "practice.", "patient.")


def news_of(person: PersonRecord, mapping: Mapping, *, arrived: datetime) -> Reading:
    """Read one record about a person; `arrived` (aware) is the clock of a source that has none."""
    mapping = for_practice(person.record, mapping)
    asked = _OF_MERGE if person.kind is NewsKind.MERGED else _OF_CHANGE
    rules = tuple(map(_relaxed, (r for r in mapping.rules if r.target.name.startswith(asked))))
    found = understood(person.record, replace(mapping, rules=rules), arrived=arrived)
    problems = found.problems or tuple(_unusable(person, found))
    return Reading(
        position=person.record.position,
        person=None if problems else _news(person, found.values, mapping, arrived),
        problems=problems,
        warnings=found.warnings,
        unmapped=tuple(person.record.unused(mapping.known)[:MOST]),
        mapping=mapping.label,
    )


def _relaxed(rule: Rule) -> Rule:
    return replace(rule, required=False) if rule.target.name in _MAY_BE_SILENT else rule


def _unusable(person: PersonRecord, found: Understood) -> Iterator[Problem]:
    """Nobody is named, or the message empties what a referral cannot be without."""
    values, place = found.values, found.place
    if person.kind is NewsKind.MERGED:
        if not (_numbers(person.numbers) or person.local_keys):
            yield Problem(code="person-unnamed", at=person.record.position)
        return
    if values.one("patient.nhs_number") is None:
        yield Problem(code="nhs-number-missing", at=place("patient.nhs_number"))
    for name in _MAY_BE_SILENT:
        if name.removeprefix("patient.") in person.said and not values.one(name):
            yield Problem(code="value-missing", at=place(name), target=name)


def _news(person: PersonRecord, values: Values, mapping: Mapping, arrived: datetime) -> PersonNews:
    patient = patient_of(values)
    named = (patient.nhs_number,) if patient.nhs_number else ()
    return PersonNews(
        kind=person.kind,
        source=mapping.source,
        practice=values.one("practice.ods"),
        patient=patient,
        clock=person.record.clock or clock_of(values.one("event.time") or arrived),
        said=person.said,
        numbers=named if person.kind is NewsKind.CHANGED else _numbers(person.numbers),
        local_keys=person.local_keys,
    )


def _numbers(written: tuple[str, ...]) -> tuple[NhsNumber, ...]:
    """The NHS numbers among them; one with a wrong check digit is nobody's."""
    found = []
    for text in written:
        try:
            found.append(NhsNumber.parse(text))
        except ValueError:
            continue
    return tuple(dict.fromkeys(found))
