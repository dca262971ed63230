"""FHIR XML becomes the JSON of the same resource, and nothing in it can harm us."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from bridge.errors import Unreadable
from bridge.fhir import fhir_xml

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SAMPLES = sorted(SHARED.glob("samples/bars/*.xml")) + sorted(SHARED.glob("samples/ukcore/*.xml"))


def xml(inside: str, root: str = "Observation") -> bytes:
    return f'<{root} xmlns="http://hl7.org/fhir">{inside}</{root}>'.encode()


def refused(body: bytes) -> tuple[str, str]:
    with pytest.raises(Unreadable) as caught:
        fhir_xml.loads(body)
    (problem,) = caught.value.problems
    return problem.code, problem.at


def test_types_come_from_the_tables() -> None:
    """What repeats is a list although it stands once; numbers and booleans are typed."""
    made = fhir_xml.loads(
        xml(
            '<status value="final"/><category><text value="x"/></category>'
            '<valueQuantity><value value="1.10"/></valueQuantity>'
            '<component><valueInteger value="3"/></component>'
        )
    )

    assert made == {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"text": "x"}],
        "valueQuantity": {"value": Decimal("1.10")},
        "component": [{"valueInteger": 3}],
    }


def test_a_decimal_keeps_its_digits() -> None:
    """1.10 is not 1.1."""
    made = fhir_xml.loads(xml('<valueQuantity><value value="1.10"/></valueQuantity>'))

    assert str(made["valueQuantity"]["value"]) == "1.10"


def test_extensions_of_primitives_stand_beside_them() -> None:
    """In a list the gaps are null, on either side."""
    made = fhir_xml.loads(
        xml(
            '<name><given value="Ada"/><given id="g"><extension url="u"><valueBoolean value="true"/>'
            '</extension></given><given value="May"/></name><birthDate id="b" value="1951"/>',
            "Patient",
        )
    )

    assert made["name"][0]["given"] == ["Ada", None, "May"]
    assert made["name"][0]["_given"] == [
        None,
        {"id": "g", "extension": [{"url": "u", "valueBoolean": True}]},
        None,
    ]
    assert (made["birthDate"], made["_birthDate"]) == ("1951", {"id": "b"})


def test_contained_resources_and_narrative_survive() -> None:
    """A contained resource has its type; XHTML stays XHTML."""
    made = fhir_xml.loads(
        xml(
            '<text><status value="generated"/>'
            '<div xmlns="http://www.w3.org/1999/xhtml">a <b>b</b></div></text>'
            '<contained><Organization><id value="o"/></Organization></contained>',
            "Patient",
        )
    )

    assert made["contained"] == [{"resourceType": "Organization", "id": "o"}]
    assert made["text"]["div"] == '<div xmlns="http://www.w3.org/1999/xhtml">a <b>b</b></div>'


def test_what_does_not_fit_stays_for_the_checks() -> None:
    """A wrong number stays text, an unknown element keeps its name, a doubled one becomes a list."""
    made = fhir_xml.loads(
        xml('<valueInteger value="three"/><nope value="x"/><status value="a"/><status value="b"/>')
    )

    assert made["valueInteger"] == "three"
    assert made["nope"] == "x"
    assert made["status"] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]>\n' + xml(""), "xml-doctype"),
        (b"\n<!ENTITY a 'b'>" + xml(""), "xml-doctype"),
        (xml("<status"), "xml-syntax"),
        (b"<Patient/>", "xml-namespace"),
        (xml('<x xmlns="urn:other"/>'), "xml-namespace"),
        (xml('<status value="final" other="x"/>'), "xml-content"),
        (xml("<status>final</status>"), "xml-content"),
        (xml("<contained/>"), "xml-content"),
        (xml('<status value="\xff"/>').replace("\xff".encode(), b"\xff"), "xml-not-utf8"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?>' + xml(""), "xml-not-utf8"),
        (xml("<extension>" * 70 + "</extension>" * 70), "xml-depth"),
    ],
)
def test_what_could_harm_us_is_refused_where_it_stands(body: bytes, code: str) -> None:
    """No DTD, no entities, no foreign namespaces, no text that JSON would lose, no endless depth."""
    told, at = refused(body)

    assert told == code
    assert at.startswith(("line ", "byte "))


def test_an_external_entity_is_never_fetched(tmp_path: Path) -> None:
    """The classic attack is refused before the parser sees it."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    body = f'<!DOCTYPE a [<!ENTITY b SYSTEM "{secret.as_uri()}">]>'.encode() + xml('<status value="&b;"/>')

    assert refused(body) == ("xml-doctype", "line 1")


def plain(model: Any) -> dict[str, Any]:
    return dict(model.model_dump(exclude_comments=True))


@pytest.mark.skipif(not SAMPLES, reason="the published examples are not on this machine")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem[:30])
def test_published_examples_come_through_whole(sample: Path) -> None:
    """What we make of XML is valid for the models, and their XML of it is the same resource to us."""
    made = fhir_xml.loads(sample.read_bytes())
    model = get_fhir_model_class(made["resourceType"])
    parsed = model.model_validate(made)

    written = parsed.model_dump_xml()
    again = model.model_validate(fhir_xml.loads(written.encode() if isinstance(written, str) else written))

    assert plain(again) == plain(parsed)
