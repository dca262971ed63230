"""What a site is refused to start with, and whom it stops listening to."""

from functools import partial
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from bridge.app import doors
from bridge.app.callers import speaking_for
from tests.security.serving import KEY, a_site, an_operator, served

UNDERSTOOD = "I understand that the database is reached over the network unencrypted"


async def test_an_address_that_guesses_is_told_to_wait_before_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also its next good key: who guesses is not told by the answer which guess was near."""
    monkeypatch.setattr(doors, "STRANGERS", 3)
    monkeypatch.setattr(doors, "STRANGERS_PER_S", 0.01)
    async with served(a_site(tmp_path)) as (_, port), httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{port}/health"
        answers = [await client.get(url, headers={"X-API-Key": "rbk_guess"}) for _ in range(4)]
        good = await client.get(url, headers={"X-API-Key": KEY})

    assert [answer.status_code for answer in (*answers, good)] == [401, 401, 401, 429, 429]


@pytest.mark.parametrize(
    ("address", "said", "whole"),
    [
        ("postgresql://b:s3cret@127.0.0.1/b", "", False),
        ("postgresql://b@127.0.0.1/b?password=s3cret", "", False),
        ("postgresql://b@db.example/b", "", False),
        ("postgresql://b@db.example/b?sslmode=require", "", False),
        ("postgresql://b@db.example/b?sslmode=verify-full", "", True),
        ("postgresql://b@db.example/b", UNDERSTOOD, True),
        ("postgresql://b@127.0.0.1:5432/b", "", True),
        ("postgresql:///b?host=/run/postgresql", "", True),
        ("postgresql:///b?host=db.example", "", False),
        ("sqlite:var/b.sqlite", "", True),
    ],
)
def test_a_database_is_reached_without_a_password_in_sight_and_over_tls(
    tmp_path: Path,
    address: str,
    said: str,
    whole: bool,  # noqa: FBT001 - a case of a table
) -> None:
    """sslmode=require believes any server, so it is not enough."""
    made = partial(a_site, tmp_path, database=address, database_without_tls=said)
    if whole:
        assert made().database == address
        return
    with pytest.raises(ValidationError) as refused:
        made()
    assert "s3cret" not in str(refused.value.errors(include_input=False))


def test_the_password_of_a_database_is_read_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And quoted where it has to be."""
    monkeypatch.setenv("DB_PASSWORD", "p@ss/word")
    site = a_site(tmp_path, database="postgresql://b@127.0.0.1/b", database_password="env:DB_PASSWORD")

    assert "p@ss" not in repr(site)
    assert site.database_url == "postgresql://b:p%40ss%2Fword@127.0.0.1/b"


def test_who_is_no_caller_any_more_speaks_for_nobody(tmp_path: Path) -> None:
    """Their kept messages, translated later or replayed, are refused for every practice."""
    allowed = speaking_for(
        a_site(tmp_path, an_operator(tmp_path, practices=("A99999",), certificates=("gp.example",)))
    )

    assert (allowed("operator"), allowed("gone"), allowed("folder:emis")) == (
        frozenset({"A99999"}),
        frozenset(),
        None,
    )
