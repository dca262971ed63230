"""Our own JSON event: one schema, published, and nothing beside it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Unreadable
from bridge.errors.catalogue import CATALOGUE
from bridge.sources import Reading, load
from bridge.sources.json_event import JsonEvent, schema

ROOT = Path(__file__).resolve().parents[2]
ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOURCE = load(ROOT / "mappings" / "sources")["json-event"]
FULL = json.loads((ROOT / "fixtures/json-event/everything-said/message.json").read_text(encoding="utf-8"))


def read(event: object) -> list[Reading]:
    return list(SOURCE.read(json.dumps(event).encode(), arrived=ARRIVED))


def test_the_published_schema_is_current() -> None:
    """Renew it: python -c "from bridge.sources.json_event import schema; print(schema(), end='')"."""
    published = ROOT / "docs" / "reference" / "json-event.schema.json"

    assert published.read_text(encoding="utf-8") == schema()


def leaves(node: dict[str, Any], definitions: dict[str, Any], at: str = "$") -> set[str]:
    """Every place of the schema that holds a value, in the notation of mapping paths."""
    found: set[str] = set()
    for name, part in node.get("properties", {}).items():
        options = [part, *part.get("anyOf", ()), part.get("items", {})]
        inside = [definitions[o["$ref"].rpartition("/")[2]] for o in options if "$ref" in o]
        found |= leaves(inside[0], definitions, f"{at}.{name}") if inside else {f"{at}.{name}"}
    return found


def test_every_part_of_the_schema_is_mapped_or_ignored_with_a_reason() -> None:
    """What we invite senders to say goes somewhere."""
    whole = json.loads(schema())
    mapped = {place.text for rule in SOURCE.mapping.rules for place in rule.places}
    ignored = {place.text for place in SOURCE.mapping.ignored}

    assert leaves(whole, whole["$defs"]) == mapped | ignored


def test_the_fullest_example_says_everything_the_schema_knows() -> None:
    """So that the golden pair of it proves every rule of the mapping at least once."""
    said = JsonEvent.model_validate(FULL)

    assert said.patient is not None
    assert said.referral is not None
    unset = {*JsonEvent.model_fields} - said.model_fields_set
    unset |= {*type(said.patient).model_fields} - said.patient.model_fields_set
    unset |= {*type(said.referral).model_fields} - said.referral.model_fields_set
    assert unset <= {"phone", "phone_work", "deceased_on"}


def test_a_misspelt_key_is_refused_without_telling_it() -> None:
    """It may be a name that slipped into the wrong place."""
    (reading,) = read(FULL | {"Quillfeather": 1})

    assert reading.event is None
    assert [(p.code, p.at) for p in reading.problems] == [("json-unknown-key", "$.{9: AAAAAAAAAAAA}")]


def shuffled(value: Any, order: Any) -> Any:
    """The same JSON with the members of each object in another order."""
    if isinstance(value, list):
        return [shuffled(v, order) for v in value]
    if isinstance(value, dict):
        return {k: shuffled(value[k], order) for k in order.draw(st.permutations(sorted(value)))}
    return value


@given(st.data())
def test_the_same_content_in_another_order_is_the_same_content(order: st.DataObject) -> None:
    """A sender that rebuilds its message does not cause a conflict."""
    (first,), (again,) = read(FULL), read(shuffled(FULL, order))

    assert first.event is not None
    assert again.event is not None
    assert again.event.content == first.event.content


def test_the_clock_is_not_content() -> None:
    """The same said again later is a repeat, not a change."""
    (first,), (again,) = read(FULL), read(FULL | {"version": 9, "time": "2026-11-21T11:00:00Z"})

    assert first.event is not None
    assert again.event is not None
    assert again.event.content == first.event.content
    assert again.event.clock > first.event.clock


@given(
    st.sampled_from(["patient", "referral", "practice", None]),
    st.text(max_size=12),
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.lists(st.text(max_size=3)),
)
def test_whatever_is_put_into_an_event_its_problems_tell_no_key_and_no_value(
    part: str | None, key: str, value: object
) -> None:
    """Hostile or careless, what is told is place, shape and a code of the catalogue."""
    event = json.loads(json.dumps(FULL))
    (event[part] if part else event)[f"~{key}"] = value
    try:
        (reading,) = read(event)
    except Unreadable as refusal:
        assert all(p.code in CATALOGUE for p in refusal.problems)  # noqa: PT017
        return

    assert reading.event is None
    assert [p.code for p in reading.problems] == ["json-unknown-key"]
    assert "~" not in str(reading.problems) + str(reading.unmapped)


@given(st.binary(max_size=80) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode))
def test_any_bytes_are_refused_with_a_place(body: bytes) -> None:
    """No other kind of error reaches the door."""
    try:
        readings = list(SOURCE.read(body, arrived=ARRIVED))
    except Unreadable as refusal:
        assert all(p.code in CATALOGUE and p.at for p in refusal.problems)  # noqa: PT017
    else:
        assert all(r.event is None and r.problems for r in readings)


def test_a_hostile_event_cannot_fill_our_lists() -> None:
    """What is told of one event has an end."""
    (reading,) = read(FULL | {f"key {n}": n for n in range(5000)})

    assert (len(reading.problems), len(reading.unmapped)) == (200, 200)
