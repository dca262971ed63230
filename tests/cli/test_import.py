"""`bridge import`: by hand, with the tally, and what it says when the bridge does it itself."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.cli.demo_site import CALLERS, Site, write_site
from bridge.security.api_keys import new_api_key
from bridge.simulators import gp
from bridge.simulators.emis import Plan
from tests.sources.emis_site import deleted, observation, patient, write

ROOT = Path(__file__).resolve().parents[2]
PLAN = Plan(seed=3, referrals=2, noise_rows=10, patients=3)


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site whose partners are not there: nothing is sent here."""
    port = a_port()
    nowhere = "http://127.0.0.1:9"
    made = Site(
        folder=tmp_path,
        bridge=f"http://127.0.0.1:{port}",
        service=nowhere,
        record=nowhere,
        password="not used",
    )
    write_site(made, port, PLAN, {name: new_api_key() for name in CALLERS})
    return made


def bridge(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command at that site."""
    return subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        cwd=site.folder, env=environment(site), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def environment(site: Site) -> dict[str, str]:
    return os.environ | {"BRIDGE_CONFIG": str(site.config), "PYTHONPATH": str(ROOT), "COLUMNS": "100"}


def an_extract(site: Site, name: str = "extract") -> Path:
    folder = site.folder / name
    folder.mkdir()
    gp.drop(folder, PLAN, 1)
    return folder


@pytest.fixture
def running(site: Site) -> Iterator[Site]:
    """The same site with a bridge that runs."""
    with (site.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "serve"],
            cwd=site.folder, env=environment(site), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while not (site.folder / "var" / "control.sock").exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        yield site
    finally:
        process.terminate()
        process.wait(30)


def test_an_extract_is_imported_by_hand_and_tallied(site: Site) -> None:
    """What came of the rows, each reason in words; a second time it is a repeat."""
    folder = an_extract(site)
    first = bridge(site, "import", str(folder))
    again = bridge(site, "import", str(folder))

    assert first.returncode == 0, first.stderr
    tally = " ".join(first.stdout.split())
    assert "1 not-sent.under-age The person is younger than the scheme's age limit." in tally
    assert "done: message" in tally
    assert "A row has more or fewer columns" in " ".join(first.stderr.split())
    assert (again.returncode, "repeated: message" in again.stdout) == (0, True)


def test_a_refused_extract_says_why_and_needs_attention(site: Site) -> None:
    """Exit 1, with the table and the next step."""
    folder = site.folder / "extract"
    folder.mkdir()
    gp.drop(folder, PLAN, 1, cut="CareRecord_Observation")
    refused = bridge(site, "import", str(folder))

    assert refused.returncode == 1
    assert "refused: message" in refused.stdout
    assert "CareRecord_Observation row" in refused.stderr
    assert "Deliver the extract again" in " ".join(refused.stderr.split())


def test_a_running_bridge_has_its_drop_folder_named(running: Site) -> None:
    """It has the database to itself; the files go where it looks."""
    said = bridge(running, "import", str(an_extract(running)))

    assert said.returncode == 1
    assert str(running.drop) in said.stderr
    assert "bridge parked release" in " ".join(said.stderr.split())


def test_many_cancellations_are_let_through_with_a_reason(site: Site) -> None:
    """First it waits; then whoever says why lets it through, and nothing of it is parked any more."""
    names = "ABCDEF"
    numbers = ("9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069")
    referred = [
        row
        for name, number in zip(names, numbers, strict=True)
        for row in (patient(name, NhsNumber=number), observation(f"entry {name}", of=name))
    ]
    bridge(site, "import", str(write(site.folder / "one", *referred)))
    second = str(write(site.folder / "two", *[deleted(f"entry {name}") for name in names], day=3))
    parked = bridge(site, "import", second)
    waits = bridge(site, "parked", "list", "--json")
    silent = bridge(site, "import", second, "--many-cancellations")
    through = bridge(site, "import", second, "--many-cancellations", "--why", "The practice has closed")
    after = bridge(site, "parked", "list", "--json")

    assert (parked.returncode, "parked: message" in parked.stdout) == (1, True)
    assert '"extract-cancels-too-many"' in waits.stdout
    assert silent.returncode == 2
    assert (through.returncode, "done: message" in through.stdout) == (0, True)
    assert "extract-cancels-too-many" not in after.stdout


def test_only_bulk_sources_have_extracts(site: Site) -> None:
    """A wrong name is wrong usage, said with the right ones."""
    said = bridge(site, "import", str(an_extract(site)), "--source", "json-event")

    assert said.returncode == 2
    assert "emis" in said.stderr
