"""Hold, back up, restore, reconcile, replay, release, purge and report, as an operator types them."""

from pathlib import Path
from typing import Any

import pytest

from bridge.errors import ConfigError, Unacceptable
from tests.cli.site import Premises, set_up
from tests.journeys.test_json_event import a_person, an_event


@pytest.fixture
def site(tmp_path: Path) -> Premises:
    """A new site, stopped."""
    return set_up(tmp_path)


def test_a_running_bridge_is_held_reported_replayed_and_backed_up(site: Premises, tmp_path: Path) -> None:
    """All of it beside the server, through its control socket or its file."""
    with site.serving():
        first = site.post(an_event())
        receipt, referral = first.headers["X-Receipt-ID"], first.json()["events"][0]["referral"]
        released = site.command("parked", "release", referral, "--why", "test")
        site.post(an_event(id="SPR-2", patient=a_person(nhs_number="9990000026", birth_date="2020-01-01")))
        report = practice_of(site.json("report"))
        dry = site.json("replay", receipt, "--why", "test", "--dry-run")
        done = site.command("replay", receipt, "--why", "test")
        held = site.command("hold", "--why", "looking")
        refused = site.post(an_event(id="SPR-3"))
        said = site.command("hold")
        resumed = site.command("resume", "--why", "looked")
        taken = site.post(an_event(id="SPR-3", patient=a_person(nhs_number="9990000026")))
        backup = site.command("backup", str(tmp_path / "copy.sqlite"))
        purged = site.command("purge", "--dry-run")

    assert isinstance(released.exception, Unacceptable)
    assert "not-parked; rule: it is open" in str(released.exception)
    assert (report["referred"], report["waiting"], report["sent"]) == (1, 1, 0)
    assert [(r["code"], r["n"]) for r in report["not_sent"]] == [("under-age", 1)]
    assert dry["now"] == "duplicate"
    assert (done.exit_code, "1 duplicate" in done.output) == (0, True)
    assert (held.exit_code, refused.status_code) == (0, 503)
    assert (said.exit_code, "looking" in said.output) == (1, True)
    assert (resumed.exit_code, taken.status_code) == (0, 202)
    assert backup.exit_code == 0, backup.output
    assert (purged.exit_code, "Nothing is past its time" in purged.output) == (0, True)


def practice_of(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in told["practices"] if each["ods"] == "A99999")
    return found


def test_a_backup_is_put_back_held_and_goes_on_when_a_person_says_so(site: Premises, tmp_path: Path) -> None:
    """The service is away: nothing can be looked up, so everything is left to a person."""
    file = tmp_path / "copy.sqlite"
    with site.serving():
        site.post(an_event())
        site.command("backup", str(file))
    restored = site.command("restore", str(file), "--why", "the disk died")
    told = site.command("reconcile")
    too_early = site.command("resume", "--why", "in a hurry")
    going_on = site.command("resume", "--park", "--why", "nobody answers")
    waiting = site.json("parked", "list")
    shown = site.json("parked", "show", waiting[0]["id"])
    released = site.command("parked", "release", "--code", "restored", "--why", "it is not there")

    assert (restored.exit_code, "held" in restored.output) == (0, True)
    assert told.exit_code == 1
    assert "unlooked" in told.output
    assert "json-event" in told.output
    assert too_early.exit_code == 1
    assert (going_on.exit_code, "Deliveries parked: 1" in going_on.output) == (0, True)
    assert [row["code"] for row in waiting] == ["restored"]
    assert (shown["what"], shown["code"]) == ("delivery", "restored")
    assert shown["next_step"]
    assert (released.exit_code, "1 queued" in released.output) == (0, True)


def test_a_replay_of_everything_is_refused(site: Premises) -> None:
    """An id or a filter has to be named."""
    assert site.command("replay", "--why", "test").exit_code == 2


@pytest.mark.parametrize("words", [("--rate", "fast"), ("--since", "lately"), ("--rate", "0/s")])
def test_what_cannot_be_read_is_wrong_usage(site: Premises, words: tuple[str, str]) -> None:
    """Exit 2, and nothing is done."""
    assert site.command("replay", "x", "--why", "test", *words).exit_code == 2


def test_settings_are_shown_without_what_they_refer_to(site: Premises) -> None:
    """The reference of a secret, never the secret; and what somebody pasted in its place stays hidden."""
    with (site.folder / "bridge.toml").open("a", encoding="utf-8") as file:
        file.write('\n[partners.other]\napi_key = "sk-pasted"\n')
    told = site.command("config", "show")
    as_json = site.json("config", "show")

    assert told.exit_code == 0, told.output
    assert "env:SERVICE_KEY" in told.output
    for secret in ("s3cret", "sk-pasted"):
        assert secret not in told.output
    assert as_json["partners"]["prescribing"]["api_key"] == "env:SERVICE_KEY"
    assert "pasted" not in str(as_json)


def test_a_password_in_an_address_is_refused_unshown(site: Premises) -> None:
    """It is given by reference."""
    file = site.folder / "bridge.toml"
    file.write_text(
        'database = "postgresql://bridge:s3cret@127.0.0.1/bridge"\n' + file.read_text("utf-8"), "utf-8"
    )
    done = site.command("config", "show")

    assert isinstance(done.exception, ConfigError)
    assert "s3cret" not in done.output + repr(done.exception.problems)


def test_postgresql_is_told_of_its_own_tools(site: Premises, tmp_path: Path) -> None:
    """Nothing is written, and the exit code says so."""
    file = site.folder / "bridge.toml"
    file.write_text(
        'database = "postgresql://db.internal/bridge?sslmode=verify-full"\n' + file.read_text("utf-8"),
        "utf-8",
    )
    done = site.command("backup", str(tmp_path / "x"))

    assert done.exit_code == 2
    assert "pg_dump" in done.output
