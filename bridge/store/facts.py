"""Facts about the store itself: which keys it was written with."""

from typing import Protocol

from sqlalchemy import select

from bridge.store import dialect
from bridge.store.tables import setting
from bridge.store.unit import Tx

KEYS = "key-ring"


class Ring(Protocol):
    """What the store needs of a key ring."""

    def fingerprint(self) -> str: ...
    def refuse_if_wrong(self, kept: str) -> None: ...


def same_keys(tx: Tx, ring: Ring) -> None:
    """Refuse a ring that lacks a key this store was written with; remember the ring in use."""
    kept = tx.run(select(setting.c.value).where(setting.c.name == KEYS)).scalar_one_or_none()
    if kept is not None:
        ring.refuse_if_wrong(kept)
    tx.run(dialect.upsert(tx, setting, "value"), {"name": KEYS, "value": ring.fingerprint()})
