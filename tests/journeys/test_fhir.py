"""FHIR referrals through the door: created, repeated, changed, cancelled, read back; and what is refused."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from bridge.fhir import fhir_xml
from bridge.fhir.checks import check
from bridge.pipeline.later import translate_kept
from bridge.store import audit
from bridge.store.tables import body
from tests.fhir.examples import a_uk_core_bundle
from tests.journeys.conftest import GP_KEY, OPERATOR_KEY, PRACTICE, SCHEME, SERVICE_KEY, Ground, Site

SYSTEM = "https://greenfield.test.nhs.uk/Id/referral"
PERSON = "9990000018"


def a_bundle(kind: str = "transaction", request: dict[str, Any] | None = None) -> dict[str, Any]:
    """A Patient and a ServiceRequest of this practice, last changed just now."""
    now = {"meta": {"lastUpdated": datetime.now(UTC).isoformat(timespec="milliseconds")}}
    made = a_uk_core_bundle({"meta": now["meta"]} | (request or {}))
    found: dict[str, Any] = json.loads(json.dumps(made).replace("A99968", PRACTICE))
    return found | {"type": kind}


def a_request(**changes: Any) -> dict[str, Any]:
    """The same as one ServiceRequest with its patient contained."""
    patient, request = (copy.deepcopy(e["resource"]) for e in a_bundle()["entry"])
    made = {**request, "contained": [{**patient, "id": "p"}], "subject": {"reference": "#p"}, **changes}
    return {name: value for name, value in made.items() if value is not None}


def with_second(bundle: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A second referral, of somebody else, in the same Bundle."""
    both = copy.deepcopy(bundle)
    other = copy.deepcopy(both["entry"])
    for entry, name in zip(other, ("patient", "request"), strict=True):
        entry["fullUrl"] = f"urn:uuid:second-{name}"
    other[0]["resource"]["identifier"][0]["value"] = "9990000026"
    other[1]["resource"]["subject"] = {"reference": "urn:uuid:second-patient"}
    other[1]["resource"]["identifier"][0]["value"] = "R-18"
    other[0]["resource"] |= changes
    both["entry"] += other
    return both


async def post(site: Site, path: str, content: Any, key: str = GP_KEY, **headers: str) -> httpx.Response:
    """Send FHIR JSON."""
    sent = {"Content-Type": "application/fhir+json"} | {n.replace("_", "-"): v for n, v in headers.items()}
    return await site.post(path, content, key, **sent)


def words_of(answer: httpx.Response) -> str:
    """The body of an answer, which never holds who it is about."""
    assert PERSON not in answer.text
    assert "Specimen" not in answer.text
    return answer.text


def entries(answer: httpx.Response) -> list[str]:
    """The status of each entry."""
    assert answer.status_code == 200, answer.text
    return [e["response"]["status"][:3] for e in answer.json()["entry"]]


async def statuses(site: Site) -> list[str]:
    """The status of each ServiceRequest at the service, once everything has left."""
    await site.drain()
    return [held["status"] for held in site.service.resources("ServiceRequest")]


# One ServiceRequest


async def test_a_referral_is_created_with_a_place_of_its_own(site: Site) -> None:
    """201 with Location and receipt; it can be read there."""
    answer = await post(site, "/fhir/ServiceRequest", a_request())
    read = await site.get(answer.headers["Location"], GP_KEY)

    assert answer.status_code == 201, answer.text
    assert check(answer.json()) == []
    assert (read.status_code, read.json()["status"]) == (200, "active")
    assert (await site.get(f"/messages/{answer.headers['X-Receipt-ID']}")).status_code == 200
    assert await statuses(site) == ["active"]


async def test_the_same_again_has_the_same_place(site: Site) -> None:
    """200, and nothing is sent twice."""
    request = a_request()
    first = await post(site, "/fhir/ServiceRequest", request)
    again = await post(site, "/fhir/ServiceRequest", request)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["Location"] == again.headers["Location"]
    assert await statuses(site) == ["active"]


