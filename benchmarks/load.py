"""A plain HTTP/1.1 load generator: keep-alive connections that send prepared requests, nothing else.

python benchmarks/load.py PORT PATH CONNECTIONS SECONDS RATE FIRST BODIES.jsonl [HEADER: VALUE …]
RATE is how many requests all connections together begin in a second; 0 is as many as they can. FIRST is the
body to begin with, counted from 0: one that was sent before is a repeat.
Prints JSON: 202s per second, the count of each status, and latencies in milliseconds.
"""

import asyncio
import itertools
import json
import random
import sys
import time


async def connection(
    port: int,
    requests: "itertools.cycle[bytes]",
    until: float,
    seen: list[tuple[int, float]],
    every: float,
) -> None:
    """One keep-alive connection until the time is over; one that is late does not hurry to make up for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    turn = time.perf_counter() + random.uniform(0, every)
    while time.perf_counter() < until:
        await asyncio.sleep(max(0.0, turn - time.perf_counter()))
        started = time.perf_counter()
        turn = max(turn + every, started)
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        if length:
            await reader.readexactly(length)
        seen.append((int(head[9:12]), time.perf_counter() - started))
    writer.close()


async def main() -> None:
    """Run and print."""
    port, path, connections, seconds, rate, first, bodies = sys.argv[1:8]
    extra = "".join(f"{header}\r\n" for header in sys.argv[8:])
    with open(bodies, "rb") as lines:  # noqa: ASYNC230, PTH123 - before the load begins
        prepared = [
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
            for body in (line.rstrip(b"\n") for line in lines)
        ]
    turn = itertools.cycle(prepared[int(first) :] + prepared[: int(first)])
    seen: list[tuple[int, float]] = []
    started = time.perf_counter()
    until = started + float(seconds)
    every = int(connections) / float(rate) if float(rate) else 0.0
    each = (connection(int(port), turn, until, seen, every) for _ in range(int(connections)))
    await asyncio.gather(*each)
    took = time.perf_counter() - started
    times = sorted(t for _, t in seen)
    statuses: dict[int, int] = {}
    for status, _ in seen:
        statuses[status] = statuses.get(status, 0) + 1
    quantiles = {
        name: round(times[int(len(times) * q)] * 1000, 2) for name, q in (("p50", 0.5), ("p99", 0.99))
    }
    per_second = round(statuses.get(202, 0) / took, 1)
    print(json.dumps({"per_second": per_second, "statuses": statuses, **quantiles}))


asyncio.run(main())
