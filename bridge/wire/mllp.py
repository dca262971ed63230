"""MLLP framing without a socket: 0x0B, the message, 0x1C 0x0D (HL7 minimal lower layer protocol).

What comes out depends only on the bytes, never on how the network cut them. After a fault that leaves the
stream without meaning the framer is closed, and so should the connection be: the sender then sends again.
"""

import re

from bridge.errors import Problem

START = b"\x0b"
END = b"\x1c\r"
LIMIT = 5_000_000  # bytes of one message
_HEAD = 4_096  # bytes of a message given up, enough for its header
_RESTART = b"\x0bMSH"
_LINE_ENDS = re.compile(rb"[\r\n]+")


class Framer:
    """Turns bytes as they arrive into messages and problems, in order.

    `head` is the beginning of what it was closed over, so that the sender can be answered by its own header.
    """

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0
        self.closed = False
        self.head = b""

    @property
    def unfinished(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer) and not self.closed

    def feed(self, data: bytes) -> list[bytes | Problem]:
        """Take bytes; give each whole message and each fault. A closed framer gives nothing more."""
        if self.closed:
            return []
        self._buffer += data
        found: list[bytes | Problem] = []
        while not self.closed and self._at_start(found):
            end = self._buffer.find(END, self._searched)
            length = len(self._buffer) - 2 if end < 0 else end - 1
            if length > self._limit:
                self._close(found, "mllp-too-large")
            elif end < 0:
                self._searched = max(1, len(self._buffer) - 1)
                break
            else:
                found += _messages(bytes(self._buffer[1:end]))
                self._consume(end + 2)
        return found

    def _at_start(self, found: list[bytes | Problem]) -> bool:
        """Skip line ends between frames, which some senders add; anything else but 0x0B is a fault."""
        if not self._searched:
            line_ends = _LINE_ENDS.match(self._buffer)
            del self._buffer[: line_ends.end() if line_ends else 0]
            if self._buffer and not self._buffer.startswith(START):
                self._close(found, "mllp-no-start-byte")
                return False
            self._searched = min(1, len(self._buffer))
        return bool(self._buffer)

    def _consume(self, count: int) -> None:
        del self._buffer[:count]
        self._searched = 0

    def _close(self, found: list[bytes | Problem], code: str) -> None:
        found.append(Problem(code=code))
        self.closed = True
        self.head = bytes(self._buffer[:_HEAD])
        self._buffer.clear()


def _messages(content: bytes) -> list[bytes | Problem]:
    """A sender that gave up half-way and began again on the same connection leaves a cut message in front."""
    begun = content.rfind(_RESTART)
    if begun < 0:
        return [content]
    return [Problem(code="mllp-cut"), content[begun + 1 :]]


def wrap(message: bytes) -> bytes:
    """One frame; ValueError when the message holds framing bytes of its own."""
    if END in message or _RESTART in message:
        raise ValueError("a message must not hold MLLP framing bytes")
    return START + message + END
