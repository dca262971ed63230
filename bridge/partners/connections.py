"""Keep-alive connections as a stack: the last one used is the next one used.

httpcore looks through all of a pool's connections before and after each request; with sixteen of them that
is a fifth of what sending costs (benchmarks/drain.py). One pool for each makes it a pop and a push.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx


class Connections(httpx.AsyncBaseTransport):
    """At most `most` connections, each made by `make`; a further request waits for one to be free."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport], most: int) -> None:
        self._make = make
        self._room = asyncio.Semaphore(most)
        self._free: list[httpx.AsyncBaseTransport] = []
        self._all: list[httpx.AsyncBaseTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send on a free connection; it is free again when the answer was read or given up."""
        await self._room.acquire()
        connection = self._free.pop() if self._free else self._made()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._give_back(connection)
            raise
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Answer(response, lambda: self._give_back(connection)),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in self._all:
            await connection.aclose()

    def _made(self) -> httpx.AsyncBaseTransport:
        connection = self._make()
        self._all.append(connection)
        return connection

    def _give_back(self, connection: httpx.AsyncBaseTransport) -> None:
        self._free.append(connection)
        self._room.release()


class _Answer(httpx.AsyncByteStream):
    """The body of an answer; closing it frees its connection, once."""

    def __init__(self, response: httpx.Response, free: Callable[[], None]) -> None:
        self._stream = response.stream
        self._free: Callable[[], None] | None = free

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._stream, httpx.AsyncByteStream)  # noqa: S101 - it came from an async transport
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        free, self._free = self._free, None
        try:
            await self._stream.aclose()  # type: ignore[union-attr]  # the same
        finally:
            if free is not None:
                free()
