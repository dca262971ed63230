"""`bridge subject`, `bridge practice` and `bridge audit` as a data officer types them."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from bridge.cli.commands import app
from tests.cli.site import Premises, set_up
from tests.journeys.test_json_event import an_event

NUMBER = an_event()["patient"]["nhs_number"]


@pytest.fixture
def site(tmp_path: Path) -> Premises:
    """A new site, stopped."""
    folder = tmp_path / "site"
    folder.mkdir()
    return set_up(folder)


def typed(site: Premises, *words: str, into: str = "") -> Result:
    """One command, with what is piped into it."""
    return CliRunner().invoke(app, words, input=into, env={**site.env, "COLUMNS": "200"})


def test_a_person_is_found_exported_withdrawn_and_erased(site: Premises, tmp_path: Path) -> None:
    """The number is piped in and printed nowhere; a practice that is live does not leave."""
    file = tmp_path / "told.json"
    with site.serving():
        assert site.post(an_event()).status_code == 202
        found = typed(site, "subject", "find", "--why", "request 1", into=NUMBER + "\n")
        told = typed(site, "subject", "export", "--why", "request 1", "--to", str(file), into=NUMBER)
        again = typed(site, "subject", "export", "--why", "request 1", "--to", str(file), into=NUMBER)
        wrong = typed(site, "subject", "find", "--why", "request 1", into="123\n")
        early = typed(site, "subject", "erase", "--why", "request 1", into=NUMBER)
        objected = typed(site, "subject", "object", "--why", "request 1", into=NUMBER)
        left = typed(site, "practice", "leave", "A99999", "--why", "x", "--to", str(tmp_path / "left"))
    listed = typed(site, "audit", "list", "--json")
    verified = typed(site, "audit", "verify")
    events = typed(site, "audit", "export")

    assert (found.exit_code, "referral" in found.output) == (0, True)
    assert told.exit_code == 0, told.output
    assert json.loads(file.read_text())["referrals"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert again.exit_code != 0
    assert [wrong.exit_code, early.exit_code] == [1, 1]
    assert (objected.exit_code, left.exit_code) == (0, 1)
    assert not (tmp_path / "left").exists()
    done = [row["action"] for row in json.loads(listed.output)]
    assert done == ["subject-find", "subject-export", "subject-export", "subject-object"]
    assert (verified.exit_code, "holds" in verified.output) == (0, True)
    assert json.loads(events.output.splitlines()[0])["resourceType"] == "AuditEvent"
    everything = "".join(each.output for each in (found, told, again, wrong, early, objected, left, listed))
    assert NUMBER not in everything
    assert NUMBER not in (site.folder / "log").read_text()
