"""A simulated social prescribing service: takes referrals as a FHIR server and says what became of them.

It tells the bridge itself when it knows one, and keeps every Task and Observation to be polled either way.
Drive it by code, or let `auto` answer every referral: accepted, seen, a score, closed.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from random import Random
from uuid import uuid4

import httpx
from fastapi import FastAPI

from bridge.domain import systems
from bridge.simulators.fhir_answers import Manners
from bridge.simulators.fhir_server import FhirServer, utc_now
from bridge.simulators.fhir_store import Resource
from bridge.simulators.telling import Bridge, tell

ENDED = frozenset({"rejected", "cancelled", "completed", "failed", "entered-in-error"})
_TAKEN_BACK = frozenset({"revoked", "entered-in-error"})
_SWEMWBS = "718466001"
Answer = httpx.Response | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto:
    """Answers by itself, `delay` seconds between steps; every `reject_every`th referral is turned down."""

    delay: float = 1.0
    reject_every: int = 0


class PrescribingService:
    """`app` is to be served; `server` is what it holds and what trouble it makes.

    Each verb moves the Task and gives the bridge's answer, or None where the bridge has to poll. ValueError
    when the Task has ended.
    """

    def __init__(
        self, *, bridge: Bridge | None = None, auto: Auto | None = None, manners: Manners | None = None
    ) -> None:
        self.server = FhirServer(manners=manners, on_write=self._arrived)
        self._bridge = bridge
        self._auto = auto
        self._count = 0
        self._busy: set[asyncio.Task[None]] = set()

    @property
    def app(self) -> FastAPI:
        """The service over HTTP; its FHIR base is `/fhir`."""
        return self.server.app

    def answer_by_itself(self, auto: Auto | None) -> None:
        """From now on answer what arrives in that way, or wait to be driven."""
        self._auto = auto

    def referrals(self) -> list[Resource]:
        """The Tasks it was given, oldest first."""
        return self.server.resources("Task")

    async def accept(self, task_id: str) -> Answer:
        """Take the referral on."""
        return await self._tell(self._moved(task_id, "accepted", "3.0"))

    async def reject(self, task_id: str, reason: str) -> Answer:
        """Turn the referral down, with the reason in words."""
        return await self._tell(self._moved(task_id, "rejected", "4.0", reason))

    async def attend(self, task_id: str) -> Answer:
        """The person came."""
        return await self._tell(self._moved(task_id, "in-progress", "5.1.4"))

    async def miss(self, task_id: str, reason: str) -> Answer:
        """The person did not come."""
        return await self._tell(self._moved(task_id, "on-hold", "5.1.2", reason))

    async def cancel(self, task_id: str, reason: str) -> Answer:
        """Stop, as the GP or the person asked."""
        return await self._tell(self._moved(task_id, "cancelled", "6.0", reason))

    async def complete(self, task_id: str) -> Answer:
        """Close the case."""
        return await self._tell(self._moved(task_id, "completed", "7.0"))

    async def score(self, task_id: str, raw: int) -> Answer:
        """A SWEMWBS raw score: an Observation based on the ServiceRequest, named in Task.output."""
        held = self.server.store.put(self._observation(self._task(task_id), raw))
        place = {"reference": f"Observation/{held['id']}"}
        task = self._task(task_id)
        outputs = [*task.get("output", []), {"type": {"text": "Outcome measure"}, "valueReference": place}]
        self.server.store.put({**task, "output": outputs})
        return await self._tell(held)

    async def correct(self, observation_id: str, raw: int) -> Answer:
        """A score was wrong: the same Observation, corrected."""
        held = self.server.store.read("Observation", observation_id)
        quantity = {**held["valueQuantity"], "value": raw}
        corrected = {**held, "status": "corrected", "issued": _now(), "valueQuantity": quantity}
        return await self._tell(self.server.store.put(corrected))

    def _task(self, task_id: str) -> Resource:
        return self.server.store.read("Task", task_id)

    def _moved(self, task_id: str, status: str, business: str, reason: str = "") -> Resource:
        task = self._task(task_id)
        if task["status"] in ENDED:
            raise ValueError("this Task has ended")
        moved = {
            **task,
            "status": status,
            "statusReason": {"text": reason},
            "businessStatus": {"coding": [{"system": systems.BUSINESS_STATUS, "code": business}]},
            "lastModified": _now(),
        }
        if not reason:
            del moved["statusReason"]
        return self.server.store.put(moved)

    def _observation(self, task: Resource, raw: int) -> Resource:
        category = {"system": systems.OBSERVATION_CATEGORY, "code": "survey", "display": "Survey"}
        made = {
            "resourceType": "Observation",
            "identifier": [{"system": systems.UUID, "value": str(uuid4())}],
            "basedOn": [self._reference(task["focus"])],
            "status": "final",
            "category": [{"coding": [category]}],
            "code": {"coding": [{"system": systems.SNOMED, "code": _SWEMWBS}], "text": "SWEMWBS, raw score"},
            "subject": self._reference(task["for"]),
            "effectiveDateTime": _now(),
            "issued": _now(),
            "valueQuantity": {"value": raw, "unit": "score", "system": systems.UCUM, "code": "{score}"},
        }
        return made | ({"performer": [task["owner"]]} if "owner" in task else {})

    def _reference(self, link: Resource) -> Resource:
        """The same link with the business identifier of what it points at beside it."""
        kind, id_ = str(link["reference"]).split("/")[-2:]
        known = {"reference": f"{kind}/{id_}", "type": kind}
        identifiers = self.server.store.read(kind, id_).get("identifier")
        if not identifiers:
            return known
        # System and value only: extensions of Patient.identifier have no place in a reference.
        return known | {"identifier": {name: identifiers[0][name] for name in ("system", "value")}}

    async def _tell(self, resource: Resource) -> Answer:
        return None if self._bridge is None else await tell(self._bridge, resource)

    def _arrived(self, resource: Resource) -> None:
        if self._auto is None:
            return
        if resource["resourceType"] == "Task" and resource["status"] == "requested":
            self._count += 1
            turned_down = self._auto.reject_every and self._count % self._auto.reject_every == 0
            self._start(self._play(resource["id"], self._auto, turned_down=bool(turned_down)))
        elif resource["resourceType"] == "ServiceRequest" and resource["status"] in _TAKEN_BACK:
            self._start(self._take_back(resource["id"]))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _play(self, task_id: str, auto: Auto, *, turned_down: bool) -> None:
        steps = [
            partial(self.accept, task_id),
            partial(self.attend, task_id),
            partial(self.score, task_id, Random(task_id).randint(14, 30)),
            partial(self.complete, task_id),
        ]
        for step in [partial(self.reject, task_id, "No capacity in this area")] if turned_down else steps:
            await asyncio.sleep(auto.delay)
            if self._task(task_id)["status"] in ENDED:
                return
            await step()

    async def _take_back(self, request_id: str) -> None:
        for task in self.server.store.search("Task", [("focus", f"ServiceRequest/{request_id}")]):
            if task["status"] not in ENDED:
                await self.cancel(task["id"], "Taken back by the referrer")


def _now() -> str:
    return utc_now().isoformat(timespec="milliseconds")
