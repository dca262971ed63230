"""Whoever changes the audit trail without its key is found out, at the row concerned."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.security.audit import START, AuditChain, Head, canonical
from bridge.security.keyring import KeyRing, Use, create_key_ring, rotate

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
ROWS = st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), min_size=1, max_size=8)
Rows = list[dict[str, str | int | bool | None]]
Linked = list[tuple[dict[str, str | int | bool | None], bytes]]


@pytest.fixture(scope="module")
def chain(ring: KeyRing) -> AuditChain:
    return AuditChain(ring)


def linked(chain: AuditChain, rows: Rows) -> Linked:
    done: Linked = []
    for row in rows:
        done.append((row, chain.link(done[-1][1] if done else START.link, row)))
    return done


def head_of(rows: Linked) -> Head:
    return Head(length=len(rows), link=rows[-1][1])


@given(rows=ROWS)
def test_an_untouched_chain_holds(chain: AuditChain, rows: Rows) -> None:
    """With its head and without."""
    done = linked(chain, rows)

    assert chain.verify(done) is None
    assert chain.verify(done, head_of(done)) is None


@given(
    rows=ROWS, where=st.integers(min_value=0), other=st.dictionaries(st.text(max_size=4), VALUES, max_size=4)
)
def test_an_altered_row_is_found(
    chain: AuditChain, rows: Rows, where: int, other: dict[str, str | int | bool | None]
) -> None:
    """Whatever it was altered to."""
    done = linked(chain, rows)
    place = where % len(done)
    assume(canonical(other) != canonical(rows[place]))
    done[place] = (other, done[place][1])

    assert chain.verify(done) == place


@given(rows=ROWS, where=st.integers(min_value=0), bit=st.integers(0, 255))
def test_an_altered_link_is_found(chain: AuditChain, rows: Rows, where: int, bit: int) -> None:
    """One bit is enough."""
    done = linked(chain, rows)
    place = where % len(done)
    row, link = done[place]
    done[place] = (row, (int.from_bytes(link) ^ (1 << bit)).to_bytes(32))

    assert chain.verify(done) == place


@given(rows=ROWS, where=st.integers(min_value=0))
def test_a_removed_row_is_found(chain: AuditChain, rows: Rows, where: int) -> None:
    """At its place; a missing last one by the exported head."""
    done = linked(chain, rows)
    head = head_of(done)
    place = where % len(done)
    del done[place]

    assert chain.verify(done, head) == place


@given(rows=ROWS, kept=st.integers(min_value=0))
def test_a_chain_cut_short_is_found_by_its_head(chain: AuditChain, rows: Rows, kept: int) -> None:
    """Nothing in the rows that are left shows it."""
    done = linked(chain, rows)
    cut = done[: kept % len(done)]

    assert chain.verify(cut, head_of(done)) == len(cut)
    assert chain.verify(cut) is None


@given(rows=ROWS, one=st.integers(min_value=0), other=st.integers(min_value=0))
def test_rows_in_another_order_are_found(chain: AuditChain, rows: Rows, one: int, other: int) -> None:
    """With their links or without them."""
    done = linked(chain, rows)
    first, second = sorted((one % len(done), other % len(done)))
    assume(first != second)
    done[first], done[second] = done[second], done[first]

    assert chain.verify(done) == first


@given(rows=ROWS, more=ROWS)
def test_a_chain_that_grew_since_its_head_holds(chain: AuditChain, rows: Rows, more: Rows) -> None:
    """And one that was written anew from some row on does not, though its links are right."""
    head = head_of(linked(chain, rows))
    rewritten = linked(chain, [*rows[:-1], {**rows[-1], "more": "told"}, *more])

    assert chain.verify(linked(chain, rows + more), head) is None
    assert chain.verify(rewritten, head) == len(rows) - 1


@given(rows=ROWS, archived=st.integers(min_value=0))
def test_a_chain_goes_on_where_archived_rows_end(chain: AuditChain, rows: Rows, archived: int) -> None:
    """Positions go on counting; a wrong beginning is found at once."""
    done = linked(chain, rows)
    place = archived % len(done)
    after = head_of(done[:place]) if place else START

    assert chain.verify(done[place:], head_of(done), after) is None
    assert chain.verify(done[place:], head_of(done), Head(length=place, link=b"\1" * 32)) == place


def test_an_archive_that_ends_elsewhere_than_the_head_says_is_found(chain: AuditChain) -> None:
    """Even when no row came after it."""
    head = head_of(linked(chain, [{"n": 1}]))

    assert chain.verify([], head, Head(length=1, link=b"\1" * 32)) == 1
    assert chain.verify([], head, head) is None


def test_rows_linked_under_an_older_key_still_verify(ring: KeyRing, chain: AuditChain) -> None:
    """A rotation does not break the chain."""
    done = linked(chain, [{"n": 1}])
    newer = AuditChain(rotate(ring, Use.AUDIT))
    done.append(({"n": 2}, newer.link(done[-1][1], {"n": 2})))

    assert newer.verify(done) is None
    assert chain.verify(done) == 1


def test_without_the_key_no_chain_can_be_made(
    tmp_path_factory: pytest.TempPathFactory, ring: KeyRing
) -> None:
    """Whoever can write the store cannot write its history."""
    forger = AuditChain(create_key_ring(tmp_path_factory.mktemp("forger") / "ring.json"))

    assert AuditChain(ring).verify(linked(forger, [{"n": 1}])) == 0


@given(
    one=st.dictionaries(st.text(max_size=4), VALUES, max_size=4),
    other=st.dictionaries(st.text(max_size=4), VALUES, max_size=4),
)
def test_different_rows_never_read_the_same(
    one: dict[str, str | int | bool | None], other: dict[str, str | int | bool | None]
) -> None:
    """1, "1" and true differ; the order of the columns does not matter."""
    same = [(k, type(v), v) for k, v in sorted(one.items())] == [
        (k, type(v), v) for k, v in sorted(other.items())
    ]

    assert (canonical(one) == canonical(other)) == same
    assert canonical(dict(reversed(one.items()))) == canonical(one)


def test_two_halves_of_a_character_are_not_the_character() -> None:
    """JSON escapes would make them equal."""
    assert canonical({"a": "\ud83d\ude00"}) != canonical({"a": "\U0001f600"})


@pytest.mark.parametrize("row", [{"a": 1.5}, {"a": b"x"}, {"a": ["x"]}, {1: "a"}])
def test_what_has_no_one_form_is_refused(chain: AuditChain, row: dict[str, str]) -> None:
    """It cannot be linked, and where it stands in a chain the chain does not hold."""
    with pytest.raises(TypeError):
        chain.link(START.link, row)

    assert chain.verify([(row, START.link)]) == 0


def test_a_link_of_another_length_is_refused(chain: AuditChain) -> None:
    """It would run into the row behind it."""
    with pytest.raises(ValueError, match="32 bytes"):
        chain.link(b"", {"n": 1})
