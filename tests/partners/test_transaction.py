"""A transaction and its answer: every entry has a condition, and every entry's fate is read."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.errors import Ambiguous, DeliveryError, Refused
from bridge.partners.answers import Answer, Key
from bridge.partners.operation_outcome import Voice
from bridge.partners.transaction import Written, linked, wanted_in, written_of

Make = Callable[..., Any]


def answered(*entries: Any, type_: str = "transaction-response") -> Answer:
    body = {"resourceType": "Bundle", "type": type_, "entry": list(entries)}
    return Answer(status=200, said=Voice.RESOURCE, body=body, version="", reference="", date=None)


def response(status: object, **more: Any) -> dict[str, Any]:
    return {"response": {"status": status, **more}}


@pytest.fixture
def wanted(a_create: Make) -> Any:
    return wanted_in(json.loads(a_create().body))


def test_each_entry_is_known_by_its_condition(wanted: Any) -> None:
    """The key a repeat is recognised by is the one we look for."""
    assert [want.kind for want in wanted] == ["Patient", "ServiceRequest", "Task"]
    assert wanted[0].key == Key("https://fhir.nhs.uk/Id/nhs-number", "9990000018")
    assert wanted[1].key == wanted[2].key
    assert all(want.key.on(want.resource) for want in wanted)


def test_a_filing_that_corrects_is_an_update(a_filing: Make) -> None:
    """Its condition stands in the URL."""
    bundle = json.loads(a_filing(corrects=True).body)["bundle"]
    first, second = wanted_in(bundle)

    assert first.replaces
    assert first.key.on(first.resource)
    assert first.key != second.key


def test_what_became_of_each_entry_is_read(wanted: Any) -> None:
    """From location and ETag, or from the resource when one is given."""
    held = {"resourceType": "Task", "id": "t", "meta": {"versionId": "9"}}
    written = written_of(
        answered(
            response("200 OK", location="http://elm.test/fhir/Patient/p/_history/4"),
            response("201", location="ServiceRequest/s", etag='W/"1"'),
            response("201 Created") | {"resource": held},
        ),
        wanted,
    )

    assert written == (
        Written(kind="Patient", reference="Patient/p", version='W/"4"', created=False),
        Written(kind="ServiceRequest", reference="ServiceRequest/s", version='W/"1"', created=True),
        Written(kind="Task", reference="Task/t", version='W/"9"', created=True),
    )


GOOD = response("201")


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (answered(GOOD, GOOD), Ambiguous, "partner-answer-unexpected"),
        (answered(), Ambiguous, "partner-answer-unexpected"),
        (answered(GOOD, GOOD, GOOD, type_="searchset"), Ambiguous, "partner-answer-unexpected"),
        (answered(GOOD, {}, GOOD), Ambiguous, "partner-answer-unexpected"),
        (answered(GOOD, response("fine"), GOOD), Ambiguous, "partner-answer-unexpected"),
        (answered(GOOD, response("201", location="Group/1"), GOOD), Ambiguous, "partner-answer-unexpected"),
        (answered(GOOD, response("404"), GOOD), Refused, "partner-not-found"),
        (answered(GOOD, response("500"), GOOD), Ambiguous, "partner-failed"),
    ],
)
def test_an_answer_that_does_not_fit_is_no_success(
    wanted: Any, answer: Answer, error: type[DeliveryError], code: str
) -> None:
    """Sent, and nobody said plainly that all of it was stored."""
    with pytest.raises(error) as caught:
        written_of(answer, wanted)

    assert caught.value.code == code


def test_a_good_status_with_an_error_inside_is_a_failure(wanted: Any) -> None:
    """The outcome of an entry counts more than its number."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "required"}]}
    with pytest.raises(Refused) as caught:
        written_of(answered(GOOD, response("200", outcome=outcome), GOOD), wanted)

    (problem,) = caught.value.problems
    assert problem.at == "Bundle.entry[1].response.outcome.issue[0]"


def test_a_warning_inside_is_not(wanted: Any) -> None:
    """Servers remark on much."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "required"}]}

    assert len(written_of(answered(GOOD, response("201", outcome=outcome), GOOD), wanted)) == 3


def test_links_are_followed_into_what_is_contained() -> None:
    """Everything that pointed at an entry points at what it became."""
    resource = {
        "subject": {"reference": "urn:uuid:1"},
        "contained": [{"subject": {"reference": "urn:uuid:1"}}],
    }

    assert linked(resource, {"urn:uuid:1": "Patient/7"}) == {
        "subject": {"reference": "Patient/7"},
        "contained": [{"subject": {"reference": "Patient/7"}}],
    }
