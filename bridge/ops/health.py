"""/live: the loop turns. /ready: a message can be kept durably now. /health: everything else."""

import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson
from fastapi import APIRouter, Request, Response

from bridge.delivery.breaker import Breaker
from bridge.errors import Unavailable
from bridge.store import Store, views
from bridge.store.unit import Tx

WEDGED_MS = 120_000


class Beating(Protocol):
    """A worker as health sees it: when it last turned, and its partner's breaker."""

    name: str
    beat: int
    breaker: Breaker | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What health looks at."""

    store: Store
    workers: Sequence[Beating]
    data: Path
    mappings: Callable[[], Mapping[str, str]]
    version: str
    least_free: int  # bytes
    now: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    def free_bytes(self) -> int:
        """Free disk where the data folder is."""
        return shutil.disk_usage(self.data).free


Check = Callable[[Request], Awaitable[None]]


async def nobody_stopped(_request: Request) -> None:
    """Where only the right people can ask at all."""


def routes(pulse: Pulse, check: Check = nobody_stopped) -> APIRouter:
    """The three questions. None of the answers holds patient data; `check` raises who may not see the third.

    The first two are open, because what starts and stops processes has no credential.
    """
    router = APIRouter()

    @router.get("/live")
    async def live() -> Response:
        """Whether the process turns. A restart cures a no."""
        wedged = [w.name for w in pulse.workers if pulse.now() - w.beat > WEDGED_MS]
        return _answer({"status": "fail" if wedged else "pass", "wedged": wedged}, bool(wedged))

    @router.get("/ready")
    async def ready() -> Response:
        """Whether a message could be kept durably now. A partner's outage is no reason for a no."""
        reason = await not_ready(pulse)
        return _answer({"status": "fail" if reason else "pass", "reason": reason}, bool(reason))

    @router.get("/health")
    async def health(request: Request) -> Response:
        """How everything else is, for operators: store, partners, queues, what is parked."""
        await check(request)
        body = await report(pulse)
        return _answer(body, body["status"] == "fail")

    return router


async def not_ready(pulse: Pulse) -> str:
    """Why nothing can be kept right now; "" when it can. A partner's outage is no reason."""
    if pulse.free_bytes() < pulse.least_free:
        return "too little free disk"
    try:
        await pulse.store.run(_touch)
    except Unavailable as error:
        return str(error)
    return ""


def _touch(tx: Tx) -> int:
    """A write transaction that changes nothing: it needs the writer and its lock."""
    return tx.now


async def report(pulse: Pulse) -> dict[str, Any]:
    """Everything an operator asks first."""
    reason = await not_ready(pulse)
    if reason:
        return {"status": "fail", "version": pulse.version, "output": reason}
    depth, counts = await pulse.store.read(lambda tx: (views.queue_depth(tx), views.counts(tx)))
    partners = {w.name: _partner(pulse, w, depth.get(w.name, {})) for w in pulse.workers}
    parked = counts.get("event.parked", 0) + counts.get("referral.parked", 0)
    parked += sum(p["queue"].get("parked", 0) for p in partners.values())
    troubled = parked or any(p["breaker"] not in ("closed", "") for p in partners.values())
    return {
        "status": "warn" if troubled else "pass",
        "version": pulse.version,
        "partners": partners,
        "parked": parked,
        "counts": counts,
        "free_bytes": pulse.free_bytes(),
        "mappings": dict(pulse.mappings()),
    }


def _partner(pulse: Pulse, worker: Beating, queue: dict[str, int]) -> dict[str, Any]:
    oldest = queue.pop("oldest", None)
    return {
        "last_turn_s": round((pulse.now() - worker.beat) / 1000, 1),
        "breaker": worker.breaker.state.value if worker.breaker else "",
        "queue": queue,
        "oldest_s": None if oldest is None else round((pulse.now() - oldest) / 1000, 1),
    }


def _answer(body: Mapping[str, Any], failed: bool) -> Response:  # noqa: FBT001 - read at the call
    return Response(orjson.dumps(body), 503 if failed else 200, {}, "application/json")
