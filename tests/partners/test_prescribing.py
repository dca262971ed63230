"""A referral reaches a service exactly once, whatever the line and the service do."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import respx

from bridge.domain.delivery import Delivery, Kind, Receipt
from bridge.errors import Ambiguous, DeliveryError, Doubtful, Refused, Throttled, Transient, Unauthorised
from bridge.partners.prescribing import PrescribingService
from bridge.simulators.fhir_answers import Manners
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running
from bridge.simulators.trouble import Step, Trouble

NEWER = "9b6f3f0d-7b5e-4f39-a2c4-7d6c1d2a5e01"
Make = Callable[..., Any]
Elm = tuple[PrescribingService, FhirServer]


@pytest.fixture
def at_elm(client_of: Make) -> Callable[..., AbstractAsyncContextManager[Elm]]:
    """Opens a service of these manners and the partner that talks to it."""

    @asynccontextmanager
    async def opened(manners: Manners | None = None, **options: Any) -> AsyncIterator[Elm]:
        server = FhirServer(manners=manners)
        updates = options.pop("updates_people", True)
        async with running(server.app) as base, client_of(f"{base}/fhir", **options) as client:
            yield PrescribingService("elm", client, updates_people=updates), server

    return opened


@pytest.fixture
async def elm(at_elm: Make) -> AsyncIterator[Elm]:
    async with at_elm() as opened:
        yield opened


def in_transactions(server: FhirServer, trouble: Trouble, **terms: Any) -> None:
    """Trouble for the next transaction only: searches are let through first."""
    server.script(
        Step(trouble=Trouble.SLOW, path="_search", seconds=0, times=0),
        Step(trouble=trouble, method="POST", **terms),
    )


async def frozen(service: PrescribingService, delivery: Delivery) -> Delivery:
    """The delivery with its prepared bytes, as they are kept before the first attempt."""
    return replace(delivery, body=await service.prepare(delivery), frozen=True)


def posted(server: FhirServer) -> list[Any]:
    """The transactions that arrived, as they were seen."""
    return [seen for seen in server.seen if seen.method == "POST" and seen.path == ""]


async def test_a_referral_is_stored_and_its_place_remembered(elm: Elm, a_create: Make) -> None:
    """The receipt names our request and its person at the service."""
    service, server = elm
    receipt = await service.send(a_create())

    (person,), (request,), (task,) = map(server.resources, ("Patient", "ServiceRequest", "Task"))
    assert receipt == Receipt(
        reference=f"ServiceRequest/{request['id']}", version='W/"1"', subject=f"Patient/{person['id']}"
    )
    assert task["focus"]["reference"] == receipt.reference


async def test_the_same_bytes_again_store_nothing(elm: Elm, a_create: Make) -> None:
    """Body and request id are those of the first attempt; each time we look before we send."""
    service, server = elm
    delivery = a_create()
    first, again = await service.send(delivery), await service.send(delivery)

    assert (first.already_there, again.already_there) == (False, True)
    assert again.reference == first.reference
    assert len(server.resources("ServiceRequest")) == len(server.resources("Task")) == 1
    one, two = posted(server)
    assert one.body == two.body == delivery.body
    assert one.headers["x-request-id"] == two.headers["x-request-id"] == delivery.request_id
    assert one.headers["x-correlation-id"] == delivery.correlation_id
    assert one.headers["traceparent"].split("-")[1] == delivery.correlation_id.replace("-", "")


async def test_reads_beside_a_delivery_have_request_ids_of_their_own(elm: Elm, a_create: Make) -> None:
    """A partner that remembers request ids must not take our search for the referral."""
    service, server = elm
    await service.send(a_create())

    searches = [seen.headers["x-request-id"] for seen in server.seen if seen.path.endswith("_search")]
    assert searches
    assert a_create().request_id not in searches


@pytest.mark.parametrize("trouble", [Trouble.LOST_REPLY, Trouble.HALF, Trouble.HANG_STORED])
async def test_after_a_lost_reply_a_look_finds_the_referral(
    at_elm: Make, a_create: Make, trouble: Trouble
) -> None:
    """Stored and not heard of is ambiguous; nothing is sent a second time."""
    async with at_elm(deadline=timedelta(seconds=0.5)) as (service, server):
        in_transactions(server, trouble, seconds=2)
        with pytest.raises(Ambiguous):
            await service.send(a_create())
        found = await service.look(a_create())

        assert found is not None
        assert found.already_there
        assert found.reference == f"ServiceRequest/{server.resources('ServiceRequest')[0]['id']}"
        assert found.subject == f"Patient/{server.resources('Patient')[0]['id']}"
        assert len(posted(server)) == 1


@pytest.mark.parametrize("trouble", [Trouble.CUT, Trouble.HANG])
async def test_a_look_says_when_nothing_arrived(at_elm: Make, a_create: Make, trouble: Trouble) -> None:
    """Then the same bytes may go again, and store it once."""
    async with at_elm(deadline=timedelta(seconds=0.5)) as (service, server):
        in_transactions(server, trouble, seconds=2)
        with pytest.raises(Ambiguous):
            await service.send(a_create())

        assert await service.look(a_create()) is None
        assert not (await service.send(a_create())).already_there
        assert len(server.resources("ServiceRequest")) == 1


async def test_a_look_finds_a_missing_task_and_the_same_bytes_bring_it(elm: Elm, a_create: Make) -> None:
    """Without its Task a request is on nobody's list; a server may store half a transaction."""
    service, server = elm
    await service.send(a_create())
    (task,) = server.resources("Task")
    server.store.put({**task, "identifier": []})

    assert await service.look(a_create()) is None
    assert (await service.send(a_create())).already_there
    assert len(server.resources("Task")) == 2
    assert len(server.resources("ServiceRequest")) == 1


