"""Places, versions and identifiers mean the same however they are worded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.partners.answers import Key, etag_of, place_of


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("ServiceRequest/12", ("ServiceRequest/12", "")),
        ("ServiceRequest/12/_history/3", ("ServiceRequest/12", 'W/"3"')),
        ("/fhir/ServiceRequest/12/", ("ServiceRequest/12", "")),
        ("https://elm.test/fhir/R4/ServiceRequest/a-b.c/_history/1", ("ServiceRequest/a-b.c", 'W/"1"')),
        ("ServiceRequest", ("", "")),
        ("ServiceRequest/12?x=1", ("", "")),
        ("urn:uuid:12", ("", "")),
        ("xServiceRequest/12", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_location_names_type_id_and_version(location: str, place: tuple[str, str]) -> None:
    """Relative or absolute, with a version or without; what is none of these names nothing."""
    assert place_of(location) == place


@pytest.mark.parametrize(
    ("value", "tag"),
    [('W/"3"', 'W/"3"'), ('"3"', '"3"'), ("3", 'W/"3"'), ("", ""), ('W/"a" b', ""), ('"a\r\nX: 1"', "")],
)
def test_an_etag_is_kept_as_it_was_given(value: str, tag: str) -> None:
    """So that If-Match gives it back unchanged; what could break a header is none."""
    assert etag_of(value) == tag


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_token_names_its_identifier_and_no_other(system: str, value: str) -> None:
    """Whatever stands in it: bars, commas and backslashes are escaped."""
    assert Key.of_token(Key(system, value).token) == Key(system, value)


@pytest.mark.parametrize(("token", "key"), [("v", Key("", "v")), ("|v", Key("", "v")), ("s|", Key("s", ""))])
def test_a_token_may_lack_its_system(token: str, key: Key) -> None:
    """Then any system will do."""
    assert Key.of_token(token) == key
