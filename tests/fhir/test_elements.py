"""The element tables are R4, not R4B."""

from bridge.fhir.elements import elements_of, is_resource


def test_a_task_is_for_somebody() -> None:
    """Elements carry their JSON names, also where Python reserves the word."""
    assert elements_of("Task")["for"].kind == "Reference"


def test_choices_only_r4b_has_are_taken_out() -> None:
    """R4 servers refuse valueCodeableReference."""
    extension = elements_of("Extension")

    assert "valueCodeableConcept" in extension
    assert not {"valueCodeableReference", "valueRatioRange"} & set(extension)


def test_an_observation_is_about_what_r4_allows() -> None:
    """R4B lets it be about an Organization; R4 does not."""
    assert elements_of("Observation")["subject"].targets == {"Patient", "Group", "Device", "Location"}


def test_only_r4_resources_are_resources() -> None:
    """Datatypes, abstract types, R4B news and nonsense are none."""
    assert is_resource("ServiceRequest")
    assert not any(
        map(is_resource, ("Coding", "Resource", "DomainResource", "Citation", "Nope", "", "a.b", "__"))
    )


def test_an_unknown_type_has_no_elements() -> None:
    """A sender's invention is no error of ours."""
    assert elements_of("Nope") == {}
