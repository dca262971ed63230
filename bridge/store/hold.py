"""The hold: while it stands workers claim nothing and doors answer 503. One row, so that every node obeys it.

It is read in the very unit that claims. What is in flight when it is put there ends as it would have.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import select

from bridge.store import facts
from bridge.store.tables import setting
from bridge.store.unit import Tx

NAME = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Who stopped it, when (milliseconds) and why.

    `restored`: the database is a backup that was put back, and `newest` the last time anything was kept in
    it. `looked`: partners were asked since what of it has arrived; of `missed` deliveries nobody could say.
    """

    by: str
    why: str
    at: int
    restored: bool = False
    newest: int = 0
    looked: bool = False
    missed: int = 0


_HELD = select(setting.c.name).where(setting.c.name == NAME)


def is_held(tx: Tx) -> bool:
    """Whether everything stands still."""
    return tx.run(_HELD).first() is not None


def standing(tx: Tx) -> Hold | None:
    """The hold that stands."""
    found = facts.known(tx, NAME)
    return None if found is None else Hold(**found)


def put(tx: Tx, hold: Hold) -> None:
    """Stop everything, or note what is known of the hold that stands."""
    facts.put(tx, NAME, asdict(hold))


def lift(tx: Tx) -> None:
    """Go on."""
    facts.drop(tx, NAME)
