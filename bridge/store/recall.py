"""What earlier messages left behind, many rows at a time: bulk sources cannot look up row by row."""

from collections.abc import Collection, Iterator

from sqlalchemy import bindparam, delete, select

from bridge.store.held import Row, opened
from bridge.store.tables import event_key, held
from bridge.store.unit import Tx

_STEP = 500  # keys in one statement; SQLite takes 32,766, older ones 999

_KIND = select(held.c.owner, held.c.key, held.c.sealed, held.c.clock, held.c.until).where(
    held.c.kind == bindparam("kind")
)
_OF_OWNER = _KIND.where(held.c.owner == bindparam("owner"))
_KEYS = select(event_key.c.id, event_key.c.kind).where(event_key.c.id.in_(bindparam("ids", expanding=True)))
_CLOCKS = select(held.c.key, held.c.clock).where(
    held.c.kind == bindparam("kind"),
    held.c.owner == bindparam("owner"),
    held.c.key.in_(bindparam("keys", expanding=True)),
)
_FORGET = delete(held).where(
    held.c.kind == bindparam("kind"), held.c.owner == bindparam("owner"), held.c.also == bindparam("also")
)


def every(tx: Tx, kind: str) -> Iterator[Row]:
    """Every held row of a kind, opened one after the other."""
    for found in tx.run(_KIND, {"kind": kind}).yield_per(_STEP):
        yield opened(tx, kind, found.owner, found)


def of_owner(tx: Tx, kind: str, owner: str) -> Iterator[Row]:
    """The same of one owner."""
    for found in tx.run(_OF_OWNER, {"kind": kind, "owner": owner}).yield_per(_STEP):
        yield opened(tx, kind, owner, found)


def clocks(tx: Tx, kind: str, owner: str, keys: Collection[str]) -> dict[str, str]:
    """The clock of the row held under each of these keys, for those that are held."""
    index = {tx.sealer.index(f"held.{kind}", key): key for key in keys}
    asked = list(index)
    found: dict[str, str] = {}
    for start in range(0, len(asked), _STEP):
        some = {"kind": kind, "owner": owner, "keys": asked[start : start + _STEP]}
        found.update({index[row.key]: row.clock for row in tx.run(_CLOCKS, some).all()})
    return found


def last_kinds(tx: Tx, key_ids: Collection[str]) -> dict[str, str]:
    """What the newest event of each of these keys said (EventKind), for those that had one."""
    ids = list(key_ids)
    found: dict[str, str] = {}
    for start in range(0, len(ids), _STEP):
        rows = tx.run(_KEYS, {"ids": ids[start : start + _STEP]}).all()
        found.update({row.id: row.kind for row in rows})
    return found


def forget(tx: Tx, kind: str, owner: str, also: str) -> int:
    """Forget every row held under that second key; how many there were."""
    index = tx.sealer.index(f"held.{kind}.also", also)
    return tx.run(_FORGET, {"kind": kind, "owner": owner, "also": index}).rowcount