async def test_a_newer_version_changes_what_is_there(site: Site) -> None:
    """By the sender's own clock."""
    await post(site, "/fhir/ServiceRequest", a_request())
    await site.drain()
    answer = await post(site, "/fhir/ServiceRequest", a_request(priority="urgent"))
    await site.drain()

    assert answer.status_code == 200
    assert [r["priority"] for r in site.service.resources("ServiceRequest")] == ["urgent"]


async def test_same_version_with_other_content_is_a_conflict(site: Site) -> None:
    """Nobody guesses which of the two is meant."""
    request = a_request()
    await post(site, "/fhir/ServiceRequest", request)
    answer = await post(site, "/fhir/ServiceRequest", request | {"priority": "urgent"})

    assert answer.status_code == 409
    assert "version-conflict" in words_of(answer)


async def test_if_none_exist_leaves_a_known_referral_as_it_is(site: Site) -> None:
    """The body of a conditional create that finds its resource is not looked at."""
    condition = f"identifier={SYSTEM}|R-17"
    first = await post(site, "/fhir/ServiceRequest", a_request(), If_None_Exist=condition)
    again = await post(site, "/fhir/ServiceRequest", a_request(priority="urgent"), If_None_Exist=condition)
    await site.drain()

    assert (first.status_code, again.status_code) == (201, 200)
    assert "priority" not in site.service.resources("ServiceRequest")[0]


async def test_a_condition_we_cannot_check_is_refused(site: Site) -> None:
    """Else somebody believes that it was checked."""
    answer = await post(
        site, "/fhir/ServiceRequest", a_request(), If_None_Exist="subject=Patient/1&status=active"
    )

    assert answer.status_code == 400
    assert "fhir-condition" in words_of(answer)
    assert await statuses(site) == []


async def test_a_clock_that_ran_ahead_does_not_stop_the_cancellation(site: Site) -> None:
    """The year 2050, once said, must not make every later word an older one."""
    await post(site, "/fhir/ServiceRequest", a_request(meta={"lastUpdated": "2050-01-01T00:00:00Z"}))
    await site.drain()
    revoked = a_request(status="revoked", meta={"lastUpdated": datetime.now(UTC).isoformat()})
    answer = await post(site, "/fhir/ServiceRequest", revoked)

    assert answer.status_code == 200, answer.text
    assert await statuses(site) == ["revoked"]


async def test_a_request_that_is_dated_by_its_decision_alone_goes_out(site: Site) -> None:
    """Senders leave meta.lastUpdated to the server."""
    request = a_request(authoredOn=datetime.now(UTC).date().isoformat())
    del request["meta"]
    answer = await post(site, "/fhir/ServiceRequest", request)

    assert answer.status_code == 201, answer.text
    assert await statuses(site) == ["active"]


async def test_a_revoked_request_takes_the_referral_back(site: Site) -> None:
    """A cancellation by its key."""
    await post(site, "/fhir/ServiceRequest", a_request())
    await site.drain()
    answer = await post(site, "/fhir/ServiceRequest", a_request(status="revoked"))

    assert answer.status_code == 200
    assert await statuses(site) == ["revoked"]


async def test_a_referral_that_will_not_be_sent_is_an_error_each_time(site: Site) -> None:
    """A child: the surgery hears that nobody will call, and its list holds the reason."""
    request = a_request()
    request["contained"][0]["birthDate"] = "2020-03-04"
    first = await post(site, "/fhir/ServiceRequest", request)
    again = await post(site, "/fhir/ServiceRequest", request)

    assert (first.status_code, again.status_code) == (422, 422)
    assert "under-age" in words_of(first)
    assert "repeated-not-sent" in words_of(again)
    assert await statuses(site) == []


