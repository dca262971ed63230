"""Two GP systems that refer one person each: by JSON events, and by BaRS messages."""

import json
from itertools import count
from typing import Any
from uuid import uuid4

from tests.conformance.places import Place
from tests.conftest import nhs_number
from tests.fhir.examples import BUNDLE_ID
from tests.journeys import test_bars as bars
from tests.journeys.test_json_event import a_person, an_event

NUMBERS = count(40_000, 10)  # nobody is referred twice: the servers outlive a test


class JsonEvents:
    """A GP system that sends JSON events."""

    born = "1950-06-15"

    def __init__(self, place: Place) -> None:
        self.place = place
        self.number = nhs_number(next(NUMBERS)).digits
        self.family = f"Testfamily-{self.number}"
        self._id = str(uuid4())

    def event(self, version: int = 1, **changes: Any) -> dict[str, Any]:
        """The event of this referral."""
        person = a_person(nhs_number=self.number, family=self.family)
        return an_event(version, id=self._id, patient=person, **changes)

    async def refer(self) -> str:
        """Send it; our id of the referral."""
        answer = await self.place.post("/events/json-event", self.event())
        assert answer.status_code in {200, 202}, answer.text
        return str(answer.json()["events"][0]["referral"])

    async def change(self) -> None:
        """It becomes urgent."""
        urgent = self.event()["referral"] | {"priority": "urgent"}
        assert (await self.place.post("/events/json-event", self.event(2, referral=urgent))).is_success

    async def cancel(self) -> None:
        """Take it back."""
        assert (await self.place.post("/events/json-event", self.event(3, type="cancelled"))).is_success


class BarsMessages:
    """A GP system that sends BaRS messages; the standard has no change of an active referral."""

    born = "1951-03-04"

    def __init__(self, place: Place) -> None:
        self.place = place
        self.number = nhs_number(next(NUMBERS)).digits
        self.family = f"Specimen-{self.number}"
        self._id = str(uuid4())

    def _own(self, message: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(message).replace("9990000018", self.number).replace(BUNDLE_ID, self._id)
        own: dict[str, Any] = json.loads(text.replace("Specimen", self.family))
        return own

    async def refer(self) -> str:
        """Send it; our id of the referral."""
        answer = await bars.post(self.place, self._own(bars.a_message()))
        assert answer.status_code == 200, answer.text
        kept = (await self.place.get(f"/messages/{answer.headers['X-Receipt-ID']}")).json()
        return str(kept["events"][0]["referral"])

    async def cancel(self) -> None:
        """Take it back, by the id we answered with."""
        answer = await bars.post(self.place, self._own(bars.a_cancellation(self._id)))
        assert answer.status_code == 200, answer.text


Sender = JsonEvents | BarsMessages
