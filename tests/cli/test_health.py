"""`bridge health`, as an operator at night types it."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import typer
from click.testing import Result
from typer.testing import CliRunner

from bridge.cli.health import health
from bridge.events import Event
from tests.cli.site import Premises, set_up
from tests.journeys.test_json_event import a_person, an_event

app = typer.Typer()
app.command()(health)


def ask(site: Premises, *words: str) -> Result:
    """What the command says now."""
    return CliRunner().invoke(app, words, env={**site.env, "COLUMNS": "200"})


def test_health_says_what_is_not_well_and_what_to_do(tmp_path: Path) -> None:
    """0 when all is well, 1 when somebody should look; the next step stands beside it.

    And all that a server logs from start to end is in the catalogue.
    """
    site = set_up(tmp_path)
    with site.serving():
        well = ask(site)
        site.post(an_event(patient=a_person(nhs_number=None)))
        unwell = ask(site, "--json")
        while orjson.loads(unwell.stdout)["status"] == "pass":  # a look is remembered for a second
            unwell = ask(site, "--json")
        told = ask(site)
    logged = {orjson.loads(line)["action"] for line in (site.folder / "log").read_bytes().splitlines()}
    (parked,) = (c for c in orjson.loads(unwell.stdout)["checks"] if c["status"] != "pass")

    assert (well.exit_code, well.output.split(":")[0]) == (0, "pass")
    assert (parked["name"], parked["code"], parked["value"]) == ("parked:events", "parked-waiting", 1)
    assert (unwell.exit_code, told.exit_code) == (1, 1)
    assert "bridge parked list" in told.output
    assert "oldest" in told.output
    assert {"started", "event_parked", "stopped"} <= logged <= {event.name.lower() for event in Event}


def test_a_bridge_that_does_not_answer_needs_attention(tmp_path: Path) -> None:
    """A script that asks every minute must notice."""
    env = os.environ | set_up(tmp_path).env
    asked = subprocess.run(
        [sys.executable, "-m", "bridge", "health"], env=env, capture_output=True, text=True, check=False
    )

    assert (asked.returncode, "does not answer" in asked.stderr) == (1, True)
