"""An issuer's keys are fetched when that may help, and not more often."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.errors import Transient, Unavailable
from bridge.security.public_keys import PublicKeys

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_key(kid: str, **more: Any) -> dict[str, Any]:
    return {"kid": kid, "kty": "RSA", "n": "AQAB", "e": "AQAB"} | more


class Endpoint:
    """Serves what `keys` says and counts how often it was asked; `fault` is raised instead."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.fault: Exception | None = None
        self.asked = 0
        self.before: Callable[[], object] = lambda: None

    def __call__(self) -> bytes:
        self.asked += 1
        self.before()
        if self.fault:
            raise self.fault
        return json.dumps({"keys": self.keys}).encode()


def test_keys_are_fetched_once_and_kept() -> None:
    """Nothing is fetched before the first token comes."""
    endpoint = Endpoint(a_key("one"))
    keys = PublicKeys(endpoint)
    assert endpoint.asked == 0

    assert [keys.find("one", NOW + n * MINUTE) for n in range(59)] == [a_key("one")] * 59
    assert endpoint.asked == 1


def test_a_new_key_is_found_as_soon_as_it_is_used() -> None:
    """The issuer rotated: an unknown key id is worth a fetch."""
    endpoint = Endpoint(a_key("one"))
    keys = PublicKeys(endpoint)
    keys.find("one", NOW)
    endpoint.keys.append(a_key("two"))

    assert keys.find("two", NOW + MINUTE) == a_key("two")


def test_unknown_key_ids_cause_one_fetch_a_minute() -> None:
    """A stranger cannot make us call the issuer as often as it calls us."""
    endpoint = Endpoint(a_key("one"))
    keys = PublicKeys(endpoint)

    for n in range(100):
        assert keys.find(f"x{n}", NOW + timedelta(seconds=n)) is None
    assert endpoint.asked == 2


def test_a_withdrawn_key_stops_within_the_hour() -> None:
    """That is how an issuer takes back a lost key."""
    endpoint = Endpoint(a_key("one"))
    keys = PublicKeys(endpoint)
    keys.find("one", NOW)
    endpoint.keys = [a_key("two")]

    assert keys.find("one", NOW + 60 * MINUTE) is None


@pytest.mark.parametrize("fault", [OSError("away"), Transient("away")])
def test_known_keys_stay_usable_for_a_day_while_the_issuer_is_away(fault: Exception) -> None:
    """Then it is our failure to check, not the caller's to prove."""
    endpoint = Endpoint(a_key("one"))
    keys = PublicKeys(endpoint)
    keys.find("one", NOW)
    endpoint.fault = fault

    assert keys.find("one", NOW + timedelta(hours=23)) == a_key("one")
    with pytest.raises(Unavailable):
        keys.find("one", NOW + timedelta(hours=24))


@pytest.mark.parametrize("keys", [[], [a_key("one", d="AQAB")], [a_key("one", use="enc")], ["one"], [{}]])
def test_what_holds_no_signing_key_is_no_answer(keys: list[Any]) -> None:
    """A published private key is nobody's proof."""
    with pytest.raises(Unavailable):
        PublicKeys(Endpoint(*keys)).find("one", NOW)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"keys": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_key_set_is_no_answer(body: bytes) -> None:
    """A proxy's page, half a file."""
    with pytest.raises(Unavailable):
        PublicKeys(lambda: body).find("one", NOW)


def test_one_thread_fetches_while_callers_of_known_keys_go_on() -> None:
    """A slow issuer does not hold up everyone."""
    endpoint = Endpoint(a_key("one"))
    keys = PublicKeys(endpoint)
    keys.find("one", NOW)
    started, finish = threading.Event(), threading.Event()
    endpoint.before = lambda: (started.set(), finish.wait(10))
    later = NOW + 2 * 60 * MINUTE
    slow = threading.Thread(target=keys.find, args=("two", later))
    slow.start()
    started.wait(10)

    assert keys.find("one", later) == a_key("one")
    assert slow.is_alive()
    finish.set()
    slow.join(10)
    assert endpoint.asked == 2
