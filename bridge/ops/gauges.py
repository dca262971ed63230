"""Gauges: the last report of health as numbers. Nothing is looked at anew for them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge.delivery.breaker import BreakerState
from bridge.ops.checks import NAMES, Check, Status, rank, worst
from bridge.ops.pulse import Pulse
from bridge.ops.vitals import Report

Samples = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One gauge and what its samples are in a report."""

    name: str
    words: str
    labels: tuple[str, ...] = ()
    read: Callable[[Pulse, Report], Samples]


def _of(report: Report, *names: str) -> Iterator[Check]:
    return (check for check in report.checks if check.name in names)


def _kind(check: Check) -> str:
    return check.name.partition(":")[2]


def _number(check: Check) -> float:
    return check.value if isinstance(check.value, int | float) else 0.0


def _release(pulse: Pulse, _report: Report) -> Samples:
    release = pulse.release
    yield (release.version, release.revision, release.release_id, release.commit_id, pulse.node), 1


def _health(_pulse: Pulse, report: Report) -> Samples:
    return (((status.value,), float(report.status is status)) for status in Status)


def _checks(_pulse: Pulse, report: Report) -> Samples:
    for name in NAMES:
        found = [check.status for check in _of(report, name)]
        if found:
            yield (name,), rank(worst(found))


def _store(_pulse: Pulse, report: Report) -> Samples:
    found = _of(report, "database:write", "database:read")
    return (((_kind(check),), _number(check) / 1000) for check in found if check.unit)


def _clock(_pulse: Pulse, report: Report) -> Samples:
    return (((), _number(check) / 1000) for check in _of(report, "database:clock"))


def _named(name: str) -> Callable[[Pulse, Report], Samples]:
    """The values of a check by what it is of; what has no value has no sample."""

    def read(_pulse: Pulse, report: Report) -> Samples:
        return (((check.of,), _number(check)) for check in _of(report, name) if check.value is not None)

    return read


def _intake(_pulse: Pulse, report: Report) -> Samples:
    return (((), float(check.status is Status.PASS)) for check in _of(report, "intake:doors"))


def _breaker(_pulse: Pulse, report: Report) -> Samples:
    for check in _of(report, "partner:breaker"):
        for state in BreakerState:
            yield (check.of, state.value), float(check.value == state.value)


def _queue(_pulse: Pulse, report: Report) -> Samples:
    for check in _of(report, "partner:queue"):
        for state, n in check.detail.items():
            yield (check.of, state), n


def _oldest(_pulse: Pulse, report: Report) -> Samples:
    found = _of(report, "partner:oldest", "partner:urgent")
    return (((check.of, _kind(check)), _number(check)) for check in found)


_PARKED = ("parked:events", "parked:referrals", "parked:deliveries", "parked:cancels")


def _parked(_pulse: Pulse, report: Report) -> Samples:
    return (((_kind(check), check.of), _number(check)) for check in _of(report, *_PARKED))


def _parked_oldest(_pulse: Pulse, report: Report) -> Samples:
    for check in _of(report, *_PARKED):
        yield (_kind(check), check.of), 0 if check.since is None else (report.at - check.since) / 1000


def _stale(_pulse: Pulse, report: Report) -> Samples:
    found = list(_of(report, "feed:age"))
    yield (), sum(check.status is not Status.PASS for check in found)


def _oldest_feed(_pulse: Pulse, report: Report) -> Samples:
    yield (), max(map(_number, _of(report, "feed:age")), default=0)


def _expiry(_pulse: Pulse, report: Report) -> Samples:
    for name in ("certificate:expiry", "key:expiry"):
        left = [_number(check) for check in _of(report, name)]
        if left:
            yield (name.partition(":")[0],), min(left)


GAUGES: Final = (
    Gauge(
        name="bridge_release_info",
        words="1, with what runs here.",
        labels=("version", "revision", "release_id", "commit_id", "node"),
        read=_release,
    ),
    Gauge(name="bridge_health", words="1 for the status that health has.", labels=("status",), read=_health),
    Gauge(
        name="bridge_check_status",
        words="The worst of each check of health: 0 pass, 1 warn, 2 fail.",
        labels=("check",),
        read=_checks,
    ),
    Gauge(
        name="bridge_store_seconds",
        words="The last durable write, and the last look at how things stand.",
        labels=("kind",),
        read=_store,
    ),
    Gauge(
        name="bridge_clock_offset_seconds",
        words="How far the clocks of node and database are apart.",
        read=_clock,
    ),
    Gauge(
        name="bridge_disk_free_bytes",
        words="Free disk where data is kept.",
        labels=("folder",),
        read=_named("disk:free"),
    ),
    Gauge(name="bridge_intake_open", words="1 while the doors take messages.", read=_intake),
    Gauge(
        name="bridge_worker_turn_seconds",
        words="Since a worker last turned.",
        labels=("worker",),
        read=_named("worker:turn"),
    ),
    Gauge(
        name="bridge_breaker_state",
        words="1 for the state a partner's breaker is in.",
        labels=("partner", "state"),
        read=_breaker,
    ),
    Gauge(
        name="bridge_queue_deliveries",
        words="Deliveries that are not settled, counted up to 100,000.",
        labels=("partner", "state"),
        read=_queue,
    ),
    Gauge(
        name="bridge_queue_oldest_seconds",
        words="Age of the oldest delivery under way, of all and of the urgent ones; 0 when there is none.",
        labels=("partner", "kind"),
        read=_oldest,
    ),
    Gauge(
        name="bridge_parked",
        words="What waits for a person.",
        labels=("kind", "partner"),
        read=_parked,
    ),
    Gauge(
        name="bridge_parked_oldest_seconds",
        words="Age of the oldest of it; 0 when there is none.",
        labels=("kind", "partner"),
        read=_parked_oldest,
    ),
    Gauge(
        name="bridge_source_silence_seconds",
        words="Since an expected source was last heard of; none when it never was.",
        labels=("source",),
        read=_named("source:heard"),
    ),
    Gauge(name="bridge_feeds_stale", words="Practices whose feed is older than allowed.", read=_stale),
    Gauge(name="bridge_feed_oldest_seconds", words="Age of the oldest feed.", read=_oldest_feed),
    Gauge(
        name="bridge_expiry_seconds",
        words="Until the first certificate in use, and the first caller's key, expires.",
        labels=("kind",),
        read=_expiry,
    ),
)


class Gauges(Collector):
    """What the registry asks when it is read."""

    def __init__(self) -> None:
        self._found: tuple[Pulse, Report] | None = None

    def hold(self, pulse: Pulse, report: Report) -> None:
        """From now on these are the numbers."""
        self._found = (pulse, report)

    def describe(self) -> Iterable[Metric]:
        """Every gauge without samples."""
        return (GaugeMetricFamily(each.name, each.words, labels=each.labels) for each in GAUGES)

    def collect(self) -> Iterable[Metric]:
        """Every gauge with the samples of the last report."""
        for each in GAUGES:
            family = GaugeMetricFamily(each.name, each.words, labels=each.labels)
            for labels, value in each.read(*self._found) if self._found else ():
                family.add_metric(labels, value)
            yield family
