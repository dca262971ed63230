"""What real FHIR servers were seen to do that a tidy one would not, and what we make of it."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import httpx
import pytest

from bridge.errors import Ambiguous, DeliveryError, Doubtful, Refused, Throttled, Transient, Unauthorised
from bridge.partners.prescribing import PrescribingService
from bridge.simulators.fhir_answers import Manners
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running
from bridge.simulators.trouble import Step, Trouble

Make = Callable[..., Any]
Elm = tuple[PrescribingService, FhirServer]


@pytest.fixture
def at_elm(client_of: Make) -> Callable[..., AbstractAsyncContextManager[Elm]]:
    """Opens a service of these manners and the partner that talks to it."""

    @asynccontextmanager
    async def opened(manners: Manners | None = None, **options: Any) -> AsyncIterator[Elm]:
        server = FhirServer(manners=manners)
        async with running(server.app) as base, client_of(f"{base}/fhir", **options) as client:
            yield PrescribingService("elm", client), server

    return opened


def in_transactions(server: FhirServer, trouble: Trouble, **terms: Any) -> None:
    """Trouble for transactions only: searches are let through first."""
    server.script(
        Step(trouble=Trouble.SLOW, path="_search", seconds=0, times=0),
        Step(trouble=trouble, method="POST", **terms),
    )


async def test_1_a_conflict_between_transactions_is_tried_again(at_elm: Make, a_create: Make) -> None:
    """Medplum answers 409 to 12 to 20 % of concurrent transactions; the same bytes go through next time."""
    async with at_elm() as (service, server):
        in_transactions(server, Trouble.STATUS, status=409)
        with pytest.raises(Transient) as caught:
            await service.send(a_create())

        assert caught.value.code == "partner-conflict"
        assert not (await service.send(a_create())).already_there


@pytest.mark.parametrize("arrived", [True, False])
async def test_1_a_bars_duplicate_is_a_success_once_it_is_found(
    at_elm: Make,
    a_create: Make,
    arrived: bool,  # noqa: FBT001
) -> None:
    """The pair 409 REC_CONFLICT and `duplicate` is kept for a request that was processed."""
    issue = {
        "severity": "error",
        "code": "duplicate",
        "details": {"coding": [{"code": "REC_CONFLICT"}]},
    }
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})

    async def duplicate(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST" and scope["path"] == "/fhir":
            headers = [(b"content-type", b"application/fhir+json")]
            await send({"type": "http.response.start", "status": 409, "headers": headers})
            await send({"type": "http.response.body", "body": body.encode()})
        else:
            await server.app(scope, receive, send)

    async with at_elm() as (service, server):
        if arrived:
            await service.send(a_create())
        async with running(duplicate) as base:
            service._client.base = f"{base}/fhir"
            if arrived:
                assert (await service.send(a_create())).already_there
            else:
                with pytest.raises(Ambiguous) as caught:
                    await service.send(a_create())
                assert caught.value.code == "partner-not-found-again"


async def test_2_doubles_of_a_server_that_is_not_race_safe_are_for_a_person(
    at_elm: Make, a_create: Make, ada: dict[str, Any]
) -> None:
    """WSO2's server stored one request six times, and answers 412 to every create of that key afterwards."""
    async with at_elm(Manners(race_safe=False)) as (service, server):
        server.store.put(ada)
        await asyncio.gather(*(service.send(a_create()) for _ in range(3)), return_exceptions=True)

        assert len(server.resources("ServiceRequest")) > 1
        for step in (service.send, service.look):
            with pytest.raises(Doubtful) as caught:
                await step(a_create())
            assert caught.value.code == "partner-several-requests"


async def test_2_doubles_of_a_task_are_refused(at_elm: Make, a_create: Make) -> None:
    """412 without doubles of the request: something else is there twice."""
    async with at_elm() as (service, server):
        await service.send(a_create())
        (task,) = server.resources("Task")
        server.store.put({name: value for name, value in task.items() if name != "id"})
        with pytest.raises(Refused) as caught:
            await service.send(a_create())

        assert (caught.value.code, caught.value.status) == ("partner-several-matches", 412)


@pytest.mark.parametrize(("status", "error"), [(400, Transient), (500, Ambiguous)])
async def test_3_a_database_that_is_away_throws_no_referral_away(
    at_elm: Make, a_create: Make, status: int, error: type[DeliveryError]
) -> None:
    """One server answered 400 with ECONNREFUSED in its outcome for the whole outage, another 500."""
    async with at_elm() as (service, server):
        in_transactions(server, Trouble.INFRASTRUCTURE, status=status, times=2)
        for _ in range(2):
            with pytest.raises(error):
                await service.send(a_create())

        assert await service.look(a_create()) is None
        assert not (await service.send(a_create())).already_there


