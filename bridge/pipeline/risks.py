"""Risks first: whatever a service reports is searched for a risk before anything else is done with it.

The risk is durable, in a commit of its own, before the message is read any further: who must hear of it hears
of it also when the rest cannot be used. The same again is the same risk, and nobody is told twice of it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any
from uuid import UUID, uuid5

from bridge.errors import IntakeError, NotFound, Problem, Unacceptable
from bridge.events import Event, emit
from bridge.fhir import inbound
from bridge.fhir.naming import Naming
from bridge.fhir.risks import Risk, risks_in
from bridge.fhir.trees import Json, text, trees
from bridge.fhir.writing import to_json
from bridge.pipeline import outcomes
from bridge.pipeline.context import Context
from bridge.schemes import Scheme
from bridge.store import referrals, risks
from bridge.store.audit import Hand
from bridge.store.messages import Message
from bridge.store.referrals import Stored
from bridge.store.risks import Raised
from bridge.store.unit import Store, Tx

LIMIT = 1 << 22  # bytes of one message
_SPACE = UUID("4f2c7f61-1b4b-5f6e-9f3a-6f0d3c1f2b90")
_KINDS = ("ServiceRequest", "Task")
SHOWN, SEEN = "risk-shown", "risk-acknowledged"  # actions of the audit


async def raise_first(
    store: Store, ctx: Context, message: Message, found: Iterable[Risk] | None = None, *, ours: bool = False
) -> int:
    """Keep every risk the message speaks of; how many there are. Raises Unavailable when none was kept.

    `found`: what its reader found, else it is searched as FHIR. `ours`: only those that name a referral of
    ours, where a service shows other people's resources too.
    """
    seen = list(risks_in(_loosely(message.content or b"")) if found is None else found)
    if not seen:
        return 0

    def work(tx: Tx) -> list[Raised]:
        return [kept for each in seen for kept in _keep(tx, ctx, message, each, only_ours=ours)]

    for kept in await store.run(work):
        emit(Event.RISK_RAISED, referral=kept.referral_id, scheme=kept.scheme)
    return len(seen)


def _loosely(content: bytes) -> Any:
    """The tree of a message, also of one that is refused for its form."""
    try:
        return inbound.read(content, limit=LIMIT)
    except IntakeError:
        pass
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _keep(tx: Tx, ctx: Context, message: Message, seen: Risk, *, only_ours: bool) -> Iterator[Raised]:
    stored = _referral(tx, ctx, message, seen)
    if stored is None and only_ours:
        return
    for scheme in schemes_of(ctx, message.source, stored.scheme if stored else ""):
        raised = _raised(scheme, message, seen, stored)
        minutes = scheme.risk_contact.acknowledge_within_minutes
        if risks.add(tx, raised, within_ms=minutes * 60_000):
            yield raised


def schemes_of(ctx: Context, service: str, name: str) -> tuple[Scheme, ...]:
    """The scheme of that name; where it is none or gone, those of the service, and if there are none, all."""
    named = ctx.rulebook.by_name(name)
    return (named,) if named else ctx.rulebook.of_service(service) or ctx.rulebook.schemes


def _raised(scheme: Scheme, message: Message, seen: Risk, stored: Stored | None) -> Raised:
    said = {name: value for name, value in seen.resource.items() if name != "meta"}
    digest = hashlib.sha256(to_json(said)).hexdigest()
    return Raised(
        id=str(uuid5(_SPACE, f"{scheme.name}|{message.source}|{seen.kind}|{digest}")),
        scheme=scheme.name,
        service=message.source,
        practice=stored.practice if stored else "",
        referral_id=stored.id if stored else None,
        message_id=message.id,
        kind=seen.kind,
        position=seen.position,
    )


def _referral(tx: Tx, ctx: Context, message: Message, seen: Risk) -> Stored | None:
    """The referral it is about: the one that it names, else the only one that the whole message names."""
    for tree in (seen.resource, _loosely(message.content or b"")):
        named = (outcomes.named(tx, ctx, message.source, name) for name in _names(tree, ctx.naming))
        found = {stored.id: stored for stored in named if stored is not None}
        if found:
            return next(iter(found.values())) if len(found) == 1 else None
    return None


def _names(tree: Any, naming: Naming) -> Iterator[str]:
    """Every identifier of ours and every reference to a request, wherever it stands."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            yield from _named(node, naming)
            pending += [held for held in node.values() if isinstance(held, dict | list)]


def _named(node: Json, naming: Naming) -> Iterator[str]:
    if text(node, "system") == naming.referral:
        yield f"{naming.referral}|{text(node, 'value')}"
    if isinstance(node.get("referral"), str):  # our own outcome event
        yield f"{naming.referral}|{node['referral']}"
    if text(node, "reference").rpartition("/")[0].endswith("ServiceRequest"):
        yield text(node, "reference")
    if node.get("resourceType") in _KINDS:
        yield from (f"{text(i, 'system')}|{text(i, 'value')}" for i in trees(node, "identifier"))


def shown(tx: Tx, hand: Hand, risk_id: str) -> dict[str, Any]:
    """A risk and whom it is about, for a person who has to act; the look is audited. NotFound."""
    held = risks.get(tx, risk_id)
    if held is None:
        raise NotFound
    hand.sign(tx, SHOWN, risk_id)
    stored = referrals.get(tx, held.referral_id) if held.referral_id else None
    return {"risk": asdict(held), "person": None if stored is None else _person(stored)}


def _person(stored: Stored) -> dict[str, Any]:
    patient, safe = stored.record.patient, stored.record.patient.safe_contact
    return {
        "name": " ".join((*patient.given, patient.family)),
        "preferred_name": patient.preferred_name,
        "birth_date": patient.birth_date,
        "nhs_number": patient.nhs_number.digits if patient.nhs_number else "",
        "telephones": [t.value for t in patient.telecoms if t.system == "phone"],
        "safe_to_call": safe.call,
        "safe_to_leave_a_message": safe.leave_message,
    }


def acknowledge(tx: Tx, hand: Hand, risk_id: str) -> Raised:
    """Somebody has seen it; NotFound, and Unacceptable when it was seen before."""
    held = risks.get(tx, risk_id)
    if held is None:
        raise NotFound
    if not risks.see(tx, risk_id, hand.actor):
        raise Unacceptable(problems=(Problem(code="risk-seen"),))
    hand.sign(tx, SEEN, risk_id)
    return held