async def test_a_referral_that_waits_for_a_person_is_accepted_not_created(site: Site) -> None:
    """202 says that it is safe, the warning why nothing has left."""
    request = a_request()
    request["contained"][0]["identifier"] = [{"system": "https://greenfield.test/Id/patient", "value": "7"}]
    first = await post(site, "/fhir/ServiceRequest", request)
    again = await post(site, "/fhir/ServiceRequest", request)

    assert (first.status_code, again.status_code) == (202, 200)
    assert [i["severity"] for i in first.json()["issue"]][:1] == ["warning"]
    assert "nhs-number-missing" in words_of(first)
    assert await statuses(site) == []


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (a_request(identifier=None), 422, "fhir-no-business-identifier"),
        (a_request(status="draft"), 422, "fhir-status-not-sendable"),
        (a_request(contained=[], subject={"reference": "#p"}), 422, "fhir-no-patient"),
        ({"resourceType": "Task"}, 400, "fhir-type-differs"),
        ({"resourceType": "Nothing"}, 400, "fhir-not-a-resource"),
        ([], 400, "fhir-not-a-resource"),
    ],
)
async def test_what_cannot_be_used_is_refused_and_kept(
    site: Site, request_: Any, status: int, code: str
) -> None:
    """With a place and the next step."""
    answer = await post(site, "/fhir/ServiceRequest", request_)

    assert answer.status_code == status
    assert code in words_of(answer)
    assert check(answer.json()) == []
    kept = (await site.get(f"/messages/{answer.headers['X-Receipt-ID']}")).json()
    assert [e["state"] for e in kept["events"]] == ["refused"]


