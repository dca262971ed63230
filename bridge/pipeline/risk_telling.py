"""Tell the risk contacts, and tell the next one while nobody says that it was seen.

What is to be told is a row of the store, so a crash loses nothing: at worst somebody hears twice. Each
contact has its time; when it is over the next one hears, and the last one again and again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.domain.dates import LONDON
from bridge.errors import NotTold, Unavailable
from bridge.events import Event, emit, failed_at
from bridge.partners.alerts import Message, Teller
from bridge.pipeline.context import Context
from bridge.pipeline.risks import schemes_of
from bridge.pipeline.turning import turn
from bridge.schemes.scheme import RiskContact
from bridge.store import risks
from bridge.store.risks import Raised
from bridge.store.unit import Store, Tx

AT_ONCE = 20  # risks of one look
FIRST_WAIT_MS, LONGEST_WAIT_MS = 15_000, 300_000  # after somebody could not be told
KINDS = {
    "stated": "a risk that the service states",
    "safeguarding": "a safeguarding concern",
    "phq-9-item-9": "an answer about self-harm (PHQ-9, question 9)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTeller:
    """Tells of risks until stopped. `ways` gives the ways to reach a contact."""

    store: Store
    context: Context
    ways: Callable[[RiskContact], Sequence[Teller]]
    every_s: float = 2
    beat: Callable[[], None] = field(default=lambda: None)

    async def run(self, stop: asyncio.Event) -> None:
        """Look every so often; a store that is away and a fault of ours end nothing."""
        await turn(stop, "risks", self._turn, every_s=self.every_s)

    async def _turn(self) -> bool:
        self.beat()
        await self.tell_due()
        return False

    async def tell_due(self) -> int:
        """Tell of all that is due; how many risks that were."""
        due = await self.store.run(lambda tx: risks.due(tx, AT_ONCE))
        await asyncio.gather(*map(self._attempt, due))
        return len(due)

    async def _attempt(self, raised: Raised) -> None:
        """What goes wrong with one risk keeps nobody from hearing of the others."""
        try:
            await self._tell(raised)
        except Unavailable as error:  # tried again when its claim is over
            emit(Event.STORE_UNAVAILABLE, worker="risks", reason=str(error))
        except Exception as error:  # noqa: BLE001 - the next risk must be told all the same
            emit(Event.WORKER_FAILED, worker="risks", error=failed_at(error))

    async def _tell(self, raised: Raised) -> None:
        contacts = self._contacts(raised)
        now = await self.store.read(lambda tx: tx.now)
        if now >= raised.due_at:
            raised = await self._escalated(raised, contacts, now)
        contact = contacts[min(raised.level, len(contacts) - 1)]
        told = [way for way in self.ways(contact) if await self._told(way, raised, contact)]
        if told or not self.ways(contact):  # a telephone alone: people see it on the list and in the log
            columns = {"next_at": raised.due_at, "told_at": now if told else raised.told_at}
        else:
            wait = min(FIRST_WAIT_MS * 2 ** min(raised.tries, 10), LONGEST_WAIT_MS)
            columns = {"next_at": min(now + wait, raised.due_at), "tries": raised.tries + 1}
        await self.store.run(lambda tx: risks.note(tx, raised.id, **columns))

    def _contacts(self, raised: Raised) -> tuple[RiskContact, ...]:
        """Those of its scheme; once that is gone, of whoever else works with the service."""
        schemes = schemes_of(self.context, raised.service, raised.scheme)
        return tuple(contact for scheme in schemes for contact in scheme.risk_contacts)

    async def _escalated(self, raised: Raised, contacts: Sequence[RiskContact], now: int) -> Raised:
        level = min(raised.level + 1, len(contacts) - 1)
        due_at = now + contacts[level].acknowledge_within_minutes * 60_000

        def work(tx: Tx) -> Raised | None:
            risks.note(tx, raised.id, level=level, due_at=due_at, tries=0)
            return risks.get(tx, raised.id)

        emit(Event.RISK_ESCALATED, risk=raised.id, scheme=raised.scheme, level=level)
        return await self.store.run(work) or raised

    async def _told(self, way: Teller, raised: Raised, contact: RiskContact) -> bool:
        named = {"risk": raised.id, "scheme": raised.scheme, "level": raised.level}
        try:
            await way.tell(notice(raised, contact))
        except NotTold as error:
            emit(Event.RISK_NOT_TOLD, **named, reason=str(error))
            return False
        emit(Event.RISK_TOLD, **named, way=way.name)
        return True


def notice(raised: Raised, contact: RiskContact) -> Message:
    """What a contact is told: ids of ours and no patient data, for which mail is not safe."""
    at = datetime.fromtimestamp(raised.raised_at / 1000, UTC).astimezone(LONDON)
    lines = (
        f"{contact.name}: a social prescribing service has reported {KINDS[raised.kind]}.",
        "",
        f"Reported: {at:%d %B %Y %H:%M} (London) by {raised.service}",
        f"Practice: {raised.practice or 'not known'}",
        f"Referral: {raised.referral_id or 'not known: the message names none of ours; ask the service'}",
        f"Reference of this notice: {raised.id}",
        "",
        "No name is in this message on purpose. Find the person with the referral id, at the practice or the",
        f"service, or with: bridge risks show {raised.id}",
        f"Say within {contact.acknowledge_within_minutes} minutes that it was seen, or somebody else hears:",
        f"bridge risks acknowledge {raised.id} --why '…'",
    )
    return Message(
        id=f"{raised.id}-{raised.level}",
        subject=f"Risk reported ({raised.scheme}): please acknowledge",
        text="\n".join(lines),
        loud=True,
        body={
            "risk": raised.id,
            "kind": raised.kind,
            "scheme": raised.scheme,
            "service": raised.service,
            "practice": raised.practice,
            "referral": raised.referral_id,
            "level": raised.level,
        },
    )
