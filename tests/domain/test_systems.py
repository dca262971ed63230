"""One thing has one name, however a source spells it."""

from urllib.parse import urlsplit

import pytest

from bridge.domain import systems

NAMED = {name: uri for name, uri in vars(systems).items() if name.isupper() and isinstance(uri, str)}


@pytest.mark.parametrize(
    ("met", "kept"),
    [
        ("http://fhir.nhs.net/Id/nhs-number", systems.NHS_NUMBER),
        ("https://fhir.nhs.uk/id/ods-organization-code", systems.ODS_ORGANISATION),
        ("https://fhir.nhs.uk/Id/ubr-number", systems.UBRN),
        ("http://fhir.nhs.uk/Id/dos-service-id", systems.DOS_SERVICE),
        ("https://dmd.nhs.uk/", systems.DMD),
    ],
)
def test_a_spelling_met_in_real_messages_becomes_ours(met: str, kept: str) -> None:
    """Else the same NHS number would be two."""
    assert systems.canonical_system(met) == kept


@pytest.mark.parametrize(
    "uri", ["", "urn:x", "_baseUrl_/STU3/CodeSystem/SPECIALTY", "https://fhir.nhs.uk/Id/NHS-number"]
)
def test_a_system_we_do_not_know_is_left_alone(uri: str) -> None:
    """A guess would turn one identifier into another."""
    assert systems.canonical_system(uri) == uri


def test_every_name_stands_for_another_absolute_uri() -> None:
    """Two constants with one value, or an alias of an alias, would be a slip."""
    assert len(set(NAMED.values())) == len(NAMED)
    assert [name for name, uri in NAMED.items() if systems.canonical_system(uri) != uri] == []
    assert [name for name, uri in NAMED.items() if urlsplit(uri).scheme not in {"http", "https", "urn"}] == []
    assert [name for name, uri in NAMED.items() if uri != uri.strip() or uri.endswith("/")] == []
