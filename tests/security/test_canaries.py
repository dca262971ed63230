"""No value of a patient leaves by a side door: logs, metrics, answers, errors, verdicts, audit, files.

Several hundred messages carry a canary in every value, key, column, header, file name and address, written
plain, escaped and in base64, while partners quote what they were sent. Then everything is searched.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import func, select

from bridge.app.running import drop_folders
from bridge.domain import systems
from bridge.errors import IntakeError
from bridge.simulators.emis_tables import headers
from bridge.simulators.trouble import Step, Trouble
from bridge.store import Tx, audit, referrals, views
from bridge.store.tables import attempt, outcome
from tests.conftest import nhs_number
from tests.security.canaries import Aviary, Dress, hl7_variants, json_text, json_variants, traces
from tests.security.quoting import told
from tests.security.trap import Trap
from tests.sources import emis_site

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
BAD_STATUSES = (400, 401, 403, 404, 409, 412, 422, 429, 500, 503)
OUTCOME_CODE = "718466001"  # Warwick-Edinburgh Mental Well-being Scale score


def message_of(source: str, case: str, name: str = "message.json") -> str:
    """A fixture as it came, moved to today so that no rule calls it too old."""
    text = (FIXTURES / source / case / name).read_text("utf-8")
    today = datetime.now(UTC).date()
    for old, days in (("2026-11-20", 0), ("2026-11-19", 1), ("20261120", 0), ("20261119", 1)):
        new = today - timedelta(days=days)
        text = text.replace(old, new.isoformat() if "-" in old else f"{new:%Y%m%d}")
    return text


def every_message(aviary: Aviary) -> Iterator[tuple[str, bytes]]:
    """Each single-message source, its fullest messages, a canary in each place in turn."""
    event = json.loads(message_of("json-event", "everything-said"))
    event["patient"]["test"] = False
    del event["referral"]["author"]
    for tree in json_variants(event, aviary):
        yield "json-event", json_text({**tree, "id": aviary.canary("id")}, aviary.dress())
    bundle = json.loads(message_of("fhir-r4", "bundle-with-patient-and-requester"))
    for tree in json_variants(bundle, aviary, 500):
        _identify(tree, aviary.canary("business identifier"))
        yield "fhir-r4", json_text(tree, aviary.dress())
    booking = json.loads(message_of("bars", "new-referral"))
    for tree in json_variants(booking, aviary, 1000):
        yield "bars", json_text({**tree, "id": str(uuid4())}, aviary.dress())
    text = message_of("hl7v2-ref", "referral-in-full", "message.hl7")
    for body in hl7_variants(text, aviary, 2000):
        yield "hl7v2-ref", body


def _identify(bundle: Any, identifier: str) -> None:
    with contextlib.suppress(TypeError, KeyError):  # the place itself is a canary this time
        bundle["entry"][0]["resource"]["identifier"][0]["value"] = identifier


async def test_no_canary_is_seen_outside_the_sealed_columns(trap: Trap) -> None:
    """Every message of every source, told and refused, forwarded to partners that quote it."""
    for source, body in every_message(trap.aviary):
        await trap.send(f"/events/{source}", body)
    await trap.drain()
    await report_outcomes(trap)
    await trap.drain()
    await meet_trouble(trap)
    await import_extracts(trap)
    await ask_everywhere(trap)
    await look_at_all(trap)

    assert trap.sent >= 300
    leaks = trap.leaks()
    assert leaks == [], "\n".join(leaks)


async def report_outcomes(trap: Trap) -> None:
    """A canary in each place of what a service reports of a referral it holds."""
    store = trap.bridge.store
    listed = await store.read(lambda tx: views.referral_list(tx, limit=200))
    for kind, base in (("Task", a_task()), ("Observation", an_observation())):
        for row, tree in zip(listed * 2, json_variants(base, trap.aviary), strict=False):
            stored = await store.read(lambda tx, row=row: referrals.get(tx, row["id"]))
            assert stored is not None
            number = stored.record.patient.nhs_number
            told = json.dumps(tree).replace("OUR-NUMBER", number.digits if number else "")
            told = told.replace("OUR-ID", stored.id)
            await trap.send(f"/fhir/{kind}", told.encode(), "service", "application/fhir+json")


def a_task() -> dict[str, Any]:
    """A closed Task as a service reports it."""
    return {
        "resourceType": "Task",
        "id": "5",
        "meta": {"lastUpdated": "2026-04-01T09:00:00Z", "versionId": "3"},
        "identifier": [{"system": "https://bridge.test/Id/referral", "value": "OUR-ID"}],
        "status": "completed",
        "intent": "order",
        "statusReason": {"text": "goals met"},
        "for": {"identifier": {"system": systems.NHS_NUMBER, "value": "OUR-NUMBER"}},
        "owner": {"type": "Organization", "display": "Elm Link Workers"},
    }


def an_observation() -> dict[str, Any]:
    """A score as a service reports it."""
    return {
        "resourceType": "Observation",
        "identifier": [{"system": "https://elm.example/Id/outcome", "value": "77"}],
        "basedOn": [{"identifier": {"system": "https://bridge.test/Id/referral", "value": "OUR-ID"}}],
        "status": "final",
        "code": {"coding": [{"system": systems.SNOMED, "code": OUTCOME_CODE}]},
        "subject": {"identifier": {"system": systems.NHS_NUMBER, "value": "OUR-NUMBER"}},
        "effectiveDateTime": "2026-04-01",
        "issued": "2026-04-01T09:30:00Z",
        "valueQuantity": {"value": 21, "unit": "score", "system": systems.UCUM, "code": "{score}"},
        "note": [{"text": "felt better"}],
    }


async def meet_trouble(trap: Trap) -> None:
    """More people, while the service answers badly in many words."""
    for status in BAD_STATUSES:
        words = trap.aviary.canary("words of the partner")
        trap.service.script(Step(trouble=Trouble.STATUS, status=status, text=words))
    event = json.loads(message_of("json-event", "everything-said"))
    event["patient"]["test"] = False
    del event["referral"]["author"]
    for tree in islice(json_variants(event, trap.aviary, 3000), 8, 20):
        await trap.send("/events/json-event", json_text(tree | {"id": str(uuid4())}, Dress.PLAIN))
    await trap.drain()


async def import_extracts(trap: Trap) -> None:
    """A whole extract with a canary in each column in turn, and extracts that are not right."""
    (folder,) = drop_folders(trap.bridge)
    _write_canaries(trap)
    await asyncio.sleep(0.01)
    assert await folder.import_next()
    for _ in _spoilt_extracts(trap):
        await asyncio.sleep(0.01)
        await folder.import_next()


def _write_canaries(trap: Trap) -> None:
    rows: list[emis_site.Row] = []
    for table, make in (
        ("Admin_Patient", emis_site.patient),
        ("CareRecord_Observation", emis_site.observation),
        ("CareRecord_ObservationReferral", emis_site.half),
        ("CareRecord_Consultation", emis_site.consultation),
    ):
        for column in headers("8.2")[table]:
            name = f"{table}{column}"
            number = nhs_number(40_000 + 10 * len(rows)).digits
            canary = {column: trap.aviary.canary(f"{table}.{column}")}
            own = canary if table == "Admin_Patient" else {}
            rows.append(emis_site.patient(name, **{"NhsNumber": number, "Surname": name} | own))
            of = {"of": name} if table != "Admin_Patient" else {}
            rows += [make(name, **of, **canary)] if of else [emis_site.observation(name, of=name)]
    emis_site.write(trap.folder / "drop", *rows)
    trap.sent += len(rows)


def _spoilt_extracts(trap: Trap) -> Iterator[str]:
    """A column renamed, a column too many, and a file that belongs to nothing."""
    drop = trap.folder / "drop"
    for day, table, old in ((3, "Admin_Patient", "OrganisationGuid"), (4, "CareRecord_Observation", "Value")):
        emis_site.write(drop, emis_site.patient(), day=day)
        file = emis_site.file_of(drop, table)
        head, _, rest = file.read_text("utf-8").partition("\r\n")
        word = trap.aviary.canary(f"column of {table}")
        file.write_text(f"{head.replace(old, word, 1)}\r\n{rest}", "utf-8", newline="")
        yield word
    word = trap.aviary.canary("file name")
    (drop / f"{word}.csv").write_text("a,b\n", "utf-8")
    yield word


async def ask_everywhere(trap: Trap) -> None:
    """Canaries in every address and method there is, known or not."""
    asking = cycle(("gp", "service", "operator"))
    for path in trap.bridge.http().openapi()["paths"]:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            word = trap.aviary.canary(f"address of {path}")
            named = path.replace("{", f"{word}-").replace("}", "")
            await trap.ask(method, named, next(asking), params={word: word}, content=word)
    for path in ("/{}", "/events/json-event/{}", "/fhir/Patient/{}", "/control/do/{}", "/%00{}"):
        word = trap.aviary.canary("an unknown address")
        await trap.ask("GET", path.format(word), "operator")
        await trap.ask("POST", path.format(word), "operator", json={word: word, "why": word})
    for header in ("X-API-Key", "Authorization", "Content-Length", "X-Control-Token", "Accept"):
        word = trap.aviary.canary(f"value of {header}")
        with contextlib.suppress(httpx.HTTPError):
            await trap.ask("POST", "/events/json-event", headers={header: word}, content=b"{}")


async def look_at_all(trap: Trap) -> None:
    """Every list, story and audit row, by HTTP and by the command line."""
    store = trap.bridge.store
    parked = await store.read(views.parked)
    listed = await store.read(lambda tx: views.referral_list(tx, limit=1000))
    for path in ("live", "ready", "health", "metrics", "_ping", "_status", "ops", "openapi.json"):
        await trap.ask("GET", f"/{path}", "operator")
    for row in listed[::20]:
        await trap.ask("GET", f"/referrals/{row['id']}", "operator")
        await trap.command("referrals", "show", row["id"], "--released")
    for row in parked[::5]:
        await trap.command("parked", "show", row["id"])
    for item, verb in zip(parked[:4], ("release", "discard") * 2, strict=True):
        await trap.command("parked", verb, item["id"], "--why", "looked at it")
    for words in (("referrals", "list"), ("referrals", "list", "--json"), ("parked", "list", "--json"),
                  ("parked", "list"), ("health",), ("check",), ("referrals", "show", "nobody")):  # fmt: skip
        await trap.command(*words)
    rows = await store.read(lambda tx: [audit.rows(tx, node) for node in audit.nodes(tx)])
    trap.seen.append(("audit", repr(rows)))
    assert len(listed) > 100
    assert await store.read(_happened) == {"reported": True, "refused by a partner": True}
    assert len(parked) > 20
    assert rows


def _happened(tx: Tx) -> dict[str, bool]:
    """Whether what was to be tried was tried."""
    reported = tx.run(select(func.count()).select_from(outcome)).scalar_one()
    refused = tx.run(select(func.count()).where(attempt.c.status >= 400)).scalar_one()
    return {"reported": reported > 10, "refused by a partner": refused > 10}


async def test_no_error_or_reading_tells_a_value(trap: Trap) -> None:
    """What reading raises, and what it hands on, can be printed anywhere."""
    shown: list[str] = []
    for name, body in every_message(trap.aviary):
        try:
            readings = tuple(trap.bridge.sources[name].read(body, arrived=datetime.now(UTC)))
        except IntakeError as error:
            shown += told(error)
        else:
            shown += [repr(reading) for reading in readings]
            shown += [
                str(problem) for reading in readings for problem in (*reading.problems, *reading.warnings)
            ]

    assert len(shown) >= 300
    assert [around for text in shown for around in traces(text.encode("utf-8", "replace"))] == []
