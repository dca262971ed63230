"""An EMIS practice whose extracts reach a bridge through its drop folder, and what to ask of it then."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from sqlalchemy import func, select

from bridge.app import Bridge, open_bridge
from bridge.app.running import drop_folders
from bridge.config import FolderSettings
from bridge.domain.referral import ReferralKey
from bridge.intake.files import DropFolder
from bridge.pipeline import mend
from bridge.simulators import gp as gp_practice
from bridge.simulators.emis import Fate, Plan, Truth
from bridge.simulators.fhir_store import Resource
from bridge.simulators.loopback import running
from bridge.sources import emis
from bridge.store import Tx, held
from bridge.store.audit import Hand
from bridge.store.tables import body, event, feed, message, outcome, person, referral
from bridge.store.tables import held as held_table
from tests.journeys.conftest import GP_KEY, Ground
from tests.sources import emis_site

MOCKFORD = """
[[practices]]
ods = "ZZ9901"
name = "Mockford Surgery"
mode = "{mode}"
live_from = 2010-01-01
record = "record"
triggers = [{triggers}]
"""


def bare(guid: str) -> str:
    """A GUID as the bridge keeps it."""
    return guid.strip("{}").upper()


def key_of(fate: Fate) -> str:
    """The id that the entry of a fate has, or its referral would have."""
    key = ReferralKey(source="emis", owner=bare(fate.organisation), record=bare(fate.observation))
    return str(key.id)


@dataclass
class Surgery:
    """The practice, its folder, and the bridge, which can be closed and opened again."""

    ground: Ground
    plan: Plan
    mode: str = "live"
    triggers: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)
    _bridge: Bridge | None = None
    _watch: DropFolder | None = None

    @property
    def folder(self) -> Path:
        """What the bridge watches."""
        path = self.ground.folder / "drop"
        path.mkdir(exist_ok=True)
        return path

    @property
    def bridge(self) -> Bridge:
        """The bridge that is open."""
        assert self._bridge is not None
        return self._bridge

    @property
    def watch(self) -> DropFolder:
        """The drop folder as the bridge looks at it."""
        assert self._watch is not None
        return self._watch

    async def open(self) -> "Surgery":
        """Open the bridge, again after it was closed."""
        await self.close()
        watched = FolderSettings(source="emis", path=self.folder, every_s=1, settled_s=0)
        more = MOCKFORD.format(mode=self.mode, triggers=self.triggers)
        settings = self.ground.settings(more=more, folders=(watched,), **self.changes)
        first, *others = settings.callers
        gp = first.model_copy(update={"practices": (*first.practices, "ZZ9901")})
        settings = settings.model_copy(update={"callers": (gp, *others)})
        self._bridge = await self._opened.enter_async_context(open_bridge(settings))
        (self._watch,) = drop_folders(self._bridge)
        self.url = await self._opened.enter_async_context(running(self._bridge.http()))
        return self

    async def close(self) -> None:
        """Close the bridge."""
        self._bridge = None
        await self._opened.aclose()
        self._opened = AsyncExitStack()

    async def day(self, number: int, **spoilt: Any) -> Truth:
        """The extract of one day arrives, is read, and everything due is sent."""
        truth = gp_practice.drop(self.folder, self.plan, number, **spoilt)
        await self.read()
        return truth

    async def extract(self, *rows: emis_site.Row, day: int = 2, **how: Any) -> None:
        """The extract of 2026-03-`day` with these rows arrives, is read, and everything due is sent."""
        self.write(*rows, day=day, **how)
        await self.read()

    def write(self, *rows: emis_site.Row, day: int = 2, **how: Any) -> list[Path]:
        """Put such an extract into the folder; its files."""
        made = emis_site.write(self.ground.folder / f"made-{day}", *rows, day=day, **how)
        return [file.rename(self.folder / file.name) for file in sorted(made.iterdir())]

    async def tell(self, event: dict[str, Any]) -> httpx.Response:
        """The practice sends a JSON event."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            answer = await http.post("/events/json-event", json=event, headers={"X-API-Key": GP_KEY})
        await self.send()
        return answer

    async def read(self) -> None:
        """Read what lies in the folder, then send what is due."""
        while await self.watch.import_next():
            pass
        await self.send()

    async def send(self) -> None:
        """Send everything that is due."""
        while sum([await worker.drain() for worker in self.bridge.workers]):
            pass

    async def release(self, item: str) -> None:
        """A person releases what is parked."""
        bridge = self.bridge
        hand = Hand(actor="Test Person", why="The practice confirms it", node="test", chain=bridge.chain)
        await bridge.store.run(lambda tx: mend.release(tx, bridge.context, hand, item))

    def verdicts(self, place: str) -> list[dict[str, Any]]:
        """What was written beside the extracts that were put there, oldest first."""
        files = sorted((self.folder / place).glob("*/verdict.json"))
        return [orjson.loads(file.read_bytes()) for file in files]

    # What became of it

    def at_service(self) -> dict[str, Resource]:
        """The ServiceRequests the service holds, by our id."""
        held_there = self.ground.service.resources("ServiceRequest")
        return {_ours(resource): resource for resource in held_there}

    def statuses(self) -> Counter[str]:
        """How many of them there are in each status."""
        return Counter(resource["status"] for resource in self.at_service().values())

    async def events(self, key: str = "") -> list[dict[str, Any]]:
        """What events there are, of one key or all, oldest first."""
        query = select(event).order_by(event.c.at, event.c.n)
        if key:
            query = query.where(event.c.key_id == key)
        return await self._rows(query)

    async def referrals(self) -> list[dict[str, Any]]:
        """The referral rows."""
        return await self._rows(select(referral).order_by(referral.c.opened_at))

    async def people(self) -> list[dict[str, Any]]:
        """The rows of what is known of people."""
        return await self._rows(select(person))

    async def _rows(self, query: Any) -> list[dict[str, Any]]:
        return await self.bridge.store.read(lambda tx: [dict(row._mapping) for row in tx.run(query)])

    async def opened_texts(self) -> list[bytes]:
        """Everything that is kept sealed, opened."""
        return await self.bridge.store.read(lambda tx: list(_opened(tx)))

    async def held(self, kind: str, owner: str, key: str) -> held.Row | None:
        """One row held of the extract."""
        return await self.bridge.store.read(lambda tx: held.get(tx, kind, bare(owner), bare(key)))

    async def known(self) -> emis.Known:
        """What the reader knows of earlier extracts."""
        return await self.bridge.store.read(emis.known_of)

    async def feed_of(self, practice: str) -> str:
        """Up to when a practice's feed is known, in UTC."""
        (known,) = await self._rows(
            select(func.max(feed.c.extracted_at).label("at")).where(feed.c.practice == practice)
        )
        return self.bridge.context.from_ms(known["at"]).isoformat()

    async def messages(self) -> list[dict[str, Any]]:
        """The messages that were kept."""
        return await self._rows(select(message).order_by(message.c.received_at))


@asynccontextmanager
async def surgeries(ground: Ground, plan: Plan) -> AsyncIterator[Callable[..., Surgery]]:
    """Make practices of the ground; each bridge is closed at the end."""
    made: list[Surgery] = []

    def make(plan: Plan = plan, **how: Any) -> Surgery:
        made.append(Surgery(ground, plan, **how))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def _ours(resource: Resource) -> str:
    found = (
        i["value"] for i in resource["identifier"] if i.get("system", "").startswith("https://bridge.test")
    )
    return str(next(found))


def _opened(tx: Tx) -> Iterator[bytes]:
    places = ((body, "body"), (event, "event"), (referral, "referral"), (outcome, "outcome"))
    for table, name in places:
        for row in tx.run(select(table.c.id, table.c.sealed).where(table.c.sealed.is_not(None))):
            yield tx.open(f"{name}.sealed", row.id, row.sealed)
    for row in tx.run(select(held_table)):
        yield tx.open("held.sealed", f"{row.kind}/{row.owner}/{row.key}", row.sealed)
