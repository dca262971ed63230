"""Doors and workers of one node, until told to stop."""

import asyncio
import gc
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from bridge.app import VERSION, Bridge, doors, mllp
from bridge.app.exhaustion import Exhaustion
from bridge.app.risk_telling import risk_teller
from bridge.app.rules import read_tried
from bridge.errors import BridgeError
from bridge.events import Event, emit
from bridge.intake import control
from bridge.intake.files import DropFolder
from bridge.pipeline.extracts import Importer
from bridge.pipeline.later import translate_kept
from bridge.pipeline.shadow_watch import ShadowWatch
from bridge.pipeline.turning import turn
from bridge.store.audit import Hand


async def run(bridge: Bridge, stop: asyncio.Event, anew: asyncio.Event | None = None) -> None:
    """Doors and workers until `stop`; then doors close first and what is in flight finishes.

    Mappings and schemes are read anew whenever `anew` is set.
    """
    import uvicorn  # noqa: PLC0415 - only a serving process needs it

    settings = bridge.settings
    asyncio.get_running_loop().set_exception_handler(Exhaustion(settings.node))
    address = doors.address(settings.http)
    emit(Event.STARTED, version=VERSION, node=settings.node, database=bridge.store.dialect, address=address)
    common: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,  # who calls is decided by the real peer
        "server_header": False,
        "date_header": False,
        "timeout_keep_alive": 30,
        "h11_max_incomplete_event_size": 65_536,
        "ws": "none",
        "timeout_graceful_shutdown": 30,
    }

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            yield  # signals are ours: workers drain too

    server = Server(uvicorn.Config(bridge.http(), **common, **doors.options(settings.http)))
    controls = Server(uvicorn.Config(bridge.control(), uds=str(control.socket_in(settings.data)), **common))
    ports = mllp.doors(settings, bridge.desk)
    gc.freeze()  # all that was loaded stays: looking through it at each full collection takes 0.1 s
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        group.create_task(controls.serve([control.listen(settings.data)]))
        group.create_task(bridge.gauge.watch(stop))
        group.create_task(bridge.watch.alerting.watch(stop))
        group.create_task(_reload(bridge, stop, anew or asyncio.Event()))
        for worker in bridge.workers:
            group.create_task(worker.run(stop))
        if settings.workers:
            group.create_task(_translate(bridge, stop))
            group.create_task(_tell_risks(bridge, stop))
            group.create_task(bridge.purger.daily(stop))
            group.create_task(bridge.heads.daily(stop))
            if settings.shadow is not None:
                group.create_task(shadow_watch(bridge).run(stop))
            for poller in bridge.pollers:
                group.create_task(poller.run(stop))
            for reader in bridge.mailboxes:
                group.create_task(reader.run(stop))
        if settings.doors:
            for folder in drop_folders(bridge):
                group.create_task(folder.watch(stop))
                group.create_task(folder.clean(stop))
            for port in ports:
                group.create_task(port.serve(stop))
        await stop.wait()
        server.should_exit = controls.should_exit = True
    emit(Event.STOPPED, node=settings.node)


async def _reload(bridge: Bridge, stop: asyncio.Event, anew: asyncio.Event) -> None:
    """Read the rules anew when told to; what is wrong with them is logged and the old ones stay."""
    hand = Hand(actor="signal", why="SIGHUP", node=bridge.settings.node, chain=bridge.chain)
    stopped = asyncio.ensure_future(stop.wait())
    while not stop.is_set():
        told = asyncio.ensure_future(anew.wait())
        await asyncio.wait({told, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if anew.is_set():
            anew.clear()
            with suppress(BridgeError):
                await bridge.reload(hand)
        told.cancel()


def drop_folders(bridge: Bridge) -> list[DropFolder]:
    """The watched folders of this node."""
    return [
        DropFolder(
            path=entry.path,
            importer=partial(_importer, bridge, entry.source),
            every_s=entry.every_s,
            settled_s=entry.settled_s,
            keep_s=86_400 * entry.keep_days,
            wake=bridge.desk.wake,
            full=bridge.desk.full,
        )
        for entry in bridge.settings.folders
    ]


def shadow_watch(bridge: Bridge) -> ShadowWatch:
    """What reads each message by the mappings that are tried as well."""
    return ShadowWatch(
        store=bridge.store,
        context=bridge.context,
        sources=bridge.sources,
        read=partial(read_tried, bridge.settings),
    )


def _importer(bridge: Bridge, source: str) -> Importer:
    """What importing an extract needs, with the mapping that is in force now."""
    return Importer(
        store=bridge.store,
        context=bridge.context,
        source=bridge.sources[source],
        caller=f"folder:{source}"[:64],
    )


async def _tell_risks(bridge: Bridge, stop: asyncio.Event) -> None:
    """Tell the risk contacts until `stop`."""
    hearts = bridge.watch.hearts
    teller = risk_teller(bridge.settings, bridge.store, bridge.context, partial(hearts.beat, "risks"))
    await teller.run(stop)
    hearts.stop("risks")


async def _translate(bridge: Bridge, stop: asyncio.Event) -> None:
    """Translate what was kept, at once while there is some and every second otherwise."""
    hearts = bridge.watch.hearts

    async def look() -> bool:
        hearts.beat("translate")
        busy = await translate_kept(bridge.translator) > 0
        if busy:
            bridge.desk.wake()
        return busy

    await turn(stop, "translate", look, every_s=1)
    hearts.stop("translate")
