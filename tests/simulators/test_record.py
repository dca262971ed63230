"""The simulated GP record knows the practice's patients and shows what was filed."""

from itertools import islice
from pathlib import Path

import httpx
import pytest

from bridge.simulators.emis import Plan, day, everyone
from bridge.simulators.emis_cases import Case
from bridge.simulators.loopback import running
from bridge.simulators.people import NHS_NUMBER
from bridge.simulators.record import GpRecord, record_of

PLAN = Plan(seed=2, patients=5, cases={Case.RECORD: 3})


@pytest.fixture
def record() -> GpRecord:
    return record_of(PLAN, days=2)


async def test_a_patient_is_found_by_nhs_number(record: GpRecord) -> None:
    """Exactly one, with the details of the practice's own list."""
    person = next(everyone(PLAN))
    async with running(record.app) as base, httpx.AsyncClient(base_url=f"{base}/fhir") as http:
        search = {"identifier": f"{NHS_NUMBER}|{person.nhs_number}"}
        found = (await http.get("/Patient", params=search)).json()["entry"]

    assert [e["resource"]["birthDate"] for e in found] == [person.birth_date.isoformat()]


def test_everyone_in_the_extracts_is_known(record: GpRecord, tmp_path: Path) -> None:
    """The record and the extracts of one plan speak of the same people."""
    known = {p["identifier"][0]["value"] for p in record.server.resources("Patient")}
    for number in (1, 2):
        assert {fate.nhs_number for fate in day(tmp_path, PLAN, number).fates} <= known


async def test_what_is_filed_is_shown(record: GpRecord) -> None:
    """By code and on the page, with names and values escaped."""
    first, second = islice(everyone(PLAN), 2)
    patient = record.server.store.search("Patient", [("identifier", f"{NHS_NUMBER}|{first.nhs_number}")])[0]
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Score <raw>"},
        "subject": {"reference": f"Patient/{patient['id']}"},
        "valueQuantity": {"value": 24},
    }
    async with running(record.app) as base, httpx.AsyncClient(base_url=base) as http:
        headers = {"Content-Type": "application/fhir+json"}
        (await http.post("/fhir/Observation", json=observation, headers=headers)).raise_for_status()
        page = (await http.get("/")).text

    assert [o["valueQuantity"]["value"] for o in record.filed(first.nhs_number)] == [24]
    assert record.filed(second.nhs_number) == []
    assert "Observations filed: 1" in page
    assert first.family.replace("'", "&#x27;") in page
    assert "Score &lt;raw&gt;" in page
