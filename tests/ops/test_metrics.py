"""Metrics: the names of the log, closed labels, and the numbers of health."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.events import Event, emit
from bridge.intake import mllp
from bridge.ops.gauges import GAUGES
from bridge.ops.metrics import DOORS, LABELS, MEASURES, OTHER, Metrics, counter_of
from bridge.pipeline import mailbox, report
from bridge.store.keys import BULK_DOOR
from tests.journeys.test_json_event import an_event
from tests.ops.conftest import Watched

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def a_registry() -> Metrics:
    return Metrics(
        partners=("sp",),
        sources=frozenset({"emis"}).__contains__,
        practices=frozenset({"A99999"}).__contains__,
    )


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def samples(metrics: Metrics) -> list[Any]:
    return [sample for family in metrics.registry.collect() for sample in family.samples]


async def scraped(watched: Watched) -> Samples:
    """Every sample as Prometheus would read it."""
    told = (await watched.get("/metrics")).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


@pytest.mark.parametrize("event", Event)
def test_every_event_of_the_log_is_counted_under_its_own_name(event: Event) -> None:
    """Whoever finds a line in the log finds its counter, and the other way round."""
    metrics = a_registry()
    numbers = {"took_ms": 1, "age_s": 1, "unmapped": 0, "codes": 1, "messages": 1, "changed": 0}
    fields = dict.fromkeys(event.value[2], "") | numbers
    metrics.observe(event, fields)
    name, labels = counter_of(event)

    assert value(metrics, f"{name}_total", **dict.fromkeys(labels, "")) == 1


@pytest.mark.parametrize("label", LABELS)
def test_a_label_holds_only_what_is_known(label: str) -> None:
    """What a sender wrote must not become a name in a monitoring system."""
    metrics = a_registry()
    event = next(e for e in Event if label in e.value[2] and e is not Event.MESSAGE_KEPT)
    metrics.observe(event, {"state": "withheld", "codes": 1, label: "999 000 0018"})
    name, labels = counter_of(event)

    found = [sample for sample in samples(metrics) if sample.name == f"{name}_total"]
    assert [sample.labels[label] for sample in found] == [OTHER]
    assert set(found[0].labels) == set(labels)


def test_a_message_is_timed_by_its_door_and_its_unmapped_fields_counted() -> None:
    """In seconds, as Prometheus wants it."""
    metrics = a_registry()
    said = {"source": "emis", "door": "http", "unmapped": 3, "took_ms": 4.0}
    metrics.observe(Event.MESSAGE_KEPT, said)

    assert value(metrics, "bridge_unmapped_fields_total", source="emis") == 3
    assert value(metrics, "bridge_intake_seconds_sum", door="http") == 0.004
    assert value(metrics, "bridge_intake_seconds_bucket", door="http", le="0.005") == 1


def test_only_what_was_delivered_is_timed() -> None:
    """What was withheld on purpose says nothing of how fast the partner is."""
    metrics = a_registry()
    for state in ("delivered", "withheld"):
        said = {"partner": "sp", "kind": "create", "state": state, "took_ms": 20, "age_s": 90.0}
        metrics.observe(Event.DELIVERY_SETTLED, said)
        assert value(metrics, "bridge_delivery_settled_total", partner="sp", kind="create", state=state) == 1

    assert value(metrics, "bridge_delivery_seconds_count", partner="sp", kind="create") == 1
    assert value(metrics, "bridge_delivery_seconds_bucket", partner="sp", kind="create", le="300.0") == 1
    assert value(metrics, "bridge_attempt_seconds_sum", partner="sp") == 0.02


def test_commits_are_timed_and_sized() -> None:
    """Many units to one commit is what makes SQLite fast."""
    metrics = a_registry()
    metrics.committed(32, 0.004)

    assert value(metrics, "bridge_store_commit_units_bucket", le="32.0") == 1
    assert value(metrics, "bridge_store_commit_seconds_bucket", le="0.005") == 1


async def test_a_referral_leaves_its_numbers(watched: Watched) -> None:
    """From the door to the partner, through the whole bridge."""
    await watched.site.post("/events/json-event", an_event())
    queued = await scraped(watched)
    await watched.site.drain()
    sent = await scraped(watched)
    kept = ("bridge_message_kept_total", (("door", "http"), ("source", "json-event")))
    settled = (("kind", "create"), ("partner", "prescribing"), ("state", "delivered"))
    waiting = ("bridge_queue_deliveries", (("partner", "prescribing"), ("state", "queued")))

    assert sent[kept] == 1
    assert sent["bridge_delivery_settled_total", settled] == 1
    assert (queued[waiting], sent[waiting]) == (1, 0)
    assert sent["bridge_store_commit_units_count", ()] > queued["bridge_store_commit_units_count", ()]
    assert sent["bridge_health", (("status", "pass"),)] == 1
    assert sent["bridge_check_status", (("check", "database:write"),)] == 0


async def test_every_gauge_there_is_is_told(watched: Watched) -> None:
    """Except those of what this site does not have: expected sources and certificates."""
    told = {name for name, _ in await scraped(watched)}

    assert {each.name for each in GAUGES} - told == {"bridge_source_silence_seconds"}
    assert "process_resident_memory_bytes" in told


async def test_nothing_is_counted_for_a_bridge_that_is_closed(open_site: Any) -> None:
    """Each bridge has a registry of its own, and events are told to those that are open."""
    metrics = a_registry()
    emit(Event.LEASE_LOST, partner="sp")

    assert value(metrics, "bridge_lease_lost_total", partner="sp") is None


def test_every_door_has_a_name_of_its_own() -> None:
    """Else what comes in by it is counted as `other`."""
    doors = {*report.DOORS, mailbox.DOOR, mllp.DOOR, BULK_DOOR}

    assert doors <= set(DOORS)


def test_names_are_ours_and_said_once() -> None:
    """`bridge_` in front; no two metrics of one name."""
    names = [counter_of(event)[0] for event in Event]
    names += [each.name for each in (*MEASURES, *GAUGES)]

    assert all(name.startswith("bridge_") for name in names)
    assert len(set(names)) == len(names)


async def test_a_scraper_may_ask_for_openmetrics(watched: Watched) -> None:
    """The form is named in Accept, and nobody keeps the answer."""
    answer = await watched.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.endswith("# EOF\n")
