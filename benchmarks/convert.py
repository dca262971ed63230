"""ref-i12, json-event, goldens: from the bytes of a message to the checked bytes of its bundle.

Both sides of a row take turns, so that what else the machine does weighs on both; the best turn counts.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from fhir.resources.R4B.bundle import Bundle

from benchmarks.by_hand import bundle_by_hand
from bridge.errors import Unreadable
from bridge.fhir import checks
from bridge.fhir.compare import differences
from bridge.fhir.writing import to_json
from bridge.pipeline.rehearsal import GOES_OUT, bundle_of
from bridge.sources import Source, load

ROOT = Path(__file__).resolve().parents[1]
ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)
TURNS, EACH = 40, 10


def converted(source: Source, body: bytes) -> bytes:
    """What the bridge does between keeping a message and queueing its delivery."""
    (reading,) = source.read(body, arrived=ARRIVED)
    assert reading.event
    assert reading.event.referral
    bundle = bundle_of(reading.event.referral)
    assert not checks.check(bundle)
    return to_json(bundle)


def by_hand(body: bytes) -> bytes:
    """The same by hand: the models check themselves when built, and the outgoing check is the one we use."""
    bundle = bundle_by_hand(body).model_dump(mode="json", exclude_none=True)
    assert not checks.check(bundle)
    return orjson.dumps(bundle)


def best(*works: Callable[[], Any]) -> list[float]:
    """The processor seconds of the fastest turn of each work, turns taken one after the other."""
    fastest = [float("inf")] * len(works)
    for _ in range(TURNS):
        for n, work in enumerate(works):
            started = time.process_time()
            for _ in range(EACH):
                work()
            fastest[n] = min(fastest[n], (time.process_time() - started) / EACH)
    return fastest


def message(system: str, case: str) -> bytes:
    """The message of a golden folder."""
    (found,) = (ROOT / "fixtures" / system / case).glob("message.*")
    return found.read_bytes()


def ref_i12(sources: dict[str, Source]) -> dict[str, Any]:
    """Ours against python-hl7 and fhir.resources."""
    source, body = sources["hl7v2-ref"], message("hl7v2-ref", "referral-in-full")
    ours, theirs = json.loads(converted(source, body)), json.loads(by_hand(body))
    assert differences(ours, theirs) == [], differences(ours, theirs)
    bridge, floor = best(lambda: converted(source, body), lambda: by_hand(body))
    return row("ref-i12", 1 / bridge, 1 / floor, bar="at least 2", unit="messages per second")


def json_event(sources: dict[str, Source]) -> list[dict[str, Any]]:
    """The whole against the parse by the models alone, and against our own outgoing check alone."""
    source, body = sources["json-event"], message("json-event", "everything-said")
    bundle = json.loads(converted(source, body))
    whole, models, ours = best(
        lambda: converted(source, body), lambda: Bundle.model_validate(bundle), lambda: checks.check(bundle)
    )
    return [
        row("json-event", whole * 1000, models * 1000, bar="at most 1.3", unit="ms"),
        row("json-event-own-check", whole * 1000, ours * 1000, bar="", unit="ms"),
    ]


def goldens(sources: dict[str, Source]) -> dict[str, Any]:
    """Every golden message that goes out, again and again; the floor is the parse by the models alone."""
    bodies = []
    for file in sorted(ROOT.glob("fixtures/*/*/message.*")):
        source, body = sources[file.parts[-3]], file.read_bytes()
        try:
            readings = list(source.read(body, arrived=ARRIVED))
        except Unreadable:
            continue
        event = readings[0].event
        if len(readings) == 1 and event and event.referral and event.kind in GOES_OUT:
            bundle = bundle_of(event.referral)
            if not checks.check(bundle):
                bodies.append((source, body, bundle))
    whole, models = best(
        lambda: [converted(source, body) for source, body, _ in bodies],
        lambda: [Bundle.model_validate(bundle) for _, _, bundle in bodies],
    )
    return row("goldens", len(bodies) / whole, len(bodies) / models, bar="", unit="messages per second")


def row(name: str, bridge: float, floor: float, *, bar: str, unit: str) -> dict[str, Any]:
    """A row of the results."""
    return {
        "name": name,
        "bridge": round(bridge, 3),
        "floor": round(floor, 3),
        "ratio": round(bridge / floor, 2),
        "unit": unit,
        **({"bar": bar} if bar else {}),
    }


def measure() -> list[dict[str, Any]]:
    """The rows of the results file."""
    sources = load(ROOT / "mappings" / "sources")
    global EACH  # noqa: PLW0603 - the last row is a hundred messages a turn
    rows = [ref_i12(sources), *json_event(sources)]
    EACH = 1
    return [*rows, goldens(sources)]


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=1)
