"""A loop of a node: it looks every so often, and nothing but the word to stop ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bridge.errors import Unavailable
from bridge.events import Event, emit, failed_at


async def turn(
    stop: asyncio.Event, worker: str, look: Callable[[], Awaitable[bool]], *, every_s: float
) -> None:
    """Call `look` until `stop`, at once again when it says that more waits, else every so many seconds.

    A store that is away and a fault of ours are logged under the name of the worker, and it looks again.
    """
    while not stop.is_set():
        more = False
        try:
            more = await look()
        except Unavailable as error:
            emit(Event.STORE_UNAVAILABLE, worker=worker, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the next look must come all the same
            emit(Event.WORKER_FAILED, worker=worker, error=failed_at(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0 if more else every_s)
