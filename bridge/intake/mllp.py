"""HL7 v2 over MLLP: one port for one sender, many messages on a connection, answered in the order they came.

A message is answered once it is durable. What cannot be framed is answered where its header can be read, and
the connection is closed: behind it nobody knows where the next message begins.
"""

import asyncio
import base64
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from bridge.errors import BridgeError, Problem, Unavailable
from bridge.events import Event, emit, failed_at
from bridge.intake import hl7v2
from bridge.intake.desk import Desk
from bridge.pipeline.verdict import Terms
from bridge.security.caller import Caller
from bridge.security.certificates import CertificateCallers
from bridge.store.messages import Message
from bridge.wire.mllp import Framer, wrap

DOOR = "mllp"
CONNECTIONS = 100  # at once on one port; a sender keeps one or a few
GRACE_S = 5.0  # for a message that is half in when the bridge stops, and for a peer to read our last word
_READ = 65_536
_HANDSHAKE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpDoor:
    """One port. `limit` is bytes of a message, `idle_s` how long one may take to come, counted from the last.

    With `certificates` the client certificate must be that of the caller.
    """

    desk: Desk
    caller: Caller
    source: str
    host: str
    port: int
    limit: int
    idle_s: float
    tls: ssl.SSLContext | None = None
    certificates: CertificateCallers | None = None
    grace_s: float = GRACE_S

    async def serve(self, stop: asyncio.Event, opened: Callable[[int], None] = lambda _port: None) -> None:
        """Until `stop`; then a message that has begun is still finished and answered.

        `opened` is told the port in use. OSError when it cannot be had.
        """
        port = _Port(self, stop)
        server = await asyncio.start_server(
            port.connected,
            self.host,
            self.port,
            limit=_READ,
            ssl=self.tls,
            ssl_handshake_timeout=_HANDSHAKE_S if self.tls else None,
        )
        opened(server.sockets[0].getsockname()[1])
        await stop.wait()
        server.close()
        if port.connections:
            await asyncio.wait(port.connections)


@dataclass(slots=True)
class _Port:
    """An open port with its connections."""

    door: MllpDoor
    stopping: asyncio.Event
    connections: set["asyncio.Task[None]"] = field(default_factory=set)
    talking: list["_Connection"] = field(default_factory=list)
    crowded: bool = False

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its first byte to its last."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio calls this in a task of its own
        self.connections.add(task)
        try:
            if self._is_known(writer) and self._has_room():
                await self._talk(_Connection(self.door, reader, writer, self.stopping))
        except (OSError, TimeoutError):
            pass  # the peer went away: what was not acknowledged it sends again
        except Exception as error:  # noqa: BLE001 - one connection must not take the port with it
            emit(Event.WORKER_FAILED, worker=DOOR, error=failed_at(error))
        finally:
            self.connections.discard(task)
            await _gone(writer)

    async def _talk(self, connection: "_Connection") -> None:
        self.talking.append(connection)
        try:
            await connection.talk()
        finally:
            if connection in self.talking:
                self.talking.remove(connection)

    def _has_room(self) -> bool:
        """Whether one more can be talked to; at the limit the place of whoever waits for longest is freed.

        Nothing that was acknowledged is lost by that, and connections nobody uses keep no sender out.
        """
        crowded, self.crowded = self.crowded, len(self.talking) >= CONNECTIONS
        if not self.crowded:
            return True
        if not crowded:
            code, caller = "mllp-crowded", self.door.caller.name
            emit(Event.CONNECTION_REFUSED, door=DOOR, caller=caller, code=code)
        waiting = [each for each in self.talking if each.waits_since is not None]
        if not waiting:
            return False
        longest = min(waiting, key=lambda each: each.waits_since or 0)
        self.talking.remove(longest)
        longest.writer.close()
        return True

    def _is_known(self, writer: asyncio.StreamWriter) -> bool:
        """Whether the certificate at the other end is this caller's."""
        door = self.door
        if door.certificates is None:
            return True
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        shown = base64.b64encode(tls.getpeercert(binary_form=True) or b"").decode()
        try:
            return door.certificates.caller(f":{shown}:", door.desk.context.now()) == door.caller
        except BridgeError as error:
            code = error.problems[0].code
            emit(Event.CONNECTION_REFUSED, door=DOOR, caller=door.caller.name, code=code)
            return False