async def test_looking_finds_nothing_where_nothing_was_sent(elm: Elm, a_create: Make) -> None:
    """None is an answer, not an error."""
    service, _ = elm

    assert await service.look(a_create()) is None


async def test_a_person_the_service_knows_gets_our_newer_details(
    elm: Elm, a_create: Make, ada: dict[str, Any]
) -> None:
    """Under the version that was read, and without losing what the service knows besides."""
    service, server = elm
    theirs = {"system": "https://elm.test.nhs.uk/Id/client", "value": "C-9"}
    mobile = {"system": "phone", "use": "mobile", "value": "07700 900123"}
    old = {"system": "phone", "use": "home", "value": "01632 960999"}
    server.store.put(ada | {"id": "c9", "identifier": [*ada["identifier"], theirs], "telecom": [old, mobile]})
    await service.send(a_create())

    (person,) = server.resources("Patient")
    assert {t["value"] for t in person["telecom"]} == {"01632 960001", "07700 900123"}
    assert theirs in person["identifier"]
    put = next(seen for seen in server.seen if seen.method == "PUT")
    assert (put.path, put.headers["if-match"]) == ("Patient/c9", 'W/"1"')


async def test_a_person_who_is_up_to_date_is_left_alone(elm: Elm, a_create: Make) -> None:
    """A repeat writes nothing at all."""
    service, server = elm
    await service.send(a_create())
    await service.send(a_create())

    assert [seen for seen in server.seen if seen.method == "PUT"] == []


async def test_details_that_move_while_we_write_are_tried_again(
    at_elm: Make, a_create: Make, ada: dict[str, Any]
) -> None:
    """412: the attempt fails, the next one reads afresh and ends well."""
    async with at_elm() as (service, server):
        server.store.put(ada)
        server.script(Step(trouble=Trouble.STATUS, status=412, method="PUT"))
        with pytest.raises(Transient) as caught:
            await service.send(a_create())

        assert caught.value.code == "partner-version-moved"
        assert (await service.send(a_create())).already_there
        assert server.resources("Patient")[0]["telecom"][0]["value"] == "01632 960001"


