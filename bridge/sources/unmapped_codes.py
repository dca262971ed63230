"""Codes that mean nothing beyond their source: they go out as they are, are told of, and are counted."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from bridge.domain.code_forms import is_unmapped
from bridge.domain.referral import Concept, Referral
from bridge.errors import Problem
from bridge.sources.apply import MOST
from bridge.sources.reading import Reading

_CODES = frozenset({"code-unmapped", "code-not-in-table"})


def remarked(reading: Reading) -> Reading:
    """The reading with a warning for each meaning of its referral that has codes of its source alone."""
    referral = reading.event.referral if reading.event else None
    if referral is None:
        return reading
    before = f"{reading.position}, " if reading.position else ""
    odd = tuple(
        Problem(code="code-unmapped", at=before + name, target=name, rule=reading.mapping)
        for name in islice(_unmapped(referral), MOST)
    )
    return replace(reading, warnings=(*reading.warnings, *odd)) if odd else reading


def unmapped_in(problems: Iterable[Problem]) -> int:
    """How many of these say that a code has no meaning here: in no table, or without a SNOMED CT code."""
    return sum(problem.code in _CODES for problem in problems)


def _unmapped(referral: Referral) -> Iterator[str]:
    if is_unmapped(referral.requested):
        yield "referral.requested"
    for name, concepts in _many(referral):
        yield from (f"{name}[{n}]" for n, concept in enumerate(concepts) if is_unmapped(concept))


def _many(referral: Referral) -> tuple[tuple[str, tuple[Concept, ...]], ...]:
    return (
        ("referral.reasons", referral.reasons),
        ("referral.risks", referral.risks),
        ("patient.requirements", referral.patient.requirements),
    )
