"""The key ring is made once, kept private, and known again."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.security.keyring import (
    Use,
    create_key_ring,
    load_key_ring,
    retire,
    rotate,
    save_key_ring,
)


def test_a_new_ring_is_private_and_loads_as_it_was_made(tmp_path: Path) -> None:
    """One key for each use, mode 0600, nothing else left in the folder."""
    path = tmp_path / "ring.json"
    ring = create_key_ring(path)

    assert load_key_ring(f"file:{path}") == ring
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert [key.use for key in ring.keys] == list(Use)


def test_a_ring_comes_from_the_environment_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text, for platforms that hand secrets over as variables."""
    path = tmp_path / "ring.json"
    ring = create_key_ring(path)
    monkeypatch.setenv("BRIDGE_TEST_RING", path.read_text())

    assert load_key_ring("env:BRIDGE_TEST_RING") == ring


def test_a_ring_is_never_overwritten(tmp_path: Path) -> None:
    """Losing a ring loses everything sealed with it."""
    path = tmp_path / "ring.json"
    ring = create_key_ring(path)

    with pytest.raises(ConfigError, match="never overwritten"):
        create_key_ring(path)

    assert load_key_ring(f"file:{path}") == ring


def test_a_ring_open_to_others_is_refused(tmp_path: Path) -> None:
    """Mode 0600 is checked at every start."""
    path = tmp_path / "ring.json"
    create_key_ring(path)
    path.chmod(0o640)

    with pytest.raises(ConfigError, match="chmod 600"):
        load_key_ring(f"file:{path}")


def test_a_ring_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    """No half file is left behind."""
    with pytest.raises(ConfigError, match="cannot be opened: No such file"):
        create_key_ring(tmp_path / "missing" / "ring.json")


@pytest.mark.parametrize("use", list(Use))
def test_rotation_adds_a_current_key_of_that_use_only(tmp_path: Path, use: Use) -> None:
    """Index keys rotate apart from sealing keys: they need every index made anew."""
    ring = create_key_ring(tmp_path / "ring.json")
    rotated = rotate(ring, use)

    assert rotated.of(use)[1:] == ring.of(use)
    assert rotated.of(use)[0] not in ring.keys
    assert all(rotated.of(other) == ring.of(other) for other in Use if other is not use)


def test_a_saved_rotation_keeps_its_order(tmp_path: Path) -> None:
    """The current key is the first of its use in the file."""
    path = tmp_path / "ring.json"
    ring = create_key_ring(path)
    rotated = rotate(rotate(ring), Use.INDEX)
    save_key_ring(path, rotated, replaces=ring)

    assert load_key_ring(f"file:{path}") == rotated
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_rotations_at_once_do_not_lose_a_key(tmp_path: Path) -> None:
    """The second finds that the file is not what it started from."""
    path = tmp_path / "ring.json"
    ring = create_key_ring(path)
    first = rotate(ring)
    save_key_ring(path, first, replaces=ring)

    with pytest.raises(ConfigError, match="changed meanwhile"):
        save_key_ring(path, rotate(ring), replaces=ring)

    assert load_key_ring(f"file:{path}") == first


def test_an_older_key_can_be_retired_and_a_current_one_cannot(tmp_path: Path) -> None:
    """Only when nothing is kept under it any more."""
    ring = create_key_ring(tmp_path / "ring.json")
    rotated = rotate(ring)

    assert ring.of(Use.SEAL)[0] not in retire(rotated, ring.of(Use.SEAL)[0].id).keys
    with pytest.raises(ConfigError, match="is in use"):
        retire(rotated, rotated.of(Use.SEAL)[0].id)
    with pytest.raises(ConfigError, match="has no key"):
        retire(rotated, "00000000")


def test_a_wrong_ring_is_refused_and_a_rotated_one_is_not(tmp_path: Path) -> None:
    """A start with the wrong ring would fill the store with what nobody can open together."""
    ring = create_key_ring(tmp_path / "ring.json")
    kept = ring.fingerprint()
    rotate(ring).refuse_if_wrong(kept)

    with pytest.raises(ConfigError, match="lacks key"):
        create_key_ring(tmp_path / "other.json").refuse_if_wrong(kept)
    with pytest.raises(ConfigError, match="lacks key"):
        ring.refuse_if_wrong(rotate(ring).fingerprint())


def test_the_same_key_id_with_another_key_is_refused(tmp_path: Path) -> None:
    """The check value is of the key, not of its name."""
    path = tmp_path / "ring.json"
    kept = create_key_ring(path).fingerprint()
    document = json.loads(path.read_text())
    document["keys"][0]["key"], document["keys"][1]["key"] = (
        document["keys"][1]["key"],
        document["keys"][0]["key"],
    )
    path.write_text(json.dumps(document))

    with pytest.raises(ConfigError, match="lacks key"):
        load_key_ring(f"file:{path}").refuse_if_wrong(kept)


def test_nothing_of_a_key_is_ever_shown(tmp_path: Path) -> None:
    """Neither by the ring nor by what it says of itself."""
    ring = create_key_ring(tmp_path / "ring.json")
    shown = f"{ring!r} {ring} {ring.fingerprint()}"

    for key in ring.keys:
        assert key.master.hex() not in shown
        assert repr(key.master)[2:-1] not in shown
        assert key.derive("aes-256-gcm").hex() not in shown


def test_each_use_and_label_has_a_key_of_its_own(tmp_path: Path) -> None:
    """Even if one master were given two uses."""
    ring = create_key_ring(tmp_path / "ring.json")
    derived = {key.derive(label) for key in ring.keys for label in ("a", "b", "check")}

    assert len(derived) == 3 * len(ring.keys)
    assert all(len(key) == 32 for key in derived)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["version", "keys", "id", "use", "key"]), inner, max_size=5)
    ),
)


@given(_JSON | st.just({"version": 1, "keys": []}))
def test_what_is_no_ring_is_refused_in_one_sentence(document: object) -> None:
    """And without the exception that knows the text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIDGE_TEST_RING", json.dumps(document))
        with pytest.raises(ConfigError) as caught:
            load_key_ring("env:BRIDGE_TEST_RING")

    assert caught.value.__context__ is None


@pytest.mark.parametrize("damage", ["id", "key", "use"])
def test_a_damaged_key_is_refused_without_being_shown(tmp_path: Path, damage: str) -> None:
    """A short key would still seal; it must not."""
    path = tmp_path / "ring.json"
    create_key_ring(path)
    document = json.loads(path.read_text())
    document["keys"][0][damage] = document["keys"][0][damage][4:]
    path.write_text(json.dumps(document))

    with pytest.raises(ConfigError, match="is not a key ring") as caught:
        load_key_ring(f"file:{path}")

    assert document["keys"][0]["key"] not in str(caught.value)


def test_a_ring_of_another_version_is_refused(tmp_path: Path) -> None:
    """A newer bridge wrote it."""
    path = tmp_path / "ring.json"
    create_key_ring(path)
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))

    with pytest.raises(ConfigError, match="another version"):
        load_key_ring(f"file:{path}")


def test_two_keys_of_one_id_are_refused(tmp_path: Path) -> None:
    """Nobody could tell which one sealed a value."""
    path = tmp_path / "ring.json"
    create_key_ring(path)
    document = json.loads(path.read_text())
    document["keys"].append(document["keys"][0])
    path.write_text(json.dumps(document))

    with pytest.raises(ConfigError, match="same id"):
        load_key_ring(f"file:{path}")