@pytest.mark.parametrize(
    ("trouble", "status", "error"),
    [
        (Trouble.HANG, 500, Ambiguous),  # a look compares the details too
        (Trouble.STATUS, 422, Doubtful),
        (Trouble.STATUS, 403, Doubtful),
        (Trouble.STATUS, 401, Unauthorised),
        (Trouble.STATUS, 503, Throttled),
    ],
)
async def test_details_that_cannot_be_written_are_never_dropped_in_silence(
    at_elm: Make,
    a_create: Make,
    ada: dict[str, Any],
    trouble: Trouble,
    status: int,
    error: type[DeliveryError],
) -> None:
    """The referral has arrived, yet the service would go on ringing an old number."""
    async with at_elm(deadline=timedelta(seconds=0.5)) as (service, server):
        server.store.put(ada)
        server.script(Step(trouble=trouble, status=status, method="PUT", seconds=2))
        with pytest.raises(error):
            await service.send(a_create())

        assert len(server.resources("ServiceRequest")) == 1


async def test_a_service_may_keep_its_people_to_itself(
    at_elm: Make, a_create: Make, ada: dict[str, Any]
) -> None:
    """Then its Patient stays as it is."""
    async with at_elm(updates_people=False) as (service, server):
        server.store.put(ada)
        await service.send(a_create())

        assert "telecom" not in server.resources("Patient")[0]
        assert await service.look(a_create()) is not None


async def test_two_people_under_one_number_stop_the_referral(
    elm: Elm, a_create: Make, ada: dict[str, Any]
) -> None:
    """Which of them it would go to is for a person to say."""
    service, server = elm
    server.store.put(ada)
    server.store.put(ada)
    with pytest.raises(Doubtful) as caught:
        await service.send(a_create())

    assert caught.value.code == "partner-several-persons"
    assert posted(server) == []


async def test_somebody_else_under_the_number_stops_the_referral(
    elm: Elm, a_create: Make, ada: dict[str, Any]
) -> None:
    """Born and named otherwise: the referral would be theirs."""
    service, server = elm
    server.store.put(ada | {"birthDate": "1988-12-01", "name": [{"family": "Other"}]})
    with pytest.raises(Doubtful) as caught:
        await service.send(a_create())

    assert caught.value.code == "partner-person-differs"
    assert posted(server) == []
    assert not any(secret in str(caught.value) for secret in ("1988", "Other", "Specimen", "9990000018"))


async def test_a_replacement_brings_what_is_there_up_to_date(elm: Elm, a_create: Make) -> None:
    """An earlier version may have arrived: then the newer one takes its place in the same attempt."""
    service, server = elm
    await service.send(a_create())
    newer = replace(a_create(note="Now uses a wheelchair"), replaces=True, request_id=NEWER)
    assert await service.look(newer) is None
    receipt = await service.send(newer)

    (request,) = server.resources("ServiceRequest")
    assert request["note"] == [{"text": "Now uses a wheelchair"}]
    assert request["subject"]["reference"] == f"Patient/{server.resources('Patient')[0]['id']}"
    assert request["contained"][0]["subject"]["reference"] == request["subject"]["reference"]
    assert (receipt.already_there, receipt.version) == (True, 'W/"2"')
    assert len(server.resources("Task")) == 1
    assert await service.look(newer) is not None


async def test_a_replacement_that_says_nothing_new_is_not_written(elm: Elm, a_create: Make) -> None:
    """What is there already stays under its version."""
    service, server = elm
    await service.send(a_create())
    receipt = await service.send(replace(a_create(), replaces=True))

    assert (receipt.already_there, receipt.version) == (True, 'W/"1"')
    assert [seen for seen in server.seen if seen.method == "PUT"] == []


async def test_a_first_version_does_not_overwrite_what_is_there(elm: Elm, a_create: Make) -> None:
    """Only a delivery that knows of an earlier version updates."""
    service, server = elm
    await service.send(a_create())
    await service.send(a_create(note="Something else"))

    assert server.resources("ServiceRequest")[0]["note"] == [{"text": "Prefers mornings"}]


