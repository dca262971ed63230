"""The alert rules for Prometheus speak of metrics that are there, and do what they say."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.events import Event
from bridge.ops.checks import NAMES
from bridge.ops.gauges import GAUGES
from bridge.ops.metrics import MEASURES, counter_of

DOCKER = Path(__file__).resolve().parents[2] / "docker"
RULES = (DOCKER / "alerts.yml").read_text("utf-8")
USED = re.findall(r"(bridge_[a-z_]+)(?:\{([^}]*)\})?", RULES)
LABELS = {each.name: set(each.labels) for each in (*GAUGES, *MEASURES)} | {
    f"{name}_total": set(labels) for name, labels in map(counter_of, Event)
}


@pytest.mark.parametrize(("metric", "selected"), sorted(set(USED)))
def test_a_rule_speaks_of_a_metric_that_is_there(metric: str, selected: str) -> None:
    """With labels it has; a rule about nothing is silent for ever."""
    labels = set(re.findall(r"(\w+)\s*[!=~]+", selected))

    assert metric in LABELS
    assert labels <= LABELS[metric]


def test_the_checks_that_rules_name_are_there() -> None:
    """The label `check` holds the names of health."""
    named = re.findall(r'check=~?"([^"]+)"', RULES)
    patterns = [re.compile(name) for name in named]

    assert [p.pattern for p in patterns if not any(p.fullmatch(name) for name in NAMES)] == []


@pytest.mark.parametrize("command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")])
def test_the_rules_do_what_they_say(command: tuple[str, ...]) -> None:
    """As Prometheus itself reads them."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian package prometheus) is not installed here")
    done = subprocess.run([promtool, *command], cwd=DOCKER, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
