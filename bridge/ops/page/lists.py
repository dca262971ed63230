"""Partners, sources, and the practice's own list."""

from collections.abc import Mapping
from typing import Any

from bridge.errors import NotFound
from bridge.ops.checks import Check
from bridge.ops.page.office import Office
from bridge.ops.page.overview import partners_of
from bridge.ops.page.visitors import Person
from bridge.ops.vitals import Report
from bridge.store import flow, reports
from bridge.store.unit import Tx

Told = dict[str, Any]

DAY = 86_400_000
SINCE = {"24h": ("24 hours", 1), "7d": ("7 days", 7), "28d": ("28 days", 28)}
QUIET_DAYS = 28
FEEDS = 100  # the oldest
ENTRIES = 10  # of one reason on the list


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


async def practice(office: Office, person: Person, asked: Mapping[str, str]) -> Told:
    """The list of one practice; NotFound for another's. An operator chooses one first."""
    names = office.practices()
    mine = names if person.operates else {ods: names.get(ods, "") for ods in person.practices}
    chosen = asked.get("practice", "") or (next(iter(mine)) if len(mine) == 1 else "")
    since = asked.get("since", "")
    since = since if since in SINCE else "24h"
    told: Told = {"mine": mine, "chosen": chosen, "since": since, "choices": SINCE, "quiet_days": QUIET_DAYS}
    if not chosen:
        return told | {"list": None}
    if not person.may_see(chosen):
        raise NotFound

    def look(tx: Tx) -> tuple[int, list[reports.Practice]]:
        begin = tx.now - SINCE[since][1] * DAY
        return begin, reports.report(
            tx,
            since=begin,
            practice=chosen,
            quiet_days=QUIET_DAYS,
            terms=office.context.rulebook.terms_of_silence(),
        )

    begin, found = await office.store.read(look)
    listed = next((each for each in found if each.ods == chosen), reports.Practice(ods=chosen))
    return told | {"list": listed, "begin": begin, "shown": ENTRIES}
