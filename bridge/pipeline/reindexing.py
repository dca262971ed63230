"""Make every blind index anew under another key of the ring, with the bridge stopped, in one transaction."""

from collections.abc import Iterator

from bridge.domain.identifiers import NhsNumber
from bridge.security.sealing import Sealer
from bridge.sources import emis
from bridge.store import facts, reindexing
from bridge.store.reindexing import Value
from bridge.store.unit import Tx


def reindex(tx: Tx, ring: facts.Ring, old: Sealer, new: Sealer) -> int:
    """Change every index from `old` to `new`, whose ring is `ring`; how many nobody can make anew.

    All or nothing: the key the store is indexed with changes in the same transaction.
    """
    reindexing.begin(tx)
    reindexing.learn(tx, reindexing.known_people(tx), old, new)
    reindexing.learn(tx, _held_people(tx), old, new)
    left = reindexing.change(tx)
    reindexing.change_outcomes(tx, new)
    reindexing.change_held(tx, new)
    facts.remember_keys(tx, ring)
    return left


def _held_people(tx: Tx) -> Iterator[Value]:
    for practice, local_key, said in emis.people_held(tx):
        try:
            number = NhsNumber.parse(said) if said else None
        except ValueError:
            number = None
        yield from reindexing.values_of(practice, local_key, number)