async def test_a_whole_change_updates_request_and_person(elm: Elm, a_create: Make) -> None:
    """Sent as a transaction, a change also carries the person's newer details."""
    service, server = elm
    await service.send(a_create())
    change = replace(a_create(family="Specimen-Lee", note="Evenings now"), kind=Kind.CHANGE)
    assert await service.prepare(change) == change.body
    await service.send(change)

    assert server.resources("ServiceRequest")[0]["note"] == [{"text": "Evenings now"}]
    assert server.resources("Patient")[0]["name"][0]["family"] == "Specimen-Lee"


async def test_a_change_goes_under_the_services_own_ids(elm: Elm, a_create: Make, a_change: Make) -> None:
    """Prepared once, sent under the version that is there, the Task never touched."""
    service, server = elm
    sent = await service.send(a_create())
    delivery = await frozen(service, a_change(note="Evenings now"))
    receipt = await service.send(delivery)

    (request,) = server.resources("ServiceRequest")
    assert request["note"] == [{"text": "Evenings now"}]
    assert (receipt.reference, receipt.subject) == (sent.reference, sent.subject)
    put = next(seen for seen in server.seen if seen.method == "PUT")
    assert (put.body, put.headers["if-match"]) == (delivery.body, 'W/"1"')
    assert put.headers["x-request-id"] == delivery.request_id
    assert len(server.store.history("Task", server.resources("Task")[0]["id"])) == 1


async def test_a_change_keeps_the_identifiers_the_service_gave(
    elm: Elm, a_create: Make, a_change: Make
) -> None:
    """Its own number is how its people speak of the referral."""
    service, server = elm
    await service.send(a_create())
    (request,) = server.resources("ServiceRequest")
    theirs = {"system": "https://elm.test.nhs.uk/Id/case", "value": "E-77"}
    server.store.put(request | {"identifier": [*request["identifier"], theirs]})
    await service.send(await frozen(service, a_change(note="Evenings now")))

    assert theirs in server.resources("ServiceRequest")[0]["identifier"]


async def test_a_change_that_lost_its_answer_is_found_and_not_repeated(
    at_elm: Make, a_create: Make, a_change: Make
) -> None:
    """The look compares what is there; a second send finds nothing left to do."""
    async with at_elm(deadline=timedelta(seconds=0.5)) as (service, server):
        await service.send(a_create())
        change = await frozen(service, a_change(note="Evenings now"))
        assert await service.look(change) is None
        server.script(Step(trouble=Trouble.LOST_REPLY, method="PUT"))
        with pytest.raises(Ambiguous):
            await service.send(change)
        found = await service.look(change)

        assert found is not None
        assert found.version == 'W/"2"'
        assert (await service.send(change)).already_there
        assert len([seen for seen in server.seen if seen.method == "PUT"]) == 1


async def test_a_request_that_moved_while_we_wrote_is_read_again(
    elm: Elm, a_create: Make, a_change: Make
) -> None:
    """The frozen bytes stay; only the version they replace is read afresh."""
    service, server = elm
    await service.send(a_create())
    change = await frozen(service, a_change(note="Evenings now"))
    server.script(Step(trouble=Trouble.STATUS, status=412, method="PUT"))
    with pytest.raises(Transient):
        await service.send(change)
    (request,) = server.resources("ServiceRequest")
    server.store.put(request)
    await service.send(change)

    puts = [seen for seen in server.seen if seen.method == "PUT"]
    assert [seen.headers["if-match"] for seen in puts] == ['W/"1"', 'W/"2"']
    assert len({seen.body for seen in puts}) == 1


async def test_a_cancel_revokes_the_request(elm: Elm, a_create: Make, a_cancel: Make) -> None:
    """The service sees the status and the reason; the Task is its own to close."""
    service, server = elm
    await service.send(a_create())
    await service.send(await frozen(service, a_cancel()))

    assert server.resources("ServiceRequest")[0]["status"] == "revoked"
    assert server.resources("Task")[0]["status"] == "requested"


async def test_a_cancel_of_nothing_is_a_success(elm: Elm, a_cancel: Make) -> None:
    """The service holds nothing to take back; the level says so."""
    service, server = elm
    receipt = await service.send(await frozen(service, a_cancel()))

    assert receipt == Receipt(level="nothing-there")
    assert {seen.method for seen in server.seen} == {"POST"}
    assert posted(server) == []


