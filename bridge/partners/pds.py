"""The Personal Demographics Service (PDS FHIR R4): is this the person, and are they still registered?

Application-restricted access: a signed JWT, one unique match or none, reading only. An NHS number stands in
the address because that is PDS's interface; it is logged nowhere. What is asked is spread to at most so many
requests a second, and a longer wait that PDS asks for is obeyed by whoever sends (Throttled).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from bridge.domain.identifiers import NhsNumber
from bridge.domain.letter import Person
from bridge.domain.systems import ODS_ORGANISATION
from bridge.errors import Doubtful, NotThePartner, Refused
from bridge.fhir.trees import labels, text, tree_at, trees
from bridge.partners import people
from bridge.partners.answers import Answer
from bridge.partners.failures import failure
from bridge.partners.http import FhirClient

PER_SECOND = 5  # of an application, unless NHS England agrees on more
_SEVERAL = "TOO_MANY_MATCHES"
_RESTRICTED = ("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "R")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Traced:
    """What PDS holds. `practice` is an ODS code, "" when unregistered or `restricted`."""

    nhs_number: str
    practice: str
    restricted: bool
    deceased: bool
    held: Mapping[str, Any]


class Pds:
    """Asks PDS; raises DeliveryErrors only."""

    def __init__(
        self,
        client: FhirClient,
        *,
        per_second: int = PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._gap = 1 / per_second
        self._clock = clock
        self._rest = rest
        self._turn = asyncio.Lock()
        self._next = 0.0

    async def trace(self, person: Person) -> str:
        """The NHS number of this person; Doubtful when PDS does not surely hold them, alive to a practice.

        Without a number they are searched for by name, date of birth and gender: one exact match or nobody.
        """
        found = await (self.read(person.nhs_number) if person.nhs_number else self.search(person))
        if found is None:
            raise failure(Doubtful, "pds-person-not-found")
        if person.nhs_number and found.nhs_number != person.nhs_number:
            raise failure(Doubtful, "pds-number-superseded")
        if not people.is_person(found.held, born=person.birth_date, family=person.family):
            raise failure(Doubtful, "pds-person-differs")
        if not found.practice and not found.restricted:
            raise failure(Doubtful, "pds-not-registered")
        return found.nhs_number

    async def read(self, nhs_number: str) -> Traced | None:
        """The person with that number, under the number that stands for them now; None when there is none."""
        try:
            answer = await self._asked(f"Patient/{NhsNumber.parse(nhs_number).digits}", [])
        except Refused as error:
            if error.status in (400, 404):  # not a number of anybody, or one that was made invalid
                return None
            raise
        return _traced(answer.body)

    async def search(self, person: Person) -> Traced | None:
        """The only person of these details; None when there is none, Doubtful when there are several."""
        asked = [
            ("family", person.family),
            *(("given", given) for given in person.given[:1]),
            ("gender", person.gender),
            ("birthdate", f"eq{person.birth_date}"),
        ]
        if not all(value for _, value in asked):
            return None
        answer = await self._asked("Patient", asked)
        if _code_of(answer.body) == _SEVERAL:  # told with 200
            raise failure(Doubtful, "pds-several-persons")
        entries = trees(answer.body, "entry")
        if len(entries) > 1:
            raise failure(Doubtful, "pds-several-persons")
        return _traced(tree_at(entries[0], "resource")) if entries else None

    async def _asked(self, path: str, parameters: list[tuple[str, str]]) -> Answer:
        await self._take_turn()
        return await self._client.page(path, parameters, correlation_id=str(uuid4()))

    async def _take_turn(self) -> None:
        """Wait until so many requests a second are not exceeded."""
        async with self._turn:
            wait = self._next - self._clock()
            if wait > 0:
                await self._rest(wait)
            self._next = max(self._next, self._clock()) + self._gap


def _traced(held: Mapping[str, Any]) -> Traced:
    """What a Patient says; NotThePartner when it is none."""
    if text(held, "resourceType") != "Patient" or not text(held, "id"):
        raise failure(NotThePartner, "partner-answer-unexpected")
    practices = (text(gp, "identifier", "value") for gp in trees(held, "generalPractitioner") if _is_ods(gp))
    return Traced(
        nhs_number=text(held, "id"),
        practice=next(practices, ""),
        restricted=_RESTRICTED in labels(held),
        deceased=bool(text(held, "deceasedDateTime")),
        held=held,
    )


def _is_ods(practitioner: Mapping[str, Any]) -> bool:
    return text(practitioner, "identifier", "system") == ODS_ORGANISATION


def _code_of(body: Mapping[str, Any]) -> str:
    """The Spine code of an OperationOutcome; "" when there is none."""
    issues = trees(body, "issue") if text(body, "resourceType") == "OperationOutcome" else ()
    return next(
        (text(coding, "code") for issue in issues for coding in trees(tree_at(issue, "details"), "coding")),
        "",
    )
