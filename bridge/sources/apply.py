"""A record and a mapping become a reading: one event, or everything that is wrong at once.

For each field the first path that holds something wins; its text is trimmed, transformed, looked up in the
code table and parsed by its target. A code that the table does not list is a problem, never a guess.

A value that cannot be used stops the event, except where its target is lenient. What ends a referral is never
stopped by what it says of the patient: its key is enough.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress, islice
from typing import Any, NamedTuple

from bridge.domain.content import content_hash
from bridge.domain.dates import Said, birth_date_problem, is_ahead, london_day
from bridge.domain.referral import EventKind, ReferralEvent, ReferralKey
from bridge.errors import Problem, shape
from bridge.errors.catalogue import CATALOGUE
from bridge.sources.assemble import Values, referral_of
from bridge.sources.mapping import Mapping, Place, Rule
from bridge.sources.reading import Reading
from bridge.sources.record import Found, Record
from bridge.sources.targets import Take, clock_of

MOST = 200  # problems, and unmapped places, told of one event: a hostile message must not drown its reader
_ENDS = (EventKind.CANCELLED, EventKind.ENTERED_IN_ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where one value of the referral came from: target, path as the mapping has it, place in the record."""

    target: str
    path: str
    at: str


class _Took(NamedTuple):
    """What one rule made of one value: `code` says why there is none, `warning` what was assumed."""

    rule: Rule
    place: Place
    found: Found
    value: Any = None
    code: str = ""
    warning: str = ""

    def __repr__(self) -> str:
        return f"_Took({self.rule.target.name})"

    @property
    def name(self) -> str:
        return self.rule.target.name

    @property
    def stops(self) -> bool:
        return bool(self.code) and (self.rule.required or not self.rule.target.lenient)


def apply(record: Record, mapping: Mapping, *, arrived: datetime) -> Reading:
    """Read one record; `arrived` (aware) is the clock of a source that has none."""
    mapping = for_practice(record, mapping)
    found = understood(record, mapping, arrived=arrived)
    return Reading(
        position=record.position,
        event=None if found.problems else _event(record, found, mapping, arrived),
        problems=found.problems,
        warnings=found.warnings,
        unmapped=tuple(record.unused(mapping.known)[:MOST]),
        mapping=mapping.label,
        practice=_practice(found.values) if found.problems else "",
    )


def _practice(values: Values) -> str:
    """The ODS code of what cannot be used, so that its practice finds it on its list."""
    ods = values.one("practice.ods")
    return ods.code if ods else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What the rules made of a record. `whole`: nothing that was left out would have stopped a referral."""

    mapping: Mapping
    values: Values
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    whole: bool

    def place(self, target: str) -> str:
        """The first place where the mapping looks for a target, or ""."""
        return next((r.places[0].text for r in self.mapping.rules if r.target.name == target), "")


def understood(record: Record, mapping: Mapping, *, arrived: datetime) -> Understood:
    """Take what the rules of the mapping ask for; `arrived` is aware."""
    took = list(_take(record, mapping, arrived))
    values = _values(took)
    stopping, odd = _judged(took, values)
    whole = not any(t.stops for t in odd)
    odd = [t for t in odd if t.code != "value-missing"]  # what ends a referral may be its key alone
    return Understood(
        mapping=mapping,
        values=values,
        problems=_told(record, record.problems, _problems(stopping, mapping)),
        warnings=_told(record, record.warnings, _problems(odd, mapping)),
        whole=whole,
    )


def explain(record: Record, mapping: Mapping, *, arrived: datetime) -> tuple[Origin, ...]:
    """Which path and which place made each value of the referral."""
    took = _take(record, for_practice(record, mapping), arrived)
    return tuple(Origin(target=t.name, path=t.place.text, at=t.found.at) for t in took if t.value is not None)


def for_practice(record: Record, mapping: Mapping) -> Mapping:
    """The mapping as this record's practice uses it."""
    if not mapping.overlays:
        return mapping
    rules = [rule for rule in mapping.rules if rule.target.name == "practice.ods"]
    codes = [t.value.code for rule in rules for t in _take_rule(rule, record, mapping) if not t.code]
    return mapping.overlays.get(codes[0], mapping) if codes else mapping


def _take(record: Record, mapping: Mapping, arrived: datetime) -> Iterator[_Took]:
    for rule in mapping.rules:
        judged = _DATED.get(rule.target.name)
        took = _take_rule(rule, record, mapping)
        yield from (judged(t, arrived) for t in took) if judged else took


def _take_rule(rule: Rule, record: Record, mapping: Mapping) -> list[_Took]:
    for place in rule.places:
        values = record.get(place.path)
        if values:
            took = [_took(rule, place, value, mapping) for value in values]
            said = [t for t in took if t.code or t.value is not None]
            return _single(said) if said else _missing(rule, place)
    return _missing(rule, rule.places[0])


