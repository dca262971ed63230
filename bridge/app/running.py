"""Doors and workers of one node, until told to stop."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from bridge.app import VERSION, Bridge, doors, mllp
from bridge.errors import Unavailable
from bridge.events import Event, emit
from bridge.intake import control
from bridge.intake.files import DropFolder
from bridge.pipeline.extracts import Importer
from bridge.pipeline.later import Translator, translate_kept


async def run(bridge: Bridge, stop: asyncio.Event) -> None:
    """Doors and workers until `stop`; then doors close first and what is in flight finishes."""
    import uvicorn  # noqa: PLC0415 - only a serving process needs it

    settings = bridge.settings
    emit(Event.STARTED, version=VERSION, node=settings.node, database=bridge.store.dialect)
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
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        group.create_task(controls.serve([control.listen(settings.data)]))
        group.create_task(bridge.gauge.watch(stop))
        for worker in bridge.workers:
            group.create_task(worker.run(stop))
        if settings.workers:
            group.create_task(_translate(bridge, stop))
            for poller in bridge.pollers:
                group.create_task(poller.run(stop))
        if settings.doors:
            for folder in drop_folders(bridge):
                group.create_task(folder.watch(stop))
            for port in ports:
                group.create_task(port.serve(stop))
        await stop.wait()
        server.should_exit = controls.should_exit = True
    emit(Event.STOPPED, node=settings.node)


def drop_folders(bridge: Bridge) -> list[DropFolder]:
    """The watched folders of this node."""
    return [
        DropFolder(
            path=entry.path,
            importer=Importer(
                store=bridge.store,
                context=bridge.context,
                source=bridge.sources[entry.source],
                caller=f"folder:{entry.source}"[:64],
            ),
            every_s=entry.every_s,
            settled_s=entry.settled_s,
            wake=bridge.desk.wake,
            full=bridge.desk.full,
        )
        for entry in bridge.settings.folders
    ]


def translator_of(bridge: Bridge) -> Translator:
    """What translating later needs: each caller stays bound to its practices."""
    practices = {entry.name: frozenset(entry.practices) for entry in bridge.settings.callers}
    practices |= {entry.name: frozenset(entry.practices) for entry in bridge.settings.mllp}
    return Translator(
        store=bridge.store, context=bridge.context, sources=bridge.sources, allowed=practices.get
    )


async def _translate(bridge: Bridge, stop: asyncio.Event) -> None:
    """Translate what was kept, at once while there is some and every second otherwise."""
    translator = translator_of(bridge)
    while not stop.is_set():
        try:
            busy = await translate_kept(translator) > 0
        except Unavailable as error:
            emit(Event.STORE_UNAVAILABLE, worker="translate", reason=str(error))
            busy = False
        if busy:
            bridge.desk.wake()
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)
