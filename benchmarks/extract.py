"""One large day of an EMIS practice through the whole importer: rows per second, memory, largest unit.

    python -m benchmarks extract
    python -m benchmarks.extract [noise rows] [patients] [referrals]

The extract is made by the simulator first, which is not measured. The floor is Python's own csv reader going
over the same files once; the importer goes over them twice and keeps, joins and applies what it finds.
"""

import asyncio
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.site import settings
from bridge.app import open_bridge
from bridge.config import Settings
from bridge.pipeline.extracts import Importer
from bridge.pipeline.importing import import_extract
from bridge.simulators.emis import Plan, day
from bridge.simulators.emis_surroundings import OURS
from bridge.sources.emis_tables import IN_ORDER
from bridge.store import Store, Tx
from bridge.store.unit import Work

NOWHERE = "http://127.0.0.1:9/fhir"
SIZE = (500_000, 10_000, 300)  # noise rows, patients, referrals
Row = dict[str, Any]
T = TypeVar("T")


def measure() -> list[Row]:
    """The rows of this benchmark, measured in a process of its own so that its memory is the importer's."""
    command = [sys.executable, "-m", "benchmarks.extract", *map(str, SIZE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows: list[Row] = json.loads(done.stdout)
    return rows


def floor(folder: Path) -> tuple[int, float]:
    """Rows, and rows per second of the csv reader alone."""
    rows, start = 0, time.perf_counter()
    for table in IN_ORDER:
        (file,) = folder.glob(f"*_{table.name}_2*.csv")
        with file.open(encoding="utf-8", newline="") as opened:
            rows += sum(1 for _ in csv.reader(opened)) - 1
    return rows, rows / (time.perf_counter() - start)


class Timed:
    """A store that remembers how much of the processor each unit took, in seconds."""

    def __init__(self, store: Store) -> None:
        self.dialect = store.dialect
        self.took: list[float] = []
        self._store = store

    async def run(self, work: Work[T]) -> T:
        """Run and remember."""

        def timed(tx: Tx) -> T:
            start = time.thread_time()
            try:
                return work(tx)
            finally:
                self.took.append(time.thread_time() - start)

        return await self._store.run(timed)

    async def read(self, work: Work[T]) -> T:
        """As it is."""
        return await self._store.read(work)

    async def close(self) -> None:
        """As it is."""
        await self._store.close()


def at_practice(site: Settings) -> Settings:
    """The same site with the simulator's practice in its scheme, so that referrals are made and queued."""
    scheme = site.mappings / "schemes" / "benchmark.toml"
    scheme.write_text(scheme.read_text("utf-8").replace("A99999", OURS.ods), "utf-8")
    return site


async def imported(folder: Path, site: Path) -> Row:
    """Import the extract on a fresh store; seconds, longest chunk in milliseconds, memory."""
    async with open_bridge(at_practice(settings(site, endpoint=NOWHERE, workers=False))) as bridge:
        store = Timed(bridge.store)
        context, source = bridge.context, bridge.sources["emis"]
        importer = Importer(store=store, context=context, source=source, caller="benchmark")
        before = peak()
        start = time.perf_counter()
        cpu = time.process_time()
        done = await import_extract(importer, folder)
        took = time.perf_counter() - start
        cpu = time.process_time() - cpu
    return {
        "state": done.state,
        "seconds": round(took, 2),
        "cpu_seconds": round(cpu, 2),
        "commits": len(store.took),
        "largest_unit_ms": round(max(store.took) * 1000, 1),
        "events": done.counts.get("events", 0),
        "mb_before": before,
        "mb_peak": peak(),
    }


def peak() -> float:
    """The largest resident size so far, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def main(noise: int, patients: int, referrals: int) -> None:
    """Print the rows as JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder, site = Path(name) / "extract", Path(name) / "site"
        folder.mkdir()
        made = os.fork()  # the simulator's memory is not the importer's
        if made == 0:
            day(folder, Plan(seed=1, noise_rows=noise, patients=patients, referrals=referrals))
            os._exit(0)
        os.waitpid(made, 0)
        rows, plain = floor(folder)
        whole = asyncio.run(imported(folder, site))
    speed = rows / whole["seconds"]
    print(
        json.dumps(
            [
                {
                    "name": "extract",
                    "bridge": round(speed),
                    "floor": round(plain),
                    "ratio": round(speed / plain, 3),
                    "unit": "rows per second",
                    "rows": rows,
                    **whole,
                }
            ]
        )
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or SIZE))
