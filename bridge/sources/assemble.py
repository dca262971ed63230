"""Parsed values, by target name, become the canonical referral.

A target is named after the field it fills (`patient.family` is `Patient.family`), so plain fields need no
line here; what is put together from several targets does.
"""

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, TypeVar

from bridge.domain import systems
from bridge.domain.referral import (
    Address,
    Concept,
    Identifier,
    Organisation,
    Patient,
    Referral,
    ReferralKey,
    Requester,
    SafeContact,
    Telecom,
)
from bridge.sources.targets import ADDRESS_LINES, CODE_SYSTEMS, PERSON_SYSTEMS, PHONE_USES, TARGETS, Take

_NUMBERS = re.compile(r"(\d+)", re.ASCII)

T = TypeVar("T")


@dataclass(slots=True)
class Values:
    """What was taken for each target: parsed values, each with the group it was found in."""

    taken: dict[str, dict[tuple[str, Any], None]] = field(default_factory=dict)  # dicts as ordered sets

    def add(self, target: str, group: str, value: object) -> None:
        """Keep one more value; the same again in the same group says nothing new."""
        self.taken.setdefault(target, {})[group, value] = None

    def all(self, target: str) -> tuple[Any, ...]:
        """Every value of a target, in order."""
        return tuple(value for _, value in self.taken.get(target, ()))

    def each(self, targets: Iterable[str]) -> tuple[Any, ...]:
        """Every value of several targets, in their order."""
        return tuple(value for target in targets for value in self.all(target))

    def one(self, target: str) -> Any:
        """What a dataclass field of this target holds; None when nothing was taken."""
        taken = self.taken.get(target)
        if not taken:
            return None
        take = TARGETS[target].take
        if take is Take.ONE:
            return next(iter(taken))[1]
        return self.all(target) if take is Take.ALL else "\n".join(self.all(target))

    def any_under(self, prefix: str) -> bool:
        """Whether anything was taken for a target below that name."""
        return any(name.startswith(f"{prefix}.") for name in self.taken)


def referral_of(values: Values, key: ReferralKey) -> Referral:
    """The referral that these values make."""
    return _made(
        Referral,
        "referral",
        values,
        key=key,
        practice=_made(Organisation, "practice", values),
        patient=patient_of(values),
        requested=next(_concepts("referral.requested", values, together=True), Concept()),
        reasons=tuple(_concepts("referral.reasons", values)),
        requester=_requester(values),
        author=_made(Organisation, "author", values),
        recipient=_made(Organisation, "recipient", values),
        risks=tuple(_concepts("referral.risks", values)),
        identifiers=tuple(Identifier(system=systems.UBRN, value=v) for v in values.all("referral.ubrn")),
    )


def _made(kind: type[T], prefix: str, values: Values, **built: object) -> T:
    """A dataclass from the targets named after its fields; what was not said keeps its default."""
    targets = _targets(kind, prefix)  # type: ignore[arg-type]  # a class is hashable
    said = {name: values.one(target) for name, target in targets if target in values.taken}
    return kind(**said | built)


@cache
def _targets(kind: Hashable, prefix: str) -> tuple[tuple[str, str], ...]:
    """The fields of a dataclass, each with the target of its name."""
    return tuple((f.name, f"{prefix}.{f.name}") for f in fields(kind))  # type: ignore[arg-type]


def patient_of(values: Values) -> Patient:
    """The person that these values make."""
    lines = values.all("patient.address.lines") + values.each(ADDRESS_LINES)
    given = values.all("patient.given") + values.all("patient.middle_names")
    said = values.any_under("patient.address")
    return _made(
        Patient,
        "patient",
        values,
        given=given,
        address=_made(Address, "patient.address", values, lines=lines) if said else None,
        telecoms=tuple(_telecoms("patient", values)),
        requirements=tuple(_concepts("patient.requirements", values)),
        safe_contact=_made(SafeContact, "patient.safe_contact", values),
        deceased=bool(values.one("patient.deceased") or values.one("patient.deceased_on")),
    )


def _requester(values: Values) -> Requester:
    known = ((system, values.one(f"requester.{name}")) for name, system in PERSON_SYSTEMS.items())
    return _made(
        Requester,
        "requester",
        values,
        identifier=next((Identifier(system=s, value=v) for s, v in known if v), None),
        organisation=_made(Organisation, "requester.organisation", values),
        telecoms=tuple(_telecoms("requester", values)),
    )


def _telecoms(prefix: str, values: Values) -> Iterator[Telecom]:
    for name, use in PHONE_USES.items():
        for value in values.all(f"{prefix}.{name}"):
            yield Telecom(system="phone", value=value, use=use)
    for value in values.all(f"{prefix}.email"):
        yield Telecom(system="email", value=value)


def _concepts(prefix: str, values: Values, *, together: bool = False) -> Iterator[Concept]:
    """One concept for each group in which a code or a text was found, or one of everything `together`."""
    groups: dict[str, dict[str, list[Any]]] = {}
    for name in (*CODE_SYSTEMS, "display", "text"):
        for group, value in values.taken.get(f"{prefix}.{name}", ()):
            parts = groups.setdefault("" if together else group, {})
            parts.setdefault(name, []).append(value)
    for group in sorted(groups, key=_in_order):
        yield _concept(groups[group])


def _in_order(group: str) -> list[tuple[int, str]]:
    """Places sort as people count: `[2]` before `[10]`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBERS.split(group)]


def _concept(parts: dict[str, list[Any]]) -> Concept:
    codings = [coding for name in CODE_SYSTEMS for coding in parts.get(name, ())]
    if codings and "display" in parts:
        codings[0] = replace(codings[0], display=parts["display"][0])
    words = parts.get("text") or ([] if codings else parts.get("display", []))
    return Concept(codings=tuple(codings), text="\n".join(words))
