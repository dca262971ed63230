"""Any JSON payload answers to plain paths."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Unreadable
from bridge.sources.json_record import JsonRecord, Step, parse_path, records


def record(value: object) -> JsonRecord:
    return next(records(json.dumps(value).encode()))


def values(value: object, path: str) -> list[str | None]:
    return [found.value for found in record(value).get(parse_path(path))]


PAYLOAD = {
    "ref": {"id": 7, "when": None, "open": True, "score": 1.5, "note": "  "},
    "ids": [{"type": "local", "value": "P-1"}, {"type": "nhs", "value": "9990000018"}],
    "odata.id": "x",
    "names": [{"given": ["Ada", "Maud"]}, {"given": "Bea"}],
    "a b": {"c-d": "y"},
}

FOUND = {
    "$.ref.id": ["7"],
    "$.ref.open": ["true"],
    "$.ref.score": ["1.5"],
    "$.ref.when": [],
    "$.ref.note": [],
    "$.ref.nothing": [],
    "$.ref.id.deeper": [],
    "$.ids[type=nhs].value": ["9990000018"],
    "$.ids.value": ["P-1", "9990000018"],
    '$."odata.id"': ["x"],
    "$.names.given": ["Ada", "Maud", "Bea"],
    "$.a b.c-d": ["y"],
    "$.ref": [None],
}


@pytest.mark.parametrize(("path", "expected"), FOUND.items())
def test_a_path_finds_what_stands_there(path: str, expected: list[str | None]) -> None:
    """Arrays stand for their elements; null and blank are nothing; an object is there but is no value."""
    assert values(PAYLOAD, path) == expected


def test_an_exponent_is_written_out() -> None:
    """A number is told as digits, however the sender wrote it."""
    body = b'{"n": 1E+3, "m": 1.10}'

    assert [next(records(body)).get(parse_path(p))[0].value for p in ("$.n", "$.m")] == ["1000", "1.10"]


def test_each_value_knows_its_place_and_its_siblings() -> None:
    """The code and the text of one reason belong together."""
    reasons = record({"reasons": [{"code": "1"}, {"code": "2", "text": "two"}], "tags": ["a", "b"]})

    assert [(f.at, f.group) for f in reasons.get(parse_path("$.reasons.code"))] == [
        ("$.reasons[0].code", "$.reasons[0]"),
        ("$.reasons[1].code", "$.reasons[1]"),
    ]
    assert reasons.get(parse_path("$.reasons.text"))[0].group == "$.reasons[1]"
    assert [f.group for f in reasons.get(parse_path("$.tags"))] == ["$.tags[0]", "$.tags[1]"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "$",
        "name",
        "$.",
        "$..a",
        "$.a[0]",
        "$.a[b=c][d=e]",
        "$.a[b=]",
        "$.a[=c]",
        "$.a]",
        "$.a[b=c",
        "$.*[",
        '$."a',
    ],
)
def test_what_is_no_path_is_refused_when_the_mapping_is_read(path: str) -> None:
    """One equality at most in a step, and no other notation."""
    with pytest.raises(ValueError, match="not a place"):
        parse_path(path)


def test_a_selected_member_may_hold_a_uri() -> None:
    """Dots and colons in what is compared are not steps."""
    path = parse_path("$.identifier[system=https://fhir.nhs.uk/Id/nhs-number].value")

    assert path == (Step("identifier", "system", "https://fhir.nhs.uk/Id/nhs-number"), Step("value"))


def test_an_array_holds_several_events() -> None:
    """Each is told by its count, from 1."""
    assert [r.position for r in records(b'[{"a": 1}, {"a": 2}]')] == ["event 1", "event 2"]


@pytest.mark.parametrize(("body", "at"), [(b"[]", "$"), (b"7", "$"), (b'[{"a": 1}, 7]', "event 2")])
def test_what_holds_no_event_is_refused_as_a_whole(body: bytes, at: str) -> None:
    """Nothing of it is used, so nothing of it can be missed."""
    with pytest.raises(Unreadable) as refusal:
        list(records(body))

    assert [(p.code, p.at) for p in refusal.value.problems] == [("json-no-event", at)]


def test_what_no_path_reaches_is_told_once_by_name_or_by_shape() -> None:
    """A name that the mapping does not mention may be data; a value is never told."""
    payload = {
        "id": "1",
        "patient": {"name": "Zebedee", "Mrs Quillfeather": {"name": "x"}, "extra": ["a", "b"], "none": None},
        "ids": [{"type": "nhs", "value": "1", "use": "old"}, {"type": "local", "value": "2"}],
        "audit": {"who": "someone", "when": "then"},
    }
    known = [parse_path(p) for p in ("$.id", "$.ids[type=nhs].value", "$.audit", "$.other.name")]

    assert record(payload).unused(known) == [
        "$.{2: AAAAAAA}.name",
        "$.{2: AAAAAAA}.{2: AAA AAAAAAAAAAAA}.name",
        "$.{2: AAAAAAA}.{3: AAAAA}",
        "$.ids.{3: AAA}",
        "$.ids.type",
        "$.ids.value",
    ]


def test_a_value_where_the_mapping_expects_an_object_is_told() -> None:
    """A path that stops short of its end has not used what it met."""
    assert record({"patient": "Zebedee"}).unused([parse_path("$.patient.name")]) == ["$.patient"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), JSON))
def test_the_ledger_holds_no_value_and_no_key(payload: dict[str, object]) -> None:
    """Whatever is sent, what is told of it is place and shape."""
    try:
        told = record(payload).unused([])
    except Unreadable:
        return

    assert all(set(notation) <= set("$.{}:0123456789A? -/+_…") for notation in told)


@given(
    st.dictionaries(st.sampled_from("abcd"), JSON, min_size=1),
    st.sampled_from(["$.a", "$.b.c", "$.a[b=c].d"]),
)
def test_any_path_may_be_asked_of_any_payload(payload: dict[str, object], path: str) -> None:
    """What is not there is not found; nothing else happens."""
    try:
        asked = record(payload)
    except Unreadable:
        return

    assert all(found.at.startswith("$.") for found in asked.get(parse_path(path)))
