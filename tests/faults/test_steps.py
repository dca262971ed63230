"""Killed at each named step of both legs, once: the referral arrives once, its outcome is filed once.

The sender sends again until it is answered, as senders do; whatever was lost with the process is found again
by the next one, without a person.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.simulators.prescribing import PrescribingService
from bridge.simulators.telling import Bridge as Told
from bridge.simulators.telling import tell
from bridge.simulators.trouble import Step, Trouble
from bridge.store import reading_store
from bridge.store.tables import delivery, event
from bridge.store.unit import Tx
from tests.journeys.conftest import GP_KEY, SERVICE_KEY, Ground
from tests.journeys.test_json_event import an_event
from tests.journeys.test_outcomes import CLOSED, ground, simulated
from tests.postgres_server import free_port

__all__ = ["ground", "simulated"]

ROOT = Path(__file__).parents[2]
LANES, CLAIMS, FLIGHT = "bridge.store.lanes", "bridge.store.claims", "bridge.delivery.flight.Flight"
SERVICE = "bridge.partners.prescribing.PrescribingService"
RECORD = "bridge.partners.record.GpRecord"

# What had just happened when the process was killed: the function, on which side of it, and for what.
FORWARD = {
    "the message was written, not committed": ("bridge.store.messages", "keep", "after", "http"),
    "the delivery was queued, not committed": (LANES, "enqueue", "after", "forward"),
    "the message was committed, not answered": ("bridge.pipeline.keeping", "tell", "before", "http"),
    "the delivery was claimed, not committed": (CLAIMS, "claim", "after", "prescribing"),
    "the claim was committed, nothing sent": (FLIGHT, "fly", "before", "forward"),
    "the service answered, nothing settled": (SERVICE, "send", "after", "forward"),
    "the delivery was settled, not committed": (CLAIMS, "settle", "after", "forward"),
    "the delivery was settled": (FLIGHT, "_ended", "before", "forward"),
}
WRITE_BACK = {
    "the outcome was written, not committed": ("bridge.store.messages", "keep", "after", "outcome"),
    "the filing was queued, not committed": (LANES, "enqueue", "after", "write-back"),
    "the outcome was committed, not answered": ("bridge.pipeline.keeping", "tell", "before", "outcome"),
    "the filing was claimed, not committed": (CLAIMS, "claim", "after", "record"),
    "the claim of the filing was committed": (FLIGHT, "fly", "before", "write-back"),
    "the record's person was read": (RECORD, "prepare", "after", "write-back"),
    "the bytes were frozen, not committed": (CLAIMS, "freeze", "after", "write-back"),
    "the record answered, nothing settled": (RECORD, "send", "after", "write-back"),
    "the filing was settled, not committed": (CLAIMS, "settle", "after", "write-back"),
    "the filing was settled": (FLIGHT, "_ended", "before", "write-back"),
}
STEPS = FORWARD | WRITE_BACK


BRISK = {"first_retry_s": 0.2, "longest_retry_s": 1}


@pytest.fixture(scope="module")
def mother() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has read all of the bridge, and forks one whenever it is asked."""
    command = [sys.executable, "-m", "tests.faults.dying"]
    pipes: dict[str, int] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, stderr=subprocess.DEVNULL, cwd=ROOT) as process:  # type: ignore[call-overload]
        yield process
        process.kill()


class Nursery:
    """Bridges on one site, one after the other."""

    def __init__(self, mother: "subprocess.Popen[bytes]", ground: Ground) -> None:
        self._mother = mother
        self._child = 0
        self.port = free_port()
        partners = dict.fromkeys(("prescribing", "record"), BRISK)
        site = ground.settings(http={"port": self.port}, partners=partners)
        self._settings = site.model_dump(mode="json", exclude_unset=True)
        self.database = site.database_url

    def start(self, step: tuple[str, ...] | None = None) -> None:
        """A bridge on the site, which dies at that step."""
        assert self._mother.stdin
        assert self._mother.stdout
        self._mother.stdin.write(json.dumps({"settings": self._settings, "step": step}).encode() + b"\n")
        self._mother.stdin.flush()
        self._child = int(self._mother.stdout.readline())

    @property
    def lives(self) -> bool:
        """Whether the last one does."""
        return Path(f"/proc/{self._child}").exists()

    def kill(self) -> None:
        """SIGKILL: no handler, no flush, no goodbye."""
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)


