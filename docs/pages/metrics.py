"""The page of metrics, from bridge.ops.metrics and bridge.ops.gauges."""

from collections.abc import Iterator

from bridge.events import Event
from bridge.ops.checks import NAMES
from bridge.ops.gauges import GAUGES
from bridge.ops.metrics import AMOUNTS, DOORS, MEASURES, OTHER, SHADOWED, UNMAPPED, counter_of
from docs.pages.markdown import code, table

HEAD = f"""\
# Metrics

`GET /metrics` answers operators and the monitoring key (`watch.status_key`), as Prometheus text or
OpenMetrics by `Accept`. [Monitor a site](../how-to/monitor.md) says how to scrape it; rules for alerts are in
[docker/alerts.yml](../../docker/alerts.yml).

A label holds a name of the site, such as a partner or a source, or a closed word. Anything else becomes
`{OTHER}`, so nothing that a sender writes can become a label. Doors are {", ".join(map(code, DOORS))}.

Counters and histograms count what this node did since it started. Gauges say how things stand; what they read
from the database (queues, parked, feeds, sources) is the same on every node: take the `max` of nodes, not the
sum.

"""


def text() -> str:
    """The page."""
    counters = table(("Counter", "Labels", "Counts"), _counters())
    histograms = table(
        ("Histogram", "Labels", "Measures", "Upper bounds"),
        (
            (code(m.name), _labels(m.labels), m.words, " ".join(f"{bound:g}" for bound in m.buckets))
            for m in MEASURES
        ),
    )
    gauges = table(("Gauge", "Labels", "Says"), ((code(g.name), _labels(g.labels), g.words) for g in GAUGES))
    checks = table(("Check", "Measures"), ((code(name), words) for name, words in NAMES.items()))
    return (
        HEAD
        + "## Gauges\n\nThe last report of health as numbers.\n\n"
        + gauges
        + "## Counters\n\nOne for each [event of the log](events.md), under its name.\n\n"
        + counters
        + "## Histograms\n\nIn seconds, unless the name says otherwise.\n\n"
        + histograms
        + "## Process\n\n`process_*` as every Prometheus client has them: memory, processor time, open files,"
        " start time.\n\n"
        + "## Checks of health\n\nThe values of the label `check`, and the names in `/health` and"
        " `/_status`.\n\n" + checks
    )


def _counters() -> Iterator[tuple[str, str, str]]:
    for event in Event:
        name, labels = counter_of(event)
        counted = f", in {AMOUNTS[event]}" if event in AMOUNTS else ""
        yield code(f"{name}_total"), _labels(labels), event.value[1] + counted
    for name, words in (UNMAPPED, SHADOWED):
        yield code(f"{name}_total"), _labels(("source",)), words


def _labels(labels: tuple[str, ...]) -> str:
    return ", ".join(map(code, labels))
