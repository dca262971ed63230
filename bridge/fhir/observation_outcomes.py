"""What an Observation says of a referral: a score with its parts, or by its code that something happened."""

import hashlib
from typing import Final

from bridge.domain import systems
from bridge.domain.crosswalk import OUTCOMES
from bridge.domain.outcome import STANDINGS, WITHDRAWN, Outcome, OutcomeKind
from bridge.fhir.outcome_reading import OutcomeReading
from bridge.fhir.references import Entry
from bridge.fhir.requests import sortable
from bridge.fhir.trees import Json, text, tree_at, trees
from bridge.fhir.writing import to_json

_TAKEN: Final = ("final", "amended", "corrected", "entered-in-error", "cancelled")
_BY_CODE: Final = {words.snomed: kind for kind, words in OUTCOMES.items() if words.snomed}
_SAID: Final = ("status", "code", "component", "dataAbsentReason", "issued")
_EFFECTIVE: Final = (
    ("effectiveDateTime",),
    ("effectiveInstant",),
    ("effectivePeriod", "end"),
    ("effectivePeriod", "start"),
)


def observation_outcome(
    reading: OutcomeReading, held: Json, at: str, *, within: Json | None = None
) -> Outcome:
    """The outcome of an Observation; `within` is the Task that contains it."""
    owner = held if within is None else within
    status = text(held, "status")
    if status not in _TAKEN:
        reading.findings.refuse("fhir-outcome-not-final", f"{at}.status", value=status)
    code = reading.meanings.concept(tree_at(held, "code"), f"{at}.code")
    value = reading.values.value(held, at)
    components = tuple(reading.values.components(held, at))
    kind = OutcomeKind.MEASURE
    if value is None and not components:
        kind = _BY_CODE.get(code.code_in(systems.SNOMED), kind)
    if kind in STANDINGS and status in WITHDRAWN:  # where it stood was said by mistake
        kind = OutcomeKind.ENTERED_IN_ERROR
    about = tree_at(held, "subject") or tree_at(owner, "for")
    subject, subject_ref = reading.links.person(about, owner, f"{at}.subject")
    issued = text(held, "issued")
    updated = text(held, "meta", "lastUpdated") or issued
    return Outcome(
        kind=kind,
        identifier=reading.identity(held, within),
        version=_content(held) if kind is OutcomeKind.MEASURE else sortable(updated, reading.arrived),
        status=status,
        referral_ref=_referral(reading, held, within),
        subject=subject,
        subject_ref=subject_ref,
        effective=_effective(reading, held, at),
        issued=reading.instant(issued, f"{at}.issued"),
        clock=sortable(clock, reading.arrived) if (clock := issued or updated) else "",
        instrument="" if code.codings else code.text,
        code=code,
        value=value,
        components=components,
        performer=reading.links.performer(trees(held, "performer"), owner, at),
        position=at,
    )


def _referral(reading: OutcomeReading, held: Json, within: Json | None) -> str:
    """What it is based on, else the Task that gives it out, else the one ServiceRequest it came with."""
    told = reading.links.referral(trees(held, "basedOn"), within or held)
    if told:
        return told
    entries = reading.message.all("Task")
    givers = [within] if within is not None else [e.resource for e in entries if _gives(reading, e, held)]
    if len(givers) == 1:
        focus = tree_at(givers[0], "focus")
        return reading.links.referral([focus], givers[0], trees(givers[0], "identifier"))
    requests = reading.message.all("ServiceRequest")
    if len(requests) != 1:
        return ""
    here = {"reference": requests[0].full_url}
    return reading.links.referral([here], held, trees(requests[0].resource, "identifier"))


def _gives(reading: OutcomeReading, entry: Entry, held: Json) -> bool:
    outputs = (tree_at(o, "valueReference") for o in trees(entry.resource, "output"))
    return any(reading.message.follow(reference, entry.resource) is held for reference in outputs)


def _effective(reading: OutcomeReading, held: Json, at: str) -> str:
    """The time it is true for; of a period its end, else its start."""
    found = next((path for path in _EFFECTIVE if text(held, *path)), None)
    return reading.date(text(held, *found), f"{at}.{'.'.join(found)}") if found else ""


def _content(held: Json) -> str:
    """What it says, hashed: the same again is the same version, whichever server it passed."""
    said = sorted((k, v) for k, v in held.items() if k in _SAID or k.startswith(("value", "effective")))
    return hashlib.sha256(to_json(dict(said))).hexdigest()[:32]
