"""A plain HTTP/1.1 load generator: keep-alive connections that send prepared requests, nothing else.

python benchmarks/load.py PORT PATH CONNECTIONS SECONDS BODIES.jsonl [HEADER: VALUE …]
Prints JSON: requests per second, the count of each status, and latencies in milliseconds.
"""

import asyncio
import itertools
import json
import sys
import time


async def connection(
    port: int, requests: "itertools.cycle[bytes]", until: float, seen: list[tuple[int, float]]
) -> None:
    """One keep-alive connection until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        started = time.perf_counter()
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
    port, path, connections, seconds, bodies = sys.argv[1:6]
    extra = "".join(f"{header}\r\n" for header in sys.argv[6:])
    with open(bodies, "rb") as lines:  # noqa: ASYNC230, PTH123 - before the load begins
        prepared = [
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
            for body in (line.rstrip(b"\n") for line in lines)
        ]
    turn = itertools.cycle(prepared)
    seen: list[tuple[int, float]] = []
    started = time.perf_counter()
    until = started + float(seconds)
    await asyncio.gather(*(connection(int(port), turn, until, seen) for _ in range(int(connections))))
    took = time.perf_counter() - started
    times = sorted(t for _, t in seen)
    statuses: dict[int, int] = {}
    for status, _ in seen:
        statuses[status] = statuses.get(status, 0) + 1
    quantiles = {
        name: round(times[int(len(times) * q)] * 1000, 2) for name, q in (("p50", 0.5), ("p99", 0.99))
    }
    print(json.dumps({"per_second": round(len(seen) / took, 1), "statuses": statuses, **quantiles}))


asyncio.run(main())
