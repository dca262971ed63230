"""/live: the loop turns. /ready: a message can be kept durably now. /health: everything else."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from bridge.errors.catalogue import CATALOGUE
from bridge.ops.checks import Check, Status
from bridge.ops.pulse import Pulse
from bridge.ops.vitals import Report, Vitals

Guard = Callable[[Request], Awaitable[None]]


async def nobody_stopped(_request: Request) -> None:
    """Where only the right people can ask at all."""


def routes(vitals: Vitals, guard: Guard = nobody_stopped) -> APIRouter:
    """The three questions. None of the answers holds patient data; `guard` raises who may not see the third.

    The first two are open, because what starts and stops processes has no credential.
    """
    router = APIRouter()

    @router.get("/live")
    async def live() -> Response:
        """Whether the process turns. A restart cures a no."""
        wedged = vitals.pulse.wedged()
        status = Status.FAIL if wedged else Status.PASS
        return answer({"status": status.value, "wedged": wedged}, status)

    @router.get("/ready")
    async def ready() -> Response:
        """Whether a message could be kept durably now. A partner's outage is no reason for a no."""
        code = await vitals.not_ready()
        status = Status.FAIL if code else Status.PASS
        return answer({"status": status.value, "code": code, **_words(code)}, status)

    @router.get("/health")
    async def health(request: Request) -> Response:
        """How everything else is, for operators: one check for each thing, the worst first."""
        await guard(request)
        report = await vitals.report()
        return answer(body_of(vitals.pulse, report), report.status)

    return router


def body_of(pulse: Pulse, report: Report) -> dict[str, Any]:
    """A report as JSON; a check that is not well has its words."""
    return {
        "status": report.status.value,
        "version": pulse.release.version,
        "node": pulse.node,
        "at": report.at,
        "checks": [_shown(check) for check in report.checks],
        "counts": report.counts,
    }


def _shown(check: Check) -> dict[str, Any]:
    shown = {
        "name": check.name,
        "of": check.of,
        "status": check.status.value,
        "value": check.value,
        "unit": check.unit,
        "code": check.code,
        "since": check.since,
        "until": check.until,
        "detail": check.detail,
        **_words(check.code),
    }
    return {key: said for key, said in shown.items() if said not in ("", None, {})}


def _words(code: str) -> dict[str, str]:
    entry = CATALOGUE.get(code)
    return {"words": entry.meaning, "next_step": entry.next_step} if entry else {}


def answer(
    body: Mapping[str, Any],
    status: Status,
    media_type: str = "application/json",
    extra: Mapping[str, str] | None = None,
) -> Response:
    """503 when it fails; nobody may keep the answer."""
    headers = {"Cache-Control": "no-store", **(extra or {})}
    return Response(orjson.dumps(body), 503 if status is Status.FAIL else 200, headers, media_type)
