"""Killed at each named step of a letter's way: it reaches its practice once, by MESH and on the list.

MESH does not de-duplicate; the look by our own id makes it exactly one. An answer is heard once.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

pytest.importorskip("weasyprint", reason="needs WeasyPrint and Pango", exc_type=OSError)
pytest.importorskip("mesh_client", reason="needs mesh-client")

from bridge.domain.letter import LetterState
from bridge.simulators.loopback import running
from bridge.simulators.prescribing import PrescribingService
from bridge.store import reading_store
from bridge.store.tables import letter
from tests.faults.test_steps import CLAIMS, FLIGHT, LANES, Nursery, close, mother, refer, until
from tests.journeys.conftest import Ground
from tests.journeys.test_letters import ListGround
from tests.journeys.test_mesh import ACK, RESPONSE, MeshGround, sandbox
from tests.journeys.test_outcomes import simulated
from tests.partners.mesh_server import OURS, PRACTICE, box

__all__ = ["mother", "sandbox", "simulated"]

MESH, LIST = "bridge.partners.mesh.MeshMailbox", "bridge.partners.worklist.Worklist"
MAILBOX = "bridge.pipeline.mailbox"
BACK = "write-back"
COMMON = {
    "the letter was queued, not committed": (LANES, "enqueue", "after", BACK),
    "the claim was committed, nothing sent": (FLIGHT, "fly", "before", BACK),
    "the bytes were frozen, not committed": (CLAIMS, "freeze", "after", BACK),
    "the letter was settled, not committed": (CLAIMS, "settle", "after", BACK),
    "the letter was settled": (FLIGHT, "_ended", "before", BACK),
}
BY_MESH = COMMON | {
    "the letter was claimed, not committed": (CLAIMS, "claim", "after", "mesh"),
    "the page was set": (MESH, "prepare", "after", BACK),
    "the bytes were frozen, nothing sent": (MESH, "send", "before", BACK),
    "MESH had it, nothing settled": (MESH, "send", "after", BACK),
}
BY_LIST = COMMON | {
    "the letter was claimed, not committed": (CLAIMS, "claim", "after", "list"),
    "the list had it, nothing settled": (LIST, "send", "after", BACK),
}
HEARING = {
    "the answer was heard, not committed": (MAILBOX, "hear", "after", ""),
    "the answer was kept, MESH not told": (MESH, "acknowledge", "before", ""),
    "MESH was told": (MESH, "acknowledge", "after", ""),
}


QUICK = {  # the others belong to the long form
    "the bytes were frozen, nothing sent",
    "MESH had it, nothing settled",
    "the list had it, nothing settled",
    "the answer was kept, MESH not told",
}


def of(steps: dict[str, tuple[str, ...]]) -> list[Any]:
    """Each step as a parameter under its name."""
    return [
        pytest.param(step, id=name.replace(" ", "-"), marks=() if name in QUICK else pytest.mark.slow)
        for name, step in steps.items()
    ]


@pytest.fixture
async def ground(
    request: pytest.FixtureRequest, tmp_path: Path, simulated: PrescribingService
) -> AsyncIterator[Ground]:
    """A practice that is reached by MESH, or has a list, as the test's parameter says."""
    by_mesh = request.param == "mesh"
    standing = (MeshGround if by_mesh else ListGround)(tmp_path, service=simulated.server)
    standing.urls = {"mesh": request.getfixturevalue("sandbox") if by_mesh else ""}
    if by_mesh:
        async with httpx.AsyncClient(trust_env=False) as admin:
            (await admin.delete(f"{standing.urls['mesh']}/messageexchange/admin/reset")).raise_for_status()
    async with running(simulated.app) as service, running(standing.record.app) as record:
        standing.urls |= {"service": service, "record": record}
        yield standing


@pytest.fixture
def nursery(mother: "subprocess.Popen[bytes]", ground: Ground) -> Iterator[Nursery]:
    """One for each test; what it started is gone afterwards."""
    with ExitStack() as stack:
        found = Nursery(mother, ground)
        stack.callback(found.kill)
        yield found


async def states(nursery: Nursery) -> list[str]:
    """Where each letter stands, in alphabetical order."""
    store = reading_store(nursery.database, None)  # type: ignore[arg-type] - nothing sealed is read
    try:
        return sorted(await store.read(lambda tx: tx.run(select(letter.c.state)).scalars().all()))
    finally:
        await store.close()


async def stand(nursery: Nursery, *wanted: LetterState) -> None:
    """Wait until the letters stand there."""
    while await states(nursery) != [state.value for state in wanted]:
        await asyncio.sleep(0.05)


def arrived(ground: Ground) -> list[str]:
    """Our ids of what lies in the practice's mailbox."""
    with box(ground.urls["mesh"], PRACTICE) as practice:
        found = []
        for each in practice.list_messages():
            message = practice.retrieve_message(each)
            found.append(str(message.local_id))
            message.close()
        return found


async def lived(nursery: Nursery, service: PrescribingService, step: tuple[str, ...]) -> None:
    """A referral that its service closes, while a bridge that dies at the step is followed by another."""
    nursery.start(step)
    story = asyncio.gather(refer(nursery), close(nursery, service))
    await until(lambda: not nursery.lives)
    nursery.start()
    await story


@pytest.mark.parametrize("ground", ["mesh"], indirect=True)
@pytest.mark.parametrize("step", of(BY_MESH))
async def test_a_letter_by_mesh_arrives_exactly_once(
    nursery: Nursery, ground: Ground, simulated: PrescribingService, step: tuple[str, ...]
) -> None:
    """Whatever was lost with the process is found again by the next one."""
    async with asyncio.timeout(120):
        await lived(nursery, simulated, step)
        await stand(nursery, LetterState.ACCEPTED)

    assert len(arrived(ground)) == 1


@pytest.mark.parametrize("ground", ["list"], indirect=True)
@pytest.mark.parametrize("step", of(BY_LIST))
async def test_a_letter_stands_on_the_list_exactly_once(
    nursery: Nursery, ground: Ground, simulated: PrescribingService, step: tuple[str, ...]
) -> None:
    """The list is our own: its commit is the delivery."""
    async with asyncio.timeout(120):
        await lived(nursery, simulated, step)
        await stand(nursery, LetterState.LISTED)

    assert await states(nursery) == ["listed"]


@pytest.mark.parametrize("ground", ["mesh"], indirect=True)
@pytest.mark.parametrize("step", of(HEARING))
async def test_an_answer_is_heard_exactly_once(
    nursery: Nursery, ground: Ground, simulated: PrescribingService, step: tuple[str, ...]
) -> None:
    """A refusal makes one further attempt, parked, however often MESH offers the answer."""
    async with asyncio.timeout(120):
        nursery.start()
        await refer(nursery)
        await close(nursery, simulated)
        await stand(nursery, LetterState.ACCEPTED)
        nursery.kill()
        await until(lambda: not nursery.lives)
        [sent] = arrived(ground)
        refusal = RESPONSE.format(id=uuid4(), about=sent, code="20010", verdict="fatal-error")
        with box(ground.urls["mesh"], PRACTICE) as practice:
            practice.send_message(OURS, refusal.encode(), workflow_id=ACK)
        nursery.start(step)
        await until(lambda: not nursery.lives)
        nursery.start()
        await stand(nursery, LetterState.QUEUED, LetterState.REFUSED)
        with box(ground.urls["mesh"], OURS) as ours:
            await until(lambda: ours.list_messages() == [])

    assert await states(nursery) == ["queued", "refused"]
    assert arrived(ground) == [sent]
