"""Source keys and the referral each leads to: the same key is the same referral, for ever."""

from dataclasses import dataclass

from sqlalchemy import bindparam, exists, select

from bridge.store import dialect
from bridge.store.tables import event, event_key, message
from bridge.store.unit import Tx

BULK_DOOR = "folder"  # the door of a message that is a bulk extract
WANTED = ("referred", "changed")  # kinds of a key that says that its referral is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The newest version we know of one source key; `referral_id` is None when nothing came of it."""

    id: str
    referral_id: str | None
    clock: str
    content: str
    kind: str
    event_id: str


_KEY = select(event_key).where(event_key.c.id == bindparam("row"))


def key_of(tx: Tx, key_id: str) -> Key | None:
    """What we know of a source key."""
    row = tx.run(_KEY, {"row": key_id}).first()
    if row is None:
        return None
    content = tx.open("event_key.content", row.id, row.content).decode()
    return Key(**{**row._mapping, "content": content})  # noqa: SLF001 - SQLAlchemy's public name


def put_key(tx: Tx, key: Key) -> None:
    """Remember the newest version of a source key."""
    tx.run(
        dialect.upsert(tx, event_key, "referral_id", "clock", "content", "kind", "event_id"),
        {
            "id": key.id,
            "referral_id": key.referral_id,
            "clock": key.clock,
            "content": tx.seal("event_key.content", key.id, key.content.encode()),
            "kind": key.kind,
            "event_id": key.event_id,
        },
    )


def other_living_keys(tx: Tx, referral_id: str, key_id: str, *, asked: bool) -> bool:
    """Whether another source key of this referral still says it is wanted.

    Against an ending that somebody `asked` for only keys of messages count: that an extract still shows the
    entry says nothing, since nobody takes a coded entry out of a record to cancel.
    """
    query = select(event_key.c.id).where(
        event_key.c.referral_id == referral_id, event_key.c.id != key_id, event_key.c.kind.in_(WANTED)
    )
    if asked:
        query = query.where(~_IN_EXTRACT)
    return tx.run(query).first() is not None


# Its newest event may be news of the person, which comes by message whoever told the key.
_IN_EXTRACT = exists(
    select(event.c.id)
    .join(message, message.c.id == event.c.message_id)
    .where(event.c.key_id == event_key.c.id, message.c.door == BULK_DOOR)
).correlate(event_key)
