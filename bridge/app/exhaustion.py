"""When a process may open no more files, no door can take a connection until others have ended.

asyncio says so for every place of a socket's backlog, two thousand times a second, and would fill the disk.
"""

import asyncio
import errno
import time
from typing import Any

from bridge.events import Event, emit

EVERY_S = 60.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Exhaustion:
    """A loop's exception handler that tells of refused connections once a minute, of all else as ever."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._next = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What the loop found."""
        error = context.get("exception")
        if "socket" not in context or not isinstance(error, OSError) or error.errno not in _EXHAUSTED:
            loop.default_exception_handler(context)
            return
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            emit(Event.CONNECTIONS_EXHAUSTED, node=self._node)