async def test_of_a_restricted_message_nothing_is_kept(site: Site) -> None:
    """Alone and in a transaction: that it came is known, what it said is not."""
    restricted = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    alone = a_request(meta={"security": [restricted]})
    both = with_second(a_bundle(), meta={"security": [restricted]})
    answers = [await post(site, "/fhir/ServiceRequest", alone), await post(site, "/fhir", both)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("fhir-confidential" in words_of(answer) for answer in answers)
    kept = select(func.count()).select_from(body).where(body.c.kind == "message")
    assert await site.bridge.store.read(lambda tx: tx.run(kept).scalar_one()) == 0


async def test_of_a_restricted_message_that_is_read_later_nothing_is_kept(
    open_site: Callable[..., Any],
) -> None:
    """It was taken in unread; once it is read its content goes."""
    site = await open_site(translate="later")
    restricted = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    await site.post("/events/fhir-r4", a_request(meta={"security": [restricted]}), GP_KEY)
    kept = select(func.count()).select_from(body).where(body.c.kind == "message")
    before = await site.bridge.store.read(lambda tx: tx.run(kept).scalar_one())
    await translate_kept(site.bridge.translator)

    assert before == 1
    assert await site.bridge.store.read(lambda tx: tx.run(kept).scalar_one()) == 0


async def test_another_practices_referral_is_not_the_callers_to_send(site: Site) -> None:
    """Nor to change, under whatever practice it is sent."""
    request = json.loads(json.dumps(a_request()).replace(PRACTICE, "B88888"))
    answer = await post(site, "/fhir/ServiceRequest", request)

    assert answer.status_code == 403
    assert "B88888" not in words_of(answer)


async def test_a_service_cannot_refer(site: Site) -> None:
    """It reports."""
    assert (await post(site, "/fhir/ServiceRequest", a_request(), SERVICE_KEY)).status_code == 403


async def test_nobody_refers_without_a_credential(site: Site) -> None:
    """Every path but metadata asks who is calling."""
    refer = await site.http.post("/fhir/ServiceRequest", json=a_request())
    read = await site.http.get("/fhir/ServiceRequest?identifier=a|b")

    assert (refer.status_code, read.status_code) == (401, 401)


# Bundles


async def test_a_transaction_is_answered_entry_by_entry(site: Site) -> None:
    """The referral has a place; what stood around it was read and is not kept by itself."""
    answer = await post(site, "/fhir", a_bundle())
    place = answer.json()["entry"][1]["response"]["location"]

    assert entries(answer) == ["202", "201"]
    assert check(answer.json()) == []
    assert (await site.get(f"/fhir/{place}", GP_KEY)).status_code == 200
    assert await statuses(site) == ["active"]


async def test_of_a_transaction_all_referrals_go_or_none(site: Site) -> None:
    """One that cannot be used refuses both; mended and sent again, both go."""
    bad = with_second(a_bundle(), birthDate="2020-03-04")
    refused = await post(site, "/fhir", bad)
    before = await statuses(site)
    mended = await post(site, "/fhir", with_second(a_bundle()))
    kept = (await site.get(f"/messages/{refused.headers['X-Receipt-ID']}")).json()

    assert (refused.status_code, before) == (422, [])
    assert [(e["state"], e["code"]) for e in kept["events"]] == [
        ("refused", "transaction-refused"),
        ("not-sent", "under-age"),
    ]
    assert "under-age" in words_of(refused)
    assert "transaction-refused" not in refused.text
    assert entries(mended) == ["202", "201", "202", "201"]
    assert await statuses(site) == ["active", "active"]


async def test_the_entries_of_a_batch_stand_alone(site: Site) -> None:
    """What can be used is used; what cannot says why."""
    answer = await post(site, "/fhir", with_second(a_bundle("batch"), birthDate="2020-03-04"))

    assert answer.json()["type"] == "batch-response"
    assert entries(answer) == ["202", "201", "202", "422"]
    assert await statuses(site) == ["active"]


async def test_a_conditional_entry_leaves_a_known_referral_as_it_is(site: Site) -> None:
    """As the header does for one resource."""
    for priority in ("routine", "urgent"):
        bundle = a_bundle(request={"priority": priority})
        bundle["entry"][1]["request"]["ifNoneExist"] = f"identifier={SYSTEM}|R-17"
        answer = await post(site, "/fhir", bundle)
    await site.drain()

    assert entries(answer) == ["202", "200"]
    assert [r["priority"] for r in site.service.resources("ServiceRequest")] == ["routine"]


@pytest.mark.parametrize(
    ("bundle", "status", "code"),
    [
        (a_bundle("message"), 400, "fhir-message-elsewhere"),
        (a_bundle("collection"), 400, "fhir-bundle-type"),
        ({"resourceType": "Patient"}, 400, "fhir-bundle-type"),
        ({"resourceType": "Bundle", "type": "transaction"}, 422, "fhir-no-request"),
    ],
)
async def test_other_bundles_are_refused(site: Site, bundle: dict[str, Any], status: int, code: str) -> None:
    """A message in a transaction's place would lose its header."""
    answer = await post(site, "/fhir", bundle)

    assert answer.status_code == status
    assert code in words_of(answer)


async def test_a_deletion_is_not_passed_over(site: Site) -> None:
    """Who believes that it was done would not cancel."""
    bundle = a_bundle()
    bundle["entry"].append({"request": {"method": "DELETE", "url": "ServiceRequest/1"}})
    answer = await post(site, "/fhir", bundle)

    assert answer.status_code == 422
    assert "fhir-method" in words_of(answer)
    assert await statuses(site) == []


@pytest.mark.parametrize("path", ["/fhir", "/fhir/ServiceRequest", "/fhir/$process-message"])
@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Bundle xmlns="http://hl7.org/fhir">&x;</Bundle>',
        b'{"resourceType":"Bundle","type":"batch","type":"transaction"}',
        json.dumps(a_bundle()).encode()[:-300],
        json.dumps(a_bundle()).encode("utf-16"),
        '{"resourceType":"Bundle","id":"\u00fc"}'.encode("latin-1"),
        b"\x00\x01\x02",
    ],
)
async def test_what_cannot_be_read_is_told_without_a_value(site: Site, path: str, body: bytes) -> None:
    """On each door."""
    answer = await post(site, path, body)

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "/etc/passwd" not in words_of(answer)


# Reading back


async def created(site: Site) -> str:
    """The id of a referral that is at its service."""
    answer = await post(site, "/fhir/ServiceRequest", a_request())
    await site.drain()
    return answer.headers["Location"].rpartition("/")[2]


