"""References lead where R4 says they lead, or nowhere."""

from bridge.fhir.references import Message
from bridge.fhir.trees import Json


def bundle(*entries: tuple[str, Json]) -> Message:
    held = [{"fullUrl": url, "resource": resource} for url, resource in entries]
    return Message.of({"resourceType": "Bundle", "type": "collection", "entry": held})


ADA: Json = {"resourceType": "Patient", "id": "1", "gender": "female"}
BO: Json = {"resourceType": "Patient", "id": "1", "gender": "male"}


def test_a_urn_leads_to_its_entry() -> None:
    """The usual link inside a transaction."""
    assert bundle(("urn:uuid:a", ADA)).follow({"reference": "urn:uuid:a"}) is ADA


def test_a_relative_reference_leads_to_type_and_id() -> None:
    """Also when it names a version."""
    message = bundle(("https://x.test/fhir/Patient/1", ADA))

    assert message.follow({"reference": "Patient/1"}) is ADA
    assert message.follow({"reference": "Patient/1/_history/3"}) is ADA


def test_an_absolute_reference_leads_only_to_the_same_address() -> None:
    """Patient/1 of another server is another person."""
    message = bundle(("https://x.test/fhir/Patient/1", ADA))

    assert message.follow({"reference": "https://x.test/fhir/Patient/1"}) is ADA
    assert message.follow({"reference": "https://y.test/fhir/Patient/1"}) == {}


def test_a_reference_that_fits_two_leads_nowhere() -> None:
    """A guess could join two people."""
    message = bundle(("https://x.test/fhir/Patient/1", ADA), ("https://y.test/fhir/Patient/1", BO))

    assert message.follow({"reference": "Patient/1"}) == {}
    assert message.follow({"reference": "https://y.test/fhir/Patient/1"}) is BO


def test_a_contained_resource_is_found_in_its_owner_only() -> None:
    """`#p` means something else in each resource; twice the same id means nothing."""
    owner: Json = {"resourceType": "Task", "contained": [{**ADA, "id": "p"}]}
    twice: Json = {"resourceType": "Task", "contained": [{**ADA, "id": "p"}, {**BO, "id": "p"}]}
    message = Message.of(owner)

    assert message.follow({"reference": "#p"}, owner)["gender"] == "female"
    assert message.follow({"reference": "#p"}, twice) == {}
    assert message.follow({"reference": "#p"}) == {}


def test_a_lone_resource_is_its_own_entry() -> None:
    """Its place is its type."""
    (entry,) = Message.of(ADA).entries

    assert (entry.at, entry.kind) == ("Patient", "Patient")


def test_odd_entries_are_passed_over() -> None:
    """An entry without a resource, or none at all, is no surprise."""
    message = Message.of({"resourceType": "Bundle", "entry": [None, {}, {"resource": []}, {"resource": ADA}]})

    assert [e.at for e in message.entries] == ["Bundle.entry[3].resource"]
