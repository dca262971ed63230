"""The HL7 validator judges what the bridge sends and what its simulators say."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest

from bridge.domain.referral import Patient
from bridge.domain.systems import BUSINESS_STATUS
from bridge.fhir import bundles
from bridge.fhir.observation import observation
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.writing import to_json
from bridge.simulators.loopback import running
from bridge.simulators.people import some_people
from bridge.simulators.prescribing import PrescribingService
from tests.fhir.examples import NAMING, PRACTICE, SERVICE, a_referral, an_outcome

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(400)]

EVERYTHING = {"service": SERVICE, "released": ALL_FIELDS, "naming": NAMING}
LITTLE = {"service": SERVICE, "released": frozenset({"nhs-number"}), "naming": NAMING}
# The package of BSeR, which defines it, is on none of the registries the peers come from.
NOT_LOADED = f"No definition could be found for URL value '{BUSINESS_STATUS}'"
FHIR = {"Content-Type": "application/fhir+json"}


def errors_of(validator: Any, *resources: Any) -> list[str]:
    """What is worse than a warning, as `severity path: text`."""
    return [
        f"{issue.severity} {issue.path}: {issue.text}"
        for issue in validator(*resources)
        if issue.severity in {"error", "fatal"} and issue.text != NOT_LOADED
    ]


def plain(resource: dict[str, Any]) -> Any:
    return httpx.Response(200, content=to_json(resource)).json()


@pytest.mark.parametrize(
    "bundle",
    [
        pytest.param(bundles.create_bundle(a_referral(), **EVERYTHING), id="everything"),
        pytest.param(bundles.create_bundle(a_referral(), **LITTLE), id="little-released"),
        pytest.param(
            bundles.create_bundle(a_referral(patient=Patient()), **LITTLE),
            id="nobody-known",
        ),
    ],
)
def test_a_new_referral_is_valid(validator: Any, bundle: dict[str, Any]) -> None:
    """Patient, ServiceRequest and Task under the UK Core profiles they name."""
    assert errors_of(validator, plain(bundle)) == []


@pytest.mark.parametrize("status", ["active", "completed"])
def test_a_change_is_valid(validator: Any, status: str) -> None:
    """The ServiceRequest alone."""
    changed = bundles.changed_service_request(a_referral(), status=status, **EVERYTHING)

    assert errors_of(validator, plain(changed)) == []


@pytest.mark.parametrize("status", ["revoked", "entered-in-error"])
def test_a_cancel_is_valid(validator: Any, status: str) -> None:
    """With its reason."""
    cancelled = bundles.cancelled_service_request(
        a_referral(), status=status, reason="Moved away", **EVERYTHING
    )

    assert errors_of(validator, plain(cancelled)) == []


@pytest.mark.parametrize("corrects", [False, True])
def test_a_filing_is_valid(validator: Any, *, corrects: bool) -> None:
    """The score that goes into a GP record, first and corrected."""
    score = observation(
        an_outcome(), referral=a_referral(), service=PRACTICE, naming=NAMING, corrects=corrects
    )

    assert errors_of(validator, plain(bundles.filing_bundle([score]))) == []


@pytest.fixture
async def service() -> AsyncIterator[httpx.AsyncClient]:
    """A simulated service that was given a referral and has scored and closed it."""
    simulated = PrescribingService()
    async with (
        running(simulated.app) as base,
        httpx.AsyncClient(base_url=f"{base}/fhir", headers=FHIR) as http,
    ):
        bundle = bundles.create_bundle(a_referral(), **EVERYTHING)
        (await http.post("", content=to_json(bundle))).raise_for_status()
        task_id = simulated.referrals()[0]["id"]
        await simulated.accept(task_id)
        await simulated.score(task_id, 24)
        await simulated.complete(task_id)
        yield http


@pytest.mark.parametrize(
    "asked",
    ["metadata", "Patient", "ServiceRequest", "Task", "Observation", "Task/none", "Task?colour=red"],
)
async def test_a_simulator_speaks_valid_fhir(validator: Any, service: httpx.AsyncClient, asked: str) -> None:
    """Bundles, what is in them, and refusals."""
    answer = (await service.get(f"/{asked}")).json()

    assert errors_of(validator, answer) == []


def test_synthetic_patients_are_valid(validator: Any) -> None:
    """As the simulated GP record holds them."""
    people = [person.fhir() for person in some_people(1, 20, today=date(2026, 3, 1))]

    assert errors_of(validator, *people) == []
