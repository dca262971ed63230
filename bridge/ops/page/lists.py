"""Partners and sources."""

from typing import Any

from bridge.ops.checks import Check
from bridge.ops.page.office import Office
from bridge.ops.page.overview import partners_of
from bridge.ops.vitals import Report
from bridge.store import flow
from bridge.store.unit import Tx

Told = dict[str, Any]

FEEDS = 100  # the oldest


async def partners(office: Office) -> Told:
    """Every partner, and certificates and keys that stop being good."""
    report = await office.vitals.report()
    expiries = [check for check in report.checks if check.name in ("certificate:expiry", "key:expiry")]
    expiries.sort(key=lambda check: check.until or 0)
    return {"report": report, "partners": partners_of(report), "expiries": expiries}


async def sources(office: Office) -> Told:
    """Every source and service: when it was heard of, what reads it; feeds; codes no mapping knows."""
    report = await office.vitals.report()
    versions = office.translator.sources.versions()
    services = {scheme.service.name for scheme in office.context.rulebook.schemes}

    def look(tx: Tx) -> tuple[dict[str, int | None], dict[flow.UnknownCode, int]]:
        return flow.heard(tx, [*versions, *sorted(services)]), flow.unknown_codes(tx)

    heard, unknown = await office.store.read(look)
    late = _of(report, "source:heard")
    rows = [
        {"name": name, "heard": at, "check": late.get(name), "mapping": versions.get(name, "")}
        for name, at in heard.items()
    ]
    schemes = [
        {
            "name": scheme.name,
            "title": scheme.title,
            "version": scheme.version,
            "practices": len(scheme.practices),
        }
        for scheme in office.context.rulebook.schemes
    ]
    feeds = sorted(_of(report, "feed:age").values(), key=lambda check: check.since or 0)
    return {"sources": rows, "schemes": schemes, "feeds": feeds[:FEEDS], "unknown": unknown}


def _of(report: Report, name: str) -> dict[str, Check]:
    return {check.of: check for check in report.checks if check.name == name}
