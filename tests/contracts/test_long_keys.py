"""A source's own key at its longest, on each database: the last that is taken and the first that is not."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.config import shipped
from bridge.domain.identifiers import LONGEST_KEY
from bridge.domain.journey import EventState
from bridge.pipeline.accept import accept
from bridge.pipeline.verdict import Verdict
from bridge.sources import Source, load
from bridge.store import Store
from tests.pipeline.desk import a_context, a_message

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
ENDLESS = (LONGEST_KEY + 1, 10_000, 200_000)


def of_json(key: str) -> bytes:
    """Our own event under that id."""
    event = json.loads((FIXTURES / "json-event/only-what-is-needed/message.json").read_bytes())
    return json.dumps(event | {"id": key}).encode()


def of_patient(key: str) -> bytes:
    """The same, of a person whom the sender knows by that key."""
    event = json.loads(of_json("SPR-1"))
    event["patient"]["local_key"] = key
    return json.dumps(event).encode()


def of_hl7v2(key: str) -> bytes:
    """A message whose RF1-6 is that alone."""
    message = (FIXTURES / "hl7v2-ref/referral-in-full/message.hl7").read_bytes()
    return message.replace(b"SPR-1001^A99999|20261119||", key.encode() + b"|20261119||")


def of_fhir(key: str) -> bytes:
    """A ServiceRequest with that number."""
    name = FIXTURES / "fhir-r4/request-with-contained-patient/message.json"
    request = json.loads(name.read_bytes())
    request["identifier"][0]["value"] = key
    return json.dumps(request).encode()


def of_fhir_system(key: str) -> bytes:
    """A ServiceRequest whose number has that system."""
    request = json.loads(of_fhir("77"))
    request["identifier"][0]["system"] = key
    return json.dumps(request).encode()


def of_fhir_patient(key: str) -> bytes:
    """A ServiceRequest whose Patient has that number at the sender."""
    request = json.loads(of_fhir("77"))
    named = {"system": "https://greenfield.example/Id/patient", "value": key}
    request["contained"][0].setdefault("identifier", []).append(named)
    return json.dumps(request).encode()


Make = Callable[[str], bytes]
DOORS = [
    pytest.param("json-event", of_json, "$.id", id="json"),
    pytest.param("json-event", of_patient, "$.patient.local_key", id="json-patient"),
    pytest.param("hl7v2-ref", of_hl7v2, "RF1-6", id="hl7v2"),
    pytest.param("fhir-r4", of_fhir, "ServiceRequest.identifier", id="fhir"),
    pytest.param("fhir-r4", of_fhir_system, "ServiceRequest.identifier", id="fhir-system"),
    pytest.param("fhir-r4", of_fhir_patient, "ServiceRequest.contained[0].identifier", id="fhir-patient"),
]


@pytest.fixture(scope="module")
def sources() -> dict[str, Source]:
    """The mappings that come with the bridge."""
    return load(shipped("mappings") / "sources")


async def told(store: Store, source: Source, body: bytes) -> Verdict:
    """What the pipeline makes of a message of that day."""
    ctx = replace(a_context(), now=lambda: datetime(2026, 11, 22, tzinfo=UTC))
    message = a_message(source=source.name, content=body, size=len(body))
    return await accept(store, ctx, source, message)


@pytest.mark.parametrize(("name", "make", "at"), DOORS)
async def test_a_key_is_taken_up_to_its_limit(
    store: Store, sources: dict[str, Source], name: str, make: Make, at: str
) -> None:
    """No index and no column is too small for it."""
    verdict = await told(store, sources[name], make("K" * LONGEST_KEY))

    assert [event.problems for event in verdict.events] == [()], at
    assert verdict.events[0].state in (EventState.APPLIED, EventState.PARKED)
    assert verdict.events[0].key_id


@pytest.mark.parametrize(("name", "make", "at"), DOORS)
async def test_an_endless_key_is_refused_with_its_place(
    store: Store, sources: dict[str, Source], name: str, make: Make, at: str
) -> None:
    """Nobody's key is that long; the problem holds no more than the beginning of its shape."""
    verdicts = [await told(store, sources[name], make("K" * length)) for length in ENDLESS]

    for verdict in verdicts:
        assert [event.state for event in verdict.events] == [EventState.REFUSED]
        problem = verdict.events[0].problems[0]
        assert (problem.code, problem.at) == ("key-too-long", at)
        assert problem.shape == "A" * 24 + "…"
