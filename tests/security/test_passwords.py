"""Passwords are kept as Argon2id, and nothing but the right one opens."""

import pytest

from bridge.errors import Unacceptable
from bridge.security import passwords

GOOD = "copper kettle weather"


def test_a_password_is_known_again_by_its_hash_alone() -> None:
    """Two hashes of one password differ, so that equal passwords do not show."""
    first, second = passwords.hashed(GOOD, of="kim"), passwords.hashed(GOOD, of="kim")

    assert first != second
    assert [passwords.is_it(GOOD, each) for each in (first, second)] == [True, True]
    assert not passwords.is_it(GOOD + "!", first)


def test_accents_are_the_same_however_they_are_composed() -> None:
    """One keyboard sends é, another e and an accent."""
    kept = passwords.hashed("caf\u00e9 au lait matin", of="kim")

    assert passwords.is_it("cafe\u0301 au lait matin", kept)


@pytest.mark.parametrize("kept", ["", "not a hash"])
def test_where_there_is_no_hash_no_password_is_right(kept: str) -> None:
    """Not even the one that is compared with for the time it takes."""
    assert not passwords.is_it("nobody signs in with this", kept)


@pytest.mark.parametrize("weak", ["elevenchars", "KIM was here today", "x" * 201, ""])
def test_a_weak_password_is_refused(weak: str) -> None:
    """Too short, with the account's name in it, or longer than anybody types."""
    with pytest.raises(Unacceptable):
        passwords.hashed(weak, of="kim")
