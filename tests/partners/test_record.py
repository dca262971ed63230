"""Outcomes reach the right record, whole, once, or nobody's."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import respx

from bridge.domain.delivery import Delivery
from bridge.errors import Ambiguous, Doubtful, Refused
from bridge.partners.record import GpRecord
from bridge.simulators.fhir_answers import Manners
from bridge.simulators.fhir_server import FhirServer
from bridge.simulators.loopback import running
from bridge.simulators.trouble import Step, Trouble

Make = Callable[..., Any]
Record = tuple[GpRecord, FhirServer]


@pytest.fixture
def a_record(client_of: Make, ada: dict[str, Any]) -> Callable[..., AbstractAsyncContextManager[Record]]:
    """Opens a record that holds Ada as `held` has her."""

    @asynccontextmanager
    async def opened(manners: Manners | None = None, **held: Any) -> AsyncIterator[Record]:
        server = FhirServer(manners=manners)
        server.store.put(ada | {"id": "p-7"} | held)
        terms = {"deadline": timedelta(seconds=0.5)}
        async with running(server.app) as base, client_of(f"{base}/fhir", **terms) as client:
            yield GpRecord("record", client), server

    return opened


async def frozen(record: GpRecord, delivery: Delivery) -> Delivery:
    """The delivery with its prepared bytes, as they are kept before the first attempt."""
    return replace(delivery, body=await record.prepare(delivery), frozen=True)


async def test_outcomes_are_filed_about_the_records_own_patient(a_record: Make, a_filing: Make) -> None:
    """What leaves is the Bundle alone; each Observation refers to the Patient that was read."""
    async with a_record() as (record, server):
        delivery = await frozen(record, a_filing())
        receipt = await record.send(delivery)

        filed = server.resources("Observation")
        assert {o["subject"]["reference"] for o in filed} == {"Patient/p-7"}
        assert (receipt.level, receipt.already_there) == ("filed", False)
        assert receipt.reference in {f"Observation/{o['id']}" for o in filed}
        assert json.loads(delivery.body)["resourceType"] == "Bundle"
        assert b"21.50" in delivery.body
        assert len(server.resources("Patient")) == 1


async def test_the_same_filing_again_files_nothing(a_record: Make, a_filing: Make) -> None:
    """The identifiers of the Observations are the same for ever."""
    async with a_record() as (record, server):
        delivery = await frozen(record, a_filing())
        await record.send(delivery)
        again = await record.send(delivery)

        assert again.already_there
        assert len(server.resources("Observation")) == 2


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ({"identifier": []}, "record-person-missing"),
        ({"birthDate": "1951-03-05"}, "record-person-differs"),
        ({"birthDate": "1951"}, "record-person-differs"),
        ({"name": [{"family": "Other"}]}, "record-person-differs"),
        ({"name": [{"use": "maiden", "family": "Specimen"}, {"family": "Other"}]}, "record-person-differs"),
        ({"name": []}, "record-person-differs"),
        ({"deceasedBoolean": True}, "record-person-closed"),
        ({"deceasedDateTime": "2026-01-01"}, "record-person-closed"),
        ({"active": False}, "record-person-closed"),
        ({"link": [{"type": "replaced-by", "other": {"reference": "Patient/8"}}]}, "record-person-closed"),
    ],
)
async def test_a_record_that_is_not_surely_the_right_one_gets_nothing(
    a_record: Make, a_filing: Make, held: dict[str, Any], code: str
) -> None:
    """Number, date of birth and surname are re-read and equal, or a person decides."""
    async with a_record(**held) as (record, server):
        with pytest.raises(Doubtful) as caught:
            await record.prepare(a_filing())

        assert caught.value.code == code
        assert not any(secret in repr(caught.value) for secret in ("1951", "Specimen", "Other", "9990000018"))
        assert {seen.path for seen in server.seen} == {"Patient/_search"}


@pytest.mark.parametrize("family", ["SPECIMEN", " specimen ", "\uff33pecimen"])
async def test_a_surname_may_be_written_otherwise(a_record: Make, a_filing: Make, family: str) -> None:
    """Case, spaces and width are not identity."""
    async with a_record(name=[{"family": family}]) as (record, _):
        assert await record.prepare(a_filing())


async def test_two_records_under_one_number_get_nothing(
    a_record: Make, a_filing: Make, ada: dict[str, Any]
) -> None:
    """Which is right is for the practice to say."""
    async with a_record() as (record, server):
        server.store.put(ada)
        with pytest.raises(Doubtful) as caught:
            await record.prepare(a_filing())

        assert caught.value.code == "record-several-persons"


@pytest.mark.parametrize(
    "identity", [{"nhs_number": ""}, {"nhs_number": "9990000026"}, {"family": ""}, {"birth_date": ""}]
)
async def test_an_identity_that_is_not_whole_files_nothing(
    a_record: Make, a_filing: Make, identity: dict[str, str]
) -> None:
    """An outcome about somebody else than the referral's patient never leaves."""
    async with a_record() as (record, server):
        with pytest.raises(Doubtful):
            await record.prepare(a_filing(**identity))

        assert server.resources("Observation") == []


