"""Metrics: what is counted as it happens, by the names of the log events, and how long things take.

Labels hold names of the site (partners, sources) and closed words only. What is not among them becomes
`other`, so that nothing a sender writes can become a label.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

from bridge.domain.delivery import Kind
from bridge.domain.journey import DeliveryState
from bridge.errors.catalogue import CATALOGUE
from bridge.events import Event
from bridge.ops.gauges import Gauges
from bridge.ops.health import Guard
from bridge.ops.pulse import Pulse
from bridge.ops.vitals import Report, Vitals

LABELS: Final = ("partner", "source", "door", "kind", "state", "code", "practice")
DOORS: Final = ("http", "fhir", "bars", "mllp", "folder", "outcome", "outcome-event", "poll", "mesh")
OTHER: Final = "other"

Is = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A histogram: its upper bounds are in seconds unless its name says otherwise."""

    name: str
    words: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...]


INTAKE = Measure(
    name="bridge_intake_seconds",
    words="From reading a message to its durable answer, by door.",
    labels=("door",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
DELIVERY = Measure(
    name="bridge_delivery_seconds",
    words="From being queued to being accepted by the partner.",
    labels=("partner", "kind"),
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 28_800, 86_400, 259_200),
)
ATTEMPT = Measure(
    name="bridge_attempt_seconds",
    words="The attempt that settled a delivery.",
    labels=("partner",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
COMMIT = Measure(
    name="bridge_store_commit_seconds",
    words="One commit, with everything that was done in it.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
GROUP = Measure(
    name="bridge_store_commit_units",
    words="Units of work in one commit; more than one on SQLite, when many wait.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
MEASURES: Final = (INTAKE, DELIVERY, ATTEMPT, COMMIT, GROUP)
AMOUNTS: Final = {Event.CODES_UNMAPPED: "codes", Event.SHADOW_LOOKED: "messages"}  # not events but these
SHADOWED: Final = (
    "bridge_shadow_changed",
    "Messages that a mapping that is tried reads otherwise; of those that bridge_shadow_looked_total counts.",
)
UNMAPPED: Final = ("bridge_unmapped_fields", "Fields of a message that held something and went nowhere.")


def routes(counted: "Metrics", vitals: Vitals, guard: Guard) -> APIRouter:
    """What Prometheus reads; `guard` raises who may not."""
    router = APIRouter()

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Everything that is counted and measured, for monitoring, in the form that Accept asks for."""
        await guard(request)
        report = await vitals.report()
        body, media_type = counted.exposed(vitals.pulse, report, request.headers.get("accept", ""))
        return Response(body, headers={"Cache-Control": "no-store"}, media_type=media_type)

    return router


def counter_of(event: Event) -> tuple[str, tuple[str, ...]]:
    """The name of an event's counter, without `_total`, and its labels."""
    fields = event.value[2]
    return f"bridge_{event.name.lower()}", tuple(label for label in LABELS if label in fields)


class Metrics:
    """Everything counted in this process, in a registry of its own.

    They say which names are the site's, now (practices by ODS code): its rules may change while it runs.
    """

    def __init__(self, *, partners: Collection[str], sources: Is, practices: Is) -> None:
        self.registry = CollectorRegistry()
        self._known: Mapping[str, Is] = {
            "partner": partners.__contains__,
            "source": lambda name: sources(name) or name in partners,
            "door": DOORS.__contains__,
            "kind": frozenset(Kind).__contains__,
            "state": frozenset(DeliveryState).__contains__,
            "code": CATALOGUE.__contains__,
            "practice": practices,
        }
        self._counters = {event: self._counter(event) for event in Event}
        self._measures = {each: self._histogram(each) for each in MEASURES}
        self._unmapped = Counter(*UNMAPPED, ("source",), registry=self.registry)
        self._shadowed = Counter(*SHADOWED, ("source",), registry=self.registry)
        self._gauges = Gauges()
        self.registry.register(self._gauges)
        ProcessCollector(registry=self.registry)

    def observe(self, event: Event, fields: Mapping[str, Any]) -> None:
        """Count one event of the log; `bridge.events.observed_by` calls it."""
        counter, values = self._counters[event], self._values(counter_of(event)[1], fields)
        amount = fields[AMOUNTS[event]] if event in AMOUNTS else 1
        (counter.labels(*values) if values else counter).inc(amount)
        if event is Event.MESSAGE_KEPT:
            self._time(INTAKE, fields, fields["took_ms"] / 1000)
            if fields["unmapped"]:
                self._unmapped.labels(*self._values(("source",), fields)).inc(fields["unmapped"])
        elif event is Event.SHADOW_LOOKED:
            self._shadowed.labels(*values).inc(fields["changed"])
        elif event is Event.DELIVERY_SETTLED and fields["state"] == DeliveryState.DELIVERED:
            self._time(DELIVERY, fields, fields["age_s"])
            self._time(ATTEMPT, fields, fields["took_ms"] / 1000)

    def committed(self, units: int, seconds: float) -> None:
        """One commit of the store; called from its own thread."""
        self._measures[COMMIT].observe(seconds)
        self._measures[GROUP].observe(units)

    def exposed(self, pulse: Pulse, report: Report, accept: str) -> tuple[bytes, str]:
        """Everything, in the form that Accept asks for, and that form's name."""
        self._gauges.hold(pulse, report)
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type

    def _time(self, measure: Measure, fields: Mapping[str, Any], seconds: float) -> None:
        self._measures[measure].labels(*self._values(measure.labels, fields)).observe(seconds)

    def _values(self, labels: tuple[str, ...], fields: Mapping[str, Any]) -> list[str]:
        return [self._closed(label, str(fields.get(label) or "")) for label in labels]

    def _closed(self, label: str, said: str) -> str:
        return said if not said or self._known[label](said) else OTHER

    def _counter(self, event: Event) -> Counter:
        name, labels = counter_of(event)
        return Counter(name, event.value[1], labels, registry=self.registry)

    def _histogram(self, each: Measure) -> Histogram:
        return Histogram(each.name, each.words, each.labels, buckets=each.buckets, registry=self.registry)
