"""A bridge between two real servers, and the two that it stands between."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import func, select

from bridge.domain import systems
from bridge.domain.journey import DeliveryState
from bridge.store import feeds, views
from bridge.store.tables import delivery
from tests.conformance.fronts import Front
from tests.journeys.conftest import Site

REFERRAL, OUTCOME = "https://bridge.test/Id/referral", "https://bridge.test/Id/outcome"
SCORE, CLOSED = "718466001", "1362721000000106"

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A real server: `front` is the bridge's line to it, `http` that of whoever owns it."""

    front: Front
    http: httpx.AsyncClient

    async def held(self, kind: str, system: str, value: str) -> list[Resource]:
        """What it holds under a business identifier."""
        return await self._found(kind, {"identifier": f"{system}|{value}"})

    async def people(self, number: str) -> list[Resource]:
        """The Patients with an NHS number."""
        return await self.held("Patient", systems.NHS_NUMBER, number)

    async def filed(self, number: str, code: str) -> list[Resource]:
        """The Observations that we filed about a person under a code."""
        found = [o for p in await self.people(number) for o in await self._about(p)]
        ours = [o for o in found if any(i["system"] == OUTCOME for i in o.get("identifier", []))]
        return [o for o in ours if code in [c["code"] for c in o["code"]["coding"]]]

    async def _about(self, patient: Resource) -> list[Resource]:
        return await self._found("Observation", {"subject": f"Patient/{patient['id']}"})

    async def _found(self, kind: str, query: dict[str, str]) -> list[Resource]:
        headers = {"Cache-Control": "no-cache"}
        answer = await self.http.get(f"/{kind}", params={**query, "_count": "50"}, headers=headers)
        answer.raise_for_status()
        return [entry["resource"] for entry in answer.json().get("entry", [])]

    async def create(self, resource: Resource) -> Resource:
        """A new resource of the owner's own."""
        answer = await self.http.post(f"/{resource['resourceType']}", json=resource)
        answer.raise_for_status()
        made: Resource = answer.json()
        return made

    async def replace(self, resource: Resource) -> None:
        """A new version of a resource, as its owner writes it."""
        answer = await self.http.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
        answer.raise_for_status()

    async def move(self, referral: str, status: str, business: str) -> None:
        """The service says how far it has got: Task.status is its own."""
        (task,) = await self.held("Task", REFERRAL, referral)
        coding = {"system": systems.BUSINESS_STATUS, "code": business}
        news = {"status": status, "businessStatus": {"coding": [coding]}, "lastModified": _now()}
        await self.replace(task | news)

    async def score(self, referral: str, raw: int) -> Resource:
        """The service notes a SWEMWBS score based on the request, as an Observation of its own."""
        (request,) = await self.held("ServiceRequest", REFERRAL, referral)
        survey = {"system": systems.OBSERVATION_CATEGORY, "code": "survey"}
        unit = {"unit": "score", "system": systems.UCUM, "code": "{score}"}
        return await self.create(
            {
                "resourceType": "Observation",
                "identifier": [{"system": systems.UUID, "value": str(uuid4())}],
                "basedOn": [{"reference": f"ServiceRequest/{request['id']}"}],
                "status": "final",
                "category": [{"coding": [survey]}],
                "code": {"coding": [{"system": systems.SNOMED, "code": SCORE}]},
                "subject": request["subject"],
                "effectiveDateTime": _now(),
                "issued": _now(),
                "valueQuantity": {"value": raw, **unit},
            }
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass
class Place(Site):
    """A bridge between two real servers, each a `Party`."""

    async def settle(self) -> None:
        """Send until nothing waits but for a person, or behind what does."""
        for _ in range(300):
            await self.drain()
            if await self.bridge.store.read(_waiting) == 0:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("something still waits")

    async def poll(self) -> None:
        """Ask the service what changed until there is no more, and send what follows."""
        (poller,) = self.bridge.pollers
        while (await poller.poll_once())["more"]:
            pass
        await self.settle()

    async def forget_polls(self) -> None:
        """As if nothing had ever been asked: the next poll meets everything again."""
        for kind in ("Task", "Observation"):
            await self.bridge.store.run(
                lambda tx, kind=kind: feeds.set_polled_to(tx, "prescribing", kind, "")
            )

    async def story(self, referral: str) -> Resource:
        """Where a referral stands."""
        found: Resource = (await self.get(f"/referrals/{referral}")).json()
        return found

    async def there(self, referral: str, number: str) -> tuple[int, int, int]:
        """How many Patients, ServiceRequests and Tasks the service holds of a referral."""
        people = await self.service.people(number)
        requests = await self.service.held("ServiceRequest", REFERRAL, referral)
        tasks = await self.service.held("Task", REFERRAL, referral)
        return len(people), len(requests), len(tasks)

    async def status(self, referral: str) -> list[str]:
        """The status of the ServiceRequest at the service."""
        return [r["status"] for r in await self.service.held("ServiceRequest", REFERRAL, referral)]

    async def parked(self) -> list[Resource]:
        """All that waits for a person."""
        return await self.bridge.store.read(views.parked)

    async def release(self, item: str) -> None:
        """Try what is parked again, as the command line does."""
        here = httpx.ASGITransport(app=self.bridge.control())
        async with httpx.AsyncClient(transport=here, base_url="http://bridge") as control:
            answer = await control.post(
                "/control/do/release", json={"actor": "test", "why": "mended", "with": {"item": item}}
            )
        assert answer.status_code == 200, answer.text
        await self.settle()

    async def tries(self, referral: str) -> list[str]:
        """What came of every attempt for a referral."""
        return [t["result"] for d in (await self.story(referral))["deliveries"] for t in d["tries"]]


_PARKED = delivery.c.state == DeliveryState.PARKED.value


def _waiting(tx: Any) -> int:
    held = select(delivery.c.lane_id).where(_PARKED)
    query = select(func.count()).select_from(delivery).where(~_PARKED, delivery.c.lane_id.not_in(held))
    return int(tx.run(query).scalar_one())