async def test_a_referral_is_found_by_its_own_and_by_our_identifier(site: Site) -> None:
    """By GET and by POST, and as BaRS spells the parameter."""
    identity = await created(site)
    searches = [
        f"identifier={SYSTEM}|R-17",
        f"ServiceRequest.identifier={SYSTEM}|R-17",
        f"identifier=https://bridge.test/Id/referral|{identity}",
    ]
    found = [await site.get(f"/fhir/ServiceRequest?{s}", GP_KEY) for s in searches]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    found.append(await site.post("/fhir/ServiceRequest/_search", searches[0].encode(), GP_KEY, **form))

    for answer in found:
        assert [e["resource"]["id"] for e in answer.json()["entry"]] == [identity], answer.text
        assert check(answer.json()) == []
        assert answer.json()["total"] == 1


async def test_a_service_reads_its_own_referrals_as_far_as_they_were_released(
    ground: Ground, open_site: Callable[..., Any]
) -> None:
    """The scheme's list decides here too: no NHS number, no identifiers of the surgery."""
    ground.scheme = SCHEME.replace('"nhs-number", ', "").replace('"identifiers", ', "")
    site: Site = await open_site()
    identity = await created(site)
    practice = await site.get(f"/fhir/ServiceRequest/{identity}", GP_KEY)
    service = await site.get(f"/fhir/ServiceRequest/{identity}", SERVICE_KEY)

    assert PERSON in practice.text
    assert PERSON not in service.text
    assert len(service.json()["identifier"]) == 1


async def test_to_a_stranger_a_referral_is_not_there(site: Site) -> None:
    """Operators see states, not content; nobody is told that something exists."""
    identity = await created(site)
    known = await site.get(f"/fhir/ServiceRequest/{identity}", OPERATOR_KEY)
    unknown = await site.get(f"/fhir/ServiceRequest/{uuid4()}", OPERATOR_KEY)
    search = await site.get(f"/fhir/ServiceRequest?identifier={SYSTEM}|R-17", OPERATOR_KEY)

    assert (known.status_code, unknown.status_code) == (404, 404)
    assert known.content == unknown.content
    assert search.json()["total"] == 0


async def test_each_read_of_content_is_audited_and_a_miss_is_not(site: Site) -> None:
    """Who read which referral, in a chain that shows changes."""
    identity = await created(site)
    await site.get(f"/fhir/ServiceRequest/{identity}", GP_KEY)
    await site.get(f"/fhir/ServiceRequest?identifier={SYSTEM}|R-17", SERVICE_KEY)
    await site.get(f"/fhir/ServiceRequest/{uuid4()}", GP_KEY)
    rows = await site.bridge.store.read(lambda tx: audit.rows(tx, site.bridge.settings.node))

    assert [(row["actor"], row["action"], row["subject"]) for row, _ in rows] == [
        ("gp", "read", identity),
        ("service", "read", identity),
    ]
    assert site.bridge.chain.verify(rows) is None


@pytest.mark.parametrize(
    "search",
    [
        "",
        "identifier=R-17",
        "identifier=|R-17",
        f"identifier={SYSTEM}|",
        f"identifier={SYSTEM}|R-17&patient.identifier=x|y",
        "subject=Patient/1",
    ],
)
async def test_a_search_is_never_answered_more_widely_than_it_was_asked(site: Site, search: str) -> None:
    """A parameter that is passed over would show the wrong referral."""
    await created(site)
    answer = await site.get(f"/fhir/ServiceRequest?{search}", GP_KEY)

    assert answer.status_code == 400
    assert "parameter-wrong" in answer.text


async def test_several_identifiers_are_any_of_them(site: Site) -> None:
    """A comma means or, as in FHIR."""
    await created(site)
    answer = await site.get(f"/fhir/ServiceRequest?identifier={SYSTEM}|none,{SYSTEM}|R-17", GP_KEY)

    assert answer.json()["total"] == 1


ASKED: list[tuple[dict[str, str], str, str]] = [
    ({"Accept": "application/fhir+xml"}, "", "xml"),
    ({"Accept": "application/xml;q=0.9, application/fhir+json;q=0.1"}, "", "xml"),
    ({"Accept": "application/fhir+json, application/fhir+xml"}, "", "json"),
    ({"Accept": "*/*"}, "&_format=application/fhir%2Bxml", "xml"),
    ({"Accept": "application/fhir+xml"}, "&_format=json", "json"),
    ({}, "", "json"),
]


