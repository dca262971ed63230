"""Who may do what: every address of the bridge, asked by every kind of caller, its own and another's.

The table is checked against the router: a new address fails here until somebody says who may use it.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.app import Bridge, data_folder, open_bridge
from bridge.config import CallerSettings, Settings
from bridge.security.keyring import create_key_ring
from tests.security import requests
from tests.security.schemes import a_scheme

OURS, OTHERS = "A99999", "B99999"
SOURCES = ("json-event", "fhir-r4", "bars", "hl7v2-ref")
GP = {"X-API-Key": "rbk_system"}
LAST_DAY = date.today() + timedelta(days=30)  # noqa: DTZ011 - a test caller's last day

# Each kind of caller, bound to what the referral belongs to and to something else.
CALLERS: dict[str, dict[str, Any]] = {
    "system": {"roles": ("system",), "practices": (OURS,), "sources": SOURCES},
    "system-other": {"roles": ("system",), "practices": (OTHERS,), "sources": SOURCES},
    "system-sourceless": {"roles": ("system",), "practices": (OURS,)},
    "service": {"roles": ("service",), "service": "prescribing"},
    "service-other": {"roles": ("service",), "service": "elsewhere"},
    "practice": {"roles": ("practice",), "practices": (OURS,)},
    "practice-other": {"roles": ("practice",), "practices": (OTHERS,)},
    "operator": {"roles": ("operator",)},
    "officer": {"roles": ("data-officer",), "practices": (OURS,)},
    "officer-other": {"roles": ("data-officer",), "practices": (OTHERS,)},
    "expired": {"roles": ("operator",), "key_last_day": date(2020, 1, 1)},
}
UNKNOWN = ("nobody", "stranger", "expired")  # no credential, one of nobody's, one of yesterday's
EVERYBODY = (*CALLERS, "nobody", "stranger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Who gets which status; everybody else who is known gets `others`, who is not gets 401."""

    others: int
    may: dict[str, int]
    unknown: int = 401
    body: str = ""  # what is sent, a key of SENT

    def expected(self, who: str) -> int:
        """What this caller is answered."""
        return self.unknown if who in UNKNOWN else self.may.get(who, self.others)


def open_to_all(status: int = 200) -> Row:
    """An address that holds nothing worth a lock."""
    return Row(others=status, may={}, unknown=status)


OF_THE_PRACTICE = dict.fromkeys(("system", "system-sourceless", "practice", "officer"), 200)
READERS = OF_THE_PRACTICE | {"service": 200}
REPORTS, CORRECTS = {"service": 201, "service-other": 422}, {"service": 200, "service-other": 422}

ROWS: dict[str, Row] = {
    "GET /live": open_to_all(),
    "GET /ready": open_to_all(),
    "GET /_ping": open_to_all(),
    "GET /health": Row(others=403, may={"operator": 200}),
    "GET /_status": Row(others=403, may={"operator": 200}),
    "GET /metrics": Row(others=403, may={"operator": 200}),
    "GET /openapi.json": open_to_all(),
    "GET /fhir/metadata": open_to_all(),
    # The page is no caller's, and nobody's over plain HTTP; tests/ops/test_page_access.py has its own table.
    "GET /ops": Row(others=403, may={}, unknown=403),
    # A GP system sends for its own practices, from its own sources.
    "POST /events/{source}": Row(others=403, may={"system": 202}, body="event"),
    "POST /fhir/ServiceRequest": Row(others=403, may={"system": 201}, body="request"),
    "POST /fhir": Row(others=403, may={"system": 200, "service": 400, "service-other": 400}, body="bundle"),
    "POST /fhir/$process-message": Row(others=403, may={"system": 200}, body="message"),
    "POST /events/outcomes": Row(others=403, may={"service": 202, "service-other": 422}, body="outcome"),
    # A service reports on what it was sent; that a referral is another's is told like any that is not known.
    "POST /fhir/Task": Row(others=403, may=REPORTS, body="task"),
    "PUT /fhir/Task/{identity}": Row(others=403, may=CORRECTS, body="task"),
    "POST /fhir/Observation": Row(others=403, may=REPORTS, body="score"),
    "PUT /fhir/Observation/{identity}": Row(
        others=403, may={"service": 200, "service-other": 422}, body="score"
    ),
    "POST /fhir/QuestionnaireResponse": Row(
        others=403, may={"service": 201, "service-other": 422}, body="form"
    ),
    "PUT /fhir/QuestionnaireResponse/{identity}": Row(
        others=403, may={"service": 200, "service-other": 422}, body="form"
    ),
    # Content is read by its practice and, as far as it was released, by its service. An operator sees states.
    "GET /fhir/ServiceRequest/{identity}": Row(others=404, may=READERS),
    # A service collects its own work; this referral has not left yet, so nobody sees it.
    "GET /fhir/Task": Row(others=403, may={"service": 200, "service-other": 200}),
    "GET /fhir/Task/{identity}": Row(others=403, may={"service": 404, "service-other": 404}),
    "GET /fhir/Patient/{identity}": Row(others=403, may={"service": 404, "service-other": 404}),
    "GET /fhir/ServiceRequest": Row(others=400, may={}),  # asked for nothing
    "POST /fhir/ServiceRequest/_search": Row(others=200, may={}, body="search"),
    # Letters are for the people of their practice.
    "GET /practices/{practice}/undelivered": Row(others=404, may={"practice": 200, "officer": 200}),
    "GET /practices/{practice}/worklist": Row(others=404, may={"practice": 200, "officer": 200}),
    "GET /practices/{practice}/worklist/letters.html": Row(others=404, may={"practice": 200, "officer": 200}),
    "GET /practices/{practice}/worklist/letters.pdf": Row(others=404, may={"practice": 204, "officer": 204}),
    "POST /practices/{practice}/worklist/{letter_id}/filed": Row(others=404, may={}),  # nobody's letter
    "GET /messages/{message_id}": Row(others=404, may={"system": 200, "operator": 200}),
    "GET /referrals/{referral_id}": Row(others=404, may=READERS | {"operator": 200}),
}


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SENT: dict[str, Callable[[int, str], dict[str, Any]]] = {
    "": lambda _n, _referral: {},
    "event": lambda n, _: {"json": requests.an_event(n)},
    "request": lambda n, _: {"json": requests.a_service_request(n)},
    "bundle": lambda n, _: {"json": requests.a_bundle(n)},
    "message": lambda n, _: {"json": requests.a_message(n), "headers": requests.bars_headers()},
    "task": lambda _, referral: {"json": requests.a_task(1, referral)},
    "form": lambda _, referral: {"json": requests.a_form(1, referral)},
    "outcome": lambda _, referral: {"json": requests.an_outcome_event(1, referral)},
    "score": lambda _, referral: {"json": requests.an_observation(1, referral)},
    "search": lambda _, referral: {"content": requests.a_search(referral), "headers": FORM},
}


