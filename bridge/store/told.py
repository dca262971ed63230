"""One person's data in clear, for the practice that answers an access request: everything that `Trail` found.

A message that speaks of others too is named and not shown: what it says of this person stands in its event.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Table, or_, select

from bridge.store import documents, held, messages, views
from bridge.store.subjects import Trail
from bridge.store.tables import audit, event, letter, message, outcome, person, referral, settled, stance
from bridge.store.tables import held as held_table
from bridge.store.unit import Tx

Told = dict[str, Any]


def everything(tx: Tx, trail: Trail) -> Told:
    """All of it as plain JSON."""
    return {
        "referrals": list(_referrals(tx, trail)),
        "events": list(_events(tx, trail)),
        "outcomes": list(_sealed(tx, outcome, trail.referrals)),
        "letters": list(_sealed(tx, letter, trail.referrals)),
        "sent": list(_sent(tx, trail)),
        "messages": [_message(tx, each, shown=True) for each in trail.messages],
        "messages_with_others": [_message(tx, each, shown=False) for each in trail.shared],
        "practice_facts": _plain(
            tx, person, or_(person.c.local.in_(trail.indexes), person.c.nhs.in_(trail.indexes))
        ),
        "stances": _plain(
            tx, stance, or_(stance.c.local.in_(trail.indexes), stance.c.nhs.in_(trail.indexes))
        ),
        "source_rows": list(_rows(tx, trail)),
        "who_looked": _plain(tx, audit, audit.c.subject.in_((*trail.referrals, *trail.indexes))),
    }


def _referrals(tx: Tx, trail: Trail) -> Iterator[Told]:
    for row in tx.run(select(referral.c.id, referral.c.sealed).where(referral.c.id.in_(trail.referrals))):
        record = documents.referral.validate_json(tx.open("referral.sealed", row.id, row.sealed))
        story = views.referral_story(tx, row.id)
        yield {"story": story, "record": documents.referral.dump_python(record, mode="json")}


def _events(tx: Tx, trail: Trail) -> Iterator[Told]:
    columns = (event.c.id, event.c.message_id, event.c.kind, event.c.state, event.c.code, event.c.at)
    for row in tx.run(select(*columns).where(event.c.id.in_(trail.events))):
        said = messages.open_event(tx, row.id)
        told = None if said is None else documents.referral_event.dump_python(said, mode="json")
        yield {**_named(row._mapping), "said": told}  # noqa: SLF001 - SQLAlchemy's public name


def _sealed(tx: Tx, table: Table, referrals: Sequence[str]) -> Iterator[Told]:
    """Rows with a sealed document, opened."""
    for row in tx.run(select(table).where(table.c.referral_id.in_(referrals))).mappings():
        opened = None if row["sealed"] is None else tx.open(f"{table.name}.sealed", row["id"], row["sealed"])
        yield {**_named(row), "said": _text(opened)}


def _sent(tx: Tx, trail: Trail) -> Iterator[Told]:
    columns = (settled.c.partner, settled.c.kind, settled.c.state, settled.c.first_sent_at, settled.c.body_id)
    for row in tx.run(select(*columns).where(settled.c.referral_id.in_(trail.referrals))):
        yield {
            "partner": row.partner,
            "kind": row.kind,
            "state": row.state,
            "first_sent_at": row.first_sent_at,
            "body": _text(messages.get_body(tx, row.body_id)),
        }


def _message(tx: Tx, message_id: str, *, shown: bool) -> Told:
    columns = (message.c.id, message.c.source, message.c.received_at, message.c.media_type, message.c.body_id)
    row = tx.run(select(*columns).where(message.c.id == message_id)).one()
    told = {"id": row.id, "source": row.source, "received_at": row.received_at, "media_type": row.media_type}
    return told | ({"body": _text(messages.get_body(tx, row.body_id))} if shown else {})


def _rows(tx: Tx, trail: Trail) -> Iterator[Told]:
    for kind, owner, key in trail.held:
        found = select(held_table).where(
            held_table.c.kind == kind, held_table.c.owner == owner, held_table.c.key == key
        )
        row = held.opened(tx, kind, owner, tx.run(found).one())
        yield {"kind": kind, "owner": owner, "fields": row.fields}


def _plain(tx: Tx, table: Table, which: Any) -> list[Told]:
    hidden = ("sealed", "mac", "nhs", "local")
    rows = tx.run(select(*(c for c in table.c if c.name not in hidden)).where(which)).mappings()
    return [_named(row) for row in rows]


def _named(row: Mapping[Any, Any]) -> Told:
    """A row under plain text keys, as a JSON writer wants them, without what is sealed."""
    return {str(name): value for name, value in row.items() if name != "sealed"}


def _text(plain: bytes | None) -> Any:
    """JSON as itself, other text as text, anything else in base64."""
    if plain is None:
        return None
    try:
        return orjson.loads(plain)
    except orjson.JSONDecodeError:
        pass
    try:
        return plain.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(plain).decode()}
