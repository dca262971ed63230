"""`bridge accounts`: who may sign in at the page."""

from pathlib import Path

import pytest

from bridge.security import passwords
from bridge.store import accounts, audit
from tests.cli.site import Premises, set_up

PASSWORD = "copper kettle weather"
WHY = ("--why", "new in the team")


@pytest.fixture
def site(tmp_path: Path) -> Premises:
    """A site on which no bridge runs."""
    return set_up(tmp_path)


def add(site: Premises, name: str = "kim", *more: str, typed: str = PASSWORD) -> int:
    """Add an operator (or what `more` says); the exit code."""
    words = more or ("--role", "operator")
    return site.command("accounts", "add", name, *words, *WHY, typed=f"{typed}\n").exit_code


def kept(site: Premises, monkeypatch: pytest.MonkeyPatch) -> list[accounts.Account]:
    """The accounts in the store."""
    from bridge.cli.access import read

    monkeypatch.setenv("BRIDGE_CONFIG", site.env["BRIDGE_CONFIG"])
    monkeypatch.setenv("SERVICE_KEY", "s3cret")
    return read(accounts.every)


def test_nobody_may_sign_in_to_begin_with(site: Premises) -> None:
    """There is no default account that somebody forgot to change."""
    assert site.command("purge").exit_code == 0  # makes the database
    assert site.json("accounts", "list") == []


def test_an_account_is_added_with_a_password_from_standard_input(
    site: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its Argon2id hash is kept."""
    assert add(site) == 0

    (kim,) = kept(site, monkeypatch)
    assert kim.password.startswith("$argon2id$")
    assert passwords.is_it(PASSWORD, kim.password)
    assert [row["roles"] for row in site.json("accounts", "list")] == ["operator"]


@pytest.mark.parametrize(
    ("more", "typed"),
    [
        (("--role", "operator"), "short"),
        (("--role", "operator"), "my name is kim, no less"),
        (("--role", "practice"), PASSWORD),
        (("--role", "practice", "--practice", "not an ods code"), PASSWORD),
        (("--role", "system", "--practice", "A99999"), PASSWORD),
    ],
)
def test_an_account_that_cannot_be_meant_is_refused(
    site: Premises, more: tuple[str, ...], typed: str
) -> None:
    """A weak password, a practice role without a practice, a role that no person has."""
    assert add(site, "kim", *more, typed=typed) != 0
    assert site.command("purge").exit_code == 0
    assert site.json("accounts", "list") == []


def test_a_name_is_given_once(site: Premises) -> None:
    """Adding is never changing."""
    assert [add(site), add(site)] == [0, 1]


def test_a_disabled_account_can_be_enabled_again_and_given_a_new_password(
    site: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of it with a reason in the audit."""
    add(site)
    done = [
        site.command("accounts", "disable", "kim", "--why", "left"),
        site.command("accounts", "enable", "kim", "--why", "came back"),
        site.command("accounts", "password", "kim", "--why", "forgotten", typed="a different one\n"),
    ]

    assert [each.exit_code for each in done] == [0, 0, 0]
    (kim,) = kept(site, monkeypatch)
    assert not kim.disabled
    assert passwords.is_it("a different one", kim.password)
    from bridge.cli.access import read

    rows = [row for row, _ in read(lambda tx: audit.rows(tx, "n1"))]
    assert [(row["action"], row["why"]) for row in rows] == [
        ("account-add", "new in the team"),
        ("account-disable", "left"),
        ("account-enable", "came back"),
        ("account-password", "forgotten"),
    ]


def test_an_account_nobody_has_cannot_be_changed(site: Premises) -> None:
    """A misspelt name is told."""
    assert site.command("accounts", "disable", "kim", "--why", "left").exit_code == 1