@pytest.fixture
def nursery(mother: "subprocess.Popen[bytes]", ground: Ground) -> Iterator[Nursery]:
    """One for each test; what it started is gone afterwards."""
    found = Nursery(mother, ground)
    yield found
    found.kill()


async def until(found: Callable[[], Any]) -> None:
    """Wait for it; the test has a limit of its own."""
    while not found():
        await asyncio.sleep(0.02)


async def refer(nursery: Nursery) -> None:
    """Send a referral until it is acknowledged."""
    headers = {"X-API-Key": GP_KEY}
    url = f"http://127.0.0.1:{nursery.port}/events/json-event"
    said = an_event()
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=10) as http:
        while True:
            with suppress(httpx.TransportError):
                answer = await http.post(url, json=said)
                if answer.status_code in (200, 202):
                    return
                assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


async def close(nursery: Nursery, service: PrescribingService) -> None:
    """The service closes the case, and tells of it until it is acknowledged."""
    await until(service.referrals)
    task = str(service.referrals()[0]["id"])
    await service.complete(task)
    bridge = Told(fhir=f"http://127.0.0.1:{nursery.port}/fhir", api_key=SERVICE_KEY, tries=1)
    while True:
        with suppress(httpx.TransportError):
            answer = await tell(bridge, service.referrals()[0])
            if answer.is_success:
                return
            assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.05)


async def quiet(nursery: Nursery, ground: Ground) -> None:
    """Until the outcome is in the record and nothing waits any more."""
    store = reading_store(nursery.database, None)  # type: ignore[arg-type] - nothing is opened
    await until(lambda: ground.record.resources("Observation"))
    while await store.read(lambda tx: tx.run(delivery.select()).first()) is not None:
        await asyncio.sleep(0.05)
    await store.close()


async def lived(nursery: Nursery, ground: Ground, service: PrescribingService) -> None:
    """The whole story, while a bridge that died is followed by one that does not."""
    story = asyncio.gather(refer(nursery), close(nursery, service))
    died = asyncio.create_task(until(lambda: not nursery.lives))
    await asyncio.wait({story, died}, return_when=asyncio.FIRST_COMPLETED)
    await died
    nursery.start()
    await story
    await quiet(nursery, ground)


async def once(nursery: Nursery, ground: Ground, service: PrescribingService) -> None:
    """Everything is there, once, and each thing that was said counted once."""
    there = {kind: len(service.server.resources(kind)) for kind in ("Patient", "ServiceRequest", "Task")}
    filed = [held["code"]["coding"][0]["code"] for held in ground.record.resources("Observation")]
    store = reading_store(nursery.database, None)  # type: ignore[arg-type] - nothing is opened

    def applied(tx: Tx) -> list[str]:
        return sorted(row.kind for row in tx.run(event.select()) if row.state == "applied")

    assert there == {"Patient": 1, "ServiceRequest": 1, "Task": 1}
    assert filed == [CLOSED]
    assert [held["status"] for held in service.server.resources("ServiceRequest")] == ["completed"]
    assert await store.read(applied) == ["outcome", "referred"]
    await store.close()


@pytest.mark.parametrize("step", STEPS, ids=[name.replace(" ", "-") for name in STEPS])
async def test_a_death_at_this_step_loses_and_doubles_nothing(
    nursery: Nursery, ground: Ground, simulated: PrescribingService, step: str
) -> None:
    """SIGKILL, and another process on the same file."""
    async with asyncio.timeout(90):
        nursery.start(STEPS[step])
        await lived(nursery, ground, simulated)
    await once(nursery, ground, simulated)


@pytest.mark.parametrize("leg", ["forward", "write-back"])
async def test_a_death_between_a_partners_write_and_its_answer_loses_and_doubles_nothing(
    nursery: Nursery, ground: Ground, simulated: PrescribingService, leg: str
) -> None:
    """The partner has it, and nobody here has heard."""
    hurt, kind = (simulated.server, "Task") if leg == "forward" else (ground.record, "Observation")
    hurt.script(Step(trouble=Trouble.HANG_STORED, method="POST", whole_path=True, seconds=60))

    async def killed() -> None:
        await until(lambda: hurt.resources(kind))
        nursery.kill()

    async with asyncio.timeout(90):
        nursery.start()
        killing: Awaitable[None] = asyncio.create_task(killed())
        await lived(nursery, ground, simulated)
        await killing
    await once(nursery, ground, simulated)