async def test_a_cancel_prepared_before_the_request_appeared_still_takes_it_back(
    elm: Elm, a_create: Make, a_cancel: Make
) -> None:
    """What could not be filled in then is filled in now."""
    service, server = elm
    cancel = await frozen(service, a_cancel())
    await service.send(a_create())
    await service.send(cancel)

    assert server.resources("ServiceRequest")[0]["status"] == "revoked"


async def test_a_change_of_nothing_is_for_a_person(elm: Elm, a_change: Make) -> None:
    """Somebody removed the referral."""
    service, _ = elm
    with pytest.raises(Doubtful) as caught:
        await service.send(await frozen(service, a_change()))

    assert caught.value.code == "partner-request-missing"


@pytest.mark.parametrize("subject", ["Patient/somebody-else", "Group/1", ""])
async def test_a_request_about_somebody_else_is_never_written(
    elm: Elm, a_create: Make, a_cancel: Make, subject: str
) -> None:
    """No server was seen to check what a request refers to, so we do."""
    service, server = elm
    await service.send(a_create())
    (request,) = server.resources("ServiceRequest")
    server.store.put(request | {"subject": {"reference": subject}})
    with pytest.raises(Doubtful) as caught:
        await service.prepare(a_cancel())

    assert caught.value.code == "partner-subject-differs"


async def test_a_referral_found_about_somebody_else_is_for_a_person(elm: Elm, a_create: Make) -> None:
    """Neither a repeat nor a look takes it for ours."""
    service, server = elm
    await service.send(a_create())
    (request,) = server.resources("ServiceRequest")
    server.store.put(request | {"subject": {"reference": "Patient/somebody-else"}})
    for step in (service.send, service.look):
        with pytest.raises(Doubtful) as caught:
            await step(a_create())
        assert caught.value.code == "partner-subject-differs"


async def test_a_change_about_nobody_the_service_knows_is_for_a_person(
    elm: Elm, a_create: Make, a_change: Make
) -> None:
    """The person was removed or goes by another number now."""
    service, server = elm
    await service.send(a_create())
    (person,) = server.resources("Patient")
    server.store.put(person | {"identifier": []})
    with pytest.raises(Doubtful) as caught:
        await service.prepare(a_change())

    assert caught.value.code == "partner-person-missing"


async def test_a_person_without_a_version_is_not_overwritten(
    client_of: Make, a_create: Make, ada: dict[str, Any]
) -> None:
    """Without If-Match someone else's correction could be lost."""
    found = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": ada | {"id": "7"}}]}
    stored = {"resourceType": "Bundle", "type": "transaction-response"}
    entries = [{"response": {"status": "200"}}, *[{"response": {"status": "201"}}] * 2]
    with respx.mock() as mock:
        mock.post("http://elm.test/fhir/Patient/_search").respond(200, json=found)
        mock.post("http://elm.test/fhir").respond(200, json=stored | {"entry": entries})
        async with client_of("http://elm.test/fhir") as client:
            with pytest.raises(Doubtful) as caught:
                await PrescribingService("elm", client).send(a_create())

    assert caught.value.code == "partner-person-outdated"


async def test_a_service_that_does_not_say_where_it_put_the_referral_is_asked(
    client_of: Make, a_create: Make
) -> None:
    """`location` is missing from some answers."""
    none = {"resourceType": "Bundle", "type": "searchset"}
    body = json.loads(a_create().body)["entry"][1]["resource"]
    held = body | {"id": "s", "meta": {"versionId": "1"}, "subject": {"reference": "Patient/p"}}
    stored = {"resourceType": "Bundle", "type": "transaction-response"}
    entries = [{"response": {"status": "201"}}] * 3
    with respx.mock() as mock:
        mock.post("http://elm.test/fhir/Patient/_search").respond(200, json=none | {"total": 0})
        mock.post("http://elm.test/fhir/ServiceRequest/_search").respond(
            200, json=none | {"entry": [{"resource": held}]}
        )
        mock.post("http://elm.test/fhir").respond(200, json=stored | {"entry": entries})
        async with client_of("http://elm.test/fhir") as client:
            receipt = await PrescribingService("elm", client).send(a_create())

    assert receipt == Receipt(reference="ServiceRequest/s", version='W/"1"', subject="Patient/p")


