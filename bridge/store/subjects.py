"""Everything held of one person, found by blind indexes, and the same told in clear or taken away.

`HOLDS` says of every table how it can hold a person and what becomes of that; a test compares it with the
schema, and docs/explanation/data-protection.md is checked against it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Select, delete, or_, select, update

from bridge.domain.journey import LIVING
from bridge.store import paring
from bridge.store.tables import (
    body,
    delivery,
    event,
    filed,
    held,
    lane,
    message,
    outcome,
    person,
    referral,
    request,
    settled,
)
from bridge.store.unit import Tx

NOBODY = "nothing of a person"
HOLDS: Final[dict[str, str]] = {
    "account": "names staff who sign in; " + NOBODY,
    "attempt": "found by its delivery; numbers and codes, dropped with the story",
    "audit": "names ids of ours and keyed indexes; never changed",
    "batch": NOBODY,
    "body": "sealed message, answer or delivery; dropped",
    "coded": "codes put into a record, by referral; stay, so that none is put there twice",
    "delivery": "found by its referral; an erasure waits until it is settled",
    "event": "blind index and sealed event; dropped, or emptied while others share its message",
    "event_key": "sealed hash of the content; stays, so that the same event is never taken for news",
    "feed": NOBODY,
    "filed": "blind index beside a code; dropped",
    "held": "sealed source rows; dropped",
    "lane": "blind index; replaced by the referral's id",
    "letter": "sealed document; dropped",
    "message": "names no person; its body may",
    "outcome": "sealed outcome; emptied",
    "person": "blind indexes with what the practice last said; dropped",
    "poll": NOBODY,
    "referral": "blind indexes and the sealed record; emptied, its id stays",
    "request": "the answer's body may name somebody; dropped",
    "setting": NOBODY,
    "risk": "names a referral, a place in a message and staff; dropped once acknowledged, as audited",
    "session": NOBODY,
    "settled": "found by its referral; what says that it may have left stays, without body",
    "stance": "an objection stays, sealed: without it sharing would begin again",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Trail:
    """The ids of rows that are about one person. `keys` are the practices' own keys, in clear."""

    indexes: frozenset[str]  # of the NHS number and of every practice + local key
    keys: frozenset[str] = frozenset()
    referrals: tuple[str, ...] = ()
    living: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()  # about nobody else
    shared: tuple[str, ...] = ()  # about others too
    held: tuple[tuple[str, str, str], ...] = field(default=())

    def counts(self) -> dict[str, int]:
        """How much there is of each; no identity."""
        return {
            "referrals": len(self.referrals),
            "open": len(self.living),
            "events": len(self.events),
            "messages": len(self.messages),
            "shared_messages": len(self.shared),
            "held_rows": len(self.held),
        }


def follow(tx: Tx, number: str, held_as: Iterable[tuple[str, str]]) -> Trail:
    """Find it all: by the ten digits, and by (practice, local key) pairs that a reader holds for them."""
    keyed = tuple(held_as)
    nhs = tx.sealer.index("nhs", number)
    known = select(person.c.local).where(person.c.nhs == nhs)
    referred = select(referral.c.local).where(referral.c.patient == nhs, referral.c.local != "")
    locals_ = {*tx.run(known).scalars(), *tx.run(referred).scalars()}
    locals_ |= {tx.sealer.index("local", f"{practice}|{key}") for practice, key in keyed}
    indexes = frozenset({nhs, *locals_})
    theirs = select(referral.c.id, referral.c.state).where(
        or_(referral.c.patient.in_(indexes), referral.c.local.in_(indexes))
    )
    rows = tx.run(theirs).all()
    referrals = tuple(sorted(row.id for row in rows))
    living = tuple(sorted(row.id for row in rows if row.state in LIVING))
    said = select(event.c.id, event.c.message_id).where(
        or_(event.c.patient.in_(indexes), event.c.referral_id.in_(referrals))
    )
    events = tx.run(said).all()
    told = tx.run(select(outcome.c.message_id).where(outcome.c.referral_id.in_(referrals))).scalars()
    mine, shared = _apart(tx, {*told, *(row.message_id for row in events)}, {row.id for row in events})
    keys = frozenset(key for _, key in keyed)
    return Trail(
        indexes=indexes,
        keys=keys,
        referrals=referrals,
        living=living,
        events=tuple(row.id for row in events),
        messages=mine,
        shared=shared,
        held=_held(tx, keys),
    )


def _apart(tx: Tx, messages: set[str], events: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Messages that say nothing of anybody else, and those that do."""
    others = select(event.c.message_id, event.c.id).where(event.c.message_id.in_(messages))
    shared = {row.message_id for row in tx.run(others) if row.id not in events}
    return tuple(sorted(messages - shared)), tuple(sorted(shared))


def _held(tx: Tx, keys: frozenset[str]) -> tuple[tuple[str, str, str], ...]:
    """Held rows of these keys, whatever their kind: as their own key or as their second."""
    kinds = tx.run(select(held.c.kind).distinct()).scalars().all()
    found: set[tuple[str, str, str]] = set()
    for kind in kinds:
        own = [tx.sealer.index(f"held.{kind}", key) for key in keys]
        also = [tx.sealer.index(f"held.{kind}.also", key) for key in keys]
        query = select(held.c.kind, held.c.owner, held.c.key).where(
            held.c.kind == kind, or_(held.c.key.in_(own), held.c.also.in_(also))
        )
        found |= {(row.kind, row.owner, row.key) for row in tx.run(query)}
    return tuple(sorted(found))


def unsettled(tx: Tx, trail: Trail) -> int:
    """Deliveries of theirs that are still to be made."""
    query = select(delivery.c.id).where(delivery.c.referral_id.in_(trail.referrals))
    return len(tx.run(query).all())


def erase(tx: Tx, trail: Trail) -> None:
    """Take away what identifies or describes them; what keeps things from being done twice stays, empty.

    Only for a trail without open referrals and unsettled deliveries.
    """
    _drop_bodies(tx, select(settled.c.body_id).where(settled.c.referral_id.in_(trail.referrals)))
    _drop_bodies(tx, select(request.c.answer_id).where(request.c.message_id.in_(trail.messages)))
    _drop_bodies(tx, select(message.c.body_id).where(message.c.id.in_(trail.messages)))
    tx.run(update(message).where(message.c.id.in_(trail.messages)).values(body_id=None))
    tx.run(delete(request).where(request.c.message_id.in_(trail.messages)))
    tx.run(update(settled).where(settled.c.referral_id.in_(trail.referrals)).values(body_id=None))
    paring.forget(tx, trail.referrals)
    emptied = {"patient": referral.c.id, "local": "", "service_patient": None, "service_ref": ""}
    tx.run(update(referral).where(referral.c.id.in_(trail.referrals)).values(emptied))
    tx.run(update(lane).where(lane.c.patient.in_(trail.indexes)).values(patient=lane.c.referral_id))
    tx.run(update(event).where(event.c.id.in_(trail.events)).values(patient="", sealed=None))
    tx.run(delete(filed).where(filed.c.patient.in_(trail.indexes)))
    tx.run(delete(person).where(or_(person.c.local.in_(trail.indexes), person.c.nhs.in_(trail.indexes))))
    for kind, owner, key in trail.held:
        tx.run(delete(held).where(held.c.kind == kind, held.c.owner == owner, held.c.key == key))


def _drop_bodies(tx: Tx, ids: Select[Any]) -> None:
    named: Sequence[str] = [each for each in tx.run(ids).scalars() if each is not None]
    if named:
        tx.run(delete(body).where(body.c.id.in_(named)))
