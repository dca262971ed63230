"""`bridge simulate`: a GP practice, a social prescribing service and a GP record to practise against."""

import time
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import output
from bridge.simulators import gp as gp_practice
from bridge.simulators.emis import Plan, everyone, known_by
from bridge.simulators.loopback import serve
from bridge.simulators.pds import BASE, Pds
from bridge.simulators.prescribing import Auto, PrescribingService
from bridge.simulators.record import record_of
from bridge.simulators.telling import Bridge

app = typer.Typer(
    help="Servers on loopback to practise against; synthetic people only.", no_args_is_help=True
)
Seed = Annotated[int, typer.Option(help="The same seed gives the same people and the same days.")]
Start = Annotated[str, typer.Option(help="Extract date of the first day, YYYY-MM-DD; default: today.")]


def plan_of(seed: int, start: str) -> Plan:
    """The days of the simulated practice."""
    first = date.fromisoformat(start) if start else datetime.now(UTC).date()
    return Plan(seed=seed, referrals=4, start=first)


@app.command()
def gp(
    folder: Annotated[Path, typer.Argument(help="The drop folder of the bridge.")],
    seed: Seed = 1,
    start: Start = "",
    days: Annotated[int, typer.Option(min=1, help="How many days to send.")] = 2,
    every_s: Annotated[float, typer.Option(min=0, help="Seconds between days.")] = 10,
) -> None:
    """An EMIS practice: drops one bulk extract for each day."""
    plan = plan_of(seed, start)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, days + 1):
        truth = gp_practice.drop(folder, plan, number)
        output.out.print(f"day {number}: {len(truth.files)} files, {len(truth.fates)} happenings")
        if number < days:
            time.sleep(every_s)


@app.command()
def prescribing(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8104,
    bridge: Annotated[str, typer.Option(help="URL of the bridge to push to; empty: wait to be polled.")] = "",
    key: Annotated[str, typer.Option(envvar="BRIDGE_SIMULATOR_KEY", help="API key at the bridge.")] = "",
    auto: Annotated[bool, typer.Option(help="Answer every referral by itself.")] = True,
    delay_s: Annotated[float, typer.Option(min=0, help="Seconds between its steps.")] = 1.0,
) -> None:
    """A social prescribing service with a FHIR server."""
    told = Bridge(fhir=f"{bridge}/fhir", api_key=key) if bridge else None
    service = PrescribingService(bridge=told, auto=Auto(delay=delay_s, reject_every=5) if auto else None)
    output.out.print(f"social prescribing service at http://127.0.0.1:{port}/fhir")
    serve(service.app, port)


@app.command()
def pds(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8106, seed: Seed = 1, start: Start = ""
) -> None:
    """A Personal Demographics Service that knows the people of the simulated practice."""
    plan = plan_of(seed, start)
    output.out.print(f"PDS at http://127.0.0.1:{port}{BASE}")
    serve(Pds(islice(everyone(plan), known_by(plan, 30)), practice="ZZ9901").app, port)


@app.command()
def record(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8105, seed: Seed = 1, start: Start = ""
) -> None:
    """The GP record of the simulated practice; its page lists what was filed."""
    output.out.print(f"GP record at http://127.0.0.1:{port}/fhir, its page at http://127.0.0.1:{port}/")
    serve(record_of(plan_of(seed, start)).app, port)
