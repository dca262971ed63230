"""`bridge demo`: two days of a practice in under a minute, on loopback, with synthetic people.

The bridge runs as a process of its own, as it would for a site; the service and the GP record it talks to are
simulated in this one. Everything lies in one temporary folder and is gone afterwards.
"""

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import httpx
import typer

from bridge.cli import demo_acts, demo_look, output
from bridge.cli.demo_acts import Stage, Stopped
from bridge.cli.demo_board import OutOfTime
from bridge.cli.demo_site import CALLERS, Site, let_in, write_site
from bridge.cli.simulate import plan_of
from bridge.config import read_settings
from bridge.security.api_keys import new_api_key
from bridge.security.keyring import load_key_ring
from bridge.security.sealing import Sealer
from bridge.simulators.emis import Plan
from bridge.simulators.loopback import running
from bridge.simulators.prescribing import Auto, PrescribingService
from bridge.simulators.record import record_of
from bridge.simulators.telling import Bridge
from bridge.store import reading_store

SEED = 7
START_S = 60.0  # the longest the bridge may take to start
HOLD_ON_S = 15.0  # the longest it may take to stop


def add_to(app: typer.Typer) -> None:
    """Put the command on the main command."""
    app.command()(demo)


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Stay up afterwards and say where everything is.")
    ] = False,
) -> None:
    """Send two days of a simulated practice through the bridge and back, and tell one referral's story."""
    raise typer.Exit(asyncio.run(_demo(keep=keep)))


async def _demo(*, keep: bool) -> int:
    """The exit code: 0 when everything came to its end, however it was left then; 1 when it did not."""
    task = asyncio.current_task()
    if task is not None:
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    code = 1
    try:
        async with _set_up() as stage:
            await demo_acts.play(stage)
            code = 0
            demo_look.further(stage.site, keep=keep)
            if keep:
                stage.service.answer_by_itself(Auto(delay=1.0))
                await asyncio.Event().wait()
    except (Stopped, OutOfTime) as reason:
        output.err.print(f"[bold red]The demo did not get to its end:[/] {reason}.", highlight=False)
    except asyncio.CancelledError:
        output.out.print("\nStopped; nothing is left behind.")
    return code


@asynccontextmanager
async def _set_up() -> AsyncIterator[Stage]:
    """Everything up: service and record in this process, the bridge in its own."""
    began = time.monotonic()
    start = (datetime.now(UTC) - timedelta(days=1)).date()
    plan = plan_of(SEED, start.isoformat())
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    keys = {name: new_api_key() for name in CALLERS}
    service = PrescribingService(bridge=Bridge(fhir=f"{url}/fhir", api_key=keys["service"].token))
    record = record_of(plan, days=2)
    with tempfile.TemporaryDirectory(prefix="bridge-demo-") as scratch:
        async with running(service.app) as service_url, running(record.app) as record_url:
            site = Site(
                folder=Path(scratch),
                bridge=url,
                service=service_url,
                record=record_url,
                password=secrets.token_urlsafe(9),
            )
            write_site(site, port, plan, keys)
            await let_in(site, plan.practice.ods)
            async with _bridge(site) as process:
                demo_look.began(time.monotonic() - began)
                async with _stage(site, plan, service, process) as stage:
                    yield stage


@asynccontextmanager
async def _stage(
    site: Site, plan: Plan, service: PrescribingService, process: Process
) -> AsyncIterator[Stage]:
    settings = read_settings(site.config)
    store = reading_store(settings.database_url, Sealer(load_key_ring(settings.key_ring)))
    try:
        yield Stage(site=site, plan=plan, service=service, store=store, process=process)
    finally:
        await store.close()


@asynccontextmanager
async def _bridge(site: Site) -> AsyncIterator[Process]:
    """`bridge serve` until the block ends; in a group of its own, so that Ctrl-C reaches us alone."""
    env = os.environ | {"BRIDGE_CONFIG": str(site.config)}
    log = site.folder / "bridge.log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", "serve",
            env=env, cwd=site.folder, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        await _wait_for(site, process)
        yield process
    finally:
        await _stop(process)


async def _wait_for(site: Site, process: Process) -> None:
    until = time.monotonic() + START_S
    async with httpx.AsyncClient(trust_env=False) as http:
        while process.returncode is None and time.monotonic() < until:
            try:
                if (await http.get(f"{site.bridge}/ready")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    last = (site.folder / "bridge.log").read_text("utf-8").strip().rpartition("\n")[2]
    raise Stopped(f"the bridge did not start; the last it said was: {last or 'nothing'}")


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), HOLD_ON_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
