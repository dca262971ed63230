"""What a person may do with the keys of a bridge that runs: use a new ring, seal anew, give a key up."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bridge.errors import NotFound, Problem, Unacceptable
from bridge.intake.control import Verb
from bridge.security import keyring
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing, Use, load_key_ring
from bridge.security.sealing import Sealer
from bridge.store import Store, audit, facts, resealing
from bridge.store.audit import Hand
from bridge.store.unit import Tx

AT_ONCE = 200  # values sealed anew in one commit, so that others' commits come between

Said = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWorks:
    """What the verbs about keys work with; `reference` is where the key ring lies."""

    store: Store
    sealer: Sealer
    chain: AuditChain
    reference: str

    def verbs(self) -> Mapping[str, Verb]:
        """Every verb by name."""
        return {"keys-renew": self._renew, "keys-reseal": self._reseal, "keys-retire": self._retire}

    async def _renew(self, hand: Hand, said: Said) -> Said:
        """Use the ring as it is now in its place; ConfigError for one this store was not written with."""
        ring = load_key_ring(self.reference)

        def work(tx: Tx) -> None:
            facts.same_keys(tx, ring)
            hand.sign(tx, said["action"], said["key"])

        await self.store.run(work)  # the store knows the ring before anything is written under it
        self.sealer.renew(ring)
        self.chain.renew(ring)
        return {use.value: ring.of(use)[0].id for use in Use}

    async def _reseal(self, hand: Hand, said: Said) -> Said:
        """One step; the first is audited."""

        def work(tx: Tx) -> resealing.Resealed:
            if said["place"] == resealing.PLACES[0] and not said["after"]:
                hand.sign(tx, "keys-reseal", self.sealer.key_id)
            return resealing.reseal(
                tx, self.sealer.key_id, place=said["place"], after=tuple(said["after"]), limit=AT_ONCE
            )

        return asdict(await self.store.run(work))

    async def _retire(self, hand: Hand, said: Said) -> Said:
        """Say that the store does not need a key any more; Unacceptable while it does."""
        ring = load_key_ring(self.reference)
        chosen = next((key for key in ring.keys if key.id == said["key"]), None)
        if chosen is None:
            raise NotFound
        rest = keyring.retire(ring, chosen.id)

        def work(tx: Tx) -> None:
            if _needed(tx, chosen, rest, lost=said["lost"]):
                raise Unacceptable(problems=(Problem(code="key-needed", at=chosen.use.value),))
            hand.sign(tx, "keys-retire", chosen.id)
            facts.remember_keys(tx, rest)

        await self.store.run(work)
        return {"key": chosen.id}


def _needed(tx: Tx, key: keyring.Key, rest: KeyRing, *, lost: bool) -> bool:
    if key.use is Use.SEAL:
        return bool(resealing.rows_by_key(tx).get(key.id))
    if key.use is Use.AUDIT:
        chain = AuditChain(rest)
        return any(chain.verify(audit.rows(tx, node)) is not None for node in audit.nodes(tx))
    return not lost and bool((facts.known(tx, f"left-under {key.id}") or {"rows": 0})["rows"])
