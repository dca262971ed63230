"""What a QuestionnaireResponse says of a referral: the answers to a questionnaire that its canonical names.

Answers are taken in the order of the form, groups opened. A coded answer counts by its ordinal value, else by
its LOINC answer code (LA6568-5 to LA6571-9: 0 to 3, as public PHQ-9 and GAD-7 questionnaires have them).
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from bridge.domain import instruments
from bridge.domain.instruments import Instrument
from bridge.domain.outcome import Outcome, OutcomeKind, Value
from bridge.fhir.outcome_reading import OutcomeReading
from bridge.fhir.requests import sortable
from bridge.fhir.trees import EMPTY, Json, Tree, text, tree_at, trees
from bridge.fhir.writing import to_json

_STATUS: Final = {"completed": "final", "amended": "amended", "entered-in-error": "entered-in-error"}
_ORDINAL: Final = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/ordinalValue",
        "http://hl7.org/fhir/StructureDefinition/iso21090-CO-value",
    }
)
_POINTS: Final = {"LA6568-5": "0", "LA6569-3": "1", "LA6570-1": "2", "LA6571-9": "3"}
_PROXIES: Final = ("RelatedPerson", "Practitioner", "PractitionerRole")
_SAID: Final = ("status", "questionnaire", "item", "authored")


def form_outcome(reading: OutcomeReading, held: Json, at: str) -> Outcome:
    """The outcome of a QuestionnaireResponse; what makes it unusable is among the findings."""
    status = text(held, "status")
    if status not in _STATUS:
        reading.findings.refuse("fhir-outcome-not-final", f"{at}.status", value=status)
    name = text(held, "questionnaire").partition("|")[0].rstrip("/").rpartition("/")[2]
    answers, total = _answers(held, _instrument(name))
    subject, subject_ref = reading.links.person(tree_at(held, "subject"), held, f"{at}.subject")
    authored = text(held, "authored")
    clock = text(held, "meta", "lastUpdated") or authored
    source = text(held, "source", "type") or text(held, "source", "reference").rpartition("/")[0]
    return Outcome(
        kind=OutcomeKind.MEASURE,
        identifier=reading.identity(held),
        version=hashlib.sha256(to_json({k: held[k] for k in _SAID if k in held})).hexdigest()[:32],
        status=_STATUS.get(status, status),
        referral_ref=reading.links.referral(trees(held, "basedOn"), held),
        subject=subject,
        subject_ref=subject_ref,
        effective=reading.date(authored, f"{at}.authored"),
        clock=sortable(clock, reading.arrived) if clock else "",
        instrument=name,
        answers=answers,
        value=Value(quantity=total) if total else None,
        proxy=source.endswith(_PROXIES),
        performer=reading.links.performer([tree_at(held, "author")], held, at),
        position=at,
    )


def _instrument(name: str) -> Instrument | None:
    try:
        return instruments.find(name)
    except ValueError:
        return None


def _answers(held: Tree, instrument: Instrument | None) -> tuple[tuple[str, ...], str]:
    """The answers in the order of the form, and the total where the form states it under its LOINC code."""
    loinc = instrument.loinc if instrument else ""
    leaves = [(text(leaf, "linkId").strip("/"), _answer(leaf)) for leaf in _leaves(held)]
    total = next((said for link, said in leaves if loinc and link == loinc), "")
    return tuple(said for link, said in leaves if not (loinc and link == loinc)), total


def _leaves(held: Tree) -> Iterator[Json]:
    for item in trees(held, "item"):
        inner = [*_leaves(item)]
        yield from inner or [item]


def _answer(leaf: Tree) -> str:
    said = next(iter(trees(leaf, "answer")), EMPTY)
    value: Any = next((said[name] for name in said if name.startswith("value")), None)
    if isinstance(value, dict):
        return _coded(value)
    return "" if value is None or isinstance(value, bool) else str(value).strip()


def _coded(coding: Tree) -> str:
    ordinals = (e.get("valueDecimal") for e in trees(coding, "extension") if e.get("url") in _ORDINAL)
    ordinal = next((o for o in ordinals if o is not None), None)
    if ordinal is not None:
        return str(ordinal).removesuffix(".0")
    code = text(coding, "code")
    return _POINTS.get(code) or code or text(coding, "display")
