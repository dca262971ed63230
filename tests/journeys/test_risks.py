"""A risk reaches its contact before anything else, whatever else is wrong with what the service sent."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI, Request

from bridge.app.risk_telling import refuse_silent_risks, risk_teller
from bridge.config import Settings
from bridge.domain import systems
from bridge.errors import ConfigError
from bridge.schemes import Rulebook
from bridge.simulators.loopback import running
from bridge.simulators.prescribing import PrescribingService
from bridge.store import risks
from tests.journeys.conftest import SERVICE_KEY, Ground
from tests.journeys.test_outcomes import Loop, a_patient, looped
from tests.pipeline.desk import a_scheme

ITEM_9 = {"code": {"coding": [{"system": systems.LOINC, "code": "44260-8"}]}, "valueInteger": 2}


@pytest.fixture
def heard() -> list[dict[str, Any]]:
    """What the risk contact was told."""
    return []


@pytest.fixture
def simulated() -> PrescribingService:
    """A service that says nothing by itself."""
    return PrescribingService()


@pytest.fixture
async def ground(
    tmp_path: Path,
    heard: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    simulated: PrescribingService,
) -> AsyncIterator[Ground]:
    """The service, the record, and the webhook of a risk contact."""
    standing = Ground(tmp_path, service=simulated.server)
    standing.record.store.put(a_patient())
    listening = FastAPI()

    @listening.post("/risk")
    async def hear(request: Request) -> None:
        heard.append(await request.json())

    async with (
        running(simulated.app) as service,
        running(standing.record.app) as record,
        running(listening) as webhook,
    ):
        standing.urls = {"service": service, "record": record}
        monkeypatch.setenv("RISK_WEBHOOK", f"{webhook}/risk")
        yield standing


@pytest.fixture
async def loop(open_site: Callable[..., Any], simulated: PrescribingService) -> Loop:
    """A referral at its service, under a scheme whose risk contact has a webhook."""
    site = await open_site(poll=5)
    rules = site.bridge.context.rulebook
    (scheme,) = rules.schemes
    contact = scheme.risk_contact.model_copy(update={"webhook": "env:RISK_WEBHOOK"})
    rules.schemes = (scheme.model_copy(update={"risk_contact": contact}),)
    return await looped(site, simulated)


async def a_form(loop: Loop, **changes: Any) -> dict[str, Any]:
    """A PHQ-9 with an answer about self-harm, as the service holds it."""
    await loop.service.score(loop.task, 21)
    held = loop.service.server.resources("Observation")[0]
    phq = {"coding": [{"system": systems.SNOMED, "code": "720433000"}]}
    return held | {"code": phq, "component": [ITEM_9], "valueQuantity": {"value": 9}} | changes


async def told(loop: Loop) -> int:
    """The bridge tells of what is due."""
    bridge = loop.site.bridge
    return await risk_teller(bridge.settings, bridge.store, bridge.context, lambda: None).tell_due()


def the_wrong_person(form: dict[str, Any]) -> Any:
    """Somebody else's."""
    return form | {"subject": {"identifier": {"system": systems.NHS_NUMBER, "value": "9990000026"}}}


def no_referral_of_ours(form: dict[str, Any]) -> Any:
    """It names none that we know."""
    return form | {"basedOn": [{"reference": f"ServiceRequest/{uuid4()}"}]}


def not_final(form: dict[str, Any]) -> Any:
    """It may still change."""
    return form | {"status": "preliminary"}


def impossible(form: dict[str, Any]) -> Any:
    """A score out of range."""
    return form | {"valueQuantity": {"value": 99}}


def the_wrong_door(form: dict[str, Any]) -> Any:
    """An Observation in a Bundle of a type that is not taken."""
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": form}]}