class Login(httpx.Auth):
    """Shows a token that `fetch` renews once it is refused."""

    def __init__(self, fetch: Callable[[], str]) -> None:
        self._fetch, self.token = fetch, "old"

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {self.token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self.token = self._fetch()
            request.headers["Authorization"] = f"Bearer {self.token}"
            yield request


async def test_4_a_line_that_is_taken_and_never_answered_is_left_at_the_deadline(
    at_elm: Make, a_create: Make
) -> None:
    """With its cache down a server accepts and says nothing; afterwards it has forgotten our token."""
    login = Login(lambda: "new")
    async with at_elm(deadline=timedelta(seconds=0.4), auth=login) as (service, server):
        in_transactions(server, Trouble.HANG, seconds=2)
        with pytest.raises(Ambiguous) as caught:
            await service.send(a_create())
        assert caught.value.code == "partner-late"
        server.recover()
        server.script(Step(trouble=Trouble.STATUS, status=401))

        assert await service.look(a_create()) is None
        assert not (await service.send(a_create())).already_there
        assert login.token == "new"
        assert server.seen[-1].headers["authorization"] == "Bearer new"


async def test_4_a_token_that_stays_refused_is_told(at_elm: Make, a_create: Make) -> None:
    """After one refresh it is not the token."""
    async with at_elm(auth=Login(lambda: "new")) as (service, server):
        server.script(Step(trouble=Trouble.STATUS, status=401, times=2))
        with pytest.raises(Unauthorised):
            await service.send(a_create())

        assert len(server.seen) == 2


async def test_5_a_wait_may_stand_in_ratelimit_alone(at_elm: Make, a_create: Make) -> None:
    """429 without Retry-After."""
    async with at_elm() as (service, server):
        server.script(Step(trouble=Trouble.STATUS, status=429, wait="ratelimit", seconds=44))
        with pytest.raises(Throttled) as caught:
            await service.send(a_create())

        assert caught.value.after == timedelta(seconds=44)


async def test_6_a_create_chooses_no_id(at_elm: Make, a_create: Make) -> None:
    """A server that keeps a chosen id answers 500 to the second attempt; ours never meets that."""
    async with at_elm(Manners(ids="keep")) as (service, server):
        await service.send(a_create())
        await service.send(a_create())

        sent = [json.loads(seen.body) for seen in server.seen if seen.path == ""]
        assert len(sent) == 2
        assert not any("id" in entry["resource"] for bundle in sent for entry in bundle["entry"])


WORDINGS = [
    Manners(entry_status=status, location=location, versioned=versioned, total=total)
    for status, location, versioned, total in product(
        ("number", "phrase"), ("relative", "absolute"), (True, False), (True, False)
    )
]


@pytest.mark.parametrize("manners", WORDINGS)
async def test_7_an_answer_means_the_same_in_every_wording(
    at_elm: Make, a_create: Make, a_change: Make, manners: Manners
) -> None:
    """`201` or `201 Created`, places relative or absolute, with versions or without, total or none."""
    async with at_elm(manners) as (service, server):
        assert await service.look(a_create()) is None
        receipt = await service.send(a_create())
        assert receipt.reference == f"ServiceRequest/{server.resources('ServiceRequest')[0]['id']}"
        assert receipt.subject == f"Patient/{server.resources('Patient')[0]['id']}"
        assert receipt.version == 'W/"1"'
        assert (await service.look(a_create())) == replace(receipt, already_there=True)
        change = a_change(note="Evenings")
        change = replace(change, body=await service.prepare(change), frozen=True)
        assert (await service.send(change)).version == 'W/"2"'


@pytest.mark.parametrize("refusal", [400, 422])
async def test_7_a_refusal_is_400_or_422(at_elm: Make, a_create: Make, refusal: int) -> None:
    """Both say that it will never do."""
    delivery = a_create()
    spoiled = replace(delivery, body=delivery.body.replace(b'"intent":"order"', b'"intent":"please"'))
    async with at_elm(Manners(refusal=refusal)) as (service, _):
        with pytest.raises(Refused) as caught:
            await service.send(spoiled)

        assert (caught.value.code, caught.value.status) == ("partner-refused", refusal)


async def test_8_what_a_server_stores_is_not_thereby_right(
    at_elm: Make, a_create: Make, a_cancel: Make
) -> None:
    """Wrong and dangling references are stored with 201: before writing we read whose request it is."""
    async with at_elm(Manners(validates=False)) as (service, server):
        await service.send(a_create())
        (request,) = server.resources("ServiceRequest")
        for subject in ("Practitioner/1", "Patient/nobody", "urn:uuid:1", "https://evil.test/Patient/1"):
            server.store.put(request | {"subject": {"reference": subject}})
            with pytest.raises(Doubtful):
                await service.send(a_cancel())

        assert server.resources("ServiceRequest")[0]["status"] == "active"


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Refused), (409, Transient), (422, Refused), (500, Ambiguous), (503, Throttled)],
)
async def test_one_entry_that_failed_fails_the_transaction(
    at_elm: Make, a_create: Make, status: int, error: type[DeliveryError]
) -> None:
    """200 outside, a failure inside: each entry is read."""
    async with at_elm() as (service, server):
        in_transactions(server, Trouble.FAILED_ENTRY, status=status)
        with pytest.raises(error) as caught:
            await service.send(a_create())

        assert caught.value.status == status
        assert caught.value.problems[0].at.startswith("Bundle.entry[0].response")
