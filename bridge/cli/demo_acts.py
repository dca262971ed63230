"""What happens in the demo: two days of extracts, what the service does with them, and what comes back."""

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass

import httpx

from bridge.cli import demo_look, output
from bridge.cli.demo_board import Board, Tally, tally
from bridge.cli.demo_site import BASE, Site
from bridge.domain.referral import ReferralKey
from bridge.simulators import gp as gp_practice
from bridge.simulators.emis import Fate, Plan, Truth
from bridge.simulators.emis_cases import Becomes, Case
from bridge.simulators.fhir_store import Resource
from bridge.simulators.prescribing import ENDED, PrescribingService
from bridge.store import Store

PLAY_S = 60.0  # the longest the two days may take
FULL = "No capacity in this area"


class Stopped(Exception):
    """The demo cannot go on; says why in plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that is up, and a read-only look into the bridge's database."""

    site: Site
    plan: Plan
    service: PrescribingService
    store: Store
    process: Process

    async def look(self) -> Tally:
        """Where everything stands."""
        if self.process.returncode is not None:
            raise Stopped("the bridge has stopped by itself")
        return await self.store.read(tally)

    def extracts_read(self) -> int:
        """How many extracts were read to their end."""
        return len(list(self.site.drop.glob("done/*")))

    def task_of(self, key: str) -> Resource | None:
        """The service's Task of one of our referrals."""
        found = self.service.server.store.search(
            "ServiceRequest", [("identifier", f"{BASE}/Id/referral|{key}")]
        )
        focus = [("focus", f"ServiceRequest/{request['id']}") for request in found]
        tasks = [t for pair in focus for t in self.service.server.store.search("Task", [pair])]
        return tasks[0] if tasks else None


async def play(stage: Stage) -> None:
    """Play the two days and tell of them; Stopped or OutOfTime when something does not come to its end."""
    board = Board(output.out, stage.look, time.monotonic() + PLAY_S)
    name = stage.plan.practice.name
    first = await _day(stage, board, 1, f"Day 1: {name} sends its extract")
    kept = [_key(fate) for fate in first.of(Becomes.FORWARDED)]
    await _answers(stage, board, kept)
    second = await _day(stage, board, 2, f"Day 2: {name} sends what has changed")
    closing = [_key(fate) for fate in first.fates if fate.case in (Case.CHANGED, Case.RECORD)]
    await _closes(stage, board, closing)
    chosen = next(
        _key(fate) for fate in second.fates if fate.case is Case.CHANGED and fate.becomes is Becomes.CHANGED
    )
    await demo_look.results(stage.site, stage.store, chosen)


async def _day(stage: Stage, board: Board, number: int, title: str) -> Truth:
    truth = await asyncio.to_thread(gp_practice.drop, stage.site.drop, stage.plan, number)
    await board.phase(title, lambda: stage.extracts_read() >= number)
    return truth


async def _answers(stage: Stage, board: Board, keys: list[str]) -> None:
    """Every referral is accepted but one; somebody does not come the first time."""
    tasks = [task["id"] for key in keys if (task := stage.task_of(key))]
    if len(tasks) < len(keys):
        raise Stopped(f"{len(keys) - len(tasks)} referrals did not reach the service")
    *taken, refused = tasks
    await _told([stage.service.reject(refused, FULL), *map(stage.service.accept, taken)])
    await _told(map(stage.service.attend, taken[1:]))
    await _told([stage.service.miss(taken[0], "Did not come")])
    await board.phase(f"The service accepts {len(taken)} referrals and turns one down")


async def _closes(stage: Stage, board: Board, keys: list[str]) -> None:
    """Scores and closures of those who are still there."""
    found = [task for key in keys if (task := stage.task_of(key))]
    tasks = [task["id"] for task in found if task["status"] not in ENDED]
    await _told(stage.service.score(task, 17 + n) for n, task in enumerate(tasks))
    await _told(map(stage.service.complete, tasks))
    await board.phase(f"The service reports a score for {len(tasks)} of them and closes the cases")


async def _told(steps: Iterable[Awaitable[httpx.Response | None]]) -> None:
    """Have the service tell the bridge, one thing after the other, as one link worker would."""
    for step in steps:
        answer = await step
        if answer is not None and answer.is_error:
            raise Stopped(f"the bridge did not take what the service reports ({answer.status_code})")


def _key(fate: Fate) -> str:
    """Our id of the referral that a happening makes."""
    owner, record = (guid.strip("{}").upper() for guid in (fate.organisation, fate.observation))
    return str(ReferralKey(source="emis", owner=owner, record=record).id)
