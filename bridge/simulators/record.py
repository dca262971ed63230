"""A simulated GP record: a FHIR server that knows its patients and shows what was filed for them.

`/` is a page of the filed Observations, for people who try the bridge.
"""

from collections.abc import Iterable
from html import escape
from itertools import islice

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from bridge.simulators.emis import Plan, everyone, known_by
from bridge.simulators.fhir_answers import Manners
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.fhir_store import Resource
from bridge.simulators.people import NHS_NUMBER, Person

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated GP record</title></head><body>
<h1>Simulated GP record</h1><p>Synthetic patients. Observations filed: {count}</p>
<table><tr><th>Patient</th><th>What</th><th>Value</th><th>When</th><th>Status</th></tr>{rows}</table>
</body></html>"""


class GpRecord:
    """`app` is to be served (FHIR base `/fhir`); `server` is what it holds and what trouble it makes."""

    def __init__(self, patients: Iterable[Person], *, manners: Manners | None = None) -> None:
        self.server = FhirServer(manners=manners)
        for person in patients:
            self.server.store.put(person.fhir())
        self.server.app.add_route("/", self._page, methods=["GET"])

    @property
    def app(self) -> FastAPI:
        """The record over HTTP."""
        return self.server.app

    def filed(self, nhs_number: str = "") -> list[Resource]:
        """The Observations filed for everyone, or for one patient."""
        search = [("patient.identifier", f"{NHS_NUMBER}|{nhs_number}")] if nhs_number else []
        return self.server.store.search("Observation", search)

    async def _page(self, _: Request) -> HTMLResponse:
        found = self.filed()
        rows = "".join(map(self._row, found))
        return HTMLResponse(_PAGE.format(count=len(found), rows=rows))

    def _row(self, observation: Resource) -> str:
        quantity = observation.get("valueQuantity") or {}
        value = quantity.get("value", observation.get("valueInteger", observation.get("valueString", "")))
        cells = (
            self._name(observation),
            _words(observation.get("code") or {}),
            value,
            observation.get("effectiveDateTime", ""),
            observation["status"],
        )
        return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"

    def _name(self, observation: Resource) -> str:
        reference = str((observation.get("subject") or {}).get("reference", ""))
        found = self.server.store.search("Patient", [("_id", reference.rpartition("/")[2])])
        name = found[0]["name"][0] if found and found[0].get("name") else {}
        return " ".join([*name.get("given", []), name.get("family", "")]) or "unknown"


def record_of(plan: Plan, *, days: int = 30) -> GpRecord:
    """The record of the practice whose extracts `plan` makes: everyone in the first so many days' files."""
    return GpRecord(islice(everyone(plan), known_by(plan, days)))


def _words(concept: Resource) -> str:
    codings = concept.get("coding") or [{}]
    return str(concept.get("text") or codings[0].get("display") or codings[0].get("code") or "")