@pytest.mark.parametrize(
    ("spoilt", "status"),
    [
        (the_wrong_person, 422),
        (no_referral_of_ours, 422),
        (not_final, 422),
        (impossible, 200),
        (the_wrong_door, 400),
    ],
)
async def test_a_risk_is_told_whatever_else_is_wrong(
    loop: Loop, heard: list[dict[str, Any]], spoilt: Callable[[dict[str, Any]], Any], status: int
) -> None:
    """And the sender hears that this is no emergency channel."""
    sent = spoilt(await a_form(loop))
    if sent["resourceType"] == "Bundle":
        answer = await loop.site.post("/fhir", sent, SERVICE_KEY)
    else:
        answer = await loop.push(sent)
    await told(loop)

    assert answer.status_code == status, answer.text
    assert answer.headers["X-Risk-Notice"] == "risk-raised"
    assert "no emergency channel" in answer.text
    assert [h["kind"] for h in heard] == ["phq-9-item-9"]
    assert heard[0]["referral"] in (loop.referral, None)


async def test_a_flag_takes_nothing_else_of_its_transaction_with_it(
    loop: Loop, heard: list[dict[str, Any]]
) -> None:
    """The risk is told, and the score beside it recorded."""
    await loop.service.score(loop.task, 21)
    flag = {"resourceType": "Flag", "status": "active", "code": {"text": "Self-neglect"}}
    score = loop.service.server.resources("Observation")[0]
    entries = [{"resource": each, "request": {"method": "POST"}} for each in (flag, score)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await loop.site.post("/fhir", bundle, SERVICE_KEY)
    await told(loop)

    assert answer.status_code == 200, answer.text
    assert [(h["kind"], h["referral"]) for h in heard] == [("stated", loop.referral)]


async def test_the_same_risk_a_hundred_times_is_told_once(loop: Loop, heard: list[dict[str, Any]]) -> None:
    """Pushed again and again, and shown to a poll."""
    form = await a_form(loop)
    for _ in range(20):
        await loop.push(form)
    await told(loop)
    await told(loop)

    assert len(heard) == 1
    assert len(await loop.site.bridge.store.read(risks.listed)) == 1


async def test_a_risk_that_a_poll_meets_is_told(loop: Loop, heard: list[dict[str, Any]]) -> None:
    """Of our referrals only: the service has other people's on its server."""
    form = await a_form(loop)
    loop.service.server.store.put(form)
    stranger = {k: v for k, v in form.items() if k != "id"} | {
        "basedOn": [{"reference": "ServiceRequest/none"}]
    }
    loop.service.server.store.put(stranger)
    (poller,) = loop.site.bridge.pollers
    await poller.poll_once()
    await told(loop)

    assert [h["referral"] for h in heard] == [loop.referral]


async def test_what_speaks_of_no_risk_says_nothing_of_emergencies(
    loop: Loop, heard: list[dict[str, Any]]
) -> None:
    """A notice on every answer is read by nobody."""
    await loop.service.score(loop.task, 21)
    (answer,) = await loop.push_scores()
    await told(loop)

    assert "X-Risk-Notice" not in answer.headers
    assert heard == []


async def test_whom_it_is_about_is_shown_to_a_person_and_audited(loop: Loop) -> None:
    """The notice itself holds no name."""
    await loop.push(await a_form(loop))
    (row,) = await loop.site.bridge.store.read(risks.listed)
    here = httpx.ASGITransport(app=loop.site.bridge.control())
    async with httpx.AsyncClient(transport=here, base_url="http://bridge") as control:
        said = {"actor": "Dr Example", "why": "calling them", "with": {"risk": row["id"]}}
        shown = (await control.post("/control/do/risk-show", json=said)).json()
        seen = await control.post("/control/do/risk-acknowledge", json=said)
        again = await control.post("/control/do/risk-acknowledge", json=said)

    assert shown["person"]["nhs_number"] == "9990000018"
    assert (seen.status_code, again.status_code) == (200, 422)
    assert await loop.site.bridge.store.read(risks.listed) == []


def test_a_live_bridge_does_not_start_with_a_contact_nobody_can_tell() -> None:
    """A telephone number alone rings for no message."""
    live = Settings(base="https://bridge.test", environment="live")
    scheme = a_scheme()
    with pytest.raises(ConfigError):
        refuse_silent_risks(live, Rulebook((scheme,)))

    refuse_silent_risks(live.model_copy(update={"environment": "test"}), Rulebook((scheme,)))
