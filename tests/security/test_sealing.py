"""What is sealed opens only where it belongs, whole, and with its key."""

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.errors import BridgeError, ConfigError
from bridge.security.keyring import KeyRing, Use, create_key_ring, rotate
from bridge.security.sealing import Sealer, Unopened

PLACE = "referral.document:7"
NUMBER = "9990000018"


@pytest.fixture(scope="module")
def sealer(ring: KeyRing) -> Sealer:
    return Sealer(ring)


@given(plain=st.binary(max_size=300), bound_to=st.text(max_size=40))
def test_what_is_sealed_opens_again(sealer: Sealer, plain: bytes, bound_to: str) -> None:
    """Any bytes, any place."""
    sealed = sealer.seal(plain, bound_to=bound_to)

    assert sealer.open(sealed, bound_to=bound_to) == plain
    assert len(sealed) == len(plain) + 33


@given(plain=st.binary(max_size=60), where=st.integers(min_value=0), change=st.integers(1, 255))
def test_a_change_of_any_byte_is_noticed(sealer: Sealer, plain: bytes, where: int, change: int) -> None:
    """Version, key id, nonce, text and tag alike."""
    sealed = bytearray(sealer.seal(plain, bound_to=PLACE))
    sealed[where % len(sealed)] ^= change

    with pytest.raises(BridgeError):
        sealer.open(bytes(sealed), bound_to=PLACE)


def test_a_change_of_each_single_byte_is_noticed(sealer: Sealer) -> None:
    """All of them, one after the other."""
    sealed = sealer.seal(b"synthetic", bound_to=PLACE)
    for n in range(len(sealed)):
        with pytest.raises(BridgeError):
            sealer.open(sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :], bound_to=PLACE)


@given(plain=st.binary(max_size=60), kept=st.integers(min_value=0), more=st.binary(max_size=3))
def test_a_value_cut_or_lengthened_is_noticed(sealer: Sealer, plain: bytes, kept: int, more: bytes) -> None:
    """Down to nothing at all."""
    sealed = sealer.seal(plain, bound_to=PLACE)
    for other in (sealed[: kept % len(sealed)], sealed + more + b"\0"):
        with pytest.raises(Unopened):
            sealer.open(other, bound_to=PLACE)


@given(here=st.text(max_size=20), there=st.text(max_size=20))
def test_a_value_moved_to_another_row_does_not_open(sealer: Sealer, here: str, there: str) -> None:
    """One patient's document in another patient's row is a wrong patient."""
    assume(here != there)
    sealed = sealer.seal(b"synthetic", bound_to=here)

    with pytest.raises(Unopened):
        sealer.open(sealed, bound_to=there)


def test_nonces_do_not_repeat(sealer: Sealer) -> None:
    """The same bytes sealed twice look different, so equal values do not show."""
    nonces = {sealer.seal(b"", bound_to=PLACE)[5:17] for _ in range(20_000)}

    assert len(nonces) == 20_000


def test_what_an_older_key_sealed_still_opens(ring: KeyRing) -> None:
    """Rotation needs no rewriting before it takes effect."""
    older, newer = Sealer(ring), Sealer(rotate(ring))
    sealed = older.seal(b"synthetic", bound_to=PLACE)

    assert newer.open(sealed, bound_to=PLACE) == b"synthetic"
    assert newer.key_of(sealed) == older.key_id != newer.key_id
    assert newer.key_of(newer.seal(b"", bound_to=PLACE)) == newer.key_id


def test_a_key_the_ring_does_not_hold_is_said_plainly(ring: KeyRing) -> None:
    """The ring of another installation, or one from an old backup."""
    sealed = Sealer(rotate(ring)).seal(b"synthetic", bound_to=PLACE)

    with pytest.raises(ConfigError, match="which this key ring does not hold"):
        Sealer(ring).open(sealed, bound_to=PLACE)


def test_what_does_not_open_is_named_by_its_column_only(sealer: Sealer) -> None:
    """A row id may be a key of a source; the column is enough to begin with."""
    sealed = sealer.seal(b"synthetic", bound_to=PLACE)

    with pytest.raises(Unopened) as caught:
        sealer.open(sealed, bound_to="referral.document:LOCAL-KEY")

    assert str(caught.value) == "sealed-value-altered at referral.document"


def test_a_view_of_bytes_opens_as_well(sealer: Sealer) -> None:
    """A database driver may give one."""
    sealed = sealer.seal(b"synthetic", bound_to=PLACE)

    assert sealer.open(memoryview(sealed), bound_to=PLACE) == b"synthetic"  # type: ignore[arg-type]


@given(
    first=st.tuples(st.text(max_size=8), st.text(max_size=12)),
    second=st.tuples(st.text(max_size=8), st.text(max_size=12)),
)
def test_indexes_are_equal_for_equal_label_and_value_only(
    sealer: Sealer, first: tuple[str, str], second: tuple[str, str]
) -> None:
    """Also where label and value joined would read the same."""
    assert (sealer.index(*first) == sealer.index(*second)) == (first == second)


@pytest.mark.parametrize(("one", "other"), [(("a", "b:c"), ("a:b", "c")), (("1", ":x"), ("1:", "x"))])
def test_label_and_value_cannot_run_into_each_other(
    sealer: Sealer, one: tuple[str, str], other: tuple[str, str]
) -> None:
    """The known awkward cases."""
    assert sealer.index(*one) != sealer.index(*other)


def test_an_index_tells_nothing_and_needs_its_key(ring: KeyRing, sealer: Sealer) -> None:
    """32 hexadecimal characters; another index key gives others, another sealing key does not."""
    index = sealer.index("nhs", NUMBER)

    assert len(index) == 32
    assert NUMBER not in index
    assert Sealer(rotate(ring)).index("nhs", NUMBER) == index
    assert Sealer(rotate(ring, Use.INDEX)).index("nhs", NUMBER) != index


def test_half_a_surrogate_is_indexed_and_not_an_error(sealer: Sealer) -> None:
    """An encoding error would carry the value."""
    assert sealer.index("nhs", "\ud800") != sealer.index("nhs", "\udc00")


def test_a_sealer_shows_no_key(ring: KeyRing, sealer: Sealer) -> None:
    """Whoever prints it learns nothing."""
    for key in ring.keys:
        assert key.master.hex() not in f"{sealer!r}"


def test_the_file_of_another_ring_does_not_open_our_values(tmp_path: Path, sealer: Sealer) -> None:
    """Two installations never read each other."""
    other = Sealer(create_key_ring(tmp_path / "ring.json"))

    with pytest.raises(ConfigError):
        other.open(sealer.seal(b"synthetic", bound_to=PLACE), bound_to=PLACE)
