"""Stand still on purpose; and after a backup was put back, find out what happened since, before going on.

For every delivery that was on its way when the backup was made, its partner is asked whether it arrived.
What did is settled as if we had heard the answer. What did not waits as before, unless it would overwrite
something: a newer version may have gone out that the backup knows nothing of, so a person decides, or the
sender tells it anew.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from bridge.delivery.port import Partner
from bridge.domain.delivery import Delivery, Kind, Receipt
from bridge.domain.journey import DeliveryState
from bridge.errors import Conflict, DeliveryError, Problem
from bridge.events import Event, emit, failed_at
from bridge.pipeline import forward
from bridge.store import Store, hold, restoring
from bridge.store.audit import Hand
from bridge.store.hold import Hold
from bridge.store.restoring import Unsure
from bridge.store.unit import Tx

BATCH = 20
AT_ONCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found out about one delivery.

    `now`: delivered, waiting, parked; of one that was delivered already: there, gone; and unlooked, with the
    `code` of why nobody could say.
    """

    id: str
    partner: str
    kind: str
    was: str
    now: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """What asking the partners needs."""

    store: Store
    partners: Mapping[str, Partner]
    open_body: Any

    async def step(self, after: str) -> tuple[list[Looked], str | None]:
        """Look at a batch of deliveries behind `after` (begin with ""): what was found, and where it goes on.

        Raises Conflict when no restored database is held. Once all could be looked at the hold says so.
        """
        standing = await self.store.read(hold.standing)
        if standing is None or not standing.restored:
            raise _not_now("not-restored")
        if not after:
            standing = await self._note(standing, missed=0, looked=False)
        batch, place = await self._batch(after or "d:", standing.newest)
        looked = await self._look_at(batch)
        missed = standing.missed + sum(each.now == "unlooked" for each in looked)
        await self._note(standing, missed=missed, looked=place is None and missed == 0)
        return looked, place

    async def _note(self, standing: Hold, **changes: Any) -> Hold:
        changed = replace(standing, **changes)
        await self.store.run(lambda tx: hold.put(tx, changed))
        return changed

    async def _batch(self, after: str, newest: int) -> tuple[list[Unsure], str | None]:
        """First what was on its way, then what was delivered in the last hour."""
        kind, _, row = after.partition(":")
        if kind == "d":
            found = await self.store.read(lambda tx: restoring.unsettled(tx, row, BATCH))
        else:
            found = await self.store.read(lambda tx: restoring.latest(tx, newest, row, BATCH))
        if len(found) == BATCH:
            return found, f"{kind}:{found[-1].id}"
        return found, "s:" if kind == "d" else None

    async def _look_at(self, batch: Sequence[Unsure]) -> list[Looked]:
        looked: list[Looked] = []
        for start in range(0, len(batch), AT_ONCE):
            looked += await asyncio.gather(*map(self._look, batch[start : start + AT_ONCE]))
        return looked

    async def _look(self, unsure: Unsure) -> Looked:
        told = partial(
            Looked, id=unsure.id, partner=unsure.partner, kind=unsure.kind.value, was=unsure.state.value
        )
        partner = self.partners.get(unsure.partner)
        if partner is None:
            return told(now="unlooked", code="partner-not-known")
        delivery = unsure.opened(self.open_body)
        try:
            receipt = await _found(partner, delivery)
        except DeliveryError as error:
            return told(now="unlooked", code=error.code)
        except Exception as error:  # noqa: BLE001 - one delivery must not hide the others
            emit(Event.WORKER_FAILED, worker="reconcile", error=failed_at(error))
            return told(now="unlooked", code="internal")
        if unsure.settled:
            return told(now="gone" if receipt is None else "there")
        return told(now=await self.store.run(lambda tx: _settle(tx, unsure, delivery, receipt)))


async def _found(partner: Partner, delivery: Delivery) -> Receipt | None:
    """Whether it is there. Bytes that were not fixed yet are made as for a first attempt, and then let go."""
    if not delivery.frozen:
        delivery = replace(delivery, body=await partner.prepare(delivery), frozen=True)
    return await partner.look(delivery)


def _settle(tx: Tx, unsure: Unsure, delivery: Delivery, receipt: Receipt | None) -> str:
    if receipt is not None:
        if restoring.arrived(tx, unsure.id, receipt):
            forward.on_settled(tx, delivery, DeliveryState.DELIVERED, receipt)
        return "delivered"
    if _overwrites(delivery):
        restoring.park(tx, unsure.id)
    return "parked" if _overwrites(delivery) or unsure.state is DeliveryState.PARKED else "waiting"


def _overwrites(delivery: Delivery) -> bool:
    """Whether it puts something in the place of what the partner holds; a cancel is final and may."""
    corrects = delivery.kind is Kind.FILE and b'"PUT"' in delivery.body
    return delivery.kind is Kind.CHANGE or delivery.replaces or corrects


def stand_still(tx: Tx, hand: Hand, *, restored: bool) -> Hold:
    """Put the hold there; Conflict when one stands already."""
    if hold.is_held(tx):
        raise _not_now("held")
    made = Hold(by=hand.actor, why=hand.why, at=tx.now, restored=restored)
    made = replace(made, newest=restoring.newest(tx) if restored else 0)
    hold.put(tx, made)
    hand.sign(tx, "hold", hand.node)
    return made


def go_on(tx: Tx, hand: Hand, *, park: bool) -> dict[str, Any]:
    """Lift the hold; Conflict when none stands, or when a restored database was not looked at in full.

    With `park` what nobody could look at is left to a person instead: everything that is not settled.
    """
    standing = hold.standing(tx)
    if standing is None:
        raise _not_now("not-held")
    parked = 0
    if standing.restored and not standing.looked:
        if not park:
            raise _not_now("restored-not-looked")
        parked = _park_all(tx)
    hold.lift(tx)
    hand.sign(tx, "resume", hand.node)
    return {**asdict(standing), "parked": parked}


def _park_all(tx: Tx) -> int:
    parked = 0
    while waiting := restoring.unparked(tx, 500):
        parked += sum(restoring.park(tx, each) for each in waiting)
    return parked


def _not_now(code: str) -> Conflict:
    return Conflict(problems=(Problem(code=code),))