async def test_after_a_lost_reply_a_look_finds_what_was_filed(a_record: Make, a_filing: Make) -> None:
    """All there: filed. Nothing is sent again."""
    async with a_record() as (record, server):
        delivery = await frozen(record, a_filing())
        server.script(Step(trouble=Trouble.LOST_REPLY, method="POST"))
        with pytest.raises(Ambiguous):
            await record.send(delivery)
        found = await record.look(delivery)

        assert found is not None
        assert (found.level, found.already_there) == ("filed", True)


async def test_a_filing_that_is_half_there_is_completed_by_the_same_bytes(
    a_record: Make, a_filing: Make
) -> None:
    """None of it, or some of it: the look says send."""
    async with a_record() as (record, server):
        delivery = await frozen(record, a_filing())
        assert await record.look(delivery) is None
        await record.send(delivery)
        first = server.resources("Observation")[0]
        server.store.put(first | {"identifier": []})
        assert await record.look(delivery) is None
        await record.send(delivery)

        assert await record.look(delivery) is not None


@pytest.mark.parametrize("filed", [True, False])
async def test_a_record_that_processed_it_before_is_asked_what_it_holds(
    client_of: Make,
    a_record: Make,
    a_filing: Make,
    filed: bool,  # noqa: FBT001
) -> None:
    """409 REC_CONFLICT `duplicate` is a success once everything is found."""
    async with a_record() as (record, server):
        delivery = await frozen(record, a_filing())
        if filed:
            await record.send(delivery)
        observations = [{"resource": o} for o in server.resources("Observation")]
    found = {"resourceType": "Bundle", "type": "searchset", "entry": observations}
    issue = {"severity": "error", "code": "duplicate", "details": {"coding": [{"code": "REC_CONFLICT"}]}}
    with respx.mock() as mock:
        mock.post("http://gp.test/fhir").respond(
            409, json={"resourceType": "OperationOutcome", "issue": [issue]}
        )
        mock.post("http://gp.test/fhir/Observation/_search").respond(200, json=found)
        async with client_of("http://gp.test/fhir") as client:
            if filed:
                assert (await GpRecord("record", client).send(delivery)).level == "filed"
            else:
                with pytest.raises(Ambiguous):
                    await GpRecord("record", client).send(delivery)


async def test_nothing_was_sent_before_the_bytes_were_fixed(a_record: Make, a_filing: Make) -> None:
    """A crash in between leaves the body as it was queued."""
    async with a_record() as (record, server):
        assert await record.look(a_filing()) is None
        assert not server.seen


async def test_a_correction_replaces_what_stands_there(a_record: Make, a_filing: Make) -> None:
    """And a look counts it only when it is the corrected one that stands there."""
    async with a_record() as (record, server):
        await record.send(await frozen(record, a_filing()))
        correction = await frozen(record, a_filing(score="19.00", corrects=True))
        assert await record.look(correction) is None
        await record.send(correction)

        assert {o["status"] for o in server.resources("Observation")} == {"corrected"}
        assert len(server.resources("Observation")) == 2
        assert await record.look(correction) is not None


async def test_a_filing_the_record_refuses_is_told_with_its_place(a_record: Make, a_filing: Make) -> None:
    """The rule that was broken, never the value."""
    async with a_record() as (record, _):
        delivery = await frozen(record, a_filing())
        spoiled = delivery.body.replace(b'"status":"final"', b'"status":"splendid"')
        with pytest.raises(Refused) as caught:
            await record.send(replace(delivery, body=spoiled))

    assert (caught.value.code, caught.value.status) == ("partner-refused", 422)
    assert "splendid" not in repr(caught.value.problems)
