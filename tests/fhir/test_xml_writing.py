"""A resource in JSON form becomes FHIR XML that reads back as the same."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.fhir import fhir_xml
from bridge.fhir.xml_writing import to_xml
from tests.fhir.examples import a_bars_message, a_uk_core_bundle

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SAMPLES = sorted(SHARED.glob("samples/bars/*.xml")) + sorted(SHARED.glob("samples/ukcore/*.xml"))


def test_elements_stand_in_the_order_of_the_specification() -> None:
    """XML asks for it; an id is an attribute of a value and an element of a resource."""
    written = to_xml(
        {
            "resourceType": "Patient",
            "birthDate": "1951",
            "name": [{"given": ["Ada"], "id": "n", "family": "Quill"}],
            "id": "p",
            "active": True,
        }
    )

    assert written.decode().partition("?>\n")[2] == (
        '<Patient xmlns="http://hl7.org/fhir"><id value="p"/><active value="true"/>'
        '<name id="n"><family value="Quill"/><given value="Ada"/></name><birthDate value="1951"/></Patient>'
    )


@pytest.mark.parametrize(
    "resource",
    [
        a_uk_core_bundle(),
        a_bars_message(),
        {"resourceType": "Observation", "valueQuantity": {"value": Decimal("1.10")}},
        {"resourceType": "Patient", "name": [{"given": ["Ada", "May"], "_given": [None, {"id": "g"}]}]},
        {"resourceType": "Patient", "_birthDate": {"extension": [{"url": "u", "valueCode": "x"}]}},
        {
            "resourceType": "Basic",
            "text": {"div": '<div xmlns="http://www.w3.org/1999/xhtml">a<b>c</b></div>'},
        },
        {"resourceType": "Patient", "contained": [{"resourceType": "Organization", "name": "<&\"'>"}]},
    ],
)
def test_what_is_written_reads_back_as_the_same(resource: dict[str, Any]) -> None:
    """Extensions of primitives, gaps in lists, resources within, texts that need escapes."""
    assert fhir_xml.loads(to_xml(resource)) == resource


@pytest.mark.skipif(not SAMPLES, reason="published samples are not on this machine")
def test_published_samples_survive_the_way_there_and_back() -> None:
    """Which others wrote."""
    for file in SAMPLES:
        read = fhir_xml.loads(file.read_bytes())

        assert fhir_xml.loads(to_xml(read)) == read, file.name


def test_what_r4_does_not_know_comes_last_under_its_name() -> None:
    """An echo keeps what its sender wrote."""
    written = to_xml({"resourceType": "Patient", "shoeSize": {"of": "9"}, "gender": "female"})

    assert b'<gender value="female"/><shoeSize><of value="9"/></shoeSize></Patient>' in written


def test_a_character_that_xml_cannot_hold_is_an_error() -> None:
    """The caller answers in JSON then."""
    with pytest.raises(ValueError, match="XML"):
        to_xml({"resourceType": "Patient", "gender": "\x01"})
