"""JSON has one meaning or a located refusal."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.strict_json import loads
from bridge.errors import Unreadable
from bridge.errors.catalogue import CATALOGUE

LIMIT = 10_000

REFUSED = {
    "a repeated key": (b'{"a": 1,\n "b": {"c": 1, "c": 2}}', "json-duplicate-key", "line 2, column 16"),
    "a repeated key in another spelling": (
        b'{"a": 1, "\\u0061": 2}',
        "json-duplicate-key",
        "line 1, column 10",
    ),
    "not a number": (b'{"a": NaN}', "json-constant", "line 1, column 7"),
    "minus infinity": (b"[-Infinity]", "json-constant", "line 1, column 2"),
    "half a surrogate pair": (b'{"a": "\\ud800"}', "json-character", "line 1, column 7"),
    "a surrogate key": (b'{"\\udc00": 1}', "json-character", "line 1, column 2"),
    "a NUL": (b'["\\u0000"]', "json-character", "line 1, column 2"),
    "too many levels": (b"[" * 65 + b"]" * 65, "json-depth", "line 1, column 65"),
    "levels beyond the parser": (b"[" * 5000 + b"]" * 5000, "json-depth", "line 1, column 65"),
    "a broken text below the levels": (b"[" * 5000 + b'"\\q"', "json-depth", "line 1, column 65"),
    "too many bytes": (b" " * (LIMIT + 1), "json-too-large", f"byte {LIMIT}"),
    "a long number": (b"[" + b"9" * 5000 + b"]", "json-number", "line 1, column 2"),
    "a vast exponent": (b"[1e999999999999999999999]", "json-number", "line 1, column 2"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "json-byte-order-mark", "byte 0"),
    "UTF-16": ("{}".encode("utf-16"), "json-byte-order-mark", "byte 0"),
    "Latin-1": ('{"a": "José"}'.encode("latin-1"), "json-not-utf8", "byte 10"),
    "nothing": (b"", "json-syntax", "line 1, column 1"),
    "two values": (b"{} {}", "json-syntax", "line 1, column 4"),
    "a trailing comma": (b'{"a": 1,\n}', "json-syntax", "line 2, column 1"),
    "a raw line break in a text": (b'{"a": "x\ny"}', "json-syntax", "line 1, column 9"),
}


@pytest.mark.parametrize(("body", "code", "at"), REFUSED.values(), ids=REFUSED.keys())
def test_what_has_no_single_meaning_is_refused_where_it_stands(body: bytes, code: str, at: str) -> None:
    """A sender can only mend what is named by line and column or byte."""
    with pytest.raises(Unreadable) as refusal:
        loads(body, limit=LIMIT)

    assert (refusal.value.problems[0].code, refusal.value.problems[0].at) == (code, at)
    assert code in CATALOGUE


def test_every_problem_is_told_at_once() -> None:
    """One round trip mends the message."""
    with pytest.raises(Unreadable) as refusal:
        loads(b'{"a": NaN, "a": 1, "b": "\\ud800"}', limit=LIMIT)

    assert [p.code for p in refusal.value.problems] == [
        "json-constant",
        "json-duplicate-key",
        "json-character",
    ]


def test_a_hostile_message_cannot_make_us_count_for_ever() -> None:
    """The list of problems has an end."""
    with pytest.raises(Unreadable) as refusal:
        loads(b"[" + b"NaN," * 2000 + b"0]", limit=LIMIT)

    assert len(refusal.value.problems) == 50


def test_a_refusal_never_repeats_a_value_or_a_key() -> None:
    """Keys are data too: a careless sender writes a name there."""
    with pytest.raises(Unreadable) as refusal:
        loads(b'{"Zebedee": 1, "Zebedee": NaN, "x": "Quillfeather\\ud800"}', limit=LIMIT)

    told = str(refusal.value) + repr(refusal.value.problems)
    assert "Zebedee" not in told
    assert "Quillfeather" not in told


def test_a_fraction_keeps_its_digits() -> None:
    """A score of 1.10 was measured more finely than 1.1."""
    value = loads(b'{"pair": "\\ud83d\\ude00", "score": 1.10, "key": 12345678901234567890}', limit=LIMIT)

    assert value == {"pair": "😀", "score": Decimal("1.10"), "key": 12345678901234567890}
    assert str(value["score"]) == "1.10"


def test_sixty_four_levels_are_allowed() -> None:
    """The limit refuses attacks, not referrals."""
    assert loads(b"[" * 64 + b"]" * 64, limit=LIMIT)


def test_a_reader_deep_in_the_stack_still_refuses_rather_than_returns_nothing() -> None:
    """A parser that ran out of stack has not read the message."""

    def dig(levels: int) -> object:
        return dig(levels - 1) if levels else loads(b"[" * 5000, limit=LIMIT, depth=6000)

    with pytest.raises(Unreadable):
        dig(100)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES.filter(lambda v: "\\u0000" not in json.dumps(v)), st.booleans())
def test_what_a_good_sender_writes_comes_through_unchanged(value: object, escaped: bool) -> None:  # noqa: FBT001
    """Strictness costs an honest message nothing."""
    body = json.dumps(value, ensure_ascii=escaped).encode()

    assert loads(body, limit=1_000_000) == value


@given(st.binary(max_size=200) | st.text('{}[]",:0-eNaN\\u d8').map(str.encode))
def test_any_bytes_are_read_or_refused_with_a_place(body: bytes) -> None:
    """Hostile bytes never surface as another kind of error."""
    try:
        loads(body, limit=LIMIT)
    except Unreadable as refusal:
        assert all(p.code in CATALOGUE and p.at for p in refusal.problems)  # noqa: PT017
