"""python -m benchmarks [NAME …]: measure, print, and write benchmarks/results.json.

Every figure is a ratio within one run on one machine; `floor` is what it is held against.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import convert, drain, extract, footprint, history, intake, page, recovery, sealing

PARTS = {
    "intake": intake,
    "drain": drain,
    "extract": extract,
    "convert": convert,
    "history": history,
    "recovery": recovery,
    "footprint": footprint,
    "page": page,
    "sealing": sealing,
}
RESULTS = Path(__file__).parent / "results.json"


def fsyncs_per_second(seconds: float = 2.0) -> float:
    """What this machine's disk does: the unit everything durable is made of."""
    with tempfile.NamedTemporaryFile(dir=Path.cwd()) as file:
        done, until = 0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fsync(file.fileno())
            done += 1
    return done / seconds


def main() -> None:
    """Run the parts that were asked for, all without a name; keep the other rows."""
    asked = sys.argv[1:] or list(PARTS)
    disk = round(fsyncs_per_second())
    rows = [{"name": "fsync", "bridge": disk, "floor": disk, "ratio": 1, "unit": "per second"}]
    for name in asked:
        rows += PARTS[name].measure()
        print(json.dumps(rows[-1]), file=sys.stderr)
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else []
    fresh = {row["name"] for row in rows}
    rows += [row for row in kept if row["name"] not in fresh]
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
