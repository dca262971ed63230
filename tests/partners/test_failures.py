"""The failure table, row by row, against answers as they come over HTTP."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx

from bridge.errors import (
    Ambiguous,
    DeliveryError,
    NotThePartner,
    Refused,
    Throttled,
    Transient,
    Unauthorised,
)
from bridge.errors.catalogue import CATALOGUE
from bridge.partners.answers import Key, reading_of
from bridge.partners.failures import CLASSES, Asked, Broke, Row, row_of
from bridge.partners.http import FhirClient

Make = Callable[..., Any]
BASE = "http://elm.test.nhs.uk/fhir"
SECRET = "9990000018 Specimen 1951-03-04"  # what partners do put into their texts
READ, CREATE, UPDATE = Asked.READ, Asked.CREATE, Asked.UPDATE
HTML = f"<!DOCTYPE html><html><body>Sign in, {SECRET}</body></html>"
HALF = '{"resourceType": "Bundle", "entry": [{"resou'


def outcome(code: str, text: str = SECRET, detail: str = "") -> str:
    """An OperationOutcome that says too much in its texts, as many do."""
    issue: dict[str, Any] = {"severity": "error", "code": code, "diagnostics": text}
    issue["expression"] = ["Patient.name[0].family", f"Patient.where(id='{SECRET}')"]
    if detail:
        issue["details"] = {"coding": [{"code": detail}], "text": SECRET}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})


GOOD = json.dumps({"resourceType": "Bundle", "type": "searchset", "total": 0})
REFUSED_CONNECTION = outcome("invalid", "connect ECONNREFUSED 127.0.0.1:5432")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An answer, or the error of the line, to one kind of request and the class it belongs to."""

    status: int = 0
    body: str = ""
    headers: dict[str, str] | None = None
    line: type[httpx.TransportError] | None = None
    asked: Asked = CREATE
    error: type[DeliveryError] | None = None
    code: str = ""

    @property
    def row(self) -> Row:
        if self.line is not None:
            why = {
                httpx.ReadTimeout: Broke.LATE,
                httpx.ReadError: Broke.LOST,
                httpx.LocalProtocolError: Broke.UNSENDABLE,
            }
            return row_of(0, why.get(self.line, Broke.NOT_SENT), self.asked)
        headers = httpx.Headers(self.headers)
        said, _ = reading_of(self.body.encode(), headers, status=self.status, limit=10_000)
        return row_of(self.status, said, self.asked)


def line(error: type[httpx.TransportError], asked: Asked, expected: type[DeliveryError], code: str) -> Case:
    return Case(line=error, asked=asked, error=expected, code=code)


def says(
    status: int,
    body: str,
    asked: Asked,
    expected: type[DeliveryError] | None,
    code: str = "",
    **headers: str,
) -> Case:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Case(status=status, body=body, asked=asked, error=expected, code=code, headers=named)


