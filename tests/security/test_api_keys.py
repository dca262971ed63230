"""An API key is shown once, kept as a hash, and ends on its day."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError, Unauthenticated
from bridge.security.api_keys import ApiKey, ApiKeys, NewApiKey, new_api_key
from bridge.security.caller import Caller, Role
from bridge.security.secrets import Secret

TODAY = date(2026, 11, 21)
EMIS = Caller(name="emis", roles=frozenset({Role.SYSTEM}))
HARBOUR = Caller(name="harbour", roles=frozenset({Role.SERVICE}), service="harbour")


def kept(folder: Path, digest: str, caller: Caller = EMIS, last_day: date = TODAY) -> ApiKey:
    path = folder / f"{caller.name}-{len(list(folder.iterdir()))}"
    path.write_text(f"{digest}\n")
    path.chmod(0o600)
    return ApiKey(caller=caller, digest=Secret.parse(f"file:{path}"), last_day=last_day)


def test_a_key_finds_its_caller(tmp_path: Path) -> None:
    """Each its own."""
    emis, harbour = new_api_key(), new_api_key()
    keys = ApiKeys([kept(tmp_path, emis.digest), kept(tmp_path, harbour.digest, HARBOUR)])

    assert keys.caller(emis.token, TODAY) is EMIS
    assert keys.caller(harbour.token, TODAY) is HARBOUR


@given(shown=st.text(max_size=60))
def test_any_other_text_is_nobody(shown: str) -> None:
    """Whatever it holds, and without saying it again."""
    with pytest.raises(Unauthenticated) as caught:
        ApiKeys(()).caller(shown + "#", TODAY)

    assert str(caught.value) == "credential-refused at API key"


def test_a_key_that_differs_in_one_character_is_nobody(tmp_path: Path) -> None:
    """At any place; the digest itself is no key either."""
    key = new_api_key()
    keys = ApiKeys([kept(tmp_path, key.digest)])

    for n in range(len(key.token)):
        with pytest.raises(Unauthenticated):
            keys.caller(key.token[:n] + "#" + key.token[n + 1 :], TODAY)
    with pytest.raises(Unauthenticated):
        keys.caller(key.digest, TODAY)


def test_a_key_works_through_its_last_day(tmp_path: Path) -> None:
    """And says afterwards that it expired, which only its holder can see."""
    key = new_api_key()
    keys = ApiKeys([kept(tmp_path, key.digest)])

    assert keys.caller(key.token, TODAY) is EMIS
    with pytest.raises(Unauthenticated, match="credential-expired"):
        keys.caller(key.token, TODAY + timedelta(days=1))


def test_two_keys_of_one_caller_overlap(tmp_path: Path) -> None:
    """The successor works before the old one ends, so nothing is lost between them."""
    old, new = new_api_key(), new_api_key()
    keys = ApiKeys(
        [kept(tmp_path, old.digest), kept(tmp_path, new.digest, last_day=TODAY + timedelta(days=90))]
    )

    assert keys.caller(old.token, TODAY) is keys.caller(new.token, TODAY) is EMIS


def test_a_third_key_of_one_caller_is_refused(tmp_path: Path) -> None:
    """Old keys are taken away, not piled up."""
    with pytest.raises(ConfigError, match="two at once"):
        ApiKeys([kept(tmp_path, new_api_key().digest) for _ in range(3)])


def test_one_digest_for_two_callers_is_refused(tmp_path: Path) -> None:
    """Nobody could tell them apart."""
    key = new_api_key()

    with pytest.raises(ConfigError, match="same digest"):
        ApiKeys([kept(tmp_path, key.digest), kept(tmp_path, key.digest, HARBOUR)])


def test_the_key_itself_where_its_hash_belongs_is_refused_without_being_shown(tmp_path: Path) -> None:
    """The likeliest mistake."""
    key = new_api_key()

    with pytest.raises(ConfigError, match="holds no SHA-256") as caught:
        ApiKeys([kept(tmp_path, key.token)])

    assert key.token not in str(caught.value)


def test_new_keys_are_long_random_and_not_printed() -> None:
    """256 bits after the prefix."""
    made: list[NewApiKey] = [new_api_key() for _ in range(200)]

    assert len({key.token for key in made}) == 200
    assert all(len(key.token) == 47 and key.token.startswith("rbk_") for key in made)
    assert made[0].token not in repr(made[0])