async def test_a_request_that_moved_to_another_person_is_never_written(
    elm: Elm, a_create: Make, a_cancel: Make
) -> None:
    """The prepared bytes name one person, the service another."""
    service, server = elm
    await service.send(a_create())
    cancel = await frozen(service, a_cancel())
    (request,) = server.resources("ServiceRequest")
    server.store.put(request | {"subject": {"reference": "Patient/somebody-else"}})
    with pytest.raises(Doubtful):
        await service.send(cancel)

    assert server.resources("ServiceRequest")[0]["status"] == "active"


async def test_two_requests_under_our_identifier_are_for_a_person(
    elm: Elm, a_create: Make, a_cancel: Make
) -> None:
    """Looking, changing and cancelling all stop there."""
    service, server = elm
    await service.send(a_create())
    (request,) = server.resources("ServiceRequest")
    server.store.put({name: value for name, value in request.items() if name != "id"})
    steps = (service.look(a_create()), service.prepare(a_cancel()), service.send(a_cancel()))
    for step in steps:
        with pytest.raises(Doubtful) as caught:
            await step
        assert caught.value.code == "partner-several-requests"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"resourceType":"Bundle","type":"transaction"}', b'{"resourceType":"Patient"}'],
)
async def test_a_body_of_ours_that_is_none_is_refused_before_it_leaves(
    elm: Elm, a_create: Make, body: bytes
) -> None:
    """A fault of ours parks one delivery; it is not sent and not repeated."""
    service, server = elm
    with pytest.raises(Refused) as caught:
        await service.send(replace(a_create(), body=body))

    assert caught.value.code == "delivery-unsendable"
    assert not server.seen


async def test_a_create_without_condition_or_with_an_id_never_leaves(elm: Elm, a_create: Make) -> None:
    """The one would be stored at each attempt, the other answered 500 at the second."""
    service, server = elm
    for spoil in ({"ifNoneExist": ""}, {"method": "PATCH"}):
        bundle = json.loads(a_create().body)
        bundle["entry"][1]["request"] |= spoil
        with pytest.raises(Refused):
            await service.send(replace(a_create(), body=json.dumps(bundle).encode()))
    whole = json.loads(a_create().body)
    chosen = json.loads(a_create().body)
    chosen["entry"][1]["resource"]["id"] = "mine"
    for bundle in (chosen, whole | {"entry": whole["entry"][:2]}):
        with pytest.raises(Refused):
            await service.send(replace(a_create(), body=json.dumps(bundle).encode()))

    assert not server.seen


async def test_a_change_that_names_nobody_never_leaves(elm: Elm, a_create: Make, a_change: Make) -> None:
    """Whose request it is could not be checked."""
    service, server = elm
    await service.send(a_create())
    body = json.loads(a_change(note="Evenings").body)
    spoiled = replace(a_change(), body=json.dumps(body | {"subject": {"type": "Patient"}}).encode())
    with pytest.raises(Refused) as caught:
        await service.send(spoiled)

    assert caught.value.code == "delivery-unsendable"
    assert [seen for seen in server.seen if seen.method == "PUT"] == []


async def test_a_step_ends_with_its_deadline_however_many_requests_it_takes(
    at_elm: Make, a_create: Make
) -> None:
    """Two slow answers, each in time, are together too late."""
    async with at_elm(deadline=timedelta(seconds=0.4)) as (service, server):
        server.script(Step(trouble=Trouble.SLOW, seconds=0.3, times=0))
        started = asyncio.get_running_loop().time()
        with pytest.raises(Ambiguous) as caught:
            await service.send(a_create())

        assert caught.value.code == "partner-late"
        assert asyncio.get_running_loop().time() - started < 0.6
        assert service.longest_attempt == timedelta(seconds=1.2)
