"""What would become of a message, without keeping or sending anything: readings, the gate, the bundle.

Nothing stored is looked at, so a rehearsal cannot tell a repeat, a change or an open episode.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from bridge.domain import systems
from bridge.domain.referral import EventKind, Identifier, Referral
from bridge.errors import Problem
from bridge.fhir import bundles, checks
from bridge.fhir.naming import Naming
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.service_request import Service
from bridge.fhir.trees import Json
from bridge.schemes import Case, Decision, Rulebook, Scheme, decide
from bridge.sources import Reading, Source

GOES_OUT = (EventKind.REFERRED, EventKind.CHANGED)
# Where no scheme is given: everything is released, to a service that does not exist.
NOBODY = Service(
    identifier=Identifier(system=systems.ODS_ORGANISATION, value="Z9999"),
    name="Example Social Prescribing Service",
)
NOWHERE = Naming(base="https://bridge.invalid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsing:
    """What is taken to be so. Without schemes the gate is not asked."""

    arrived: datetime
    rulebook: Rulebook = field(default_factory=Rulebook)
    environment: str = "test"
    naming: Naming = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What would become of one event. `problems` are those of the outgoing check, `decision` the gate's."""

    reading: Reading
    scheme: str = ""
    decision: Decision | None = None
    bundle: Json | None = None
    problems: tuple[Problem, ...] = ()


def rehearse(source: Source, body: bytes, assumed: Rehearsing) -> Iterator[Rehearsed]:
    """Each event of a message; Unreadable when it holds none."""
    return (of_reading(reading, assumed) for reading in source.read(body, arrived=assumed.arrived))


def of_reading(reading: Reading, assumed: Rehearsing, *, checked: bool = True) -> Rehearsed:
    """What would become of one reading; the outgoing check can be left out."""
    event = reading.event
    if event is None or event.referral is None or event.kind not in GOES_OUT:
        return Rehearsed(reading=reading)
    ods = event.referral.practice.ods
    found = assumed.rulebook.of_practice(ods.code if ods else "")
    decision = None
    if found is not None:
        case = Case(
            event=event,
            record=event.referral,
            scheme=found[0],
            practice=found[1],
            now=assumed.arrived,
            environment=assumed.environment,
        )
        decision = decide(case)
    scheme = found[0] if found else _only(assumed.rulebook)
    bundle = bundle_of(event.referral, assumed.naming, scheme)
    return Rehearsed(
        reading=reading,
        scheme=scheme.name if scheme else "",
        decision=decision,
        bundle=bundle,
        problems=tuple(checks.check(bundle)) if checked else (),
    )


def bundle_of(referral: Referral, naming: Naming = NOWHERE, scheme: Scheme | None = None) -> Json:
    """The transaction that would go out; without a scheme with every field released."""
    if scheme is None:
        return bundles.create_bundle(referral, service=NOBODY, released=ALL_FIELDS, naming=naming)
    service = Service(identifier=scheme.service.known_as, name=scheme.service.title)
    return bundles.create_bundle(referral, service=service, released=scheme.released(), naming=naming)


def _only(rulebook: Rulebook) -> Scheme | None:
    """The one scheme there is, for a practice that none names."""
    return rulebook.schemes[0] if len(rulebook.schemes) == 1 else None
