"""How fast an EMIS extract is read: rows per second and peak memory of one day, from the folder to the store.

    python benchmarks/emis_rows.py [noise rows] [patients] [referrals]

The extract is made by the simulator first, which is not measured. Prints one line of JSON; seconds are
processor time.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.security.keyring import create_key_ring
from bridge.security.sealing import Sealer
from bridge.simulators.emis import Plan, day
from bridge.sources import load
from bridge.sources.emis import Chunk, Context, Extract, Survey, Taken, known_of, open_extract, take
from bridge.sources.mapping import Mapping
from bridge.store import Store, open_store

ROOT = Path(__file__).resolve().parents[1]


def peak() -> float:
    """The largest resident size so far, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


@contextmanager
def timed(times: dict[str, float], name: str) -> Iterator[None]:
    """Seconds of processor time of this process, so that other work on the machine does not count."""
    start = time.process_time()
    yield
    times[name] = time.process_time() - start


async def read(extract: Extract, survey: Survey, mapping: Mapping, store: Store) -> tuple[int, int]:
    """Every chunk in a unit of its own; how many chunks and readings."""
    chunks = readings = 0
    for chunk in extract.chunks(survey):

        def unit(tx: object, chunk: Chunk = chunk) -> Taken:
            return take(tx, chunk, mapping, Context())  # type: ignore[arg-type]

        taken = await store.run(unit)
        chunks += 1
        readings += len(taken.readings)
    return chunks, readings


async def measure(folder: Path, store: Store) -> dict[str, object]:
    mapping = load(ROOT / "mappings" / "sources")["emis"].mapping
    times: dict[str, float] = {}
    before = peak()
    with timed(times, "open"):
        extract = open_extract(folder)
        known = await store.read(known_of)
    with timed(times, "prescan"):
        survey = extract.prescan(known, Context())
    scanned = sum(survey.rows.values())
    with timed(times, "only_scan"):
        for _ in extract.chunks(survey):
            pass
    with timed(times, "scan_and_take"):
        chunks, readings = await read(extract, survey, mapping, store)
    whole = times["prescan"] + times["scan_and_take"]
    return {
        "rows": scanned,
        "observation_rows": survey.rows["CareRecord_Observation"],
        "megabytes": round(extract.size / 1e6, 1),
        "chunks": chunks,
        "readings": readings,
        "seconds": {name: round(seconds, 2) for name, seconds in times.items()},
        "rows_per_second": {
            "prescan": round(scanned / times["prescan"]),
            "scan": round(scanned / times["only_scan"]),
            "scan_and_take": round(scanned / times["scan_and_take"]),
            "prescan_scan_and_take": round(scanned / whole),
        },
        "peak_mb": {"before": before, "after": peak()},
    }


async def main(noise: int = 500_000, patients: int = 2_000, referrals: int = 300) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "extract"
        folder.mkdir()
        plan = Plan(seed=1, noise_rows=noise, patients=patients, referrals=referrals)
        day(folder, plan)
        store = open_store(
            f"sqlite:{Path(name) / 'bridge.sqlite'}", Sealer(create_key_ring(Path(name) / "k.json"))
        )
        try:
            print(json.dumps(await measure(folder, store)))
        finally:
            await store.close()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