@pytest.mark.parametrize(("headers", "more", "kind"), ASKED)
async def test_an_answer_has_the_format_that_was_asked_for(
    site: Site, headers: dict[str, str], more: str, kind: str
) -> None:
    """In both the same is said; in JSON where it makes no difference."""
    await created(site)
    path = f"/fhir/ServiceRequest?identifier={SYSTEM}|R-17{more}"
    answer = await site.http.get(path, headers={"X-API-Key": GP_KEY} | headers)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == f"application/fhir+{kind}"
    said = fhir_xml.loads(answer.content) if kind == "xml" else answer.json()
    assert (said["resourceType"], said["total"]) == ("Bundle", 1)
    assert said["entry"][0]["resource"]["status"] == "active"


async def test_a_refusal_comes_in_xml_too(site: Site) -> None:
    """The sender that can read only XML must hear why."""
    headers = {"X-API-Key": GP_KEY, "Accept": "application/fhir+xml"}
    answer = await site.http.post("/fhir/ServiceRequest", content=b"{}", headers=headers)

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/fhir+xml")
    assert fhir_xml.loads(answer.content)["resourceType"] == "OperationOutcome"


async def test_other_formats_are_told_that_there_are_none(site: Site) -> None:
    """Before anything is shown."""
    headers = {"X-API-Key": GP_KEY, "Accept": "text/html"}
    answer = await site.http.get(f"/fhir/ServiceRequest?identifier={SYSTEM}|R-17", headers=headers)

    assert answer.status_code == 406


async def test_bars_gets_its_own_words_for_what_is_not_there(site: Site) -> None:
    """A request with a target identifier is one of the standard's."""
    headers = {"X-API-Key": GP_KEY, "NHSD-Target-Identifier": "e30="}
    answer = await site.http.get(f"/fhir/ServiceRequest/{uuid4()}", headers=headers)

    assert answer.status_code == 404
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "REC_NOT_FOUND"


# What this server says of itself


async def test_metadata_is_open_and_claims_what_the_routes_answer(site: Site) -> None:
    """Each interaction it names is there, and each route under /fhir is named."""
    answer = await site.http.get("/fhir/metadata")
    rest = answer.json()["rest"][0]
    told = {
        (resource["type"], interaction["code"])
        for resource in rest["resource"]
        for interaction in resource["interaction"]
    }
    paths = site.bridge.http().openapi()["paths"]
    answered = {
        (path.split("/")[2], _INTERACTION[method, path.count("/")])
        for path, methods in paths.items()
        if path.startswith("/fhir/") and path.split("/")[2][0].isupper()
        for method in methods
    }

    assert answer.json()["fhirVersion"] == "4.0.1"
    assert check(answer.json()) == []
    assert told == answered
    assert {i["code"] for i in rest["interaction"]} == {"transaction", "batch"}
    assert [o["name"] for o in rest["operation"]] == ["process-message"]


_INTERACTION = {
    ("get", 2): "search-type",
    ("get", 3): "read",
    ("post", 2): "create",
    ("post", 3): "search-type",
    ("put", 3): "update",
}


async def test_what_is_not_there_is_said_in_fhir(site: Site) -> None:
    """Other types, other verbs."""
    there = await site.http.get("/fhir/Encounter/1", headers={"X-API-Key": GP_KEY})
    verb = await site.http.delete("/fhir/ServiceRequest/1", headers={"X-API-Key": GP_KEY})

    assert (there.status_code, verb.status_code) == (404, 405)
    assert there.json()["resourceType"] == verb.json()["resourceType"] == "OperationOutcome"


async def test_the_tracing_ids_come_back_on_every_answer(site: Site) -> None:
    """Good and bad."""
    ids = {"X-Request-ID": str(uuid4()), "X-Correlation-ID": str(uuid4())}
    good = await site.post("/fhir", a_bundle(), GP_KEY, **ids)
    bad = await site.post("/fhir", b"{", GP_KEY, **ids)

    for answer in (good, bad):
        assert {name: answer.headers[name] for name in ids} == ids
