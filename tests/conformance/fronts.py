"""A line of our own in front of a real server: it notes what is sent, and cuts or holds answers when asked.

Each request gets a fresh connection to the server: the answer ends where the connection does.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request as it came over the line; `path` has the query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Trouble:
    """What befalls the answer to one request: it is cut off, or with `held` it waits.

    `there` is set once the server has answered, `go` lets a held answer through.
    """

    method: str
    place: str  # regular expression over the path after the FHIR base
    held: bool
    there: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Front:
    """The line to the server at `upstream` (a FHIR base URL): the same server at `origin`/fhir.

    `searches_by_get` turns a search by POST into one by GET, for a server that reads JSON bodies only.
    """

    upstream: str
    searches_by_get: bool = False
    origin: str = ""
    sent: list[Sent] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    def cut(self, method: str, place: str = "") -> None:
        """Once: such a request reaches the server, and its answer nobody."""
        self.troubles.append(Trouble(method=method, place=place, held=False))

    def hold(self, method: str, place: str = "") -> Trouble:
        """Once: the answer to such a request waits for a word of the test."""
        self.troubles.append(Trouble(method=method, place=place, held=True))
        return self.troubles[-1]

    def writes(self) -> list[Sent]:
        """What was sent to be stored; searches are left out."""
        return [s for s in self.sent if s.method == "PUT" or (s.method == "POST" and "_search" not in s.path)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection with one request."""
        try:
            sent = await _request(reader)
            self.sent.append(sent)
            trouble = self._met(sent)
            answer = await self._forwarded(_by_get(sent) if self.searches_by_get else sent)
            if trouble is not None:
                trouble.there.set()
                if not trouble.held:
                    writer.transport.abort()
                    return
                await trouble.go.wait()
            writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client or the server has gone: nobody to answer
        finally:
            writer.close()

    def _met(self, sent: Sent) -> Trouble | None:
        place = sent.path.removeprefix("/fhir")
        for trouble in self.troubles:
            if trouble.method == sent.method and re.fullmatch(trouble.place, place):
                self.troubles.remove(trouble)
                return trouble
        return None

    async def _forwarded(self, sent: Sent) -> bytes:
        where = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            writer.write(_written(replace(sent, path=sent.path.replace("/fhir", where.path, 1))))
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Sent:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Sent(method=method, path=path, headers=headers, body=body)


def _by_get(sent: Sent) -> Sent:
    kind, _, last = sent.path.rpartition("/")
    if last != "_search":
        return sent
    headers = {name: value for name, value in sent.headers.items() if name != "content-type"}
    return replace(sent, method="GET", path=f"{kind}?{sent.body.decode()}", headers=headers, body=b"")


def _written(sent: Sent) -> bytes:
    # The server's own links and places are then those of the front.
    headers = {**sent.headers, "connection": "close", "content-length": str(len(sent.body))}
    lines = [f"{sent.method} {sent.path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + sent.body


@asynccontextmanager
async def fronting(upstream: str, *, searches_by_get: bool) -> AsyncIterator[Front]:
    """A front on loopback until the block ends."""
    front = Front(upstream, searches_by_get)
    async with await asyncio.start_server(front.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        front.origin = f"http://127.0.0.1:{port}"
        yield front
