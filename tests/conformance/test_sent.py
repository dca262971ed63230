"""The HL7 validator judges everything that left: in the journeys, in `bridge demo`, and of every golden.

What it warns of is told in README.md, kind by kind; a kind that is not there is a mistake of ours until
somebody has said why it is none.
"""

import json
import re
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, union_all

from bridge.config import read_settings
from bridge.domain.referral import Referral
from bridge.errors import IntakeError
from bridge.fhir import bundles, checks
from bridge.fhir.released import ALL_FIELDS
from bridge.fhir.writing import to_json
from bridge.pipeline.goldens import ARRIVED, Golden
from bridge.security.keyring import load_key_ring
from bridge.security.sealing import Sealer
from bridge.sources import Reading, load
from bridge.store import Store, messages, open_store, reading_store
from bridge.store.tables import delivery, settled
from bridge.store.unit import Tx
from tests.conformance.fronts import Sent
from tests.conftest import Clock
from tests.fhir.examples import NAMING, SERVICE
from tests.golden.test_golden import MESSAGES
from tests.journeys.test_demo import demo, heard_until, said
from tests.sources import emis_site
from tests.sources.test_emis_golden import CASES

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]

README = Path(__file__).with_name("README.md")
Resource = dict[str, Any]


def explained() -> list[re.Pattern[str]]:
    """The kinds of warnings that README.md explains; `…` in one stands for what differs."""
    _, table = README.read_text("utf-8").split("## What the validator warns of")
    kinds = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    return [re.compile(re.escape(kind).replace("…", ".+"), re.DOTALL) for kind in kinds]


def judge(validator: Any, bodies: Iterable[bytes]) -> tuple[list[str], list[str]]:
    """Errors, and warnings that README.md does not explain; each of different ones once."""
    known = explained()
    resources = [json.loads(body) for body in dict.fromkeys(bodies)]
    issues = validator(*resources)
    errors = {f"{i.path}: {i.text}" for i in issues if i.severity in {"error", "fatal"}}
    warnings = {i.text for i in issues if i.severity == "warning"}
    new = [text for text in warnings if not any(kind.fullmatch(text) for kind in known)]
    return sorted(errors), sorted(new)


def test_what_the_journeys_sent_is_valid(validator: Any, sent: list[Sent]) -> None:
    """Transactions, changes, cancels, newer details of people and filings, byte for byte."""
    if not sent:
        pytest.skip("no journey of test_journey.py was made in this run")

    assert judge(validator, [write.body for write in sent]) == ([], [])


async def test_what_two_days_of_the_demo_send_is_valid(validator: Any, tmp_path: Path) -> None:
    """Every frozen body in its store, read while it stays up."""
    async with demo(tmp_path, "--keep") as process:
        out = await heard_until(process, "export BRIDGE_CONFIG=")
        bodies = await left_at(Path(out.strip().rpartition("=")[2]))
        process.send_signal(signal.SIGINT)
        await said(process)

    assert len(bodies) > 10
    assert judge(validator, bodies) == ([], [])


async def left_at(config: Path) -> list[bytes]:
    """The bodies of all deliveries that a bridge has begun to send."""
    settings = read_settings(config)
    store = reading_store(settings.database_url, Sealer(load_key_ring(settings.key_ring)))
    try:
        return await store.read(_sent_bodies)
    finally:
        await store.close()


def _sent_bodies(tx: Tx) -> list[bytes]:
    begun = union_all(
        *(select(t.c.body_id).where(t.c.first_sent_at.is_not(None), t.c.frozen) for t in (delivery, settled))
    )
    return [messages.get_body(tx, row.body_id) for row in tx.run(begun)]


@pytest.fixture
async def goldens(tmp_path: Path, sealer: Sealer, clock: Clock) -> list[Referral]:
    """The referral of every example under fixtures/ that has one."""
    readings = [reading for golden in MESSAGES for reading in _readings(golden)]
    for case in CASES:
        store = open_store(f"sqlite:{tmp_path / case.name}.sqlite", sealer, clock=clock)
        readings += await _emis_readings(store, case)
        await store.close()
    return [r.event.referral for r in readings if r.event is not None and r.event.referral is not None]


def _readings(golden: Golden) -> list[Reading]:
    assert golden.message
    try:
        return list(SYSTEMS[golden.system].read(golden.message.read_bytes(), arrived=ARRIVED))
    except IntakeError:
        return []


SYSTEMS = load(emis_site.ROOT / "mappings" / "sources")


async def _emis_readings(store: Store, case: Path) -> list[Reading]:
    readings: list[Reading] = []
    for folder in sorted(case.glob("day-*")):
        try:
            readings += (await emis_site.read(store, folder)).readings
        except IntakeError:
            continue
    return readings


def outgoing(referral: Referral) -> Iterable[bytes]:
    """Whatever may ever leave: new, changed, closed, taken back; with all fields and with few."""
    for released in (ALL_FIELDS, frozenset({"name", "phone", "practice"})):
        terms = {"service": SERVICE, "released": released, "naming": NAMING}
        yield to_json(bundles.create_bundle(referral, **terms))
        yield to_json(bundles.changed_service_request(referral, status="completed", **terms))
        for status in ("revoked", "entered-in-error"):
            yield to_json(bundles.cancelled_service_request(referral, status=status, reason="Ended", **terms))


def test_what_every_golden_would_send_is_valid(validator: Any, goldens: list[Referral]) -> None:
    """All that passes our own outgoing check passes the validator."""
    bodies = [body for referral in goldens for body in outgoing(referral)]
    leaving = [body for body in bodies if not checks.check(json.loads(body))]

    assert len(leaving) > len(goldens)
    assert judge(validator, leaving) == ([], [])
