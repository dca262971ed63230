"""Track by poll: what a service's own server shows of our referrals is recorded as if it had been pushed.

One page is one commit with the new watermark. What is not about our referrals is counted and not kept; what
names one of ours and cannot be used is parked, since nobody waits to hear a refusal. While something cannot
be matched yet the watermark stays, so that the next poll meets it again.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeAlias
from uuid import UUID, uuid5

from bridge.domain.journey import EventState
from bridge.errors import DeliveryError, Unavailable
from bridge.events import Event, emit, failed_at
from bridge.fhir.outcomes import Report, reports_of
from bridge.fhir.risks import risks_in
from bridge.fhir.trees import Json
from bridge.fhir.writing import to_json
from bridge.partners.polling import Page, Polled, instant
from bridge.pipeline import keeping, outcomes, report, risks
from bridge.pipeline.context import Context
from bridge.pipeline.outcomes import NotYet, Recorded
from bridge.pipeline.turning import turn
from bridge.store import feeds, messages
from bridge.store.messages import Message
from bridge.store.unit import Store, Tx

KINDS: tuple[Polled, ...] = ("Observation", "Task")  # a score before the closure it belongs to
WAITING, IGNORED, MORE = "waiting", "ignored", "more"

_SPACE = UUID("0f5d9a52-3c1e-5b57-9a4b-6a7a9e6f2f10")  # of the ids of polled messages
_Item: TypeAlias = tuple[Message, tuple[Report, ...]]


class Pages(Protocol):
    """What a poller needs of its service: bridge.partners.polling."""

    def pages(self, kind: Polled, since: datetime | None) -> AsyncIterator[Page]:
        """What changed after `since`, page by page; DeliveryError when the service cannot be asked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """Asks one service what changed, every so often. `wake` is called when something may be due.

    `told` hears after each poll why the service could not be asked, by code; "" when it could.
    """

    store: Store
    context: Context
    service: str
    asking: Pages
    every: timedelta
    wake: Callable[[], None] = field(default=lambda: None)
    told: Callable[[str], None] = field(default=lambda _code: None)

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop`, at once again while more waits; a poll that fails is told of and tried again."""
        await turn(stop, f"poll {self.service}", self._turn, every_s=self.every.total_seconds())

    async def _turn(self) -> bool:
        try:
            more = (await self.poll_once())[MORE]
        except DeliveryError as error:
            self.told(error.code)
            emit(Event.POLL_FAILED, partner=self.service, code=error.code)
            return False
        self.told("")
        return more > 0

    async def poll_once(self) -> Counter[str]:
        """One poll of everything: how many reports became what, `ignored` and `waiting` among them.

        `more` counts the kinds of which the service has more to show that the next poll will reach. Raises
        DeliveryError when the service cannot be asked and Unavailable when the store is away.
        """
        counts: Counter[str] = Counter()
        for kind in KINDS:
            counts += await self._poll(kind)
        self.wake()
        return counts

    async def _poll(self, kind: Polled) -> Counter[str]:
        since = instant(await self.store.read(lambda tx: feeds.polled_to(tx, self.service, kind)))
        counts: Counter[str] = Counter()
        more, reached = False, since
        async for page in self.asking.pages(kind, since):
            items = [self._item(resource) for resource in page.resources]
            await self._hear(items, page.resources)
            to = "" if page.watermark is None or counts[WAITING] else page.watermark.isoformat()
            counts += await self._page(kind, items, to)
            emit(Event.POLLED, partner=self.service, resource=kind, found=len(items))
            more, reached = not page.last, page.watermark
        if more and reached == since:  # the next poll will read the same again, never what waits behind it
            emit(Event.POLL_FAILED, partner=self.service, code="partner-poll-stuck")
        elif more and not counts[WAITING]:
            counts[MORE] += 1
        return counts

    async def _hear(self, items: Iterable[_Item], resources: Iterable[Json]) -> None:
        """Keep the risks that are about our referrals before anything else is done with the page."""
        for (message, _), resource in zip(items, resources, strict=True):
            found = list(risks_in(resource))
            if found:
                await risks.raise_first(self.store, self.context, message, found, ours=True)

    def _item(self, resource: Json) -> _Item:
        """A polled resource as a message: the same content is the same message."""
        content = to_json(resource)
        message = Message(
            id=str(uuid5(_SPACE, f"{self.service}|{hashlib.sha256(content).hexdigest()}")),
            source=self.service,
            door=report.POLLED,
            caller=f"poll:{self.service}"[:64],
            media_type="application/fhir+json",
            content=content,
            size=len(content),
        )
        now = self.context.now()
        return message, reports_of(resource, naming=self.context.naming, arrived=now)

    async def _page(self, kind: Polled, items: Sequence[_Item], to: str) -> Counter[str]:
        """Take a page in one commit; where a fault of ours stops it, each resource for itself."""
        try:
            return await self.store.run(lambda tx: self._take(tx, kind, items, to))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one resource must not hide the others for ever
            emit(Event.WORKER_FAILED, worker=f"poll {self.service}", error=failed_at(error))
        counts: Counter[str] = Counter()
        for item in items:
            try:
                counts += await self.store.run(partial(self._take, kind=kind, items=[item], to=""))
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - told of above; the translator takes it from here
                counts += await self.store.run(partial(self._keep, message=item[0]))
        return counts + await self.store.run(
            lambda tx: self._take(tx, kind, [], "" if counts[WAITING] else to)
        )

    def _keep(self, tx: Tx, message: Message) -> Counter[str]:
        if not messages.is_kept(tx, message.id):
            keeping.keep_for_later(tx, self.context, message)
        return Counter({EventState.KEPT.value: 1})

    def _take(self, tx: Tx, kind: Polled, items: Sequence[_Item], to: str) -> Counter[str]:
        tx.lock(f"poll|{self.service}|{kind}")
        counts: Counter[str] = Counter()
        for message, reports in items:
            counts.update(self._record(tx, message, reports))
        if to and not counts[WAITING]:
            feeds.set_polled_to(tx, self.service, kind, to)
        return counts

    def _record(self, tx: Tx, message: Message, reports: Iterable[Report]) -> list[str]:
        """Record what one resource reports, and keep it when it is news; what became of each report."""
        became = [(said, self._became(tx, message, said)) for said in reports]
        news = [(said, b) for said, b in became if isinstance(b, Recorded) and _is_news(b)]
        if messages.is_kept(tx, message.id):  # parked by an earlier poll: only what has changed since is news
            news = [(said, b) for said, b in news if b.state is not EventState.REFUSED]
            message = replace(message, id=self.context.new_id())
        if news:
            messages.keep(tx, message)
        for n, (said, recorded) in enumerate(news):
            report.settle(tx, self.context, message, n, said, recorded)
        return [b.state.value if isinstance(b, Recorded) else b for _, b in became]

    def _became(self, tx: Tx, message: Message, said: Report) -> Recorded | str:
        named = outcomes.named(tx, self.context, self.service, said.referral_ref)
        if named is None:
            return IGNORED
        if said.outcome is None:
            return Recorded(
                state=EventState.REFUSED,
                code=said.problems[0].code,
                referral_id=named.id,
                practice=named.practice,
            )
        try:
            return report.recorded(tx, self.context, message, said)
        except NotYet:
            return WAITING


def _is_news(recorded: Recorded) -> bool:
    return recorded.state is not EventState.DUPLICATE
