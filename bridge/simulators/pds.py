"""A simulated Personal Demographics Service: synthetic people, its errors, and its limit of five a second.

What it answers follows the published specification (NHSDigital/personal-demographics-service-api): too many
matches are told with 200, a slow back end with 503 and Retry-After, a superseded number with the new one.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from bridge.simulators.people import NHS_NUMBER, Person

BASE = "/personal-demographics/FHIR/R4"
_CODES = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
_ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
_FHIR = "application/fhir+json"
_KNOWN = frozenset({"family", "given", "gender", "birthdate", "address-postalcode", "_max-results"})

Resource = dict[str, Any]


class Pds:
    """`app` is to be served (base `BASE`); `people` by NHS number; `moved` are numbers that gave way."""

    def __init__(
        self,
        people: Iterable[Person] = (),
        *,
        practice: str = "A99999",
        per_second: int = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app = FastAPI(openapi_url=None)
        self.people: dict[str, Resource] = {p.nhs_number: held(p.fhir(), practice) for p in people}
        self.moved: dict[str, str] = {}
        self.slow = 0  # so many requests meet a slow back end
        self.asked = 0
        self._per_second = per_second
        self._clock = clock
        self._lately: list[float] = []
        self.app.add_route(f"{BASE}/Patient/{{number}}", self._read, methods=["GET"])
        self.app.add_route(f"{BASE}/Patient", self._search, methods=["GET"])

    async def _read(self, request: Request) -> JSONResponse:
        trouble = self._trouble()
        if trouble is not None:
            return trouble
        asked = str(request.path_params["number"])
        found = self.people.get(self.moved.get(asked, asked))
        if found is None:
            return _outcome(404, "RESOURCE_NOT_FOUND", "not-found", severity="information")
        return JSONResponse(found, 200, {"ETag": 'W/"1"'}, _FHIR)

    async def _search(self, request: Request) -> JSONResponse:
        trouble = self._trouble()
        if trouble is not None:
            return trouble
        asked = request.query_params
        if set(asked) - _KNOWN:
            return _outcome(400, "ADDITIONAL_PROPERTIES", "structure")
        found = [person for person in self.people.values() if _matches(person, asked)]
        if len(found) > 1:
            return _outcome(200, "TOO_MANY_MATCHES", "multiple-matches", severity="information")
        entries = [
            {"fullUrl": f"{BASE}/Patient/{p['id']}", "search": {"score": 1}, "resource": p} for p in found
        ]
        body = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
        return JSONResponse(body | ({"entry": entries} if entries else {}), 200, None, _FHIR)

    def _trouble(self) -> JSONResponse | None:
        """429 for more than the limit in one second, 503 while the back end is slow."""
        self.asked += 1
        now = self._clock()
        self._lately = [at for at in self._lately if now - at < 1]
        if len(self._lately) >= self._per_second:
            return _outcome(429, "TOO_MANY_REQUESTS", "throttled")
        self._lately.append(now)
        if self.slow:
            self.slow -= 1
            return _outcome(503, "SERVICE_UNAVAILABLE", "timeout", headers={"Retry-After": "5"})
        return None


def held(patient: Resource, practice: str) -> Resource:
    """A Patient as PDS shows it: its id is the NHS number, and where the person is registered."""
    number = next(i["value"] for i in patient["identifier"] if i["system"] == NHS_NUMBER)
    registered = {"type": "Organization", "identifier": {"system": _ODS, "value": practice}}
    return {**patient, "id": number, "generalPractitioner": [registered]}


def _matches(person: Resource, asked: Mapping[str, str]) -> bool:
    name = person["name"][0]
    said = {
        "family": name["family"].casefold() == asked.get("family", "").casefold(),
        "given": asked.get("given", "").casefold() in [g.casefold() for g in name.get("given", [])],
        "gender": person.get("gender") == asked.get("gender"),
        "birthdate": f"eq{person.get('birthDate')}" == asked.get("birthdate"),
    }
    return all(said[key] for key in said if key in asked)


def _outcome(
    status: int,
    code: str,
    kind: str,
    *,
    severity: str = "error",
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    coding = {"system": _CODES, "version": "1", "code": code, "display": code.replace("_", " ").title()}
    issue = {"severity": severity, "code": kind, "details": {"coding": [coding]}}
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return JSONResponse(body, status, dict(headers or {}), _FHIR)