CASES = [
    *(
        line(error, asked, Transient, "partner-unreached")
        for asked in Asked
        for error in (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    ),
    line(httpx.ReadError, READ, Transient, "partner-lost"),
    line(httpx.ReadError, CREATE, Ambiguous, "partner-lost"),
    line(httpx.ReadTimeout, READ, Transient, "partner-late"),
    line(httpx.ReadTimeout, UPDATE, Ambiguous, "partner-late"),
    line(httpx.LocalProtocolError, CREATE, Refused, "delivery-unsendable"),
    says(401, "", READ, Unauthorised, "partner-unauthorised"),
    says(401, outcome("login"), CREATE, Unauthorised, "partner-unauthorised"),
    says(403, HTML, UPDATE, Unauthorised, "partner-unauthorised"),
    says(429, "", READ, Throttled, "partner-throttled"),
    says(503, HTML, CREATE, Throttled, "partner-throttled"),
    says(425, outcome("duplicate"), CREATE, Transient, "partner-not-ready"),
    says(408, "", READ, Transient, "partner-late"),
    says(408, outcome("timeout"), CREATE, Ambiguous, "partner-late"),
    says(407, HTML, CREATE, NotThePartner, "partner-answer-foreign"),
    says(302, "", CREATE, NotThePartner, "partner-answer-foreign", location="http://login.test/"),
    says(304, "", READ, NotThePartner, "partner-answer-foreign"),
    says(400, HTML, CREATE, NotThePartner, "partner-answer-foreign"),
    says(404, "", CREATE, NotThePartner, "partner-answer-foreign"),
    says(409, "", CREATE, NotThePartner, "partner-answer-foreign"),
    says(422, '{"message": "no"}', UPDATE, NotThePartner, "partner-answer-foreign"),
    says(400, HALF, CREATE, NotThePartner, "partner-answer-foreign"),
    says(501, HTML, CREATE, NotThePartner, "partner-answer-foreign"),
    says(501, outcome("not-supported"), CREATE, Refused, "partner-not-supported"),
    *(says(status, HTML, READ, Transient, "partner-failed") for status in (500, 502, 504)),
    *(says(status, "", CREATE, Ambiguous, "partner-failed") for status in (500, 502, 504, 507)),
    says(500, outcome("exception"), UPDATE, Ambiguous, "partner-failed"),
    says(409, outcome("duplicate", detail="REC_CONFLICT"), CREATE, None),
    says(409, outcome("conflict", detail="REC_CONFLICT"), CREATE, Refused, "partner-overtaken"),
    says(409, outcome("conflict"), CREATE, Transient, "partner-conflict"),
    says(409, outcome("duplicate"), CREATE, Transient, "partner-conflict"),
    says(409, outcome("conflict"), UPDATE, Transient, "partner-version-moved"),
    says(412, outcome("conflict"), UPDATE, Transient, "partner-version-moved"),
    says(412, outcome("multiple-matches"), CREATE, Refused, "partner-several-matches"),
    says(412, outcome("conflict"), READ, Refused, "partner-not-found"),
    says(404, outcome("not-found"), UPDATE, Refused, "partner-not-found"),
    says(410, outcome("deleted"), UPDATE, Refused, "partner-not-found"),
    *(
        says(status, outcome("not-supported"), CREATE, Refused, "partner-not-supported")
        for status in (405, 406, 413, 415)
    ),
    says(400, REFUSED_CONNECTION, CREATE, Transient, "partner-not-ready"),
    says(422, outcome("exception"), CREATE, Transient, "partner-not-ready"),
    says(400, outcome("required"), CREATE, Refused, "partner-refused"),
    says(422, outcome("business-rule"), UPDATE, Refused, "partner-refused"),
    says(400, outcome("unknown"), CREATE, Transient, "partner-unclear"),
    says(423, outcome("lock-error"), CREATE, Transient, "partner-not-ready"),
    says(400, GOOD, CREATE, Transient, "partner-unclear"),
    says(200, outcome("no-store"), CREATE, Transient, "partner-not-ready"),
    says(200, outcome("value"), CREATE, Refused, "partner-refused"),
    says(201, outcome("forbidden"), UPDATE, Transient, "partner-unclear"),
    says(202, "", CREATE, Ambiguous, "partner-deferred"),
    says(200, GOOD, CREATE, None),
    says(200, "", UPDATE, None, ETag='W/"2"'),
    says(204, "", UPDATE, None),
    says(200, HALF, READ, Transient, "partner-answer-half"),
    says(200, HALF, CREATE, Ambiguous, "partner-answer-half"),
    says(200, "", CREATE, NotThePartner, "partner-answer-foreign"),
    says(200, "", UPDATE, NotThePartner, "partner-answer-foreign"),
    says(200, HTML, CREATE, NotThePartner, "partner-answer-foreign"),
    says(200, "[]", READ, NotThePartner, "partner-answer-foreign"),
    says(200, '{"resourceType": 7}', READ, NotThePartner, "partner-answer-foreign"),
]


async def ask(client: FhirClient, asked: Asked) -> object:
    """One request of that kind."""
    if asked is READ:
        return await client.search("Patient", Key("s", "v"), correlation_id="c")
    if asked is UPDATE:
        return await client.update("Patient/1", b"{}", version='W/"1"', correlation_id="c")
    return await client.submit(b"{}", request_id="r", correlation_id="c")


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{(c.line and c.line.__name__) or c.status}-{c.asked}")
async def test_an_answer_belongs_to_its_class(case: Case, client_of: Make) -> None:
    """Class, code and status are told; the partner's words are not."""
    with respx.mock(base_url=BASE) as mock:
        route = mock.route()
        if case.line is not None:
            route.mock(side_effect=case.line(SECRET))
        else:
            route.respond(case.status, text=case.body, headers=case.headers)
        async with client_of(BASE) as client:
            if case.error is None:
                await ask(client, case.asked)
                return
            with pytest.raises(DeliveryError) as caught:
                await ask(client, case.asked)

    error = caught.value
    assert (type(error), error.code, error.status) == (case.error, case.code, case.status or None)
    assert not any(word in f"{error!r} {error} {error.problems}" for word in SECRET.split())
    assert {"Patient.name[0].family"} >= {p.target for p in error.problems} - {""}
    assert error.__context__ is None


def test_every_row_of_the_table_has_a_case() -> None:
    """A row nobody can meet is a mistake, and so is one nobody tries."""
    assert set(CLASSES) == {case.row for case in CASES}


def test_every_code_of_the_table_has_its_words() -> None:
    """What a person reads is in the catalogue."""
    assert {row.code for row in CLASSES} - {""} <= CATALOGUE.keys()


async def test_a_refusal_keeps_path_and_issue_code(client_of: Make) -> None:
    """That is what the person who has to mend it needs."""
    with respx.mock(base_url=BASE) as mock:
        mock.route().respond(422, text=outcome("required"))
        async with client_of(BASE) as client:
            with pytest.raises(Refused) as caught:
                await ask(client, CREATE)

    (problem,) = caught.value.problems
    assert (problem.code, problem.at) == ("partner-refused", "OperationOutcome.issue[0]")
    assert (problem.target, problem.rule) == ("Patient.name[0].family", "issue-type required")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Mon, 02 Mar 2026 09:31:30 GMT"}, 90),
        ({"RateLimit": '"requests";r=0;t=44'}, 44),
        ({"RateLimit-Reset": "12"}, 12),
        ({"Retry-After": "-5"}, 1),
        ({"Retry-After": "999999999"}, 3600),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_partner_that_is_busy_says_for_how_long(
    client_of: Make, status: int, headers: dict[str, str], seconds: int | None
) -> None:
    """In seconds, by a date or by RateLimit alone; what is absurd is bounded."""
    with respx.mock(base_url=BASE) as mock:
        mock.route().respond(status, headers=headers)
        async with client_of(BASE) as client:
            with pytest.raises(Throttled) as caught:
                await ask(client, CREATE)

    assert caught.value.after == (None if seconds is None else timedelta(seconds=seconds))


async def test_only_a_busy_partner_sets_the_wait(client_of: Make) -> None:
    """RateLimit headers stand on every answer of some servers."""
    with respx.mock(base_url=BASE) as mock:
        mock.route().respond(400, text=REFUSED_CONNECTION, headers={"RateLimit": "limit=9;t=44"})
        async with client_of(BASE) as client:
            with pytest.raises(Transient) as caught:
                await ask(client, CREATE)

    assert caught.value.after is None
