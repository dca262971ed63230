"""Facts about the store itself: which keys it was written with, and what nodes must tell each other."""

from typing import Any, Protocol

import orjson
from sqlalchemy import bindparam, delete, select

from bridge.errors import ConfigError
from bridge.store import dialect
from bridge.store.tables import setting
from bridge.store.unit import Tx

KEYS = "key-ring"
INDEX_KEY = "index-key"


class Ring(Protocol):
    """What the store needs of a key ring."""

    @property
    def index_key(self) -> str: ...
    def fingerprint(self) -> str: ...
    def refuse_if_wrong(self, kept: str) -> None: ...


def same_keys(tx: Tx, ring: Ring) -> None:
    """Refuse a ring that lacks a key this store was written with, or would look up by another than it.

    ConfigError; otherwise the ring in use is remembered.
    """
    kept = tx.run(_VALUE, {"name": KEYS}).scalar_one_or_none()
    if kept is not None:
        ring.refuse_if_wrong(kept)
        indexed = index_key(tx)
        if indexed != ring.index_key:
            raise ConfigError(
                f"The store is indexed with key {indexed}, not {ring.index_key}: run `bridge keys reindex`."
            )
    remember_keys(tx, ring)


def remember_keys(tx: Tx, ring: Ring) -> None:
    """This is the ring in use from now on."""
    for name, value in ((KEYS, ring.fingerprint()), (INDEX_KEY, ring.index_key)):
        tx.run(dialect.upsert(tx, setting, "value"), {"name": name, "value": value})


def index_key(tx: Tx) -> str:
    """The id of the key the blind indexes of this store were made with; "" for a new store."""
    return tx.run(_VALUE, {"name": INDEX_KEY}).scalar_one_or_none() or ""


_VALUE = select(setting.c.value).where(setting.c.name == bindparam("name"))
_DROP = delete(setting).where(setting.c.name == bindparam("row"))


def known(tx: Tx, name: str) -> dict[str, Any] | None:
    """The fact of that name."""
    value = tx.run(_VALUE, {"name": name}).scalar_one_or_none()
    return None if value is None else orjson.loads(value)


def put(tx: Tx, name: str, value: dict[str, Any]) -> None:
    """Remember a fact under a name of at most 40 characters; it holds no patient data."""
    tx.run(dialect.upsert(tx, setting, "value"), {"name": name, "value": orjson.dumps(value).decode()})


def drop(tx: Tx, name: str) -> None:
    """Forget a fact."""
    tx.run(_DROP, {"row": name})


def take_turn(tx: Tx, name: str, *, node: str, every_ms: int, lease_ms: int) -> bool:
    """Whether this node does now what one node at a time does once in `every_ms`; it holds for `lease_ms`.

    Asked again by the node that has the turn, it holds for `lease_ms` more. A node that died loses it then.
    """
    tx.lock(f"turn|{name}")
    last = known(tx, name) or {"node": "", "until": 0, "done": None}
    mine = last["node"] == node
    busy = last["node"] != "" and not mine and tx.now < last["until"] <= tx.now + lease_ms
    rested = last["done"] is None or not 0 <= tx.now - last["done"] < every_ms
    if busy or not (mine or rested):
        return False
    put(tx, name, {**last, "node": node, "until": tx.now + lease_ms})
    return True


def end_turn(tx: Tx, name: str) -> None:
    """It is done; the next turn begins `every_ms` from now."""
    put(tx, name, {"node": "", "until": 0, "done": tx.now})
