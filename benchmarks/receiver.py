"""A fast local receiver: takes any transaction or search and answers as a FHIR server that stored it would.

python benchmarks/receiver.py PORT [REFUSED_PERCENT]
"""

import asyncio
import itertools
import json
import sys
from urllib.parse import unquote

REFUSED = int(sys.argv[2]) if len(sys.argv) > 2 else 0
EMPTY = json.dumps({"resourceType": "Bundle", "type": "searchset", "total": 0}).encode()
OUTCOME = json.dumps(
    {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}
).encode()
count = itertools.count(1)


def answer(path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body for one request."""
    if path.endswith("_search"):
        return 200, EMPTY
    n = next(count)
    if REFUSED and n % (100 // REFUSED) == 0:
        return 422, OUTCOME
    kinds = ("Patient", "ServiceRequest", "Task")
    entries = [{"response": {"status": "201 Created", "location": f"{k}/{n}/_history/1"}} for k in kinds]
    reply = {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
    return 200, json.dumps(reply).encode()


class Receiver(asyncio.Protocol):
    """One connection; requests come whole or in pieces."""

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in the buffer."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            status, reply = answer(unquote(head.split(b" ")[1].decode()), body)
            self.transport.write(  # type: ignore[attr-defined]
                b"HTTP/1.1 %d OK\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n%b"
                % (status, len(reply), reply)
            )


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