def _missing(rule: Rule, place: Place) -> list[_Took]:
    if not rule.required:
        return []
    return [_Took(rule=rule, place=place, found=Found(value="", at=place.text), code="value-missing")]


def _single(said: list[_Took]) -> list[_Took]:
    """Two different values where one is meant are a problem."""
    if len(said) == 1 or said[0].rule.target.take is not Take.ONE:
        return said
    good = [t for t in said if not t.code]
    differs = [t for t in good if t.value != good[0].value]
    return [differs[0]._replace(value=None, code="value-not-single")] if differs else said


def _took(rule: Rule, place: Place, found: Found, mapping: Mapping) -> _Took:
    if found.value is None:
        return _Took(rule=rule, place=place, found=found, code="value-is-structure")
    text, warning = found.value.strip(), ""
    try:
        if rule.transform is not None:
            said = rule.transform(text)
            text, warning = (said.text, said.warning) if isinstance(said, Said) else (said, "")
        if text and rule.table is not None:
            text = _looked_up(text, mapping.codes[rule.table])
        value = rule.target.parse(text) if text else None
    except ValueError as error:
        # Whoever wrote the transform, only a code of ours may leave: other texts could hold the value.
        code = str(error) if str(error) in CATALOGUE else "value-unusable"
        return _Took(rule=rule, place=place, found=found, code=code)
    return _Took(rule, place, found, value, "", warning)


def _looked_up(text: str, table: dict[str, str]) -> str:
    try:
        return table[text]
    except KeyError:
        raise ValueError("code-not-in-table") from None


def _born_by(took: _Took, arrived: datetime) -> _Took:
    """A birth date that cannot be as of the day of arrival is no birth date."""
    problem = birth_date_problem(took.value, today=london_day(arrived)) if took.value else None
    return took._replace(value=None, code=problem) if problem else took


def _past(took: _Took, arrived: datetime) -> _Took:
    """A clock that runs ahead would make every later word an older one."""
    ahead = took.value is not None and is_ahead(took.value.isoformat(), arrived)
    return took._replace(value=None, code="date-ahead") if ahead else took


def _done_by(took: _Took, arrived: datetime) -> _Took:
    """Nobody has referred or typed in the future: what is left out harms less than what cannot be."""
    said = took.value.isoformat() if isinstance(took.value, datetime) else took.value
    ahead = said is not None and is_ahead(said, arrived)
    return took._replace(value=None, warning="date-ahead") if ahead else took


_DATED = {
    "patient.birth_date": _born_by,
    "event.time": _past,
    "referral.authored_on": _done_by,
    "referral.recorded_at": _done_by,
}


def _values(took: Iterable[_Took]) -> Values:
    values = Values()
    for t in took:
        if not t.code and t.value is not None:
            values.add(t.name, t.found.group, t.value)
    return values


def _judged(took: list[_Took], values: Values) -> tuple[list[_Took], list[_Took]]:
    """What stops the event, and what is only odd."""
    ends = values.one("event.kind") in _ENDS
    stopping = [t.stops and (not ends or _identifies(t, values)) for t in took]
    return list(compress(took, stopping)), [t for t, stops in zip(took, stopping, strict=True) if not stops]


def _identifies(took: _Took, values: Values) -> bool:
    """Whether the event has no key, kind or clock without this value."""
    return took.name.startswith("event.") or (took.name == "practice.ods" and not values.all("event.owner"))


def _problems(took: Iterable[_Took], mapping: Mapping) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            code=t.code or t.warning,
            at=t.found.at,
            target=t.name,
            shape=shape((t.found.value or "").strip()),
            rule=f"{mapping.label} {t.name}",
        )
        for t in took
        if t.code or t.warning
    )


def _told(
    record: Record, by_reader: tuple[Problem, ...], by_rules: tuple[Problem, ...]
) -> tuple[Problem, ...]:
    """Both lists with the record's position: of one place the reader's word counts, and one code once."""
    spoken = {problem.at for problem in by_reader}
    ruled: dict[tuple[str, str], Problem] = {}
    for problem in by_rules:
        if problem.at not in spoken:
            ruled.setdefault((problem.at, problem.code), problem)
    before = f"{record.position}, " if record.position else ""
    told = islice((*by_reader, *ruled.values()), MOST)
    return tuple(replace(problem, at=before + problem.at) for problem in told)


def _event(record: Record, found: Understood, mapping: Mapping, arrived: datetime) -> ReferralEvent:
    values = found.values
    kind = values.one("event.kind")
    owner = values.one("event.owner") or values.one("practice.ods").code
    key = ReferralKey(source=mapping.source, owner=owner, record=values.one("event.record"))
    referral = referral_of(values, key) if found.whole else None
    moment = values.one("event.time") or arrived
    return ReferralEvent(
        kind=kind,
        key=key,
        clock=record.clock or values.one("event.version") or clock_of(moment),
        content=content_hash(kind, key, referral),
        position=record.position,
        referral=referral,
        extracted_at=values.one("event.extracted_at"),
    )
