"""Endless keys at each door: the sender is told the place, and never hears its own value again."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from bridge.fhir.writing import to_json
from tests.fhir.reporting import an_observation
from tests.journeys.conftest import SERVICE_KEY, Site
from tests.journeys.test_bars import a_message
from tests.journeys.test_bars import headers as bars_headers
from tests.journeys.test_fhir import a_request
from tests.journeys.test_hl7v2 import REFERRAL, sent
from tests.journeys.test_json_event import an_event

FHIR = {"Content-Type": "application/fhir+json"}
ENDLESS = (300, 10_000, 200_000)


async def json_event(site: Site, key: str) -> httpx.Response:
    """Our own event."""
    return await site.post("/events/json-event", an_event(id=key))


async def json_cancel(site: Site, key: str) -> httpx.Response:
    """Its withdrawal, which needs its key and little else."""
    return await site.post("/events/json-event", an_event(id=key, type="cancelled"))


async def hl7v2(site: Site, key: str) -> httpx.Response:
    """A REF message."""
    return await sent(site, REFERRAL.replace(b"SPR-1001", key.encode()))


async def fhir(site: Site, key: str) -> httpx.Response:
    """A create."""
    named = [{"system": "https://greenfield.test.nhs.uk/Id/referral", "value": key}]
    return await site.post("/fhir/ServiceRequest", a_request(identifier=named), **FHIR)


async def bars(site: Site, key: str) -> httpx.Response:
    """A BaRS message."""
    message, headers = {**a_message(), "id": key}, {**bars_headers(), **FHIR}
    return await site.http.post("/fhir/$process-message", json=message, headers=headers)


def a_row(key: str) -> dict[str, str]:
    """What a service without a FHIR server tells."""
    when = "2026-03-02T10:00:00+00:00"
    return {"id": key, "time": when, "referral": "R", "nhs_number": "9990000018", "type": "accepted"}


async def outcome_event(site: Site, key: str) -> httpx.Response:
    """The same in JSON."""
    return await site.post("/events/outcomes", a_row(key) | {"schema_version": "1"}, SERVICE_KEY)


async def outcome_row(site: Site, key: str) -> httpx.Response:
    """The same in CSV."""
    row = a_row(key)
    body = f"{','.join(row)}\n{','.join(row.values())}\n".encode()
    return await site.post("/events/outcomes", body, SERVICE_KEY, **{"Content-Type": "text/csv"})


async def observation(site: Site, key: str) -> httpx.Response:
    """A score."""
    named = [{"system": "https://elm.test.nhs.uk/Id/outcome", "value": key * 2}]
    return await site.post(
        "/fhir/Observation", to_json(an_observation(identifier=named)), SERVICE_KEY, **FHIR
    )


@pytest.mark.parametrize(
    ("door", "places"),
    [
        (json_event, {"key-too-long; at: $.id"}),
        (json_cancel, {"key-too-long; at: $.id"}),
        (hl7v2, {"key-too-long at RF1-6"}),
        (fhir, {"ServiceRequest.identifier"}),
        (bars, {"Bundle.id"}),
        (outcome_event, {"key-too-long; at: $.id"}),
        (outcome_row, {"key-too-long; at: $.id", "outcome-csv-unreadable; at: line 2"}),
        (observation, {"Observation.identifier"}),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_an_endless_key_is_answered_with_its_place(
    site: Site, door: Callable[[Site, str], Awaitable[httpx.Response]], places: set[str]
) -> None:
    """In a short answer; a CSV cell of more than 131,072 characters is none that the reader takes."""
    for length in ENDLESS:
        answer = await door(site, "K" * length)

        assert answer.status_code in (400, 422), answer.text[:1000]
        assert any(place in answer.text for place in places), answer.text[:1000]
        assert len(answer.text) < 1000