@dataclass
class Castle:
    """A bridge asked from another machine, and one referral of ours in it, of the first person."""

    bridge: Bridge
    http: httpx.AsyncClient
    message: str
    referral: str
    people: Iterator[int] = field(default_factory=lambda: count(2))

    async def ask(self, address: str, who: str, sent: str = "") -> httpx.Response:
        """What this caller is answered."""
        method, _, path = address.partition(" ")
        place = dict.fromkeys(("referral_id", "identity"), self.referral)
        place |= {
            "practice": OURS,
            "letter_id": self.message,
            "source": "json-event",
            "message_id": self.message,
        }
        place |= {"identity": "5"} if method == "PUT" else {}
        request = SENT[sent](next(self.people), self.referral)
        shown = {} if who == "nobody" else {"X-API-Key": f"rbk_{who}"}
        headers = request.pop("headers", {}) | shown
        return await self.http.request(method, path.format(**place), headers=headers, **request)


@pytest.fixture
async def castle(tmp_path: Path) -> AsyncIterator[Castle]:
    """Two localities, every caller, one referral that was just sent."""
    schemes = tmp_path / "mappings" / "schemes"
    schemes.mkdir(parents=True)
    urls = {"service_url": "http://127.0.0.1:9", "record_url": "http://127.0.0.1:9"}
    (schemes / "one.toml").write_text(a_scheme("one", "prescribing", OURS, **urls))
    (schemes / "two.toml").write_text(a_scheme("two", "elsewhere", OTHERS, **urls))
    callers = tuple(
        CallerSettings(
            name=name, key=f"file:{_digest(tmp_path, name)}", **({"key_last_day": LAST_DAY} | bound)
        )
        for name, bound in CALLERS.items()
    )
    settings = Settings(
        base="https://bridge.test", data=tmp_path / "var", mappings=tmp_path / "mappings", callers=callers
    )
    data_folder(settings)
    create_key_ring(settings.data / "keys.json")
    async with open_bridge(settings) as bridge:
        afar = httpx.ASGITransport(app=bridge.http(), client=("203.0.113.9", 50_000))
        async with httpx.AsyncClient(transport=afar, base_url="http://bridge.test") as client:
            castle = Castle(bridge, client, "", "")
            told = (await client.post("/events/json-event", json=requests.an_event(1), headers=GP)).json()
            castle.message, castle.referral = told["message"], told["events"][0]["referral"]
            yield castle


def _digest(folder: Path, name: str) -> Path:
    file = folder / f"{name}.digest"
    file.touch(mode=0o600)
    file.write_text(hashlib.sha256(f"rbk_{name}".encode()).hexdigest(), "ascii")
    return file


def addresses(routes: Iterable[Any], prefix: str = "") -> Iterator[str]:
    """Every method and path of a router and of those inside it, hidden ones too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from addresses(inner.routes, prefix + route.include_context.prefix)
        else:
            for method in (getattr(route, "methods", None) or {"ANY"}) - {"HEAD"}:
                yield f"{method} {prefix}{route.path}"


async def test_every_address_says_who_may_use_it(castle: Castle) -> None:
    """What is not in the table has not been thought about."""
    found = (each for each in addresses(castle.bridge.http().routes) if " /ops/" not in each)

    assert sorted(found) == sorted(ROWS)


async def test_each_caller_gets_what_the_table_says(castle: Castle) -> None:
    """Every address, every kind of caller, its own and another's."""
    wrong = [
        f"{address} by {who}: {answer.status_code}, not {row.expected(who)}"
        for address, row in ROWS.items()
        for who in EVERYBODY
        if (answer := await castle.ask(address, who, row.body)).status_code != row.expected(who)
    ]

    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("address", ["GET /fhir/ServiceRequest", "POST /fhir/ServiceRequest/_search"])
async def test_a_search_finds_only_what_the_caller_may_read(castle: Castle, address: str) -> None:
    """What is another's is not found, and not refused either: a refusal would tell that it is there."""
    query = f"?{requests.a_search(castle.referral).decode()}" if address.startswith("GET") else ""
    sent = "" if query else "search"
    found = {who: (await castle.ask(address + query, who, sent)).json().get("total") for who in CALLERS}

    assert {who for who, total in found.items() if total} == set(READERS)
