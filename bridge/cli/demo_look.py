"""What the demo shows: what was held back and why, one referral both ways, and where to look further."""

import shutil
import sys
from pathlib import Path
from typing import Any

import httpx
from rich.rule import Rule
from rich.table import Table
from sqlalchemy import func, select

from bridge.cli import output, story
from bridge.cli.access import partner_titles
from bridge.cli.demo_site import ACCOUNT, BASE, Site
from bridge.config import read_settings
from bridge.domain.journey import EventState
from bridge.store import Store, Tx, views
from bridge.store.tables import event


def began(seconds: float) -> None:
    """Say what is up."""
    output.out.print(
        f"A bridge, a service and a GP record are up on this machine ({seconds:.1f} s).\n"
        "Everybody in this demo is made up.\n",
        highlight=False,
    )


async def results(site: Site, store: Store, chosen: str) -> None:
    """What went out and came back of one referral, the lists people get, and that referral's story."""
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        await _resources(http, site, chosen)
    _reasons("Not sent, and why (the practice gets this list)", await _codes(store, EventState.NOT_SENT))
    parked = await _codes(store, EventState.PARKED)
    _reasons("Waiting for a person: why, and the next step", parked, with_next=True)
    told = await store.read(lambda tx: views.referral_story(tx, chosen))
    if told is not None:
        _title("The story of that referral, there and back")
        story.show(told, partner_titles(read_settings(site.config)))


async def _codes(store: Store, state: EventState) -> list[tuple[str, int]]:
    """How often each reason was given, the most frequent first."""
    query = select(event.c.code, func.count().label("n")).where(event.c.state == state.value)
    query = query.group_by(event.c.code).order_by(func.count().desc(), event.c.code)

    def work(tx: Tx) -> list[tuple[str, int]]:
        return [(row.code, row.n) for row in tx.run(query)]

    return await store.read(work)


def _reasons(title: str, rows: list[tuple[str, int]], *, with_next: bool = False) -> None:
    _title(title)
    shown = Table.grid(padding=(0, 2))
    shown.add_column(justify="right", min_width=4)
    shown.add_column(overflow="fold", ratio=1)
    if with_next:
        shown.add_column(overflow="fold", ratio=1)
    for code, n in rows:
        words, step = output.meaning(code)
        shown.add_row(str(n), words, *([step] if with_next else []))
    output.out.print(shown, highlight=False)


async def _resources(http: httpx.AsyncClient, site: Site, chosen: str) -> None:
    """The ServiceRequest as the service holds it, and what of it was filed in the GP record."""
    ours = f"{BASE}/Id/referral|{chosen}"
    _title("One referral: the ServiceRequest as the service holds it now")
    for resource in await _found(http, site.service, "ServiceRequest", identifier=ours):
        output.out.print_json(data=resource)
    _title("What came back of it: Observations in the GP record")
    for resource in await _found(http, site.record, "Observation"):
        if any(based.get("identifier", {}).get("value") == chosen for based in resource.get("basedOn", [])):
            output.out.print_json(data=resource)


async def _found(http: httpx.AsyncClient, base: str, kind: str, **wanted: str) -> list[dict[str, Any]]:
    answer = await http.post(f"{base}/fhir/{kind}/_search", data={**wanted, "_count": "1000"})
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def further(site: Site, *, keep: bool) -> None:
    """Where to look next: at what is up, or how to have it stay."""
    if not keep:
        _title("Look further")
        _line(
            "bridge demo --keep", "the same, and stays up so that you can look around (make demo ARGS=--keep)"
        )
        _line("bridge init", "sets up a site of your own")
        return
    _title("Everything stays up until Ctrl-C; in another terminal")
    exports = {
        "BRIDGE_CONFIG": site.config,
        "DEMO": site.folder,
        "BRIDGE_URL": site.bridge,
        "SERVICE_URL": f"{site.service}/fhir",
        "RECORD_URL": site.record,
    }
    programs = Path(sys.executable).parent
    if shutil.which("bridge") != str(programs / "bridge"):  # on Linux another program may have that name
        exports["PATH"] = f"{programs}:$PATH"
    for name, value in exports.items():
        output.out.print(f"export {name}={value}", highlight=False, soft_wrap=True)
    output.out.print()
    _line(f"{site.bridge}/ops", f"the page; account {ACCOUNT}, password {site.password}")
    _line("bridge referrals list", "where each referral stands")
    _line("bridge parked list", "what waits for a person; bridge parked show ID says why")
    _line(str(site.drop), "the drop folder; each extract ends in done/, with its verdict")
    _line(f"{site.record}/", "a page of what was filed in the GP record")


def _line(what: str, words: str) -> None:
    output.out.print(f"  [bold]{what}[/]\n      {words}", highlight=False, soft_wrap=True)


def _title(words: str) -> None:
    output.out.print()
    output.out.print(Rule(f"[bold]{words}[/]", align="left", style="dim"))
