"""/_ping and /_status, as the NHS API platform asks them of every API behind it.

One body serves both readers: that of the platform, which reads `checks` of `component:status` with strings
for booleans, and that of draft-inadarei-api-health-check-06. The second is named in Accept.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from bridge.ops.checks import Check, Status, worst
from bridge.ops.health import Guard, answer
from bridge.ops.pulse import Release
from bridge.ops.vitals import Report, Vitals

HEALTH_JSON = "application/health+json"
MOST = 20  # instances of a check that are listed; the worst of them come first


def routes(vitals: Vitals, guard: Guard) -> APIRouter:
    """An open answer that depends on nothing, and one for whoever watches this bridge."""
    router = APIRouter()
    release = vitals.pulse.release

    @router.get("/_ping")
    @router.head("/_ping", include_in_schema=False)
    async def ping() -> Response:
        """Which release answers here. It looks at nothing else, so it says nothing of health."""
        return Response(
            orjson.dumps(named(release)), headers={"Cache-Control": "no-store"}, media_type="application/json"
        )

    @router.get("/_status")
    async def status(request: Request) -> Response:
        """How every part is, for monitoring: 503 when this node cannot do its work.

        `application/health+json` when Accept names it, else `application/json`.
        """
        await guard(request)
        report = await vitals.report()
        wanted = HEALTH_JSON in request.headers.get("accept", "").lower()
        return answer(
            body_of(vitals, report),
            report.status,
            HEALTH_JSON if wanted else "application/json",
            {"Vary": "Accept"},
        )

    return router


def named(release: Release) -> dict[str, str]:
    """The four names of a release, as the platform spells them."""
    return {
        "version": release.version,
        "revision": release.revision,
        "releaseId": release.release_id,
        "commitId": release.commit_id,
    }


def body_of(vitals: Vitals, report: Report) -> dict[str, Any]:
    """A report in both forms at once."""
    when = datetime.fromtimestamp(report.at / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    ordered = sorted(report.checks, key=lambda check: check.name)  # stable: the worst of a name stay first
    measured = {
        name: [_measured(check, when) for check in list(checks)[:MOST]]
        for name, checks in groupby(ordered, key=lambda check: check.name)
    }
    components = {
        f"{component}:status": [_component(list(checks))]
        for component, checks in groupby(ordered, key=lambda check: check.name.partition(":")[0])
    }
    return {
        "status": report.status.value,
        **named(vitals.pulse.release),
        "serviceId": vitals.pulse.node,
        "checks": components | measured,
    }


def _component(checks: Iterable[Check]) -> dict[str, Any]:
    """A component as the platform reads it."""
    listed = list(checks)
    status = worst(check.status for check in listed)
    told = dict.fromkeys(check.code for check in listed if check.code)
    found: dict[str, Any] = {"status": status.value, "timeout": _yes(any(map(_timed_out, listed)))}
    return found | {"responseCode": 503 if status is Status.FAIL else 200, "outcome": ", ".join(told) or "OK"}


def _timed_out(check: Check) -> bool:
    return check.code == "unavailable"


def _yes(said: bool) -> str:  # noqa: FBT001 - read at the call
    return "true" if said else "false"


def _measured(check: Check, when: str) -> Mapping[str, Any]:
    """One check as the draft writes it."""
    shown = {
        "componentId": check.of,
        "status": check.status.value,
        "observedValue": check.value,
        "observedUnit": check.unit,
        "output": check.code,
        "time": when,
    }
    return {key: said for key, said in shown.items() if said not in ("", None)}
