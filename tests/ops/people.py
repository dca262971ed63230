"""People at the page of a site: signed in without the time a password takes, and what they are shown."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select

from bridge.ops.page.visitors import SESSION
from bridge.simulators.trouble import Step, Trouble
from bridge.store import accounts
from bridge.store.accounts import Account, Terms
from bridge.store.tables import delivery, event, settled
from tests.journeys.conftest import GP_KEY, PRACTICE, Site
from tests.security import requests

TERMS = Terms(idle=1_800_000, longest=43_200_000)
OTHERS = "B99999"
PEOPLE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "operator": (("operator",), ()),
    "practice": (("practice",), (PRACTICE,)),
    "practice-other": (("practice",), (OTHERS,)),
    "officer": (("data-officer",), (PRACTICE,)),
    "officer-other": (("data-officer",), (OTHERS,)),
}


@dataclass
class Person:
    """Somebody with the page open; `name` is "" for nobody."""

    http: httpx.AsyncClient
    name: str

    @property
    def seal(self) -> str:
        """What the forms of this session carry."""
        return hashlib.sha256(f"form|{token_of(self.name)}".encode()).hexdigest()

    async def get(self, address: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return await self.http.get(address, headers=headers)

    async def send(self, address: str, **fields: str) -> httpx.Response:
        """Send a form of ours."""
        return await self.http.post(address, data={"seal": self.seal, **fields})


def token_of(name: str) -> str:
    """The session of somebody."""
    return f"session-of-{name}"


@asynccontextmanager
async def at_the_page(site: Site, name: str) -> AsyncIterator[Person]:
    """Somebody of PEOPLE signed in on this machine, or nobody."""
    cookies = {}
    if name:
        await sign_in(site, name)
        cookies = {"Cookie": f"{SESSION}={token_of(name)}"}
    async with httpx.AsyncClient(base_url=site.http.base_url, headers=cookies, trust_env=False) as http:
        yield Person(http, name)


async def sign_in(site: Site, name: str) -> None:
    """An account and a session of somebody of PEOPLE."""
    roles, practices = PEOPLE[name]

    def work(tx: Any) -> None:
        if accounts.get(tx, name) is None:
            accounts.add(tx, Account(name=name, roles=roles, practices=practices, password="none"))
            accounts.begin_session(tx, name, token_of(name), TERMS)

    await site.bridge.store.run(work)


@dataclass
class Things:
    """One of each thing a page is about, all of PRACTICE; a parked event and a delivery that was sent."""

    message: str
    referral: str
    event: str
    delivery: str


async def things_of(site: Site) -> Things:
    """A referral that was sent, and an event of a person without NHS number, who is parked."""
    told = await refer(site, 1)
    await site.drain()
    nobody = requests.an_event(2, PRACTICE)
    nobody["patient"] = {"local_key": "P2", "family": "Nonumber", "birth_date": "1950-06-15"}
    answer = await site.post("/events/json-event", nobody, GP_KEY)
    parked = answer.json()["message"]
    find = {
        "event": select(event.c.id).where(event.c.message_id == parked),
        "delivery": select(settled.c.id).where(settled.c.referral_id == told["events"][0]["referral"]),
    }
    ids = {
        name: await site.bridge.store.read(lambda tx, query=query: tx.run(query).scalar_one())
        for name, query in find.items()
    }
    return Things(told["message"], told["events"][0]["referral"], ids["event"], ids["delivery"])


async def refer(site: Site, n: int) -> dict[str, Any]:
    """Refer the n-th person; what the door answers."""
    answer = await site.post("/events/json-event", requests.an_event(n, PRACTICE), GP_KEY)
    told: dict[str, Any] = answer.json()
    return told


async def parked_delivery(site: Site, n: int) -> str:
    """Refer the n-th person to a service that refuses; the delivery that is parked now."""
    told = await refer(site, n)
    site.service.script(Step(trouble=Trouble.STATUS, status=422, method="POST", whole_path=True))
    await site.drain()
    query = select(delivery.c.id).where(delivery.c.referral_id == told["events"][0]["referral"])
    found: str = await site.bridge.store.read(lambda tx: tx.run(query).scalar_one())
    return found
