"""What a partner says back may hold all that it was sent; nothing that we make of it does."""

from typing import Any

import pytest

from bridge.errors import DeliveryError
from bridge.partners.http import FhirClient
from bridge.partners.prescribing import PrescribingService
from bridge.partners.record import GpRecord
from bridge.security.tls import outbound_context
from bridge.simulators.loopback import running
from tests.partners.conftest import a_change, a_create, a_filing
from tests.security.canaries import Aviary, traces
from tests.security.quoting import STATUSES, quoting_partner, told

__all__ = ["a_change", "a_create", "a_filing"]


@pytest.mark.parametrize("verb", ["send", "look", "prepare"])
async def test_a_failure_tells_nothing_of_what_the_partner_quoted(
    a_create: Any, a_change: Any, a_filing: Any, verb: str
) -> None:
    """Eleven bad answers in turn, each with the whole request in every place of it."""
    word = Aviary().canary("family name")
    shown: list[str] = []
    async with running(quoting_partner()) as url, FhirClient(f"{url}/fhir", tls=outbound_context()) as client:
        for partner in (PrescribingService("elm", client), GpRecord("emis", client)):
            for make in (a_create, a_change, a_filing):
                for _ in STATUSES:
                    shown += await failed(
                        partner, verb, make(family=word) if make is not a_filing else make()
                    )

    assert len(shown) > 30
    assert [around for text in shown for around in traces(text.encode("utf-8", "replace"))] == []


async def failed(partner: Any, verb: str, delivery: Any) -> list[str]:
    """All that the failure of one attempt can show; nothing when it did not fail."""
    try:
        await getattr(partner, verb)(delivery)
    except DeliveryError as error:
        return [*told(error), *map(str, error.problems), *map(repr, error.problems), error.code]
    return []