@dataclass(slots=True, eq=False)
class _Connection:
    """One connection until either side ends it."""

    door: MllpDoor
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    stopping: asyncio.Event
    waits_since: float | None = None  # for the rest of a message, on the loop's clock; None while answering

    async def talk(self) -> None:
        """Answer message after message, at the end only what has begun to come."""
        framer = Framer(limit=self.door.limit)
        last = False
        while not (framer.closed or last):
            last = self.stopping.is_set()
            self.waits_since = asyncio.get_running_loop().time()
            found = await self._frames(framer)
            self.waits_since = None
            last = last or not found
            for each in found:
                await self._answer(each, framer)

    async def _frames(self, framer: Framer) -> list[bytes | Problem]:
        """The next whole messages and faults; none when there will be no more."""
        try:
            async with asyncio.timeout(self.door.idle_s) as limit:
                while True:
                    data = await self._arriving(framer, limit)
                    found = framer.feed(data)
                    if found or not data:
                        return found
        except TimeoutError:
            if framer.unfinished:
                self._tell("mllp-too-slow")
            return []

    async def _arriving(self, framer: Framer, limit: asyncio.Timeout) -> bytes:
        """What comes next, or nothing: the peer has ended, or the bridge stops and no message has begun."""
        reading = asyncio.ensure_future(self.reader.read(_READ))
        stopped = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                if not framer.unfinished:
                    return b""
                soon = asyncio.get_running_loop().time() + self.door.grace_s
                limit.reschedule(min(limit.when() or soon, soon))
            return await reading
        finally:
            reading.cancel()
            stopped.cancel()

    async def _answer(self, found: bytes | Problem, framer: Framer) -> None:
        if isinstance(found, bytes):
            await self._send(await self._taken(found))
            return
        self._tell(found.code)
        if framer.closed and b"MSH" in framer.head:
            await self._send(hl7v2.refused(framer.head, found, now=self.door.desk.context.now()))
            await self._last_word()

    async def _taken(self, body: bytes) -> bytes:
        """Keep one message; its answer."""
        desk, door = self.door.desk, self.door
        message = self._message(body)
        try:
            desk.ready()
            source = desk.sources.sent_by(door.caller.name, door.source)
            verdict = await desk.take(source, message, Terms(allowed=door.caller.practices))
        except Unavailable as error:
            return hl7v2.not_now(body, now=desk.context.now(), problems=error.problems)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender keeps the message
            emit(Event.WORKER_FAILED, worker=DOOR, error=failed_at(error))
            return hl7v2.not_now(body, now=desk.context.now())
        return hl7v2.acknowledged(body, verdict, now=desk.context.now())[1]

    def _message(self, body: bytes) -> Message:
        door = self.door
        return Message(
            id=str(uuid4()),
            source=door.source,
            door=DOOR,
            caller=door.caller.name,
            media_type=hl7v2.MEDIA_TYPE,
            content=body,
            size=len(body),
            mapping=door.desk.sources.sent_by(door.caller.name, door.source).version,
        )

    async def _send(self, answer: bytes) -> None:
        if answer:
            self.writer.write(wrap(answer))
            await asyncio.wait_for(self.writer.drain(), self.door.idle_s)

    async def _last_word(self) -> None:
        """Let the peer read the answer: closing on unread bytes would make its system throw it away."""
        if self.writer.can_write_eof():
            self.writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.door.grace_s):
                while await self.reader.read(_READ):
                    pass

    def _tell(self, code: str) -> None:
        door = self.door
        emit(
            Event.MESSAGE_REFUSED,
            source=door.source,
            door=DOOR,
            caller=door.caller.name,
            code=code,
        )


async def _gone(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), GRACE_S)
