"""Bytes become one plain tree or a located refusal; nothing else ever comes out."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.errors import Unreadable
from bridge.errors.catalogue import CATALOGUE
from bridge.fhir.inbound import problems_of, read
from bridge.fhir.writing import to_json

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SAMPLES = sorted(p for folder in ("bars", "ukcore", "pds") for p in SHARED.glob(f"samples/{folder}/*.*"))
LIMIT = 1 << 20

NAMES = [
    "resourceType",
    "id",
    "meta",
    "status",
    "code",
    "subject",
    "entry",
    "resource",
    "contained",
    "extension",
    "url",
    "valueString",
    "identifier",
    "_status",
    "reference",
    "type",
    "system",
    "value",
    "coding",
    "fullUrl",
    "birthDate",
    "name",
    "for_fhir",
    "fhir_comments",
    "resource_type",
]
WORDS = ["Patient", "Bundle", "Observation", "Citation", "final", "#a", "urn:uuid:1", "2026-02-30"]
KINDS = ["Patient", "Bundle", "Observation", "ServiceRequest", "Task", "Parameters", "Binary"]

names = st.sampled_from(NAMES)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=8) | st.sampled_from(WORDS)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=25,
)


def resource_of(kind: str, tree: dict[str, object]) -> dict[str, object]:
    return {**tree, "resourceType": kind}


resources = st.builds(resource_of, st.sampled_from(KINDS), st.dictionaries(names, trees, max_size=6))


def refusal_of(body: bytes) -> Unreadable | None:
    """How a body is refused, or None after it was read and could be written again."""
    try:
        resource = read(body, limit=LIMIT)
    except Unreadable as error:
        return error
    assert isinstance(resource["resourceType"], str)
    to_json(resource)
    return None


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"<")
@example(b'{"resourceType":"Patient","id":"\\ud800"}')
@example(b'{"resourceType":"Patient","a":NaN}')
@example(b'{"resourceType":"Patient","a":1,"a":2}')
@example(b'{"resourceType":"Patient","a":' + b"[" * 2000)
@example(b'{"resourceType":"Patient","a":1e999999999}')
@example(b'<Patient xmlns="http://hl7.org/fhir"><id value="&amp;"/></Patient>')
def test_any_bytes_become_a_resource_or_a_located_refusal(body: bytes) -> None:
    """A hostile message can never do more than be refused, and the refusal quotes nothing of it."""
    refusal = refusal_of(body)

    assert refusal is None or refusal.problems
    assert refusal is None or all(p.code in CATALOGUE for p in refusal.problems)


@given(resources)
def test_any_tree_can_be_described(resource: dict[str, object]) -> None:
    """Whatever stands in a resource, the checks say so and never fail."""
    problems = problems_of(json.loads(json.dumps(resource)))

    assert all(p.code in CATALOGUE for p in problems)


@given(st.from_regex(r"[bcdfgh]{9,12}", fullmatch=True))
def test_a_description_never_quotes_the_message(secret: str) -> None:
    """Keys and values of strangers are data: their shape is told, they are not."""
    resource = {
        "resourceType": "Patient",
        secret: secret,
        "gender": secret,
        "birthDate": secret,
        "name": secret,
    }

    told = repr(problems_of(resource))

    assert secret not in told


def test_a_byte_order_mark_is_skipped() -> None:
    """Windows software writes one; it means nothing in UTF-8."""
    assert read(b'\xef\xbb\xbf{"resourceType":"Patient"}', limit=LIMIT) == {"resourceType": "Patient"}


def test_json_and_xml_are_told_apart_by_their_first_character() -> None:
    """Media types are wrong too often."""
    assert read(b'  <Patient xmlns="http://hl7.org/fhir"/>', limit=LIMIT) == {"resourceType": "Patient"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", "fhir-not-a-resource"),
        (b'{"resourceType":5}', "fhir-not-a-resource"),
        (b'{"resourceType":"Citation"}', "fhir-not-a-resource"),
        (b"\xff\xfe{", "json-byte-order-mark"),
        (b'{"resourceType":"Patient","id":"\xff"}', "json-not-utf8"),
        (b"<" + b" " * LIMIT, "xml-too-large"),
        (b" " * (LIMIT + 1), "json-too-large"),
        (b"<Nope xmlns='http://hl7.org/fhir'/>", "fhir-not-a-resource"),
    ],
)
def test_what_is_no_resource_is_refused(body: bytes, code: str) -> None:
    """The sender learns which rule, and where there is a place, where."""
    with pytest.raises(Unreadable) as caught:
        read(body, limit=LIMIT)

    assert caught.value.problems[0].code == code


@pytest.mark.skipif(not SAMPLES, reason="the published examples are not on this machine")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem[:50])
def test_published_examples_are_read_although_some_are_invalid(sample: Path) -> None:
    """Invalid FHIR as published is described, not refused; only _status is no FHIR at all."""
    body = sample.read_bytes()
    if sample.name == "api-_status.json":
        with pytest.raises(Unreadable):
            read(body, limit=LIMIT)
        return

    problems = problems_of(read(body, limit=LIMIT))

    assert all(p.code in CATALOGUE for p in problems)
